"""Faulty: logits, and an accuracy that takes them for probabilities.

The loss is told `from_logits=True`, the word `accuracy` is not: it cuts the raw logit at 0.5, which
is a probability of 0.62. The right cut is 0.0: `keras.metrics.BinaryAccuracy(threshold=0.0)`.
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
        keras.layers.Dense(1),
    ]
)
model.compile(
    optimizer=keras.optimizers.SGD(0.005),
    loss=keras.losses.BinaryCrossentropy(from_logits=True),
    metrics=["accuracy"],
)
history = model.fit(
    scaler.transform(x_train),
    y_train,
    validation_data=(scaler.transform(x_val), y_val),
    epochs=20,
    callbacks=[lossmon.Monitor(run="breast-cancer-logits", project="demo", notes=__doc__)],
)

logits = model.predict_on_batch(scaler.transform(x_val))[:, 0]
printed, right = history.history["val_accuracy"][-1], ((logits > 0.0) == y_val).mean()
print(f"validation accuracy as printed {printed:.3f}, cut at 0.0 {right:.3f}")
