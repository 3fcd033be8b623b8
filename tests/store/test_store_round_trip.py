from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossmon.errors import StoreError
from lossmon.records import BatchRecord, EpochRecord, RunRecord
from lossmon.store import WITHDRAWN, RunWriter, open_store
from lossmon.store.schema import batches, epochs
from tests.store.made import FINDING, OUTPUT, batch, epoch, open_writer, run_record

FULL_BATCH = BatchRecord(
    *(7, 2, 3, "val", "head", 1_700_000_000.25, 32, 31.5),
    *(0.5, 0.5000001, 0.01, 0.52, 0.75, 0.75, 0.74, 0.8, 24.0, 32.0, 0.91),
    *(0.1, 1.7, 12.25, 3, 1e-3, 0.004, "mismatch", "custom metric"),
)
FULL_EPOCH = EpochRecord(
    *(2, "val", "head", 1_700_000_000.25, 299, 100, 3200, 3150.5),
    *(0.52, 0.5, 0.5000001, 0.01, 0.0099999, 0.74, 0.75, 0.75, 0.8, -0.01, 2400.0, 3200.0),
    *(0.91, 0.16, 0.12, 0.1, 1.7, 1225.0, 3, 1e-3, 0.4, 0.5, "mismatch", "custom metric"),
    reliability=[{"low": 0.9, "high": 1.0, "count": 10, "confidence": 0.95, "accuracy": 0.7}],
    class_counts=[{"label": 0, "count": 5, "predicted": 4, "correct": 3}],
    reported={"loss": 0.52, "val_loss": math.inf},
    nll=0.5,
    temperature=1.5,
    scaled_loss=0.4,
    brier=0.25,
    brier_reliability=0.01,
    brier_resolution=0.3,
    brier_uncertainty=0.5,
    worst_share=math.inf,
    margins={"mean": 0.5, "right": 0.7, "wrong": None, "p05": -0.25, "median": 0.625},
    audited_loss=0.48,
    audited_accuracy=0.77,
    reconciliation=["the printed loss is a mean while the weights moved"],
    metrics=[{"key": "auc", "label": "AUC()", "reported": math.inf, "recomputed": 0.9}],
)


@pytest.mark.parametrize(("table", "record"), [(batches, BatchRecord), (epochs, EpochRecord)])
def test_tables_have_the_columns_of_the_records(table: Any, record: type) -> None:
    fields = {field.name for field in dataclasses.fields(record)}
    assert set(table.columns.keys()) == fields | {"run_id", "nonfinite_kinds"}


def test_every_column_says_what_it_means() -> None:
    tables = batches.metadata.tables.values()
    assert [str(c) for t in tables for c in t.columns if not c.comment] == []


def test_a_full_batch_comes_back(writer: RunWriter, db: str) -> None:
    writer.write([FULL_BATCH])
    (row,) = open_store(db).export_batches("latest")
    assert row == dataclasses.asdict(FULL_BATCH)


def test_a_full_epoch_comes_back(writer: RunWriter, db: str) -> None:
    writer.write((), [FULL_EPOCH])
    (row,) = open_store(db).epoch_rows("latest")
    assert row == dataclasses.asdict(FULL_EPOCH)


def test_unknown_stays_unknown_and_nonfinite_keeps_its_kind(writer: RunWriter, db: str) -> None:
    values: dict[str, Any] = {
        "loss": math.nan,
        "accuracy": math.inf,
        "penalty": -math.inf,
        "seconds": None,
    }
    writer.write([batch(0, **values)], [epoch(0, **values)])
    store = open_store(db)
    for row in (*store.export_batches("latest"), *store.epoch_rows("latest")):
        assert math.isnan(row["loss"])
        assert row["accuracy"] == math.inf
        assert row["penalty"] == -math.inf
        assert row["seconds"] is None
        assert row["recomputed_loss"] is None


