"""Keras on JAX: the same line, the same numbers; the backend is chosen before Keras is imported."""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "jax"

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import lossmon

keras.utils.set_random_seed(0)

images, digits = load_digits(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(
    images / 16, digits, test_size=0.3, random_state=0
)
model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(
    x_train,
    y_train,
    validation_data=(x_val, y_val),
    epochs=5,
    callbacks=[lossmon.Monitor(run="jax-backend", project="programs")],
)
