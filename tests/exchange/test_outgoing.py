from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from lossmon.cli import cli
from lossmon.exchange import imported_runs, store_run, write_csv, write_parquet
from lossmon.records import EpochRecord
from lossmon.store import EXPORTED_EPOCHS, open_store
from tests.exchange.conftest import EPOCHS, Trained

SHOWN = ("loss", "accuracy", "reported_loss", "reported_accuracy", "intended_accuracy")


def command(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def known(row: dict[str, Any]) -> dict[str, Any]:
    """What TensorBoard is told of a row: recomputed values where they are known."""
    best = {
        name: row[name] if row[f"recomputed_{name}"] is None else row[f"recomputed_{name}"]
        for name in ("loss", "accuracy")
    }
    return {name: row[name] for name in SHOWN} | best


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("table", ["batches", "epochs"])
def test_a_table_comes_back_as_it_was(
    trained: Trained, tmp_path: Path, ending: str, table: str
) -> None:
    path = str(tmp_path / f"{table}.{ending}")
    command(
        *("export", trained.run, "--db", trained.db),
        *("--format", ending, "--table", table, "-o", path),
    )
    command("import", path, "--db", str(tmp_path / "back.db"))
    ours, theirs = rows(trained.db, table), rows(str(tmp_path / "back.db"), table)
    told = ("status", "reason")
    assert [{k: v for k, v in row.items() if k not in told} for row in theirs] == [
        {k: v for k, v in row.items() if k not in told} for row in ours
    ]
    assert {row["status"] for row in theirs} == {"unverified"}


def rows(db: str, table: str) -> list[dict[str, Any]]:
    store = open_store(db)
    return (
        list(store.export_batches("latest")) if table == "batches" else store.epoch_rows("latest")
    )


def test_events_come_back_with_the_precision_of_tensorboard(
    trained: Trained, tmp_path: Path
) -> None:
    folder = tmp_path / "events"
    command("export", trained.run, "--db", trained.db, "--format", "tensorboard", "-o", str(folder))
    (run,) = imported_runs(str(folder))
    back = store_run(str(tmp_path / "back.db"), run)
    assert back is not None
    theirs = open_store(str(tmp_path / "back.db"))
    for ours, read in zip(
        open_store(trained.db).epoch_rows(trained.run), theirs.epoch_rows(back), strict=True
    ):
        assert (read["epoch"], read["split"]) == (ours["epoch"], ours["split"])
        assert {name: read[name] for name in SHOWN} == pytest.approx(known(ours), rel=1e-7)
    train = [r for r in open_store(trained.db).export_batches(trained.run) if r["split"] == "train"]
    for ours, read in zip(train, theirs.export_batches(back), strict=True):
        assert (read["step"], read["epoch"]) == (ours["step"], ours["epoch"])
        assert {name: read[name] for name in SHOWN} == pytest.approx(known(ours), rel=1e-7)


def test_tensorboard_reads_curves_and_findings(trained: Trained, tmp_path: Path) -> None:
    folder = tmp_path / "events"
    command("export", trained.run, "--db", trained.db, "--format", "tensorboard", "-o", str(folder))
    train, validation = (
        EventAccumulator(str(folder / split)).Reload() for split in ("train", "validation")
    )
    assert [event.step for event in train.Scalars("epoch_loss")] == list(range(EPOCHS))
    assert [event.step for event in validation.Scalars("epoch_accuracy")] == list(range(EPOCHS))
    (event,) = train.Tensors("findings")
    text: Any = make_ndarray(event.tensor_proto).item()
    text = text.decode()
    for finding in open_store(trained.db).finding_rows(trained.run):
        assert finding["code"] in text
    assert train.SummaryMetadata("findings").plugin_data.plugin_name == "text"


def test_a_place_that_cannot_be_written_is_said(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    for arguments, said in [
        (["--format", "parquet"], "Received: standard output"),
        (["--format", "tensorboard", "-o", str(tmp_path / "full")], "empty or not there"),
        (["-o", str(tmp_path / "no" / "x.csv")], "Fix: --output PATH"),
    ]:
        result = CliRunner().invoke(cli, ["export", trained.run, "--db", trained.db, *arguments])
        assert result.exit_code == 2
        assert said in result.output


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_texts_that_look_like_formulas_come_back_unchanged(tmp_path: Path, ending: str) -> None:
    names = ["=1+1", "'quoted'", "-x"]
    rows = [{**asdict(EpochRecord(n, "val", name, 1.0))} for n, name in enumerate(names)]
    path = tmp_path / f"epochs.{ending}"
    if ending == "csv":
        with path.open("w") as file:
            write_csv(rows, EXPORTED_EPOCHS, file)
    else:
        write_parquet(rows, EXPORTED_EPOCHS, path)
    (run,) = imported_runs(str(path))
    assert [record.output for record in run.epochs] == names
