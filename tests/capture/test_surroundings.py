"""What surrounds a monitored `fit` is as without lossmon: files, prints, disks, other processes."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lossmon
from lossmon.store import sync
from tests.capture.conftest import classes, dense, features
from tests.capture.test_never_harm import _model

# Keras' own, where it turns variables into arrays.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

N = 64
X = features(N)
IDS = classes(N)
_TIMES = re.compile(r"\d+(\.\d+)?[mu]?s(/(step|epoch))?")

_OBJECT_IDS = re.compile(r'"shared_object_id": \d+')


def _fit(model: Any, db: str | None, *callbacks: Any, **fit: Any) -> Any:
    monitors = [] if db is None else [lossmon.Monitor(db)]
    arguments = {"epochs": 2, "verbose": 0, "validation_split": 0.25} | fit
    return model.fit(X, IDS, callbacks=[*callbacks, *monitors], **arguments)


def test_the_saved_file_is_the_same(db: str, tmp_path: Path) -> None:
    def saved(db: str | None) -> tuple[str, Any]:
        keras.backend.clear_session()
        keras.utils.set_random_seed(11)
        model, path = dense(), tmp_path / "model.keras"
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        _fit(model, db, keras.callbacks.ModelCheckpoint(path))
        with zipfile.ZipFile(path) as file:
            return file.read("config.json").decode(), keras.models.load_model(path)

    (config, model), (bare_config, bare) = saved(db), saved(None)
    assert _OBJECT_IDS.sub("", config) == _OBJECT_IDS.sub("", bare_config)
    kept = [*model.variables, *model.optimizer.variables]
    for ours, theirs in zip(kept, [*bare.variables, *bare.optimizer.variables], strict=True):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs), err_msg=ours.path)


@pytest.mark.parametrize("verbose", [1, 2])
def test_what_keras_prints_is_the_same(
    verbose: int, db: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def printed(db: str | None) -> list[str]:
        _fit(_model(), db, verbose=verbose)
        # How often the bar is drawn in between depends on the time; its last state does not.
        epochs = capsys.readouterr().out.split("Epoch ")
        drawn = [re.split("[\r\b\n]+", epoch.strip()) for epoch in epochs]
        return [_TIMES.sub("", line).strip() for lines in drawn for line in (lines[0], lines[-1])]

    alone = printed(None)
    assert len(alone) == 2 * 3
    assert "val_loss" in alone[-1]
    assert printed(db) == alone


def test_metrics_and_evaluations_are_the_same(db: str) -> None:
    bare, anew, model = _model(), _model(), _model()
    _fit(bare, None)
    _fit(anew, None)
    _fit(model, db)
    # After a recorded `fit` Keras makes its test function anew. One that has seen batches of 16
    # before is traced for any size, and may round the last bit otherwise on some processors.
    anew.test_function = None
    assert [metric.name for metric in model.metrics] == [metric.name for metric in bare.metrics]
    for _ in range(2):
        found = model.evaluate(X, IDS, verbose=0)
        assert found == anew.evaluate(X, IDS, verbose=0)
        loss, accuracy = bare.evaluate(X, IDS, verbose=0)
        assert found == [pytest.approx(loss, rel=2**-22), accuracy]
    np.testing.assert_array_equal(model.predict(X, verbose=0), bare.predict(X, verbose=0))


class Copies(keras.callbacks.Callback):
    """Copies the model in the middle of its training, as some schedulers and tuners do."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == 1:
            self.made = [
                copy.deepcopy(self.model),
                pickle.loads(pickle.dumps(self.model)),
                keras.models.clone_model(self.model),
            ]


def test_a_model_can_be_copied_while_it_is_monitored(record: Callable[..., Any]) -> None:
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    copies = Copies()
    recorded = record(model, X, IDS, callbacks=[copies])
    assert recorded.document["verified"] == 1.0
    assert recorded.document["troubles"] == []
    for made in copies.made:
        assert "compute_metrics" not in vars(made)
        made.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        arguments: dict[str, Any] = {"verbose": 0}
        assert set(made.fit(X, IDS, **arguments).history) == {"accuracy", "loss"}


