"""Faulty: a softmax over one unit.

A softmax sums to 1, so over one unit it is always 1: the model answers class 1 to everything, and
its accuracy is the share of class 1. On TensorFlow the loss falls all the same, since Keras
computes it from the logit behind the softmax. A single unit needs a sigmoid.
"""

from __future__ import annotations

import keras
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import lossmon

keras.utils.set_random_seed(0)

x, y = load_breast_cancer(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.3, stratify=y, random_state=2)
scaler = StandardScaler().fit(x_train)

model = keras.Sequential(
    [
        keras.Input((30,)),
        keras.layers.Dense(8, activation="relu"),
        keras.layers.Dense(1, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
history = model.fit(
    scaler.transform(x_train),
    y_train,
    validation_data=(scaler.transform(x_val), y_val),
    epochs=20,
    callbacks=[lossmon.Monitor(run="breast-cancer-softmax", project="demo", notes=__doc__)],
)

first, last = history.history["val_loss"][0], history.history["val_loss"][-1]
accuracy = history.history["val_accuracy"]
print(
    f"validation loss {first:.2f} -> {last:.2f}, accuracy {accuracy[0]:.3f} -> {accuracy[-1]:.3f}"
)
