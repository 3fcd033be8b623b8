"""`Monitor(run=…, resume=True)`: one run of several fits."""

from __future__ import annotations

from typing import Any

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
    with pytest.raises(RunNotFound, match="resume=True"):
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
