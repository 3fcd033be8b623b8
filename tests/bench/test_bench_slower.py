from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from tests.bench import slower
from tests.bench.names import BARE, OFF
from tests.bench.workloads import WORKLOADS


def test_the_interval_covers_the_true_ratio_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        machine = rng.lognormal(0.0, 0.2, 100)
        bare, own = (machine * rng.lognormal(0.0, 0.1, 100) for _ in range(2))
        low, _, high = slower.ratio(1.03 * own, bare)
        covered += low <= 1.03 <= high
    assert covered / 400 == pytest.approx(0.95, abs=0.03)


def test_a_slow_moment_of_the_machine_does_not_move_the_ratio() -> None:
    bare = np.array([0.01, 0.04, 0.02])
    assert slower.ratio(1.1 * bare, bare) == pytest.approx((1.1, 1.1, 1.1))


def test_models_train_by_turns_in_one_process() -> None:
    times = slower.by_turns(WORKLOADS["mlp"], (BARE, OFF), seconds=0.5)
    assert len(times) == 2
    assert len(times[0]) == len(times[1]) >= 1
    assert all(np.isfinite(own).all() and (own > 0).all() for own in times)


def test_what_fails_while_it_trains_is_raised() -> None:
    def broken() -> None:
        raise RuntimeError("no data")

    workload = WORKLOADS["mlp"]._replace(build=broken)  # pyright: ignore[reportArgumentType]
    with pytest.raises(RuntimeError, match="no data"):
        slower.by_turns(workload, (BARE,), seconds=0.5)


def test_the_process_that_gives_the_turns_brings_no_backend() -> None:
    code = "import sys, tests.bench.__main__; sys.exit('keras' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
