"""Images of ten classes: a small convolutional network on handwritten digits."""

from __future__ import annotations

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import lossmon

keras.utils.set_random_seed(0)

images, digits = load_digits(return_X_y=True)
images = (images / 16).reshape(-1, 8, 8, 1)
x_train, x_val, y_train, y_val = train_test_split(images, digits, test_size=0.3, random_state=0)

model = keras.Sequential(
    [
        keras.Input((8, 8, 1)),
        keras.layers.Conv2D(16, 3, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(
    x_train,
    y_train,
    validation_data=(x_val, y_val),
    epochs=5,
    callbacks=[lossmon.Monitor(run="image-classification", project="programs")],
)
