"""Which rank of a distributed job this process is, and what the ranks of the job have in common."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import keras

JOB, RANK, WORLD_SIZE = "LOSSMON_JOB", "LOSSMON_RANK", "LOSSMON_WORLD_SIZE"
# Several `fit` calls of one job are several runs: ranks make them in the same order.
_fits = itertools.count(1)
# The addresses of a thousand workers are more than an index of PostgreSQL takes.
_MOST_SIGNS = 200


class Rank(NamedTuple):
    """One process of a distributed job.

    Attributes:
        job: what all ranks of the job know it by, and no other job at the same time.
        rank: from 0.
        world_size: how many ranks there are.
    """

    job: str
    rank: int
    world_size: int


def rank_of_fit() -> Rank | None:
    """Return the rank of the `fit` that begins here; None outside of distributed jobs.

    Raises:
        ValueError: the variables of the environment that say so do not make sense.
    """
    known = rank_of_process(os.environ)
    if known is None or known.world_size < 2:
        return None
    return known._replace(job=f"{known.job}#{next(_fits)}")


def rank_of_process(environment: Mapping[str, str]) -> Rank | None:
    """Return this process's rank, by the first that knows it.

    `LOSSMON_JOB` with `LOSSMON_RANK` and `LOSSMON_WORLD_SIZE`; what `torchrun` sets, or a process
    group of `torch.distributed`; `TF_CONFIG`; the processes of JAX.
    """
    known = _known(environment)
    if known is None or len(known.job) <= _MOST_SIGNS:
        return known
    return known._replace(job=hashlib.sha256(known.job.encode()).hexdigest())


def _known(environment: Mapping[str, str]) -> Rank | None:
    if JOB in environment:
        rank, size = _number(environment, RANK), _number(environment, WORLD_SIZE)
        return _checked(Rank(environment[JOB], rank, size), JOB)
    return _torch_rank(environment) or _tensorflow_rank(environment) or _jax_rank()


def _torch_rank(environment: Mapping[str, str]) -> Rank | None:
    group: Any = getattr(sys.modules.get("torch"), "distributed", None)
    started = "TORCHELASTIC_RUN_ID" in environment
    if not started and (group is None or not group.is_available() or not group.is_initialized()):
        return None
    names = ("TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT", "TORCHELASTIC_RESTART_COUNT")
    job = ":".join(["torch", *(environment[name] for name in names if name in environment)])
    if started:
        rank, size = _number(environment, "RANK"), _number(environment, "WORLD_SIZE")
    else:
        rank, size = group.get_rank(), group.get_world_size()
    return _checked(Rank(job, rank, size), "the environment of torchrun")


def _tensorflow_rank(environment: Mapping[str, str]) -> Rank | None:
    if not environment.get("TF_CONFIG"):
        return None
    config: dict[str, Any] = json.loads(environment["TF_CONFIG"])
    cluster, task = config.get("cluster", {}), config.get("task", {})
    # Parameter servers and evaluators train nothing.
    workers = [
        (kind, index, address)
        for kind in ("chief", "master", "worker")
        for index, address in enumerate(cluster.get(kind, ()))
    ]
    own = [(kind, index) for kind, index, _ in workers]
    me = (task.get("type"), int(task.get("index", 0)))
    if me not in own:
        return None
    job = ",".join(["tensorflow", *(address for *_, address in workers)])
    return Rank(job, own.index(me), len(own))


def _jax_rank() -> Rank | None:
    if keras.backend.backend() != "jax":
        return None
    import jax  # pyright: ignore[reportMissingImports]

    if jax.process_count() < 2:
        return None
    state = getattr(getattr(jax, "_src", None), "distributed", None)
    address = getattr(getattr(state, "global_state", None), "coordinator_address", None)
    return Rank(f"jax:{address}", jax.process_index(), jax.process_count())


def _number(environment: Mapping[str, str], name: str) -> int:
    given = environment.get(name, "")
    if not given.isdecimal():
        raise ValueError(
            f"expected a number in the environment variable {name}. Received: {given!r}. Fix: set "
            "it for each process of the job."
        )
    return int(given)


def _checked(rank: Rank, source: str) -> Rank:
    if not 0 <= rank.rank < rank.world_size:
        raise ValueError(
            f"expected a rank below the number of ranks from {source}. Received: rank {rank.rank} "
            f"of {rank.world_size}. Fix: ranks count from 0."
        )
    return rank
