from __future__ import annotations

import math
from typing import Any

import pytest
from sqlalchemy import Engine, event

from lossmon.records import MetricSpec, OutputRecord
from lossmon.store import RunWriter, Store, open_store, upgrade
from tests.store.made import FINDING, STARTED, batch, epoch, open_writer

PROMISED = {"id", "name", "project", "status", "started", "duration", "epochs", "verified"}
PROMISED_OF_SHOW = {
    *("epoch", "split", "output", "reported_loss", "loss", "recomputed_loss", "penalty"),
    *("reported_accuracy", "accuracy", "recomputed_accuracy", "status", "reason", "coverage"),
}


def two_epochs(**last: Any) -> list[Any]:
    second: dict[str, Any] = {"loss": 0.5, "recomputed_loss": 0.51, "status": "verified"}
    return [
        epoch(0, loss=0.9, recomputed_loss=0.91, accuracy=0.5, status="verified"),
        epoch(0, "val", loss=0.8, recomputed_loss=0.81, accuracy=0.6, status="verified"),
        epoch(1, "train", **(second | last)),
        epoch(1, "val", loss=0.85, accuracy=0.7, status="unverified", reason="custom"),
    ]


def test_a_run_without_anything_yet(writer: RunWriter, db: str) -> None:
    (row,) = open_store(db).run_rows()
    assert {*PROMISED, "findings", "tags", "notes", "heartbeat", "host"} <= row.keys()
    assert (row["epochs"], row["verified"], row["findings"], row["batches"]) == (0, 0.0, [], 0)
    assert (row["loss"], row["best_val_accuracy"]) == (None, None)
    assert row["sparkline"] == {"loss": [], "val_loss": []}
    assert row["accuracy_metric"] == "BinaryAccuracy(threshold=0.5)"
    assert row["id"] == writer.run_id


def test_no_runs_are_no_rows(db: str) -> None:
    upgrade(db)
    assert open_store(db).run_rows() == []


def test_a_run_in_figures(writer: RunWriter, db: str) -> None:
    writer.write((), two_epochs(), [FINDING])
    (row,) = open_store(db).run_rows()
    assert row["epochs"] == 2
    assert row["verified"] == 0.75
    assert (row["loss"], row["val_loss"]) == (0.51, 0.85)
    assert (row["accuracy"], row["val_accuracy"]) == (None, 0.7)
    assert (row["best_loss"], row["best_val_loss"]) == (0.51, 0.81)
    assert (row["best_accuracy"], row["best_val_accuracy"]) == (0.5, 0.7)
    assert row["sparkline"] == {"loss": [0.91, 0.51], "val_loss": [0.81, 0.85]}
    (finding,) = row["findings"]
    assert finding.keys() >= {*("code", "rule", "severity", "output", "message", "fix", "evidence")}


def test_a_loss_that_became_nan_is_shown_as_such(writer: RunWriter, db: str) -> None:
    writer.write((), two_epochs(loss=math.nan, recomputed_loss=math.nan))
    (row,) = open_store(db).run_rows()
    assert math.isnan(row["loss"])
    assert math.isnan(row["sparkline"]["loss"][-1])
    assert row["best_loss"] == 0.91


def test_times_are_utc(db: str) -> None:
    writer = open_writer(db, started=STARTED)
    writer.finish("finished")
    writer.close()
    (row,) = open_store(db).run_rows()
    assert row["started"] == "2023-11-14T22:13:20.000+00:00"
    assert row["ended"].endswith("+00:00")


def test_newest_first(db: str) -> None:
    for age in (0, 2, 1):
        open_writer(db, name=str(age), started=STARTED + age).close()
    assert [row["name"] for row in open_store(db).run_rows()] == ["2", "1", "0"]


def test_the_whole_model_is_what_a_row_tells_of(writer: RunWriter, db: str) -> None:
    spec = MetricSpec("acc", "binary_accuracy", label="BinaryAccuracy(threshold=0.5)")
    heads = [OutputRecord("a", accuracy_metric=spec), OutputRecord("b"), OutputRecord("c")]
    rows = [epoch(0, loss=3.0), epoch(0, output="a", loss=1.0), epoch(0, output="b", loss=2.0)]
    writer.write((), rows, outputs=[*heads[:2], OutputRecord("c", accuracy_metric=spec)])
    (row,) = open_store(db).run_rows()
    assert (row["loss"], row["best_loss"], row["epochs"]) == (3.0, 3.0, 1)
    assert row["accuracy_metric"] == f"a: {spec.label}, c: {spec.label}"


def test_the_first_epoch_draws_its_batches(writer: RunWriter, db: str) -> None:
    writer.write([batch(step, loss=float(step)) for step in range(500)])
    writer.write([batch(499, split="val", loss=7.0)])
    (row,) = open_store(db).run_rows()
    line = row["sparkline"]["loss"]
    assert 30 <= len(line) <= 60
    assert line == sorted(line)
    assert row["sparkline"]["val_loss"] == []
    writer.write((), [epoch(0, loss=1.0), epoch(0, "val", loss=2.0)])
    (row,) = open_store(db).run_rows()
    assert row["sparkline"] == {"loss": line, "val_loss": [2.0]}