@pytest.mark.parametrize("where", ["inputs", "targets"])
def test_nan_everywhere_trains_and_is_recorded(
    where: str, record: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    x, y = (np.full_like(X, np.nan), X[:, :1]) if where == "inputs" else (X, X[:, :1] * np.nan)
    # Without a ReLU, which some kernels make 0 of NaN.
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    recorded = record(model, x, y, validation_split=0.25)
    assert len(recorded.history.history["loss"]) == 2
    assert recorded.document["troubles"] == []
    assert {row["status"] for row in recorded.epochs} == {"verified"}
    train = [row for row in recorded.epochs if row["split"] == "train"]
    assert all(np.isnan(row["reported_loss"]) for row in train)
    assert "LM401" in {finding["code"] for finding in recorded.document["findings"]}
    assert capsys.readouterr().err.count("LM401 nonfinite-loss") == 1


def test_an_infinite_loss_of_one_of_several_outputs_is_recorded(
    record: Callable[..., Any],
) -> None:
    """What the total holds beyond it cannot be told: infinite less infinite."""
    inputs = keras.Input((6,))
    heads = [keras.layers.Dense(1, name=name)(inputs) for name in ("huge", "plain")]
    model = keras.Model(inputs, heads)
    model.compile("sgd", "mse")
    # The square of its error is beyond float32.
    labels = [np.full((len(X), 1), 1e30, "float32"), X[:, :1]]
    recorded = record(model, X, labels, batch_size=len(X) // 2)
    assert recorded.document["troubles"] == []
    first = {row["output"]: row for row in recorded.batches if row["step"] == 0}
    assert set(first) == {None, "huge", "plain"}
    assert np.isposinf(first[None]["loss"])
    assert np.isfinite(first["plain"]["loss"])


def test_a_directory_that_takes_no_file_does_not_stop_training(
    capsys: pytest.CaptureFixture[str],
) -> None:
    history = _fit(_model(), "/proc/lossmon/runs.db")
    assert len(history.history["loss"]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert told.count("the database did not take all of run") == 1
    assert "/proc/lossmon/runs.db" in told
    assert "lossmon sync" in told


PROCESS = """
import multiprocessing, gc, os, resource, signal, sys
import keras, numpy as np, lossmon

x = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")

def fit(db, *callbacks, **arguments):
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    monitors = [lossmon.Monitor(db)] if db else []
    given = {"verbose": 0, "epochs": 3} | arguments
    return model.fit(x, x[:, 0] + 1, callbacks=[*callbacks, *monitors], **given).history

def child():
    gc.collect()

class Forks(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        process.join(30)
        assert process.exitcode == 0, process.exitcode

forked, full = sys.argv[1:]
expected = fit(None)
assert fit(forked, Forks()) == expected

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (180_000, resource.RLIM_INFINITY))
print("the disk is full from here", file=sys.stderr)
assert fit(full, epochs=60, batch_size=8)["loss"][:3]
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no fork, and no limit of a file's size")
def test_forks_and_a_full_disk_do_not_stop_training(tmp_path: Path) -> None:
    forked, full = tmp_path / "forked.db", tmp_path / "full.db"
    program = [sys.executable, "-c", PROCESS, str(forked), str(full)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    document = lossmon.open_store(forked).run_document("latest")
    assert (document["status"], document["verified"]) == ("finished", 1.0)
    assert document["troubles"] == []
    _, told = done.stderr.split("the disk is full from here")
    told = " ".join(told.split())
    assert told.count("the database did not take all of run") == 1, told
    assert "full.db" in told
    (delivered,) = sync(full)
    assert delivered.problem is None
    # The spool may not grow either: what it did not take is told.
    lost = re.search(r"Lost, because nothing kept them: (\d+) batch", told)
    store = lossmon.open_store(full)
    assert len(store.batches("latest", "train")) + int(lost[1] if lost else 0) == 60 * 8
    assert store.run_document("latest")["verified"] == 1.0
