"""`runs`, `show`, `findings` and `compare`, as tables and as the JSON that scripts rely on."""

from __future__ import annotations

import io
import json
from datetime import datetime
from typing import Any

import pytest
from rich.console import Console

from lossmon.cli.epoch_text import print_epochs
from lossmon.cli.meaning_text import print_meaning
from lossmon.cli.reconciliation_text import print_reconciliation
from lossmon.cli.tables import print_ranks, print_runs
from lossmon.store import open_store
from tests.cli.conftest import EPOCHS, Invoke, Seeded

RUN_KEYS = {
    *("id", "name", "project", "status", "started", "duration", "epochs", "verified", "findings"),
}
FINDING_KEYS = {"code", "rule", "severity", "output", "message", "fix", "evidence"}
EPOCH_KEYS = {
    *("epoch", "split", "output", "reported_loss", "loss", "recomputed_loss", "penalty"),
    *("reported_accuracy", "accuracy", "recomputed_accuracy", "status", "reason", "coverage"),
}


def test_runs_as_json_lists_the_newest_first(invoke: Invoke, seeded: Seeded) -> None:
    result = invoke("runs", "--json")
    rows = json.loads(result.stdout)
    assert result.exit_code == 0
    assert [row["id"] for row in rows] == [seeded.faulty, seeded.healthy]
    assert [row["name"] for row in rows] == ["faulty", "healthy"]
    for row in rows:
        assert row.keys() >= RUN_KEYS
        assert row["status"] == "finished"
        assert row["epochs"] == EPOCHS
        assert row["verified"] == 1.0
        assert row["duration"] > 0
        assert datetime.fromisoformat(row["started"]).tzinfo is not None


def test_runs_as_json_carries_the_findings(invoke: Invoke) -> None:
    faulty, healthy = json.loads(invoke("runs", "--json").stdout)
    assert [finding["code"] for finding in faulty["findings"]] == ["LM301", "LM504"]
    assert faulty["findings"][0].keys() >= FINDING_KEYS
    assert healthy["findings"] == []


def test_table_of_runs_has_ids_and_rule_names_where_there_is_room(
    invoke: Invoke, seeded: Seeded
) -> None:
    lines = invoke("runs").stdout.splitlines()
    (faulty,) = (line for line in lines if line.startswith("faulty"))
    assert seeded.faulty in faulty
    assert "LM301 accuracy-with-regression" in faulty
    assert "100%" in faulty
    (healthy,) = (line for line in lines if line.startswith("healthy"))
    assert "fine" in healthy


def test_names_of_findings_give_way_to_those_of_runs(invoke: Invoke, seeded: Seeded) -> None:
    name = "a-name-that-takes-some-room"
    open_store(seeded.db).rename("faulty", name)
    (line,) = (line for line in invoke("runs").stdout.splitlines() if line.startswith(name))
    assert f"{name} {seeded.faulty} " in line
    assert "LM301" in line
    assert "accuracy-with-regression" not in line
    assert "LM301 accuracy-with-regression" in invoke("runs", columns=170).stdout
    open_store(seeded.db).rename(name, "faulty")


@pytest.mark.parametrize("command", ["runs", "show healthy", "compare healthy faulty", "rules"])
@pytest.mark.parametrize("columns", [80, 120])
def test_tables_keep_within_the_terminal_and_cut_nothing_off(
    invoke: Invoke, command: str, columns: int
) -> None:
    result = invoke(*command.split(), columns=columns)
    assert result.exit_code == 0
    assert max(len(line) for line in result.stdout.splitlines()) <= columns
    assert "…" not in result.stdout


def test_narrow_table_of_runs_keeps_the_codes(invoke: Invoke) -> None:
    result = invoke("runs", columns=80)
    table, _, _ = result.stdout.partition("* accuracy that does not mean")
    assert "LM301" in table
    assert "accuracy-with-regression" not in table


def test_values_of_training_are_not_passed_off_as_validation(invoke: Invoke) -> None:
    row = json.loads(invoke("runs", "--json").stdout)[1]
    for shown, split, value in (
        (row, "val", row["val_loss"]),
        (row | {"val_loss": None, "val_accuracy": None}, "train", row["loss"]),
    ):
        cells = _printed([shown])[1].split()
        assert cells[2:4] == [split, f"{value:.4g}"]


