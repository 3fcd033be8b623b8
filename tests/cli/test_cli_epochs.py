"""The epochs that `show` tells of: all of a short run, of a long one those that matter."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from lossmon.cli.epoch_text import MANY, print_courses, quoted_epochs
from lossmon.cli.rule_text import print_rule
from lossmon.cli.tables import print_run
from lossmon.records import EpochRecord, Finding
from lossmon.rules import rule_pages
from lossmon.store import open_store
from tests.cli.conftest import EPOCHS, Invoke, Seeded
from tests.store.made import epoch, open_writer

LONG = 300
LEAST = 77
WRONG = 123
QUOTED = 99


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run whose epoch `WRONG` does not agree, and whose validation loss is least at `LEAST`."""
    db = str(tmp_path_factory.mktemp("long") / "runs.db")
    rows: list[EpochRecord] = []
    for number in range(LONG):
        loss = 1.0 + abs(number - LEAST)
        known: dict[str, Any] = {"loss": loss, "recomputed_loss": loss}
        known["status"] = "mismatch" if number == WRONG else "verified"
        rows += [epoch(number, split, **known) for split in ("train", "val")]
    writer = open_writer(db, name="long")
    told = f"the loss rose since epoch {QUOTED} (of {LONG})."
    finding = Finding("LM408", "overfitting", "warning", None, told, "stop", {})
    writer.write(epochs=rows, findings=[finding])
    writer.finish("finished")
    writer.close()
    return db


def _shown(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"^(\d+) +val ", text, flags=re.MULTILINE)]


def test_a_long_run_shows_the_epochs_that_matter(invoke: Invoke, long: str) -> None:
    text = invoke("show", "long", "--db", long).stdout
    shown = _shown(text)
    # From 0 there, from 1 here.
    assert {1, LEAST + 1, QUOTED, WRONG + 1, WRONG + 2, LONG - 1, LONG} <= set(shown)
    assert shown == sorted(set(shown))
    assert len(shown) <= MANY
    assert f"{LONG - len(shown)} of {LONG} epochs are left out" in text


def test_epochs_are_quoted_by_their_numbers() -> None:
    said = ["Epochs 16–57: loss rose 0.5 → 0.56.", "It fell since epoch 3 (least at epoch 12)."]
    assert quoted_epochs(said) == {15, 56, 2, 11}
    assert quoted_epochs(["Each of 40 epochs is verified: 0.3."]) == set()


def test_every_epoch_is_shown_where_that_is_asked(invoke: Invoke, long: str) -> None:
    text = invoke("show", "long", "--db", long, "--every-epoch").stdout
    assert _shown(text) == list(range(1, LONG + 1))
    assert "left out" not in text


def test_a_short_run_is_shown_whole(invoke: Invoke) -> None:
    text = invoke("show", "healthy").stdout
    assert _shown(text) == [1, 2]
    assert "left out" not in text


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_both_courses_stand_on_one_line(width: int, long: str) -> None:
    text = io.StringIO()
    print_courses(Console(file=text, width=width), open_store(long).run_document("long")["epochs"])
    (loss,) = text.getvalue().splitlines()
    assert loss.startswith("loss ")
    assert len(loss) <= width


@pytest.mark.parametrize("page", rule_pages(), ids=lambda page: page.code)
def test_lines_of_code_stay_whole_in_a_narrow_terminal(page: Any) -> None:
    text = io.StringIO()
    print_rule(Console(file=text, width=60), page)
    printed = {line.strip() for line in text.getvalue().splitlines()}
    blocks = [part for section in page.sections.values() for part in section.split("```")[1::2]]
    code = [line.strip() for block in blocks for line in block.removeprefix("python").splitlines()]
    assert blocks
    assert set(code) <= printed | {""}


def test_the_head_says_how_far_of_what_was_asked_for(seeded: Seeded) -> None:
    document = open_store(seeded.db).run_document("healthy")
    told: list[str] = []
    for planned in (5000, len({row["epoch"] for row in document["epochs"]}), None):
        run = document | {"status": "interrupted", "epochs_planned": planned}
        run |= {"verdict": {"standing": "good", "text": ""}, "divergence": [], "splits": []}
        with (console := Console(width=200)).capture() as printed:
            print_run(console, run)
        told.append(printed.get().split(", started")[0].split(document["id"])[1])
    assert told == [f" interrupted after {EPOCHS} of 5,000 epochs", " interrupted", " interrupted"]


def test_epochs_before_the_initial_one_count_as_done(seeded: Seeded) -> None:
    document = open_store(seeded.db).run_document("healthy")
    later = [row for row in document["epochs"] if row["epoch"] >= 1]
    run = document | {"epochs": later, "epochs_planned": EPOCHS}
    run |= {"verdict": {"standing": "good", "text": ""}, "divergence": [], "splits": []}
    with (console := Console(width=200)).capture() as printed:
        print_run(console, run)
    assert f"{document['id']} finished, started" in printed.get()
    # Of what is not here it is known how far it had come.
    run |= {"epochs": [], "epoch": 1, "begun_anew": True, "status": "interrupted"}
    with (console := Console(width=200)).capture() as printed:
        print_run(console, run)
    assert f"{document['id']} interrupted after 1 of {EPOCHS} epochs" in printed.get()
