"""`Monitor(run=…, resume=True)`: one run of several fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import pytest

import lossmon
from lossmon.errors import CannotResume, RunNotFound, StoreError
from lossmon.store import check_database
from tests.capture.conftest import classes, dense, features

X, Y = features(), classes()


def fit(model: Any, db: str, **fit: Any) -> lossmon.Monitor:
    monitor = lossmon.Monitor(db, run="a-run", resume=fit.pop("resume", True))
    model.fit(X, Y, verbose=0, validation_split=0.25, batch_size=18, callbacks=[monitor], **fit)
    return monitor


@pytest.fixture
def model() -> Any:
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_epochs_from_the_initial_one_on_are_replaced(model: Any, db: str) -> None:
    first = fit(model, db, epochs=3, resume=False)
    second = fit(model, db, initial_epoch=2, epochs=5)
    assert first.run_id == second.run_id
    store = lossmon.open_store(db)
    run, rows = store.run("a-run"), list(store.export_batches("a-run"))
    assert [row["step"] for row in rows if row["split"] == "train"] == list(range(15))
    epochs = [(row["epoch"], row["step"]) for row in run["epochs"] if row["split"] == "train"]
    assert epochs == [(0, 2), (1, 5), (2, 8), (3, 11), (4, 14)]
    assert (run["status"], run["verified"], run["troubles"]) == ("finished", 1.0, [])
    assert (len(store.run_rows()), run["resumes"][0]["replaced"]) == (1, 3)
    assert check_database(db) == []


def test_what_cannot_be_resumed_is_refused_before_the_first_step(model: Any, db: str) -> None:
    before = [weight.copy() for weight in model.get_weights()]
    with pytest.raises(RunNotFound, match='resume="auto"'):
        fit(model, db)
    assert all((now == then).all() for now, then in zip(model.get_weights(), before, strict=True))
    fit(model, db, epochs=2, resume=False)
    with pytest.raises(CannotResume, match="initial_epoch=2"):
        fit(model, db)
    other = dense(4)
    other.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(CannotResume, match="number of parameters"):
        fit(other, db, initial_epoch=1, epochs=2)
    for each in (model, other):
        assert "compute_metrics" not in vars(each)
    (row,) = lossmon.open_store(db).run_rows()
    assert (row["status"], row["epochs"], row["batches"]) == ("finished", 2, 6)


@pytest.mark.parametrize("when", ["find_resumable", "take_over"])
def test_a_database_that_cannot_be_asked_makes_it_a_run_of_its_own(
    when: str, model: Any, db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit(model, db, epochs=2, resume=False)

    def away(*_: Any, **__: Any) -> None:
        raise StoreError("the server is on holiday")

    place = "" if when == "find_resumable" else "Resumable."
    monkeypatch.setattr(f"lossmon.capture.resumption.{place}{when}", away)
    monitor = fit(model, db, initial_epoch=1, epochs=3)
    store = lossmon.open_store(db)
    assert len(store.run_rows()) == 2
    run = store.run("latest")
    assert run["id"] == monitor.run_id
    assert run["batches"] == 6
    assert "on holiday" in run["troubles"][0]["message"]


def test_resuming_needs_the_name_of_a_run() -> None:
    with pytest.raises(lossmon.InvalidArgument, match=r"Fix: Monitor\(run='my-run', resume=True\)"):
        lossmon.Monitor(resume=True)


class Crash(keras.callbacks.Callback):
    """Breaks training off in the second step of an epoch."""

    def __init__(self, epoch: int | None) -> None:
        super().__init__()
        self.crash = epoch
        self.epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == 1 and self.epoch == self.crash:
            raise KeyboardInterrupt


# Of Keras, on its way to save weights.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize(("first", "crashes"), [("monitor", [0, 1, 3]), ("backup", [2])])
def test_a_program_that_is_started_again_goes_on_where_its_backup_is(
    first: str, crashes: list[int], db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def program(crash: int | None) -> None:
        model = dense()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        both = [
            lossmon.Monitor(db, run="a-run", resume="auto"),
            keras.callbacks.BackupAndRestore(str(tmp_path / "backup")),
        ]
        callbacks = [*(both if first == "monitor" else reversed(both)), Crash(crash)]
        model.fit(X, Y, verbose=0, batch_size=18, epochs=4, callbacks=callbacks)

    # As in a notebook, which keeps the last error and with it all that was at work.
    kept: list[BaseException] = []
    for crash in crashes:
        with pytest.raises(KeyboardInterrupt) as broken:
            program(crash)
        kept.append(broken.value)
    program(None)
    store = lossmon.open_store(db)
    steps = [row["step"] for row in store.export_batches("a-run")]
    assert steps == list(range(16))
    run = store.run("a-run")
    assert [row["step"] for row in run["epochs"]] == [3, 7, 11, 15]
    assert (run["status"], run["verified"], run["troubles"]) == ("finished", 1.0, [])
    assert [resumed["epoch"] for resumed in run["resumes"]] == crashes
    # Its backup is gone then, so the next start is another training.
    program(None)
    assert [row["epochs"] for row in store.run_rows()] == [4, 4]
    assert capsys.readouterr().err == ""


def test_what_auto_cannot_go_on_with_is_recorded_apart_which_is_said(
    model: Any, db: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(model, db, epochs=2, resume=False)
    other = dense(4)
    other.compile("adam", "sparse_categorical_crossentropy")
    fit(other, db, epochs=1, resume="auto")
    assert "number of parameters" in capsys.readouterr().err
    store = lossmon.open_store(db)
    assert [row["epochs"] for row in store.run_rows()] == [1, 2]
    assert "number of parameters" in store.run("latest")["troubles"][0]["message"]
    with pytest.raises(lossmon.InvalidArgument, match="must be True, False or 'auto'"):
        lossmon.Monitor(run="a-run", resume="yes")  # pyright: ignore[reportArgumentType]
