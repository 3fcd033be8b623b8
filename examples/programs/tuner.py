"""A search of KerasTuner: one run a trial, all in the project of the search."""

from __future__ import annotations

import keras
import keras_tuner
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

import lossmon

keras.utils.set_random_seed(0)

x, y = load_breast_cancer(return_X_y=True)
train = len(x) * 7 // 10  # the rest validates: the scaler must not see it
x = StandardScaler().fit(x[:train]).transform(x)


def build(hp: keras_tuner.HyperParameters) -> keras.Model:
    """One hidden layer, whose size is searched for."""
    units = hp.Int("units", 4, 32, step=4)
    hidden = keras.layers.Dense(units, activation="relu")
    model = keras.Sequential([keras.Input((30,)), hidden, keras.layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


tuner = keras_tuner.RandomSearch(
    build, "val_loss", max_trials=3, seed=0, overwrite=True, project_name="hidden-size"
)
tuner.search(x, y, validation_split=0.3, epochs=4, callbacks=[lossmon.Monitor()], verbose=0)

for run in lossmon.open_store().run_rows():
    if run["project"] == "hidden-size":
        print(f"{run['name']}: validation loss {run['val_loss']:.3f}")
