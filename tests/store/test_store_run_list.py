"""The list that is kept in memory says what the database says."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from typing import Any

import pytest

from lossmon.store import ColumnFilter, Condition, RunQuery, RunWriter, open_store, upgrade
from lossmon.store.run_query import Listed, chosen, groups_of
from tests.store.made import FINDING, STARTED, epoch, open_writer

EVERY = RunQuery(archived=True)


def names(found: Any) -> list[str]:
    return [row["name"] for row in found]


def test_a_page_has_the_rows_that_the_list_would_have(db: str) -> None:
    for number in range(5):
        config = {"units": number, "opt": {"rate": 0.1}}
        writer = open_writer(db, name=str(number), started=STARTED + number, config=config)
        writer.write((), [epoch(0, "val", loss=float(number))], [FINDING] if number == 3 else [])
        writer.finish("finished")
        writer.close()
    store = open_store(db)
    page = store.run_page(RunQuery(), 1, 3)
    assert (names(page.rows), page.found, page.training, page.faulty) == (["3", "2"], 5, 0, 1)
    whole = {row["id"]: row for row in store.run_rows()}
    for row in page.rows:
        assert {key: row[key] for key in whole[row["id"]]} == whole[row["id"]]
        assert row["config"] == {"units": int(row["name"]), "opt.rate": 0.1}
        assert row["ends"]["best_loss"]["loss"] == float(row["name"])
    assert names(store.run_page(RunQuery(order=(("val_loss", False),)), 0, 2).rows) == ["0", "1"]
    assert store.run_page(RunQuery(), 5, 9).rows == []


def test_the_list_follows_what_is_written_archived_and_deleted(db: str) -> None:
    for name in ("one", "two"):
        open_writer(db, name=name, started=STARTED).close()
    store = open_store(db)
    by_loss = RunQuery(order=(("val_loss", True),))
    assert {r.get("val_loss") for r in store.listed_runs(by_loss)} == {None}
    writer = open_writer(db, name="three", started=STARTED - 1)
    writer.write((), [epoch(0, "val", loss=4.0)], [FINDING])
    writer.close()
    assert names(store.listed_runs(by_loss))[0] == "three"
    assert names(store.listed_runs(RunQuery("lm301 ACCURACY-with"))) == ["three"]
    assert names(store.listed_runs(RunQuery("error"))) == ["three"]
    assert "three" not in names(store.listed_runs(RunQuery("fine")))
    store.rename("three", "four")
    store.set_tags("one", ["kept"])
    assert names(store.listed_runs(RunQuery("four"))) == ["four"]
    assert names(store.listed_runs(RunQuery(group=("tags", "kept")))) == ["one"]
    store.archive(["four"])
    assert "four" not in names(store.listed_runs(RunQuery()))
    assert "four" in names(store.listed_runs(EVERY))
    store.delete(["one", "four"])
    assert names(store.listed_runs(EVERY, measured=True)) == ["two"]


def test_who_has_fallen_silent_is_seen_without_a_change(writer: RunWriter, db: str) -> None:
    store = open_store(db)
    assert store.run_page(EVERY).training == 1
    assert store.listed_runs(RunQuery("running"))
    writer.close()
    stale = open_writer(db, name="gone", pid=2**22 + os.getpid())
    stale.close()
    found = {run["name"]: run["status"] for run in store.listed_runs(EVERY)}
    assert found["gone"] == "interrupted"
    assert store.listed_runs(RunQuery("gone"))[0]["text"].count("interrupted") == 1


def test_the_ranks_of_a_job_are_one(db: str) -> None:
    for rank in (1, 0):
        writer = open_writer(db, name="job", job="j", rank=rank, world_size=2, started=STARTED)
        writer.write((), [epoch(0, "val", loss=1.0, status="verified")], [FINDING] if rank else [])
        writer.finish("failed" if rank else "finished")
        writer.close()
    store = open_store(db)
    (run,) = store.listed_runs(EVERY, measured=True)
    assert (run["status"], run["rank"], run["flags"], run["verified"]) == ("failed", 0, 1000, 1.0)
    page = store.run_page(RunQuery())
    assert (page.found, page.faulty, page.rows[0]["status"]) == (1, 1, "failed")
    assert len(page.rows[0]["ranks"]) == 2


def test_of_equally_good_epochs_the_first_is_the_best(writer: RunWriter, db: str) -> None:
    store = open_store(db)
    writer.write((), [epoch(e, "val", loss=1.0, accuracy=0.5 + e / 2) for e in range(2)])
    (row,) = store.run_page(EVERY).rows
    ends = {name: row["ends"][name]["epoch"] for name in ("last", "best_loss", "best_accuracy")}
    assert ends == {"last": 1, "best_loss": 0, "best_accuracy": 1}
    writer.write((), [epoch(2, "val", loss=0.5, accuracy=0.1)])
    (row,) = store.run_page(EVERY).rows
    assert (row["ends"]["last"]["epoch"], row["ends"]["best_loss"]["epoch"]) == (2, 2)


def test_settings_can_be_asked_for(db: str) -> None:
    upgrade(db)
    assert not open_store(db).has_runs()
    open_writer(db, name="a", config={"units": 1, "opt": {"rate": 0.1}}).close()
    store = open_store(db)
    assert store.config_columns() == ["config.opt.rate", "config.units"]
    assert store.has_runs()


def run(name: str, **values: Any) -> Listed:
    usual = {"id": name, "name": name, "started": 0.0, "archived": None, "tags": [], "text": name}
    return usual | values


def test_what_is_not_known_comes_last_either_way_and_nan_before_it() -> None:
    runs = [run(str(v), loss=v) for v in (2.0, None, math.nan, 1.0)]
    assert names(chosen(runs, RunQuery(order=(("loss", False),)))) == ["1.0", "2.0", "nan", "None"]
    assert names(chosen(runs, RunQuery(order=(("loss", True),)))) == ["2.0", "1.0", "nan", "None"]
    several = RunQuery(order=(("project", False), ("loss", True)))
    rows = [run("a", project="p", loss=1.0), run("b", project="P", loss=2.0), run("c", project="o")]
    assert names(chosen(rows, several)) == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("failed", ["a", "b"]),
        ("status:failed", ["a"]),
        ("STATUS:Fail project:digits", ["a"]),
        ("name:failed", ["b"]),
        ("tag:base", ["b"]),
        ("lr:0.01", ["b"]),
        ("note:worse", ["a"]),
        ("rule:LM301 severity:error", ["a"]),
        ("status:", []),
        ("nothing:failed", []),
        ("http://x", ["b"]),
        ("error", ["a"]),
        ("squared_error", ["b"]),
        ("fine", []),
    ],
)
def test_a_word_may_say_what_it_is_about(words: str, found: list[str]) -> None:
    told: Any = {"rules_found": ["LM301"], "severities": ["error"]}
    other: Any = {"name": "failed before", "tags": ["baseline"], "config.LR": 0.01}
    runs: list[Listed] = [
        run("a", status="failed", project="digits", notes="Worse", **told | {"text": "failed"}),
        {
            **run("b"),
            **other,
            "status": "finished",
            "text": "failed before, see http://x, mean_squared_error",
        },
    ]
    assert [one["id"] for one in chosen(runs, RunQuery(words))] == found


@pytest.mark.parametrize(
    ("status", "severity", "changed", "fine"),
    [
        ("verified", None, [], True),
        ("verified", "info", [], True),
        ("unverified", None, [], False),
        ("mismatch", None, [], False),
        ("verified", "warning", [], False),
        ("verified", None, [{"code": "LM301", "ignored": True}], False),
    ],
)
def test_fine_is_what_was_verified_and_asked_of_all_rules(
    db: str, status: Any, severity: Any, changed: Any, fine: bool
) -> None:
    writer = open_writer(db, rules=changed)
    found = [] if severity is None else [replace(FINDING, severity=severity)]
    writer.write((), [epoch(0, "val", loss=1.0, status=status)], found)
    writer.close()
    assert len(open_store(db).listed_runs(RunQuery("fine"))) == fine
    assert len(open_store(db).listed_runs(RunQuery("severity:fine"))) == fine
    assert len(open_store(db).listed_runs(RunQuery(str(severity)))) == (severity is not None)


def test_conditions_compare_numbers_with_numbers_and_texts_with_texts() -> None:
    runs = [run("low", loss=1.0), run("high", loss=3.0), run("none", loss=None)]

    def kept(*conditions: Condition, every: bool = True) -> list[str]:
        return names(chosen(runs, RunQuery(filters=(ColumnFilter("loss", conditions, every),))))

    assert kept(Condition("greaterThan", 1.0)) == ["high"]
    assert kept(Condition("inRange", 1.0, 3.0)) == ["low", "high"]
    assert kept(Condition("equals", 1.0), Condition("blank"), every=False) == ["low", "none"]
    assert kept(Condition("contains", "3")) == ["high"]
    assert kept(Condition("greaterThan", "3")) == []
    assert kept(Condition("contains", 3.0)) == []
    assert kept(Condition("notBlank")) == ["low", "high"]


def test_runs_of_one_setting_differ_in_their_seed_alone() -> None:
    same = {"config.lr": 0.1, "config.model.seed": 1}
    one, two = run("a", **same), run("b", **(same | {"config.model.seed": 2}))
    assert groups_of(one, "setting") == groups_of(two, "setting") == ["lr=0.1"]
    assert groups_of(run("c"), "setting") == []
    for by in ("setting", "config.rate"):
        groups = [groups_of(run("f", **{"config.rate": rate}), by) for rate in (10**6, 1e6, True)]
        assert groups[0] == groups[1] != groups[2]
    assert groups_of(run("d", tags=["x", "y"]), "tags") == ["x", "y"]
    assert groups_of(run("e", project=None), "project") == []
