"""A learning-rate jump: a schedule raises the rate a hundredfold, and the loss rises with it.

A made-up set with known truth. Up to epoch 15 all is well; then the steps are too large. Decisions
suffer little, the probabilities do.
"""

from __future__ import annotations

import keras
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import lossmon

keras.utils.set_random_seed(0)

x, y = make_classification(
    3800,
    n_features=20,
    n_informative=8,
    n_redundant=0,
    n_clusters_per_class=1,
    flip_y=0.0,
    class_sep=1.2,
    random_state=4,
)
x_train, x_val, y_train, y_val = train_test_split(x, y, train_size=800, stratify=y, random_state=0)
scaler = StandardScaler().fit(x_train)
x_train, x_val = scaler.transform(x_train), scaler.transform(x_val)


def schedule(epoch: int, _: float) -> float:
    return 1e-3 if epoch < 15 else 0.1


model = keras.Sequential(
    [
        keras.Input((20,)),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
model.fit(
    x_train,
    y_train,
    validation_data=(x_val, y_val),
    batch_size=32,
    validation_batch_size=1024,
    epochs=25,
    callbacks=[
        keras.callbacks.LearningRateScheduler(schedule),
        lossmon.Monitor(run="learning-rate-jump", project="phenomena", notes=__doc__),
    ],
)

store = lossmon.open_store()
document, samples = store.run("learning-rate-jump"), store.sample_reader("learning-rate-jump")
epochs, outputs = document["epochs"], document["outputs"]
for episode in lossmon.analysis.explain_divergence(epochs, outputs, samples):
    print(episode.explanation)
