"""Monitors that are given to Keras as they are not meant to be: what is said, and what not."""

from __future__ import annotations

import gc
import pickle
from pathlib import Path
from typing import Any

import keras
import pytest

import lossmon
from lossmon.capture.misplaced import say_no_fit
from tests.capture.conftest import classes, dense, features

N = 64
X = features(N)
IDS = classes(N)
SAID = "lossmon: nothing was recorded: a Monitor records `fit`, and one was given to `evaluate` "


def _model() -> Any:
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _said(capsys: pytest.CaptureFixture[str]) -> str:
    gc.collect()
    return " ".join(capsys.readouterr().err.split())


@pytest.fixture(autouse=True)
def _unsaid() -> None:
    gc.collect()
    say_no_fit.cache_clear()


@pytest.mark.parametrize("call", ["fit", "evaluate"])
@pytest.mark.parametrize("given", [[lossmon.Monitor], lossmon.Monitor], ids=["listed", "bare"])
def test_the_class_in_place_of_an_instance_is_refused(call: str, given: Any) -> None:
    told = r"expected an instance of lossmon.Monitor\. Received: the class itself\. Fix: .*Monitor"
    with pytest.raises(lossmon.errors.InvalidArgument, match=told):
        getattr(_model(), call)(X, IDS, verbose=0, callbacks=given)


def test_that_an_evaluation_alone_is_not_recorded_is_said_once(
    db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = _model()
    for _ in range(2):
        model.evaluate(X, IDS, verbose=0, callbacks=[lossmon.Monitor(db)])
    said = _said(capsys)
    assert said.count("lossmon:") == 1
    assert said.startswith(SAID + "alone. Fix: model.fit(…, callbacks=[lossmon.Monitor()]), or")
    model.predict(X, verbose=0, callbacks=[lossmon.Monitor(db)])
    assert "given to `predict` alone" in _said(capsys)
    assert not (tmp_path / "runs.db").exists()


def test_a_name_of_a_run_that_is_given_as_the_database_is_told_of_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told: list[bool] = []
    for given in ("my-run", "my-run", "runs.db", "./path", tmp_path / "bare"):
        _model().fit(X, IDS, verbose=0, callbacks=[lossmon.Monitor(given)])
        told.append("A run of that name" in _said(capsys))
    assert told == [True, False, False, False, False]
    _model().fit(X, IDS, verbose=0, callbacks=[lossmon.Monitor("v1.2")])
    assert "A run of that name: run='v1.2'." in _said(capsys)
    _model().fit(X, IDS, verbose=0, callbacks=[lossmon.Monitor("other", run="named")])
    assert _said(capsys).endswith(f"new database {tmp_path / 'other'}.")
    assert (tmp_path / "my-run").exists()


def test_evaluations_around_a_fit_and_within_it_say_nothing(
    db: str, capsys: pytest.CaptureFixture[str]
) -> None:
    class Curious(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.evaluate(X, IDS, verbose=0)

    model, monitor = _model(), lossmon.Monitor(db)
    model.evaluate(X, IDS, verbose=0, callbacks=[monitor])
    model.fit(X, IDS, verbose=0, validation_split=0.2, callbacks=[monitor, Curious()])
    model.evaluate(X, IDS, verbose=0, callbacks=[monitor])
    elsewhere = pickle.loads(pickle.dumps(monitor))
    model.predict(X, verbose=0, callbacks=[elsewhere])
    del monitor, elsewhere
    assert _said(capsys) == ""


def test_of_several_monitors_the_first_records_and_says_so(
    db: str, capsys: pytest.CaptureFixture[str]
) -> None:
    monitors = [lossmon.Monitor(db, run="one"), lossmon.Monitor(db), lossmon.Monitor(db, run="two")]
    _model().fit(X, IDS, verbose=0, callbacks=monitors)
    said = _said(capsys)
    told = [
        f"a `fit` expected one lossmon.Monitor. Received: several. The first (run 'one') records "
        f"all of it, the other{other} nothing. Fix: leave out all but one."
        for other in ("", " (run 'two')")
    ]
    assert said == " ".join(f"lossmon: {one}" for one in told)
    (run,) = lossmon.open_store(db).run_rows()
    kept = lossmon.open_store(db).run_document(run["id"])
    assert (kept["name"], kept["status"], kept["verified"]) == ("one", "finished", 1.0)
    assert [trouble["message"] for trouble in kept["troubles"]] == told
