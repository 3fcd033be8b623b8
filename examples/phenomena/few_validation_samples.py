"""A control: forty validation samples, whose loss and accuracy jump by chance. Nothing is claimed.

A made-up set with known truth, and a model that learns it. What moves from epoch to epoch is less
than so few samples can show.
"""

from __future__ import annotations

import keras
from sklearn.datasets import make_classification
from sklearn.preprocessing import StandardScaler

import lossmon

keras.utils.set_random_seed(0)

x, y = make_classification(
    1040, n_features=20, n_informative=8, n_redundant=0, class_sep=1.0, random_state=7
)
x = StandardScaler().fit(x[:1000]).transform(x)

model = keras.Sequential(
    [
        keras.Input((20,)),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy", metrics=["accuracy"]
)
model.fit(
    x[:1000],
    y[:1000],
    validation_data=(x[1000:], y[1000:]),
    batch_size=64,
    epochs=25,
    callbacks=[lossmon.Monitor(run="few-validation-samples", project="phenomena", notes=__doc__)],
)

store, run = lossmon.open_store(), "few-validation-samples"
document, samples = store.run(run), store.sample_reader(run)
epochs, outputs = document["epochs"], document["outputs"]
for episode in lossmon.analysis.explain_divergence(epochs, outputs, samples):
    print(episode.explanation)
