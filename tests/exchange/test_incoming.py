from __future__ import annotations

import json
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lossmon.errors import InvalidArgument
from lossmon.exchange import imported_runs, store_run
from lossmon.exchange.incoming.run import split_of
from lossmon.store import open_store
from tests.exchange.conftest import EPOCHS, Trained

Values = list[tuple[int, str, float, float]]


def printed(db: str, run: str) -> Values:
    rows = open_store(db).epoch_rows(run, output=None)
    return [(r["epoch"], r["split"], r["reported_loss"], r["reported_accuracy"]) for r in rows]


@pytest.mark.parametrize(
    ("name", "digits"),
    [("log.csv", 1e-15), ("history.json", 1e-15), ("history.pkl", 1e-15), ("events", 1e-7)],
)
def test_what_keras_logged_is_what_lossmon_saw_printed(
    trained: Trained, tmp_path: Path, name: str, digits: float
) -> None:
    db = str(tmp_path / "imported.db")
    (run,) = imported_runs(trained.source(name))
    run_id = store_run(db, run)
    assert run_id is not None
    for ours, theirs in zip(printed(trained.db, "watched"), printed(db, run_id), strict=True):
        assert ours[:2] == theirs[:2]
        assert theirs[2:] == pytest.approx(ours[2:], rel=digits)
    document = open_store(db).run_document(run_id)
    assert (document["status"], document["verified"], document["tags"]) == (
        "finished",
        0.0,
        ["imported"],
    )
    assert all("imported from" in row["reason"] for row in document["epochs"])


def test_batches_of_tensorboard_are_the_running_means_that_keras_hands_out(
    trained: Trained,
) -> None:
    (run,) = imported_runs(trained.source("events"))
    ours = [r for r in open_store(trained.db).export_batches("watched") if r["split"] == "train"]
    assert [r.epoch for r in run.batches] == [r["epoch"] for r in ours]
    assert [r.reported_loss for r in run.batches] == pytest.approx(
        [r["reported_loss"] for r in ours], rel=1e-6
    )
    assert all(r.loss is None for r in run.batches)


def test_the_same_source_is_stored_once(trained: Trained, tmp_path: Path) -> None:
    db = str(tmp_path / "imported.db")
    (run,) = imported_runs(trained.source("log.csv"))
    assert store_run(db, run, project="old", tags=["2025"]) is not None
    assert store_run(db, run) is None
    (row,) = open_store(db).run_rows()
    assert (row["project"], row["tags"], row["epochs"]) == ("old", ["imported", "2025"], EPOCHS)


def test_curves_alone_have_findings(tmp_path: Path) -> None:
    overfit = [0.5 + 0.02 * max(0, e - 10) for e in range(60)]
    history = {"loss": [1 / (e + 1) for e in range(60)], "val_loss": overfit}
    broken = {"loss": [1.0, 0.5, math.nan], "accuracy": [0.5, 0.6, 0.6]}
    assert codes(tmp_path, history) == []
    assert codes(tmp_path, broken) == ["LM401"]


def codes(tmp_path: Path, history: dict[str, Any]) -> list[str]:
    path = tmp_path / "history.json"
    path.write_text(json.dumps(history))
    (tmp_path / "some.db").unlink(missing_ok=True)
    run_id = store_run(str(tmp_path / "some.db"), imported_runs(str(path))[0])
    assert run_id is not None
    return [row["code"] for row in open_store(str(tmp_path / "some.db")).finding_rows(run_id)]


def test_epochs_that_restart_are_another_run(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("epoch;loss;val_loss\n0;1.0;NA\n1;0.5;0.7\n0;2.0;2.5\n")
    one, two = imported_runs(str(path))
    assert [(r.epoch, r.split, r.loss) for r in one.epochs] == [
        (0, "train", 1.0),
        (1, "train", 0.5),
        (1, "val", 0.7),
    ]
    assert (one.name, two.name, len(two.epochs)) == ("log (1)", "log (2)", 2)


def test_epochs_without_validation_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    path.write_text(json.dumps({"loss": [4.0, 3.0, 2.0, 1.0, 0.5], "val_loss": [3.5, 1.5]}))
    (run,) = imported_runs(str(path))
    assert [(r.epoch, r.loss) for r in run.epochs if r.split == "val"] == [(1, 3.5), (3, 1.5)]
    path.write_text(json.dumps({"loss": [4.0, 3.0, 2.0, 1.0, 0.5], "val_loss": [1.5]}))
    with pytest.raises(InvalidArgument, match="1 values of 'val_loss', and 5 epochs"):
        imported_runs(str(path))


class Armed:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return eval, ("1 / 0",)


def test_a_pickle_executes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.pkl"
    path.write_bytes(pickle.dumps({"loss": [Armed()]}))
    with pytest.raises(InvalidArgument, match=r"builtins\.eval, which is not loaded"):
        imported_runs(str(path))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "step,loss\n0,1\n", "with the column `epoch`"),
        ("b.csv", "epoch,loss\nzero,1\n", "epoch in line 2"),
        ("c.json", "{", "expected JSON"),
        ("d.json", "[1, 2]", "dict of lists of numbers"),
        ("e.json", '{"loss": ["x"]}', "'loss': ['x']"),
        ("f.pkl", "not a pickle", "pickled dict"),
        ("g.bin", "?", "a folder of TensorBoard's event files"),
        ("events.out.tfevents.1", "?", "whose folder is needed"),
        ("h.csv", "epoch,loss\n", "in which no values are"),
        ("i.parquet", "?", "expected a Parquet file"),
    ],
)
def test_what_is_not_understood_is_refused_with_the_fix(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InvalidArgument) as refused:
        imported_runs(str(tmp_path / name))
    assert said in str(refused.value)
    assert "Fix:" in str(refused.value)


def test_splits_are_told_by_prefixes() -> None:
    assert split_of("val_loss") == ("val", "loss")
    assert split_of("train/loss") == ("train", "loss")
    assert split_of("value") == (None, "value")
    assert split_of("loss") == (None, "loss")
