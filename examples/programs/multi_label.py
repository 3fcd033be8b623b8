"""Several labels each: is a digit even, above four, and closed in itself?

A sigmoid for each label and binary cross-entropy; the accuracy counts labels, not digits.
"""

from __future__ import annotations

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import lossmon

keras.utils.set_random_seed(0)

images, digits = load_digits(return_X_y=True)
labels = np.stack([digits % 2 == 0, digits > 4, np.isin(digits, (0, 6, 8, 9))], axis=1)
x_train, x_val, y_train, y_val = train_test_split(
    images / 16, labels.astype("float32"), test_size=0.3, random_state=0
)

model = keras.Sequential(
    [
        keras.Input((64,)),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dense(3, activation="sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy", metrics=[keras.metrics.BinaryAccuracy(name="labels")])
model.fit(
    x_train,
    y_train,
    validation_data=(x_val, y_val),
    epochs=8,
    callbacks=[lossmon.Monitor(run="multi-label", project="programs")],
)