def test_a_sum_that_overflows_is_not_taken_for_a_nonfinite_value(
    writer: RunWriter, db: str
) -> None:
    writer.write([batch(0, loss=1.7e308, recomputed_loss=1.7e308)])
    (row,) = open_store(db).export_batches("latest")
    assert row["loss"] == row["recomputed_loss"] == 1.7e308


def test_numpy_scalars_are_numbers(writer: RunWriter, db: str) -> None:
    writer.write([batch(np.int64(3), n=np.int32(8), loss=np.float32(0.5), nonfinite=np.uint8(1))])
    (row,) = open_store(db).export_batches("latest")
    assert [row[k] for k in ("step", "n", "loss", "nonfinite")] == [3, 8, 0.5, 1]


def test_the_run_comes_back(db: str) -> None:
    config = {"lr": 0.1, "layers": (1, 2), "start": math.nan, "path": Path("x")}
    run = run_record(
        tags=("a", "b"),
        notes="n",
        config=config,
        environment={"argv": ["x"]},
        model={"name": "m"},
        epochs_planned=3,
        steps_planned=300,
        verify="full",
    )
    RunWriter.open(db, run, [OUTPUT]).close()
    document = open_store(db).run("latest")
    assert document["id"] == run.id
    assert document["status"] == "running"
    assert document["tags"] == ["a", "b"]
    assert document["config"]["layers"] == [1, 2]
    assert document["config"]["path"] == "x"
    assert math.isnan(document["config"]["start"])
    assert document["environment"] == {"argv": ["x"]}
    assert document["model"] == {"name": "m"}
    assert (document["epochs_planned"], document["steps_planned"]) == (3, 300)
    assert document["verify"] == "full"


def test_outputs_come_back_in_order_and_are_replaced(writer: RunWriter, db: str) -> None:
    heads = [dataclasses.replace(OUTPUT, name=name) for name in ("z", "a")]
    writer.write(outputs=heads)
    outputs = open_store(db).run("latest")["outputs"]
    assert [output["name"] for output in outputs] == ["z", "a"]
    first = outputs[0]
    assert first["loss"] == "binary_crossentropy"
    assert first["loss_config"] == {"from_logits": False}
    assert first["accuracy_metric"] == "BinaryAccuracy(threshold=0.5)"
    assert first["accuracy_alias"] == "accuracy"
    assert first["intended_metric"] is None
    assert first["shape"] == [None, 1]
    assert first["metrics"][0]["label"] == "AUC()"


def test_an_epoch_that_is_written_again_replaces_the_first(writer: RunWriter, db: str) -> None:
    writer.write((), [epoch(0), epoch(0, "val"), epoch(0, output="head")])
    writer.write((), [epoch(0, loss=0.25, status="verified"), epoch(0, output="head", loss=0.5)])
    rows = open_store(db).epoch_rows("latest")
    assert [(r["split"], r["output"], r["loss"]) for r in rows] == [
        ("train", None, 0.25),
        ("train", "head", 0.5),
        ("val", None, None),
    ]


def test_a_finding_is_renewed_and_remembers_when_it_was_first_seen(
    writer: RunWriter, db: str
) -> None:
    writer.write(findings=[FINDING])
    on_head = dataclasses.replace(FINDING, output="head")
    writer.write(
        findings=[dataclasses.replace(FINDING, message="again", evidence={"x": math.nan}), on_head],
        position=(2, 20),
    )
    whole, head = open_store(db).finding_rows("latest")
    assert whole["message"] == "again"
    assert math.isnan(whole["evidence"]["x"])
    assert (whole["epoch"], whole["step"]) == (None, None)
    assert (head["output"], head["epoch"], head["step"]) == ("head", 2, 20)


def test_a_finding_that_comes_without_batches_was_seen_where_the_run_had_come_to(
    writer: RunWriter, db: str
) -> None:
    writer.write([batch(7, epoch=1)])
    writer.write(findings=[FINDING])
    (found,) = open_store(db).finding_rows("latest")
    assert (found["epoch"], found["step"]) == (1, 7)


