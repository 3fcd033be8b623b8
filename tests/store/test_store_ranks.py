"""The ranks of a distributed job are one run, on either engine."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from lossmon.errors import RunNotFound
from lossmon.store import Store, open_store
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