def test_accuracy_that_was_meant_is_shown_where_one_was_misread(invoke: Invoke) -> None:
    rows = json.loads(invoke("runs", "--json").stdout)
    assert "meant" not in _printed(rows)[0]
    heading, first, second = _printed([rows[0] | {"val_intended_accuracy": 0.5}, rows[1]])[:3]
    assert heading.split()[5] == "meant"
    assert first.split()[5] == "0.5"
    assert second.split()[5] == "–"


def test_an_accuracy_that_means_nothing_is_marked_and_the_mark_explained(invoke: Invoke) -> None:
    told = "* accuracy that does not mean what it says: LM301 accuracy-with-regression"
    runs = invoke("runs").stdout.splitlines()
    accuracies = {line.split()[0]: line.split()[6] for line in runs[1:3]}
    assert accuracies["faulty"].endswith("*")
    assert not accuracies["healthy"].endswith("*")
    assert runs[-1] == told
    # Nothing else of a run is doubted by it.
    compared = invoke("compare", "healthy", "faulty").stdout.splitlines()
    marked = [line.split()[:-2] for line in compared if line.endswith("*") or "*  " in line]
    assert marked == [["accuracy"], ["val", "accuracy"]]
    assert told in compared
    (healthy,) = (row for row in json.loads(invoke("runs", "--json").stdout) if not row["findings"])
    assert "*" not in "".join(_printed([healthy]))


def test_fine_is_only_what_is_verified_too(invoke: Invoke) -> None:
    row = json.loads(invoke("runs", "--json").stdout)[1]
    assert _printed([row])[1].split()[-1] == "fine"
    assert _printed([row | {"verified": 0.75}])[1].split()[-2:] == ["75%", "none"]


def test_a_run_of_which_not_all_rules_were_asked_is_not_called_fine(invoke: Invoke) -> None:
    row = json.loads(invoke("runs", "--json").stdout)[1]
    assert row["rules"] == []
    change = {"change": "ignore", "rules": ["LM301"], "severity": None, "source": "rules="}
    assert _printed([row | {"rules": [change]}])[1].endswith("none; rules changed")


@pytest.mark.parametrize(
    ("width", "gone"),
    [(100, set()), (80, {"split"}), (64, {"split", "verified"}), (54, {"split", "verified"})],
)
def test_a_narrow_terminal_goes_without_columns_and_not_without_names_and_flags(
    invoke: Invoke, width: int, gone: set[str]
) -> None:
    rows = json.loads(invoke("runs", "--json").stdout)
    long = {"name": "a-run-of-long-name", "status": "interrupted", "val_intended_accuracy": 0.5}
    heading, *lines = _printed([row | long for row in rows], width)
    lines = lines[: next(place for place, line in enumerate(lines) if line.startswith("*"))]
    columns = ["run", "status", "split", "loss", "acc.", "meant", "verified", "flags"]
    shown = [name for name in columns if name in heading.split()]
    assert gone <= set(columns) - set(shown)
    assert shown[-1] == "flags"
    assert set(shown) >= {"run", "status", "loss", "acc."}
    assert max(map(len, lines)) <= width
    assert sum(line.split()[-1] in ("fine", "LM301") for line in lines) == len(rows)
    assert "a-run" in lines[0]


def _printed(rows: list[dict[str, Any]], width: int = 80) -> list[str]:
    text = io.StringIO()
    print_runs(Console(file=text, width=width), rows)
    return text.getvalue().splitlines()


@pytest.mark.parametrize("name", ["id", "prefix", "name", "latest"])
def test_run_is_found_by_each_of_its_names(invoke: Invoke, seeded: Seeded, name: str) -> None:
    given = {"id": seeded.faulty, "prefix": seeded.faulty[:6], "name": "faulty"}.get(name, name)
    assert json.loads(invoke("show", given, "--json").stdout)["id"] == seeded.faulty


