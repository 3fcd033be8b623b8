"""Processes of one distributed job know their ranks, and record one run together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lossmon
from lossmon.capture.ranks import Rank, rank_of_process

TORCH = {
    "TORCHELASTIC_RUN_ID": "none",
    "MASTER_ADDR": "10.0.0.1",
    "MASTER_PORT": "29400",
    "TORCHELASTIC_RESTART_COUNT": "0",
    "RANK": "2",
    "WORLD_SIZE": "4",
}
CLUSTER = {"chief": ["a:1"], "worker": ["b:1", "c:1"], "ps": ["d:1"]}


def tf_config(kind: str, index: int) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": CLUSTER, "task": {"type": kind, "index": index}})}


@pytest.mark.parametrize(
    ("environment", "known"),
    [
        ({}, None),
        # Many programs of a sweep are started so, each a training of its own.
        ({"SLURM_PROCID": "3", "SLURM_NTASKS": "8", "RANK": "3", "WORLD_SIZE": "8"}, None),
        (TORCH, Rank("torch:none:10.0.0.1:29400:0", 2, 4)),
        (tf_config("chief", 0), Rank("tensorflow,a:1,b:1,c:1", 0, 3)),
        (tf_config("worker", 1), Rank("tensorflow,a:1,b:1,c:1", 2, 3)),
        (tf_config("ps", 0), None),
        (
            TORCH | {"LOSSMON_JOB": "mine", "LOSSMON_RANK": "1", "LOSSMON_WORLD_SIZE": "2"},
            Rank("mine", 1, 2),
        ),
    ],
)
def test_the_environment_tells_the_rank(environment: dict[str, str], known: Rank | None) -> None:
    assert rank_of_process(environment) == known


def test_a_job_of_very_many_workers_has_a_name_that_every_database_takes() -> None:
    worker = [f"10.0.{i // 256}.{i % 256}:2222" for i in range(1000)]
    task = {"type": "worker", "index": 1}
    told = {"TF_CONFIG": json.dumps({"cluster": {"worker": worker}, "task": task})}
    rank = rank_of_process(told)
    assert rank is not None
    assert (rank.rank, rank.world_size, len(rank.job)) == (1, 1000, 64)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"LOSSMON_JOB": "mine"}, "LOSSMON_RANK. Received: ''"),
        (
            {"LOSSMON_JOB": "mine", "LOSSMON_RANK": "2", "LOSSMON_WORLD_SIZE": "2"},
            "Received: rank 2 of 2",
        ),
        (TORCH | {"RANK": "-1"}, "RANK. Received: '-1'"),
    ],
)
def test_an_environment_that_makes_no_sense_is_refused(
    environment: dict[str, str], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        rank_of_process(environment)


TRAINING = """
import os, sys
import keras, numpy as np, lossmon

rank = int(os.environ["RANK"])
keras.utils.set_random_seed(0)
x = np.random.default_rng(rank).normal(size=(96, 6)).astype("float32")
y = x[:, 0] > 0
for name in ("first", "second"):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1, activation="sigmoid")])
    # On one rank something is amiss.
    metrics = [] if rank != 1 else [keras.metrics.BinaryAccuracy(threshold=0.5)]
    loss = keras.losses.BinaryCrossentropy(from_logits=rank == 1)
    model.compile("sgd", loss, metrics=metrics)
    monitor = lossmon.Monitor(sys.argv[1], run=name)
    model.fit(x, y, epochs=2, batch_size=16, verbose=0, callbacks=[monitor])
    if rank == 2 and name == "second":
        os._exit(1)
"""


def test_three_processes_record_two_runs(tmp_path: Path) -> None:
    db = str(tmp_path / "runs.db")
    ranks = [
        subprocess.Popen(
            [sys.executable, "-c", TRAINING, db],
            env=os.environ | TORCH | {"RANK": str(rank), "WORLD_SIZE": "3"},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(3)
    ]
    said = [rank.communicate(timeout=240)[1] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0, 1], said[:2]
    # Findings are told by rank 0 alone, and stored of all ranks.
    assert "LM102" not in "".join(said)
    store = lossmon.open_store(db)
    rows = store.run_rows()
    assert sorted(row["name"] for row in rows) == ["first", "second"]
    for row in rows:
        assert [rank["rank"] for rank in row["ranks"]] == [0, 1, 2]
        assert (row["rank"], row["world_size"], row["status"]) == (0, 3, "finished")
        assert [(f["code"], f.get("rank")) for f in row["findings"]] == [("LM102", 1)]
        for rank in row["ranks"]:
            steps = [b["step"] for b in store.export_batches(rank["id"])]
            assert steps == list(range(12))
    assert len(store.runs()) == 6


def test_ranks_that_make_no_sense_are_said_and_training_goes_on(tmp_path: Path) -> None:
    db = str(tmp_path / "runs.db")
    program = TRAINING.replace('int(os.environ["RANK"])', "0")
    done = subprocess.run(
        [sys.executable, "-c", program, db],
        env=os.environ | {"LOSSMON_JOB": "mine"},
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    assert "recorded as a run of its own" in " ".join(done.stderr.split())
    rows = lossmon.open_store(db).run_rows()
    assert [row["ranks"] for row in rows] == [[], []]
    troubles = lossmon.open_store(db).run("first")["troubles"]
    assert "LOSSMON_RANK" in troubles[0]["message"]
