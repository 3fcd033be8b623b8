"""Healthy: a small convolutional network on the handwritten digits.

As the loss falls the accuracy rises, on data the network has not seen as well.
"""

from __future__ import annotations

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import lossmon

keras.utils.set_random_seed(0)

x, y = load_digits(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(
    x / 16.0, y, test_size=0.25, stratify=y, random_state=0
)

model = keras.Sequential(
    [
        keras.Input((64,)),
        keras.layers.Reshape((8, 8, 1)),
        keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
        keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dropout(0.25),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(
    x_train,
    y_train,
    validation_data=(x_val, y_val),
    epochs=20,
    callbacks=[lossmon.Monitor(run="digits-cnn", project="demo", notes=__doc__)],
)

loss, accuracy = history.history["val_loss"][-1], history.history["val_accuracy"][-1]
print(f"validation loss {loss:.3f}, accuracy {accuracy:.3f}")
