"""Keras' wrappers for scikit-learn: `fit` of an estimator, and one that is cloned by a search."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import keras
import pytest
from sklearn.model_selection import cross_val_score

import lossmon
from tests.capture.conftest import classes, features

# The wrappers of Keras 3.13 use it and do not import it.
import_module("sklearn.pipeline")
X, Y = features(), classes()


def network(X: Any, y: Any, units: int = 8, loss: str = "mse") -> keras.Model:  # noqa: N803
    """Built by the wrappers from the data, whose labels they made one-hot."""
    hidden = keras.layers.Dense(units, activation="relu")
    activation = "softmax" if loss == "categorical_crossentropy" else None
    head = keras.layers.Dense(y.shape[1], activation=activation)
    model = keras.Sequential([keras.Input(X.shape[1:]), hidden, head])
    metrics = ["accuracy"] if activation else None
    model.compile("adam", loss, metrics=metrics)
    return model


@pytest.fixture
def fit(db: str) -> dict[str, Any]:
    callbacks = [lossmon.Monitor(db, project="wrapped", verify="full")]
    return {"epochs": 2, "verbose": 0, "batch_size": 16, "callbacks": callbacks}


def runs(db: str) -> list[dict[str, Any]]:
    found = lossmon.open_store(db).run_rows()
    assert {(run["status"], run["verified"], run["project"]) for run in found} == {
        ("finished", 1.0, "wrapped")
    }
    assert [finding for run in found for finding in run["findings"]] == []
    return found


def test_a_classifier_is_verified_given_to_fit_and_in_a_search(
    db: str, fit: dict[str, Any]
) -> None:
    loss = {"loss": "categorical_crossentropy"}
    estimator = keras.wrappers.SKLearnClassifier(network, model_kwargs=loss)
    estimator.fit(X, Y, **fit)
    assert len(runs(db)) == 1
    document = lossmon.open_store(db).run("latest")
    assert document["outputs"][0]["accuracy_metric"] == "CategoricalAccuracy()"
    assert estimator.predict(X).shape == (len(X),)
    # Keras' clones forget `fit_kwargs`, so the monitor is given to the search: a run a part.
    cross_val_score(estimator, X, Y, cv=2, params=fit)
    assert [run["epochs"] for run in runs(db)] == [2, 2, 2]


def test_a_regressor_is_verified(db: str, fit: dict[str, Any]) -> None:
    keras.wrappers.SKLearnRegressor(network).fit(X, X[:, 0] * 2.0, **fit)
    (run,) = runs(db)
    assert (run["epochs"], run["val_loss"]) == (2, None)
