"""Class imbalance: the class that matters is rare, and every other sample of it is missed.

A made-up set with known truth: one in sixteen is of class 1. The accuracy is high all along,
because it hardly counts the rare class; the loss does, and rises as the model grows surer.
"""

from __future__ import annotations

import keras
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import lossmon

keras.utils.set_random_seed(0)

x, y = make_classification(
    4800,
    n_features=20,
    n_informative=8,
    n_redundant=0,
    weights=[0.94],
    flip_y=0.0,
    class_sep=0.8,
    random_state=3,
)
x_train, x_val, y_train, y_val = train_test_split(x, y, train_size=800, stratify=y, random_state=0)
scaler = StandardScaler().fit(x_train)
x_train, x_val = scaler.transform(x_train), scaler.transform(x_val)

model = keras.Sequential(
    [
        keras.Input((20,)),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(0.005), loss="binary_crossentropy", metrics=["accuracy"]
)
model.fit(
    x_train,
    y_train,
    validation_data=(x_val, y_val),
    batch_size=32,
    validation_batch_size=1024,
    epochs=30,
    callbacks=[lossmon.Monitor(run="class-imbalance", project="phenomena", notes=__doc__)],
)

store = lossmon.open_store()
document, samples = store.run("class-imbalance"), store.sample_reader("class-imbalance")
epochs, outputs = document["epochs"], document["outputs"]
for episode in lossmon.analysis.explain_divergence(epochs, outputs, samples):
    print(episode.explanation)
