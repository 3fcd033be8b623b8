"""How the errors of two epochs go together, and when that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lossmon.analysis import diverging_epochs, explain_divergence
from lossmon.analysis.history import History, history
from lossmon.analysis.noise import blocks
from lossmon.analysis.paired import paired, paired_epochs
from lossmon.analysis.steadied import slope, steadied_error
from lossmon.records import SampleRecord, SampleSet
from tests.analysis.sampled import RECORDS, ROWS, SET, N
from tests.analysis.trained import OUTPUT
from tests.analysis.wobbles import wobbling_samples


def judged() -> History:
    found = history(ROWS, OUTPUT, "val")
    assert found is not None
    return found


JUDGED = judged()


def read(output: str | None, epochs: Sequence[int]) -> list[SampleRecord]:
    return [RECORDS[epoch] for epoch in epochs]


def test_covariances_are_those_of_means_of_drawn_samples() -> None:
    known = wobbling_samples(3, 4, "all", 0.0, samples=200)
    found = paired(*known)
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, 200, (4000, 200))
    means = np.array([known.loss[:, one].mean(axis=1) for one in drawn])
    hits = np.array([known.correct[:, one].mean(axis=1) for one in drawn])
    both = np.cov(np.concatenate([means, hits], axis=1).T)
    for part, expected in (
        (found.loss, both[:4, :4]),
        (found.accuracy, both[4:, 4:]),
        (found.both, both[:4, 4:]),
    ):
        assert np.abs(part - expected).max() < 0.12 * np.abs(expected).max()
    steadied = np.cov((means + 1.5 * hits).T)
    assert found.steadied(-1.5) == pytest.approx(steadied, rel=0.1, abs=1e-5)


def test_one_epoch_of_huge_losses_changes_nothing_of_the_others() -> None:
    known = wobbling_samples(3, 12, "all", 0.0, samples=200)
    alone = paired(*known).loss
    loss = known.loss.copy()
    loss[4] *= 1e25
    found = paired(loss, known.correct).loss
    assert found[4, 4] == pytest.approx(1e50 * alone[4, 4], rel=1e-4)
    assert found[5:, 5:] == pytest.approx(alone[5:, 5:])
    values, errors = loss.mean(axis=1), np.sqrt(found.diagonal())
    smoothed = blocks(values, errors, 3, found).covariances
    assert smoothed is not None
    assert smoothed[0, 0] == pytest.approx(alone[:3, :3].mean())
    undisturbed = blocks(values, errors, 3, alone).covariances
    assert undisturbed is not None
    assert smoothed[5:, 5:] == pytest.approx(undisturbed[5:, 5:])


def test_the_aggregates_of_an_epoch_give_the_same_errors() -> None:
    found = paired_epochs(JUDGED, read)
    assert found is not None
    assert np.sqrt(found.loss.diagonal()) == pytest.approx(JUDGED.loss_error, rel=1e-3, abs=1e-8)
    assert found.both.diagonal() == pytest.approx(JUDGED.covariance, rel=1e-3, abs=1e-8)
    one = steadied_error(JUDGED.loss_error, JUDGED.accuracy_error, JUDGED.covariance, -2.0)
    assert one == pytest.approx(np.sqrt(found.steadied(-2.0).diagonal()), rel=0.01)


def test_the_slope_is_that_of_jumps_and_not_of_ways() -> None:
    rng = np.random.default_rng(1)
    jumps, way = rng.normal(size=60), np.linspace(0, 1, 60)
    hits = 0.8 + 0.02 * jumps - 0.1 * way
    loss = 0.5 - 0.1 * jumps + 3.0 * way + 0.01 * rng.normal(size=60)
    assert slope(loss, hits) == pytest.approx(-5.0, rel=0.1)
    assert slope(-loss, hits) == slope(loss, np.full(60, 0.8)) == slope(loss[:3], hits[:3]) == 0.0


@pytest.mark.parametrize("missing", ["some", "others", "weighted", "loss", "infinite", "verdicts"])
def test_without_all_samples_nothing_is_known_of_pairs(missing: str) -> None:
    weighted = SampleSet(SET.keys, "inputs", None, np.full(N, 2.0, np.float32))
    changes: dict[str, dict[str, Any]] = {
        "others": {"samples": SampleSet(SET.keys[::-1].copy(), "inputs")},
        "weighted": {"samples": weighted},
        "loss": {"loss": RECORDS[7].loss * np.float32(1.1)},
        "infinite": {"loss": np.where(np.arange(N) == 5, np.inf, 0.1).astype(np.float32)},
        "verdicts": {"correct": None},
    }

    def reader(output: str | None, epochs: Sequence[int]) -> list[SampleRecord]:
        found = read(output, epochs)
        if missing == "some":
            return found[:-1]
        return [replace(r, **changes[missing]) if r.epoch == 7 else r for r in found]

    assert paired_epochs(JUDGED, read) is not None
    assert paired_epochs(JUDGED, reader) is None
    assert paired_epochs(JUDGED, None) is None
    assert paired_epochs(replace(JUDGED, split="train"), read) is None


def test_charts_shade_what_is_explained() -> None:
    told = [(e.kind, e.first_epoch, e.last_epoch) for e in explain_divergence(ROWS, [OUTPUT], read)]
    assert told
    assert diverging_epochs(ROWS, OUTPUT, read) == told
