"""Jobs of two processes that train one model together, started as such jobs are.

Keras 3.15 itself cannot `fit` under TensorFlow's `MultiWorkerMirroredStrategy`; PyTorch and JAX are
tested by `make backend`.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import keras
import pytest

import lossmon

PYTORCH = """
import json, sys
import keras, numpy as np, torch.distributed as dist, lossmon

dist.init_process_group("gloo")
rank, size = dist.get_rank(), dist.get_world_size()
keras.utils.set_random_seed(0)
x = np.random.default_rng(rank).normal(size=(96 + 16 * rank, 6)).astype("float32")
y = (x[:, :1] > 0).astype("float32")
model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])

def average(weight):
    dist.all_reduce(weight.grad)
    weight.grad.div_(size)

for variable in model.trainable_weights:
    variable.value.register_post_accumulate_grad_hook(average)
history = model.fit(
    x[:48], y[:48], batch_size=8, epochs=2, verbose=0, validation_data=(x[48:], y[48:]),
    callbacks=[lossmon.Monitor(sys.argv[1], run="together")],
)
weights = [float(weight.sum()) for weight in model.get_weights()]
with open(f"{sys.argv[1]}-{rank}.json", "w") as told:
    json.dump({"history": history.history, "weights": weights}, told)
dist.destroy_process_group()
"""

JAX = """
import json, sys
import jax
db, address, rank = sys.argv[1], sys.argv[2], int(sys.argv[3])
jax.distributed.initialize(address, 2, rank)
import keras, numpy as np, lossmon

spread = keras.distribution.DataParallel(auto_shard_dataset=False)
keras.distribution.set_distribution(spread)
keras.utils.set_random_seed(0)
x = np.random.default_rng(rank).normal(size=(48, 6)).astype("float32")
y = (x[:, :1] > 0).astype("float32")
model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
monitor = lossmon.Monitor(db, run="together")
history = model.fit(x, y, batch_size=8, epochs=2, verbose=0, shuffle=False, callbacks=[monitor])
with open(f"{db}-{rank}.json", "w") as told:
    json.dump({"history": history.history}, told)
"""


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def run_job(db: str, *commands: Sequence[str]) -> tuple[list[dict[str, Any]], str]:
    """Run the processes; returns what each rank wrote, and all that they said."""
    processes = [
        subprocess.Popen(
            [sys.executable, *command],
            env=os.environ | {"JAX_PLATFORMS": "cpu"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for command in commands
    ]
    said = "".join(process.communicate(timeout=240)[0] for process in processes)
    assert [process.returncode for process in processes] == [0] * len(commands), said
    return [json.loads(Path(f"{db}-{rank}.json").read_text()) for rank in range(2)], said


@pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="torchrun's processes train Keras on PyTorch"
)
def test_ranks_of_torchrun_average_their_gradients_and_are_one_run(tmp_path: Path) -> None:
    db, program = str(tmp_path / "runs.db"), tmp_path / "train.py"
    program.write_text(PYTORCH)
    place = ("--nproc-per-node=2", f"--master-port={free_port()}")
    ranks, said = run_job(db, ["-m", "torch.distributed.run", *place, str(program), db])
    assert ranks[0]["weights"] == ranks[1]["weights"]
    assert "lossmon" not in said
    (row,) = lossmon.open_store(db).run_rows()
    assert [rank["rank"] for rank in row["ranks"]] == [0, 1]
    assert (row["status"], row["verified"]) == ("finished", 1.0)
    document = lossmon.open_store(db).run("together")
    assert [(e["epoch"], e["split"], e["n"]) for e in document["joined_epochs"]] == [
        *((0, "train", 96), (0, "val", 112), (1, "train", 96), (1, "val", 112))
    ]
    for joined in document["joined_epochs"]:
        prefix, shares = ("", (48, 48)) if joined["split"] == "train" else ("val_", (48, 64))
        for name in ("loss", "accuracy"):
            printed = [rank["history"][prefix + name][joined["epoch"]] for rank in ranks]
            mean = sum(n * value for n, value in zip(shares, printed, strict=True)) / sum(shares)
            assert joined[f"recomputed_{name}"] == pytest.approx(mean, rel=1e-5)
        assert joined["status"] == "verified"


@pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="the processes of jax.distributed train Keras on JAX"
)
def test_processes_of_jax_that_share_a_batch_are_recorded_from_their_logs(tmp_path: Path) -> None:
    db, address = str(tmp_path / "runs.db"), f"127.0.0.1:{free_port()}"
    ranks, said = run_job(db, *(["-c", JAX, db, address, str(rank)] for rank in range(2)))
    assert ranks[0] == ranks[1]
    assert "lossmon" not in said
    document = lossmon.open_store(db).run("together")
    assert [rank["rank"] for rank in document["ranks"]] == [0, 1]
    assert document["troubles"] == []
    for row in document["epochs"]:
        printed = {name: ranks[0]["history"][name][row["epoch"]] for name in ("loss", "accuracy")}
        assert row["reported_loss"] == pytest.approx(printed["loss"])
        assert row["reported_accuracy"] == pytest.approx(printed["accuracy"])
        assert (row["status"], row["loss"]) == ("unverified", None)
        assert row["reason"].startswith("2 processes")
    assert len(document["epochs"]) == 2
    assert document["joined_epochs"] == []