def test_show_as_json_has_outputs_and_epochs(invoke: Invoke) -> None:
    document = json.loads(invoke("show", "healthy", "--json").stdout)
    (output,) = document["outputs"]
    assert document.keys() >= RUN_KEYS
    assert output["name"] is None
    assert output["loss"] == "binary_crossentropy"
    assert output["accuracy_metric"] == "BinaryAccuracy(threshold=0.5)"
    assert [(e["epoch"], e["split"]) for e in document["epochs"]] == [
        (epoch, split) for epoch in range(EPOCHS) for split in ("train", "val")
    ]
    for epoch in document["epochs"]:
        assert epoch.keys() >= EPOCH_KEYS
        assert epoch["output"] is None
        assert (epoch["status"], epoch["reason"], epoch["coverage"]) == ("verified", None, 1.0)
        assert epoch["recomputed_loss"] == pytest.approx(epoch["reported_loss"], rel=1e-5)
        assert epoch["recomputed_accuracy"] == pytest.approx(epoch["reported_accuracy"], abs=1e-6)


def test_show_says_what_loss_and_accuracy_are(invoke: Invoke) -> None:
    text = invoke("show", "faulty").stdout
    assert "loss is mean_squared_error, accuracy is BinaryAccuracy(threshold=0.5)" in text
    assert text.count("verified") == 2 * EPOCHS
    assert "LM301 accuracy-with-regression" in text


def test_show_leaves_out_what_nothing_is_known_of(invoke: Invoke) -> None:
    heading = invoke("show", "healthy").stdout.partition("epoch  split")[2].splitlines()[0]
    assert "penalty" not in heading
    assert "meant" not in heading


def test_several_outputs_have_a_table_each(invoke: Invoke) -> None:
    epochs = json.loads(invoke("show", "healthy", "--json").stdout)["epochs"]
    text = io.StringIO()
    rows = [row | {"output": name} for row in epochs for name in (None, "price", "sold")]
    print_epochs(Console(file=text, width=80), rows)
    lines = [line.strip() for line in text.getvalue().splitlines()]
    titles = [line for line in lines if line.startswith(("whole", "output"))]
    assert titles == ["whole model", "output price", "output sold"]
    assert text.getvalue().count("verified") == len(rows)


def test_a_reason_of_several_epochs_is_told_once(invoke: Invoke) -> None:
    epochs = json.loads(invoke("show", "healthy", "--json").stdout)["epochs"]
    reasons = ["no independent definition for 'own'; pass `losses={…}`"] * len(epochs)
    reasons[0] = "by the way [of one]"
    text = io.StringIO()
    rows = [
        row | {"status": "unverified", "reason": reason}
        for row, reason in zip(epochs, reasons, strict=True)
    ]
    print_epochs(Console(file=text, width=100), rows)
    lines = text.getvalue().splitlines()
    assert sum("own" in line for line in lines) == 1
    assert f"  (1) {reasons[1]}" in lines
    assert [line.rstrip().endswith("unverified (1)") for line in lines[2 : 2 + len(rows)]] == [
        False,
        *(True for _ in rows[1:]),
    ]
    assert "unverified (by the way [of one])" in text.getvalue()


def test_findings_exit_with_1_where_an_error_stands(invoke: Invoke) -> None:
    result = invoke("findings", "faulty")
    assert result.exit_code == 1
    assert "error LM301 accuracy-with-regression" in result.stdout
    fix = 'model.compile(optimizer="sgd", loss="mean_squared_error", metrics=["mae"])'
    assert f"{fix}\n  (goes in place of your compile call)\n" in result.stdout


def test_findings_exit_with_0_where_all_is_fine(invoke: Invoke) -> None:
    result = invoke("findings", "healthy")
    assert result.exit_code == 0
    assert result.stdout.strip() == "no findings"


def test_findings_as_json(invoke: Invoke) -> None:
    result = invoke("findings", "faulty", "--json")
    finding, advice = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (finding["severity"], advice["severity"]) == ("error", "info")
    assert finding.keys() >= FINDING_KEYS
    assert finding["evidence"]["resolved"] == "BinaryAccuracy(threshold=0.5)"


def test_compare_says_what_the_numbers_are_before_the_numbers(invoke: Invoke) -> None:
    text = invoke("compare", "healthy", "faulty").stdout
    rows = {line[:12].strip(): line.split() for line in text.splitlines()}
    assert rows["loss is"][-2:] == ["binary_crossentropy", "mean_squared_error"]
    assert rows["epochs"][-2:] == [str(EPOCHS)] * 2
    assert "LM301" in text
    assert text.index("loss is") < text.index("val loss")


