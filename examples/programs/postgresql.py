"""Runs of many machines in one database: PostgreSQL, named by `$LOSSMON_DB` or below."""

from __future__ import annotations

import os

import keras
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

import lossmon

keras.utils.set_random_seed(0)

# Passwords belong into ~/.pgpass or $PGPASSWORD, not into programs.
database = os.environ.get("LOSSMON_DB", "postgresql+psycopg://lossmon@localhost/lossmon")

x, y = load_breast_cancer(return_X_y=True)
train = len(x) * 7 // 10  # the rest validates: the scaler must not see it
x = StandardScaler().fit(x[:train]).transform(x)
model = keras.Sequential([keras.Input((30,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(
    x,
    y,
    validation_split=0.3,
    epochs=3,
    callbacks=[lossmon.Monitor(database, run="postgresql", project="programs")],
)
