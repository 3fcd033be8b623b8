"""A control: a model that only learns. Nothing is claimed of it.

Logistic regression on the breast-cancer data: loss falls and accuracy rises until both stay.
"""

from __future__ import annotations

import keras
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import lossmon

keras.utils.set_random_seed(0)

x, y = load_breast_cancer(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.4, stratify=y, random_state=0)
scaler = StandardScaler().fit(x_train)
x_train, x_val = scaler.transform(x_train), scaler.transform(x_val)

model = keras.Sequential(
    [
        keras.Input((30,)),
        keras.layers.Dense(1, activation="sigmoid", kernel_regularizer=keras.regularizers.L2(0.01)),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy", metrics=["accuracy"]
)
model.fit(
    x_train,
    y_train,
    validation_data=(x_val, y_val),
    validation_batch_size=256,
    epochs=25,
    callbacks=[lossmon.Monitor(run="healthy", project="phenomena", notes=__doc__)],
)

store = lossmon.open_store()
document, samples = store.run("healthy"), store.sample_reader("healthy")
epochs, outputs = document["epochs"], document["outputs"]
for episode in lossmon.analysis.explain_divergence(epochs, outputs, samples):
    print(episode.explanation)