def test_compare_shows_only_settings_that_differ(invoke: Invoke) -> None:
    text = invoke("compare", "healthy", "faulty").stdout
    assert "config.scaled" in text
    assert "optimizer.name" in text
    assert "model.layers" not in text
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}
    assert rows["data.train_samples"] == ["426", "331"]
    assert rows["data.val_samples"] == ["143", "111"]
    assert "data.batch_size" not in text


def test_compare_as_json_holds_each_document(invoke: Invoke, seeded: Seeded) -> None:
    documents = json.loads(invoke("compare", "faulty", "healthy", "--json").stdout)
    assert [document["id"] for document in documents] == [seeded.faulty, seeded.healthy]
    assert all(document["epochs"] for document in documents)
    assert [document["batch_size"] for document in documents] == [32, 32]


def test_compare_needs_two_runs(invoke: Invoke) -> None:
    result = invoke("compare", "healthy")
    assert result.exit_code == 2
    assert "compare needs two or more runs. Received: healthy" in result.stderr


def test_a_run_says_why_its_last_numbers_differ(invoke: Invoke) -> None:
    text = " ".join(invoke("show", "healthy").stdout.split())
    assert f"why the numbers differ (epoch {EPOCHS}) training – The printed loss" in text
    assert "validation – The printed `accuracy` is BinaryAccuracy(threshold=0.5)" in text
    epochs = json.loads(invoke("show", "healthy", "--json").stdout)["epochs"]
    assert all(sentence in text for sentence in epochs[-1]["reconciliation"])
    assert {"audited_loss", "audited_accuracy", "reconciliation"} <= epochs[-1].keys()


def test_a_run_says_what_its_last_numbers_are_worth(invoke: Invoke) -> None:
    text = " ".join(invoke("show", "healthy").stdout.split())
    document = json.loads(invoke("show", "healthy", "--json").stdout)
    best = document["epochs"][-1]["baselines"]
    reached = f"accuracy {best['majority_accuracy']:.4g} and loss {best['constant_loss']:.4g}"
    assert f"validation – a constant answer would reach {reached}" in text
    assert "correct" not in text


def test_a_misread_accuracy_stands_beside_the_one_that_was_meant() -> None:
    console = Console(file=io.StringIO(), width=80)
    row = {
        "epoch": 3,
        "split": "val",
        "output": None,
        "reported_accuracy": 0.788,
        "intended_accuracy": 0.803,
        "intended_exact_match": 0.25,
        "baselines": {"rows": 9, "majority_accuracy": 0.62, "constant_loss": None},
    }
    metric = "BinaryAccuracy(threshold=0.0)"
    print_meaning(console, [{"name": None, "intended_metric": metric}], [row])
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines()[1:-1] == [
        "validation",
        "  – accuracy: printed 0.788, meant 0.803 by BinaryAccuracy(threshold=0.0)",
        "  – in 25.0% of the samples every label is right",
        "  – a constant answer would reach accuracy 0.62",
    ]


def test_a_run_of_an_older_version_says_nothing_of_its_numbers() -> None:
    console = Console(file=io.StringIO(), width=80)
    old = ("reconciliation", "intended_accuracy", "intended_exact_match", "baselines")
    row = {"epoch": 0, "split": "val", "output": None} | dict.fromkeys(old)
    print_reconciliation(console, [row])
    print_reconciliation(console, [])
    print_meaning(console, [], [row])
    print_meaning(console, [], [])
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == ""


def test_a_distributed_job_is_shown_over_all_its_ranks() -> None:
    told = io.StringIO()
    rank = {"id": "a", "host": "h", "pid": 1, "status": "finished", "verified": 1.0, "epochs": 1}
    whole = {"epoch": 0, "split": "val", "output": None, "n": 4096, "status": "verified"}
    values = {"loss": 0.6, "recomputed_loss": 0.625, "accuracy": 0.75, "recomputed_accuracy": None}
    print_ranks(
        Console(file=told, width=100),
        {
            "ranks": [rank | {"rank": number} for number in range(2)],
            "world_size": 2,
            "joined_epochs": [whole | values],
        },
    )
    assert "all ranks, by their numbers of samples" in told.getvalue()
    assert told.getvalue().splitlines()[-1].split() == [
        *("1", "val", "4,096", "0.625", "0.75", "verified")
    ]
