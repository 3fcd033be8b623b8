"""Two outputs: which digit it is, and how much ink there is, each with its own loss."""

from __future__ import annotations

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import lossmon

keras.utils.set_random_seed(0)

images, digits = load_digits(return_X_y=True)
ink = images.mean(axis=1, keepdims=True) / 16
x_train, x_val, y_train, y_val, ink_train, ink_val = train_test_split(
    images / 16, digits, ink, test_size=0.3, random_state=0
)

inputs = keras.Input((64,))
hidden = keras.layers.Dense(32, activation="relu")(inputs)
outputs = {
    "digit": keras.layers.Dense(10, activation="softmax", name="digit")(hidden),
    "ink": keras.layers.Dense(1, name="ink")(hidden),
}
model = keras.Model(inputs, outputs)
model.compile(
    "adam",
    loss={"digit": "sparse_categorical_crossentropy", "ink": "mse"},
    loss_weights={"digit": 1.0, "ink": 0.5},
    metrics={"digit": ["accuracy"], "ink": ["mae"]},
)
model.fit(
    x_train,
    {"digit": y_train, "ink": ink_train},
    validation_data=(x_val, {"digit": y_val, "ink": ink_val}),
    epochs=6,
    callbacks=[lossmon.Monitor(run="multi-output", project="programs")],
)
