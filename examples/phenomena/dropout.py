"""Dropout: training looks worse than validation, and nothing is wrong.

Half of the inputs of the last layer are hidden while training, none in validation. Evaluated with
the weights of its end, the training set does better than the numbers that `fit` printed.
"""

from __future__ import annotations

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import lossmon

keras.utils.set_random_seed(0)

x, y = load_digits(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(
    x / 16.0, y, test_size=0.5, stratify=y, random_state=0
)

model = keras.Sequential(
    [
        keras.Input((64,)),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
monitor = lossmon.Monitor(run="dropout", project="phenomena", notes=__doc__, audit_train=True)
model.fit(
    x_train,
    y_train,
    validation_data=(x_val, y_val),
    validation_batch_size=512,
    epochs=8,
    callbacks=[monitor],
)

store = lossmon.open_store()
document, samples = store.run("dropout"), store.sample_reader("dropout")
epochs, outputs = document["epochs"], document["outputs"]
*_, last = (row for row in epochs if row["split"] == "train")
print(*last["reconciliation"], sep="\n")
for episode in lossmon.analysis.explain_divergence(epochs, outputs, samples):
    print(episode.explanation)
for difference in lossmon.analysis.explain_splits(epochs, outputs):
    print(difference.sentence)
