"""Rare positives: class weights in the loss, and metrics that a constant answer cannot please.

`accuracy` alone would reach 0.9 by always answering no; the area under the ROC curve would not.
"""

from __future__ import annotations

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import lossmon

keras.utils.set_random_seed(0)

images, digits = load_digits(return_X_y=True)
is_eight = (digits == 8).astype("float32")
x_train, x_val, y_train, y_val = train_test_split(
    images / 16, is_eight, test_size=0.3, stratify=is_eight, random_state=0
)

model = keras.Sequential(
    [
        keras.Input((64,)),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(
    "adam",
    "binary_crossentropy",
    metrics=[keras.metrics.AUC(name="auc"), keras.metrics.Recall(name="recall")],
    weighted_metrics=["accuracy"],
)
rare = float(np.mean(y_train))
model.fit(
    x_train,
    y_train,
    validation_data=(x_val, y_val),
    epochs=10,
    class_weight={0: 0.5 / (1 - rare), 1: 0.5 / rare},
    callbacks=[lossmon.Monitor(run="imbalanced", project="programs")],
)