@pytest.mark.parametrize("count", [2, 59, 60, 61, 119, 500])
def test_a_sparkline_has_at_most_60_points_and_ends_with_the_last(
    writer: RunWriter, db: str, count: int
) -> None:
    writer.write((), [epoch(number, loss=float(number)) for number in range(count)])
    (row,) = open_store(db).run_rows()
    line = row["sparkline"]["loss"]
    assert min(count, 30) <= len(line) <= 60
    assert (line[0], line[-1]) == (0.0, count - 1.0)
    assert line == sorted(line)


def test_show_tells_the_promised_keys(writer: RunWriter, db: str) -> None:
    writer.write((), two_epochs(), [FINDING])
    document = open_store(db).run("latest")
    assert {*PROMISED, "findings", "outputs", "environment", "config", "model"} <= document.keys()
    assert document["outputs"][0].keys() >= {"name", "loss", "accuracy_metric", "intended_metric"}
    assert [(e["epoch"], e["split"]) for e in document["epochs"]] == [
        *((0, "train"), (0, "val")),
        *((1, "train"), (1, "val")),
    ]
    assert all(row.keys() >= PROMISED_OF_SHOW for row in document["epochs"])


def test_export_begins_with_the_promised_columns(writer: RunWriter, db: str) -> None:
    writer.write([batch(1, split="val"), batch(0), batch(1)])
    rows = list(open_store(db).export_batches("latest"))
    assert [(row["step"], row["split"]) for row in rows] == [(0, "train"), (1, "train"), (1, "val")]
    assert list(rows[0])[:12] == [
        *("step", "epoch", "batch", "split", "output", "n", "weight", "loss"),
        *("recomputed_loss", "penalty", "accuracy", "recomputed_accuracy"),
    ]
    assert "nonfinite_kinds" not in rows[0]


def test_epoch_rows_of_a_split_and_an_output(writer: RunWriter, db: str) -> None:
    writer.write((), [epoch(0), epoch(0, "val"), epoch(0, "val", output="a")])
    store = open_store(db)
    assert len(store.epoch_rows("latest")) == 3
    assert len(store.epoch_rows("latest", "val")) == 2
    assert len(store.epoch_rows("latest", "val", None)) == 1
    assert [row["output"] for row in store.epoch_rows("latest", output="a")] == ["a"]


def statements(store: Store) -> list[str]:
    """What is asked of the database for a list of runs."""
    said: list[str] = []

    def note(*arguments: Any) -> None:
        said.append(arguments[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        store.run_rows()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return said


def test_the_number_of_statements_does_not_grow_with_the_runs(db: str) -> None:
    counts: list[int] = []
    for _ in range(3):
        for _ in range(2):
            writer = open_writer(db)
            writer.write([batch(0)], two_epochs(), [FINDING])
            writer.close()
        counts.append(len(statements(open_store(db))))
    assert len(set(counts)) == 1
    assert counts[0] <= 10


def shown(store: Store) -> list[dict[str, Any]]:
    """The list of runs without what time alone changes."""
    return [{k: v for k, v in row.items() if k != "duration"} for row in store.run_rows()]


def test_a_list_that_is_read_again_reads_epochs_of_changed_runs_only(db: str) -> None:
    writers = [open_writer(db, name=str(number)) for number in range(3)]
    for writer in writers:
        writer.write([batch(0)], two_epochs(), [FINDING])
    store = open_store(db)
    before = shown(store)
    assert shown(store) == before
    assert [said for said in statements(store) if "epochs" in said.partition("FROM")[2]] == []
    writers[1].write((), [epoch(2, loss=0.25)])
    changed = shown(store)
    assert [row["loss"] for row in changed if row["name"] == "1"] == [0.25]
    assert [r for r in changed if r["name"] != "1"] == [r for r in before if r["name"] != "1"]
    for writer in writers:
        writer.close()
    assert shown(store) == shown(open_store(db))


@pytest.mark.parametrize(
    "change",
    [
        lambda store, run: store.rename(run, "other"),
        lambda store, run: store.set_tags(run, ["new"]),
        lambda store, run: store.archive([run]),
        lambda store, run: store.delete([run]),
    ],
)
def test_what_was_changed_is_seen_in_a_list_that_is_read_again(db: str, change: Any) -> None:
    for name in ("one", "two"):
        writer = open_writer(db, name=name)
        writer.write([batch(0)], two_epochs(), [FINDING])
        writer.finish("finished")
        writer.close()
    store = open_store(db)
    before = store.run_rows()
    change(store, before[0]["id"])
    assert store.run_rows() == open_store(db).run_rows() != before
    store.archive([row["id"] for row in before if row in store.run_rows()], archived=False)
    assert store.run_rows(archived=True) == open_store(db).run_rows(archived=True)


def test_who_changes_a_summary_does_not_change_the_next(writer: RunWriter, db: str) -> None:
    writer.write([batch(0)], two_epochs(), [FINDING])
    store = open_store(db)
    (row,) = store.run_rows()
    row["findings"].clear()
    row["sparkline"]["loss"].clear()
    assert shown(store) == shown(open_store(db))
