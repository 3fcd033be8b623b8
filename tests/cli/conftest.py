"""One database, recorded by two small real fits, and a way to run commands on it."""

from __future__ import annotations

import inspect
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import keras
import pytest
from click.testing import CliRunner, Result
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.preprocessing import StandardScaler

import lossmon
from lossmon.cli import cli

EPOCHS = 2
# Before click 8.2 both streams were one, unless this was said.
MIXED = "mix_stderr" in inspect.signature(CliRunner).parameters
APART: dict[str, Any] = {"mix_stderr": False} if MIXED else {}
Invoke = Callable[..., Result]


class Seeded(NamedTuple):
    """A database with a healthy run and, after it, the seed case."""

    db: str
    healthy: str
    faulty: str


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    db = str(tmp_path_factory.mktemp("cli") / "runs.db")
    keras.utils.set_random_seed(0)
    return Seeded(db, healthy=_healthy(db), faulty=_faulty(db))


def _healthy(db: str) -> str:
    x, y = load_breast_cancer(return_X_y=True)
    model = _model(30, "sigmoid")
    model.compile("adam", loss="binary_crossentropy", metrics=["accuracy"])
    return _fit(model, x, y, db, run="healthy", config={"scaled": True})


def _faulty(db: str) -> str:
    x, y = load_diabetes(return_X_y=True)
    model = _model(10, None)
    model.compile(loss="mean_squared_error", optimizer="sgd", metrics=["acc"])
    return _fit(model, x, y, db, run="faulty", config={"scaled": False})


def _model(width: int, activation: str | None) -> Any:
    return keras.Sequential([keras.Input((width,)), keras.layers.Dense(1, activation=activation)])


def _fit(model: Any, x: Any, y: Any, db: str, **monitor: Any) -> str:
    watch = lossmon.Monitor(db, **monitor)
    scaled = StandardScaler().fit_transform(x)
    model.fit(scaled, y, validation_split=0.25, epochs=EPOCHS, verbose=0, callbacks=[watch])
    assert watch.run_id is not None
    return watch.run_id


@pytest.fixture
def copied(seeded: Seeded, tmp_path: Path) -> Seeded:
    """The same in a file of its own, for commands that change something."""
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(seeded.db)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return seeded._replace(db=str(copy))


@pytest.fixture
def invoke(seeded: Seeded) -> Invoke:
    """Run `lossmon …` on the database, in a terminal of 120 columns."""

    def run(*arguments: str, answer: str | None = None, columns: int = 120) -> Result:
        environment = {"LOSSMON_DB": seeded.db, "COLUMNS": str(columns)}
        return CliRunner(**APART).invoke(cli, arguments, input=answer, env=environment)

    return run
