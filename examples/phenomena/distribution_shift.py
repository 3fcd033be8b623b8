"""Distribution shift: the model is validated on data that a worse sensor measured.

A made-up set with known truth, with noise added to the validation set only. Validation is worse
from the first epoch on, and what is learned later makes the model surer of what it cannot see.
"""

from __future__ import annotations

import keras
import numpy as np
from sklearn.datasets import make_classification
from sklearn.preprocessing import StandardScaler

import lossmon

keras.utils.set_random_seed(0)

x, y = make_classification(
    3500,
    n_features=20,
    n_informative=8,
    n_redundant=0,
    n_clusters_per_class=1,
    flip_y=0.0,
    class_sep=1.8,
    random_state=5,
)
x = np.asarray(StandardScaler().fit(x[:1000]).transform(x))
noise = 2.0 * np.random.default_rng(0).normal(size=(2500, 20))

model = keras.Sequential(
    [
        keras.Input((20,)),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(0.005), loss="binary_crossentropy", metrics=["accuracy"]
)
model.fit(
    x[:1000],
    y[:1000],
    validation_data=(x[1000:] + noise, y[1000:]),
    batch_size=32,
    validation_batch_size=1024,
    epochs=25,
    callbacks=[lossmon.Monitor(run="distribution-shift", project="phenomena", notes=__doc__)],
)

store = lossmon.open_store()
document, samples = store.run("distribution-shift"), store.sample_reader("distribution-shift")
epochs, outputs = document["epochs"], document["outputs"]
for episode in lossmon.analysis.explain_divergence(epochs, outputs, samples):
    print(episode.explanation)
for difference in lossmon.analysis.explain_splits(epochs, outputs):
    print(difference.sentence)
