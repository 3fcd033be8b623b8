"""Regression: no accuracy, because there is none; the mean absolute error in its unit instead."""

from __future__ import annotations

import keras
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import lossmon

keras.utils.set_random_seed(0)

x, progression = load_diabetes(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(
    x, progression[:, None], test_size=0.3, random_state=0
)
inputs, targets = StandardScaler().fit(x_train), StandardScaler().fit(y_train)
x_train, x_val = inputs.transform(x_train), inputs.transform(x_val)
y_train, y_val = targets.transform(y_train), targets.transform(y_val)

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
