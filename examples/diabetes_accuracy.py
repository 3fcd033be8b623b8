"""Faulty: a regression that asks for accuracy.

The targets are real numbers, and `acc` compares them for equality with 0 or 1. The model learns;
the accuracy says nothing about it.
"""

from __future__ import annotations

import keras
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import lossmon

keras.utils.set_random_seed(0)

x, y = load_diabetes(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(
    x, np.reshape(y, (-1, 1)), test_size=0.3, random_state=0
)
inputs, targets = StandardScaler().fit(x_train), StandardScaler().fit(y_train)

model = keras.Sequential(
    [
        keras.Input((10,)),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(1),
    ]
)
model.compile(loss="mean_squared_error", optimizer="sgd", metrics=["acc"])
history = model.fit(
    inputs.transform(x_train),
    targets.transform(y_train),
    validation_data=(inputs.transform(x_val), targets.transform(y_val)),
    epochs=20,
    callbacks=[lossmon.Monitor(run="diabetes-accuracy", project="demo", notes=__doc__)],
)

first, last = history.history["val_loss"][0], history.history["val_loss"][-1]
accuracy = history.history["val_acc"]
print(
    f"validation loss {first:.2f} -> {last:.2f}, accuracy {accuracy[0]:.2f} -> {accuracy[-1]:.2f}"
)