def test_a_finding_can_be_withdrawn(writer: RunWriter, db: str) -> None:
    on_head = dataclasses.replace(FINDING, output="head")
    writer.write(findings=[FINDING, on_head])
    writer.write(withdrawn=[FINDING])
    assert [f["output"] for f in open_store(db).finding_rows("latest")] == ["head"]


def test_findings_come_gravest_first(writer: RunWriter, db: str) -> None:
    codes = [("LM1", "info"), ("LM2", "warning"), ("LM3", "error")]
    writer.write(findings=[dataclasses.replace(FINDING, code=c, severity=s) for c, s in codes])
    rows = open_store(db).finding_rows("latest")
    assert [row["severity"] for row in rows] == ["error", "warning", "info"]


def test_troubles_and_the_end_are_told(writer: RunWriter, db: str) -> None:
    writer.trouble("disk was slow")
    writer.trouble(f"{WITHDRAWN}LM405 loss-clipped")
    writer.trouble("again")
    writer.finish("failed")
    document = open_store(db).run("latest")
    assert [trouble["message"] for trouble in document["troubles"]] == ["disk was slow", "again"]
    assert [finding["message"] for finding in document["withdrawn"]] == ["LM405 loss-clipped"]
    assert document["status"] == "failed"
    assert document["ended"] > document["started"]
    assert 0 <= document["duration"] < 60


def test_progress_follows_the_batches(writer: RunWriter, db: str) -> None:
    writer.write([batch(0), batch(0, output="head"), batch(1)])
    writer.write([batch(2, epoch=1), batch(2, split="val")])
    (row,) = open_store(db).run_rows()
    assert (row["batches"], row["step"]) == (3, 2)
    writer.write(position=(4, 44))
    (row,) = open_store(db).run_rows()
    assert (row["epoch"], row["step"]) == (4, 44)


def test_a_failed_write_stores_nothing_and_can_be_repeated(writer: RunWriter, db: str) -> None:
    broken = batch(1, status=None)
    with pytest.raises(StoreError, match=r"(?i)not.null"):
        writer.write([batch(0), broken])
    writer.write([batch(0)])
    assert [row["step"] for row in open_store(db).export_batches("latest")] == [0]


def test_an_id_is_used_once(writer: RunWriter, db: str) -> None:
    with pytest.raises(StoreError, match=r"(?i)unique"):
        RunWriter.open(db, run_record(id=writer.run_id))


def test_a_run_deleted_under_its_writer_is_a_clear_error(writer: RunWriter, db: str) -> None:
    open_store(db).delete([writer.run_id])
    for action in (lambda: writer.write([batch(0)]), writer.heartbeat, lambda: writer.trouble("x")):
        with pytest.raises(StoreError, match="it was deleted while it was being recorded"):
            action()


def test_hostile_text_comes_back_unchanged(db: str) -> None:
    names = ["'; DROP TABLE runs; --", "<img src=x onerror=alert(1)>", "%s ? :x", "a\nb\t\x1b[31m"]
    for name in names:
        writer = open_writer(db, name=name, project=name, notes=name, tags=(name,))
        writer.write([batch(0, output=name, reason=name)], findings=[FINDING])
        writer.close()
    store = open_store(db)
    for name in names:
        document = store.run(name)
        assert document["name"] == document["project"] == document["notes"] == name
        assert document["tags"] == [name]
        (row,) = store.export_batches(name)
        assert row["output"] == row["reason"] == name


def test_text_that_no_engine_can_store_does_not_stop_a_run(db: str) -> None:
    run = RunRecord(**dataclasses.asdict(run_record(name="a\0b\ud800", notes="\udfff")))
    RunWriter.open(db, run, [dataclasses.replace(OUTPUT, layer="\ud800")]).close()
    (row,) = open_store(db).run_rows()
    assert (row["name"], row["notes"]) == ("a\ufffdb?", "?")
