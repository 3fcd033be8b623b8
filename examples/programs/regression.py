"""Regression: no accuracy, because there is none; the mean absolute error in its unit instead."""

from __future__ import annotations

import keras
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import lossmon

keras.utils.set_random_seed(0)

x, progression = load_diabetes(return_X_y=True)
scaled = StandardScaler().fit_transform(progression[:, None])
x_train, x_val, y_train, y_val = train_test_split(
    StandardScaler().fit_transform(x), scaled, test_size=0.3, random_state=0
)

model = keras.Sequential(
    [keras.Input((10,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(1)]
)
model.compile("adam", "mse", metrics=["mae"])
model.fit(
    x_train,
    y_train,
    validation_data=(x_val, y_val),
    epochs=15,
    callbacks=[lossmon.Monitor(run="regression", project="programs")],
)
