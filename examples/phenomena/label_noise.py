"""Label noise: a quarter of the labels are wrong, and training learns them by heart.

Handwritten digits, of which each fourth has another digit's label, in training and in validation
alike. No model can be right on more than three of four; one that is right on more of its training
samples has memorised mistakes.
"""

from __future__ import annotations

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import lossmon

keras.utils.set_random_seed(0)

x, y = load_digits(return_X_y=True)
rng = np.random.default_rng(0)
wrong = rng.random(len(y)) < 0.25
y = np.where(wrong, (y + rng.integers(1, 10, len(y))) % 10, y)
x_train, x_val, y_train, y_val = train_test_split(x / 16.0, y, train_size=400, random_state=0)

model = keras.Sequential(
    [
        keras.Input((64,)),
        keras.layers.Dense(512, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(0.003),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(
    x_train,
    y_train,
    validation_data=(x_val, y_val),
    batch_size=16,
    validation_batch_size=512,
    epochs=30,
    callbacks=[lossmon.Monitor(run="label-noise", project="phenomena", notes=__doc__)],
)

store = lossmon.open_store()
document, samples = store.run("label-noise"), store.sample_reader("label-noise")
epochs, outputs = document["epochs"], document["outputs"]
for episode in lossmon.analysis.explain_divergence(epochs, outputs, samples):
    print(episode.explanation)
