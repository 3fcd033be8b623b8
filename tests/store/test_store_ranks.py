"""The ranks of a distributed job are one run, on either engine."""

from __future__ import annotations

import time
from dataclasses import replace
from math import fsum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossmon.errors import RunNotFound
from lossmon.store import Store, open_store
from lossmon.store.joined_epochs import COLUMNS, join_epochs
from lossmon.store.resume import find_resumable
from tests.store.made import FINDING, STARTED, batch, epoch, open_writer

JOB = "tensorflow,a:1,b:1#1"


def record(db: str, run_id: str, rank: int | None, age: float = 0.0, job: str | None = JOB) -> None:
    """One rank of a job of three, or a run of its own."""
    writer = open_writer(
        db,
        id=run_id,
        name="job" if rank is not None else "alone",
        started=STARTED + age,
        host=f"host{rank}",
        job=None if rank is None else job,
        rank=rank,
        world_size=None if rank is None else 3,
    )
    status = "verified" if rank != 2 else "unverified"
    writer.write([batch(0), batch(1)], [epoch(0, status=status)])
    if rank == 1:
        writer.write(findings=[FINDING, replace(FINDING, code="LM408", severity="warning")])
    if rank == 0:
        writer.write(findings=[FINDING])
    writer.finish("finished")
    writer.close()


@pytest.fixture
def store(db: str) -> Store:
    # The other ranks begin first and last; a later launch of the same job has one rank missing.
    record(db, "111100000001", 1, 0.0)
    record(db, "000000000001", 0, 1.0)
    record(db, "222200000001", 2, 2.0)
    record(db, "aaaa00000001", None, 50.0)
    record(db, "000000000002", 0, 100.0)
    record(db, "111100000002", 1, 101.0)
    return open_store(db)


def test_a_job_is_one_run(store: Store) -> None:
    rows = store.run_rows()
    ranks = {row["id"]: [rank["id"] for rank in row["ranks"]] for row in rows}
    assert ranks == {
        "000000000002": ["000000000002", "111100000002"],
        "aaaa00000001": [],
        "000000000001": ["000000000001", "111100000001", "222200000001"],
    }
    whole = rows[2]
    assert (whole["world_size"], whole["verified"]) == (3, pytest.approx(2 / 3))
    assert [rank["host"] for rank in whole["ranks"]] == ["host0", "host1", "host2"]
    assert store.run("000000000001")["ranks"] == whole["ranks"]
    assert [row["epoch"] for row in store.run("000000000001")["epochs"]] == [0]


def test_findings_of_other_ranks_are_told_once_with_their_rank(store: Store) -> None:
    found = [(f["code"], f.get("rank")) for f in store.finding_rows("000000000001")]
    assert found == [("LM301", None), ("LM408", 1)]
    assert store.run("000000000001")["findings"] == store.finding_rows("000000000001")


def test_a_name_means_rank_0_and_an_id_any_rank(store: Store) -> None:
    assert store.resolve("job") == "000000000002"
    assert store.resolve("latest") == "000000000002"
    assert store.run("222200000001")["rank"] == 2
    assert len(store.run("222200000001")["epochs"]) == 1


def test_what_is_done_to_a_job_is_done_to_all_its_ranks(store: Store) -> None:
    assert store.archive(["000000000001"]) == 1
    assert [row["id"] for row in store.run_rows()] == ["000000000002", "aaaa00000001"]
    frame = store.runs()
    archived = {row["id"] for row in frame.to_dict("records") if row["archived"] == row["archived"]}
    assert archived == {"000000000001", "111100000001", "222200000001"}
    assert store.delete(["000000000001"]) == 1
    left = {row["id"] for row in store.runs().to_dict("records")}
    assert left == {"aaaa00000001", "000000000002", "111100000002"}


def test_a_rank_whose_rank_0_is_not_recorded_stands_for_itself(db: str) -> None:
    record(db, "111100000001", 1)
    (row,) = open_store(db).run_rows()
    assert (row["id"], [rank["rank"] for rank in row["ranks"]]) == ("111100000001", [1])


def rows(parts: list[list[float]], **more: Any) -> list[list[dict[str, Any]]]:
    """An epoch of each rank, from the losses of its samples; half of them are right."""
    return [
        [
            {
                **dict.fromkeys(COLUMNS),
                "epoch": 0,
                "split": "train",
                "output": None,
                "status": "verified",
                "n": len(losses),
                "weight": len(losses),
                "judged": len(losses),
                "coverage": 1.0,
                "recomputed_loss": fsum(losses) / len(losses),
                "accuracy": sum(loss < 0 for loss in losses) / len(losses),
                **more,
            }
        ]
        for losses in parts
    ]


