"""Healthy: a binary classifier with one sigmoid unit.

One unit, a sigmoid, binary cross-entropy: `accuracy` cuts the probability at 0.5, as it should.
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
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
history = model.fit(
    scaler.transform(x_train),
    y_train,
    validation_data=(scaler.transform(x_val), y_val),
    epochs=40,
    callbacks=[lossmon.Monitor(run="breast-cancer-sigmoid", project="demo", notes=__doc__)],
)

loss, accuracy = history.history["val_loss"][-1], history.history["val_accuracy"][-1]
print(f"validation loss {loss:.3f}, accuracy {accuracy:.3f}")