@given(st.lists(st.lists(st.floats(-9, 9), min_size=1, max_size=5), min_size=2, max_size=4))
def test_samples_that_are_shared_out_give_the_same_means(parts: list[list[float]]) -> None:
    whole = [loss for losses in parts for loss in losses]
    (joined,) = join_epochs(rows(parts), len(parts))
    ((alone,),) = rows([whole])
    assert joined["n"] == len(whole)
    assert joined["recomputed_loss"] == pytest.approx(alone["recomputed_loss"], abs=1e-12)
    assert joined["accuracy"] == pytest.approx(alone["accuracy"], abs=1e-12)
    assert (joined["loss"], joined["recomputed_accuracy"]) == (None, None)
    assert (joined["coverage"], joined["status"]) == (1.0, "verified")


@pytest.mark.parametrize(
    "otherwise",
    [{"weight": 3.5}, {"judged": 5.0}, {"judged": None}, {"accuracy": None}],
    ids=["weighted", "masked", "unknown", "not measured"],
)
def test_an_accuracy_of_other_counts_is_not_joined(otherwise: dict[str, Any]) -> None:
    ranks = rows([[1.0, -1.0], [2.0, -2.0, 4.0]])
    ranks[1][0] |= otherwise
    (joined,) = join_epochs(ranks, 2)
    assert joined["recomputed_loss"] == pytest.approx(4 / 5)
    assert joined["accuracy"] is None


def test_where_batches_were_left_out_the_others_count() -> None:
    ranks = rows([[1.0] * 4, [4.0] * 4], coverage=0.5, judged=2.0)
    ranks[1][0] |= {"coverage": 1.0, "judged": 4.0, "status": "mismatch"}
    (joined,) = join_epochs(ranks, 2)
    assert joined["recomputed_loss"] == pytest.approx((2 * 1 + 4 * 4) / 6)
    assert (joined["coverage"], joined["status"], joined["accuracy"]) == (0.75, "mismatch", 0.0)


def test_an_epoch_that_a_rank_has_not_is_not_joined() -> None:
    assert join_epochs(rows([[1.0], [2.0]]), 3) == []
    assert join_epochs(rows([[1.0], [2.0]], recomputed_loss=None, accuracy=None), 2) == []


def test_a_job_shows_its_epochs_over_all_ranks(store: Store, db: str) -> None:
    for number in range(3):
        writer = open_writer(
            db, id=f"b{number}", name="three", job="other", rank=number, world_size=3
        )
        values: dict[str, Any] = {"loss": float(number), "accuracy": 0.5, "judged": 32.0}
        values |= {"n": 32, "weight": 32.0}
        writer.write((), [epoch(0, coverage=1.0, **values)])
        writer.close()
    (joined,) = store.run("b0")["joined_epochs"]
    assert (joined["loss"], joined["accuracy"], joined["n"]) == (1.0, 0.5, 96)
    assert store.run("b1")["joined_epochs"] == []
    assert store.run("aaaa00000001")["joined_epochs"] == []
    # One of its three ranks was never recorded.
    assert store.run("000000000002")["joined_epochs"] == []


@pytest.mark.parametrize("status", ["failed", "running"])
def test_a_job_is_as_well_as_its_worst_rank(db: str, status: str) -> None:
    record(db, "000000000001", 0)
    other = open_writer(db, name="job", started=time.time(), job=JOB, rank=1, world_size=2)
    if status == "failed":
        other.finish("failed")
    before = open_store(db).revision("000000000001")
    assert open_store(db).run_rows()[0]["status"] == status
    other.write([batch(0)])
    assert open_store(db).revision("000000000001") != before
    assert open_store(db).running() == 0
    other.close()


def test_a_rank_resumes_as_itself(store: Store, db: str) -> None:
    assert find_resumable(db, "000000000001", {}, rank=2).run_id == "222200000001"
    assert find_resumable(db, "job", {}, rank=1).run_id == "111100000002"
    with pytest.raises(RunNotFound, match="rank 2 of run 000000000002"):
        find_resumable(db, "job", {}, rank=2)
    store.close()
