"""Divergence episodes: silent on noise, found where one was planted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lossmon.analysis import Episode, find_episodes
from lossmon.errors import InvalidArgument
from tests.analysis.wobbles import Noise, episodes_of, wobbling, wobbling_samples

RUNS = 400
LENGTHS = (10, 40, 100, 200)
# Memory of the noise, whether it has heavy tails, samples behind each epoch (None: no other noise).
NOISES: dict[str, tuple[float, bool, int | None]] = {
    "white": (0.0, False, None),
    "white with sampling error": (0.0, False, 1000),
    "lasting": (0.5, False, None),
    "long lasting": (0.7, False, 1000),
    "heavy tails": (0.0, True, None),
}

Series = tuple[Any, Any, Any, Any]


def noise(seed: int, epochs: int, kind: str) -> Series:
    memory, heavy, samples = NOISES[kind]
    rng = np.random.default_rng(seed)
    loss = 0.5 * np.exp(0.06 * wobbling(rng, epochs, memory, heavy=heavy))
    accuracy = 0.9 + 0.02 * wobbling(rng, epochs, memory, heavy=heavy)
    root = math.inf if samples is None else math.sqrt(samples)
    return loss, np.full(epochs, 0.6 / root), accuracy, np.full(epochs, 0.3 / root)


def planted(
    seed: int, *, epochs: int = 60, onset: int = 20, rise: float = 0.0, gain: float = 0.0
) -> Series:
    """A run that learns, and whose loss and accuracy change in a straight line from an onset on."""
    rng = np.random.default_rng(seed)
    time = np.arange(epochs)
    learning, since = np.exp(-time / 3), np.maximum(time - onset, 0) / (epochs - 1 - onset)
    loss = (0.3 + 0.7 * learning) * (1 + rise * since)
    accuracy = 0.85 - 0.4 * learning + gain * since
    errors = 1.2 * loss / math.sqrt(3000), np.sqrt(accuracy * (1 - accuracy) / 3000)
    noisy_loss = loss * np.exp(0.02 * wobbling(rng, epochs, 0.3))
    noisy_accuracy = accuracy + 0.004 * wobbling(rng, epochs, 0.3)
    return noisy_loss, errors[0], noisy_accuracy, errors[1]


def false_alarms(kind: str, total: int = RUNS, alpha: float = 0.05) -> int:
    each = total // len(LENGTHS)
    runs = (noise(seed, epochs, kind) for epochs in LENGTHS for seed in range(each))
    return sum(bool(find_episodes(*run, smallest=0.0, alpha=alpha)) for run in runs)


@pytest.mark.parametrize("kind", NOISES)
def test_noise_is_an_episode_in_one_of_twenty_runs_at_most(kind: str) -> None:
    assert false_alarms(kind) <= RUNS // 20


def test_so_many_runs_would_show_a_test_that_forgets_how_many_spans_it_looks_at() -> None:
    assert false_alarms("white", RUNS // 8, 0.05 * 200**2) > RUNS // 8 // 20


@pytest.mark.parametrize(
    ("kind", "memory", "heavy"),
    [("confidence", 0.7, False), ("skill", 0.7, False), ("all", 0.5, False), ("all", 0.0, True)],
)
def test_so_is_noise_of_known_samples(kind: Noise, memory: float, heavy: bool) -> None:
    lengths = {10: 60, 40: 30, 100: 10}
    runs = [
        wobbling_samples(seed, epochs, kind, memory, heavy=heavy)
        for epochs, count in lengths.items()
        for seed in range(count)
    ]
    assert found_in(runs, smallest=0.0) <= len(runs) // 20


def found_in(runs: list[Any], **options: Any) -> int:
    return sum(bool(episodes_of(run, **options)) for run in runs)


def test_a_rise_is_found_beneath_jumps_of_loss_and_accuracy() -> None:
    # The model gets surer of all it says, while it jumps about from epoch to epoch.
    runs = [wobbling_samples(seed, 25, "all", 0.3, growth=8.0) for seed in range(20)]
    assert found_in(runs) >= 14
    assert found_in(runs, pairs=False) >= 14
    assert found_in(runs, pairs=False, covariance=None) <= 10
    # It lasts as long as what is beneath the jumps does, from about epoch 13 on.
    found = [run[0] for run in map(episodes_of, runs) if run]
    assert np.median([episode.length for episode in found]) >= 6
    assert np.median([episode.end for episode in found]) >= 18


def test_what_each_sample_does_shows_a_rise_in_few_epochs() -> None:
    runs = [wobbling_samples(seed, 12, "skill", 0.3, growth=4.0, size=0.1) for seed in range(20)]
    assert found_in(runs) >= 16
    assert found_in(runs, pairs=False) <= 13
    assert found_in(runs, pairs=False, covariance=None) <= 8


def test_a_rise_that_the_accuracy_explains_is_none() -> None:
    runs = [wobbling_samples(seed, 30, "skill", 0.3) for seed in range(20)]
    lost = [run.loss + 0.0 for run in runs]
    for run, loss in zip(runs, lost, strict=True):
        # One sample after another is forgotten.
        forgotten = np.arange(run.loss.shape[1])[None, :] < 0.6 * np.arange(30)[:, None]
        loss[forgotten] = 2.5
        run.correct[forgotten] = False
    found = [episodes_of(run._replace(loss=loss)) for run, loss in zip(runs, lost, strict=True)]
    assert sum(map(bool, found)) <= 3


@pytest.mark.parametrize(
    ("kind", "rise", "gain"),
    [("loss_rises", 0.6, 0.0), ("both_rise", 0.6, 0.12), ("both_fall", -0.5, -0.12)],
)
def test_a_planted_divergence_is_found_where_it_is(kind: str, rise: float, gain: float) -> None:
    found = [find_episodes(*planted(seed, rise=rise, gain=gain)) for seed in range(30)]
    named = [run[0] for run in found if [episode.kind for episode in run] == [kind]]
    assert len(named) >= 27
    assert abs(np.median([episode.start for episode in named]) - 20) <= 5
    assert np.median([episode.end for episode in named]) >= 50
    assert all(episode.p_value < 0.05 < episode.strength for episode in named)


def test_a_larger_rise_is_found_more_often_and_more_clearly() -> None:
    def strengths(rise: float) -> list[float]:
        runs = (find_episodes(*planted(seed, rise=rise)) for seed in range(30))
        return [run[0].strength if run else 0.0 for run in runs]

    small, large = strengths(0.12), strengths(0.6)
    assert sum(map(bool, small)) < sum(map(bool, large))
    assert np.median(small) < np.median(large)


@pytest.mark.parametrize(("rise", "gain"), [(0.0, 0.0), (-0.5, 0.0), (-0.5, 0.1)], ids=str)
def test_where_both_say_the_same_there_is_no_episode(rise: float, gain: float) -> None:
    assert sum(bool(find_episodes(*planted(s, rise=rise, gain=gain))) for s in range(30)) <= 2


def test_a_loss_of_skill_is_rarely_taken_for_a_divergence() -> None:
    # A part of the rise in which the accuracy has fallen little may pass for one.
    found = [find_episodes(*planted(seed, rise=0.6, gain=-0.2)) for seed in range(30)]
    assert sum(map(bool, found)) <= 6


def test_one_spike_is_no_episode() -> None:
    loss, loss_error, accuracy, accuracy_error = planted(0)
    loss[40] *= 5
    assert find_episodes(loss, loss_error, accuracy, accuracy_error) == []


def test_sampling_error_hides_what_so_few_samples_cannot_show() -> None:
    loss, loss_error, accuracy, accuracy_error = planted(0, rise=0.6)
    assert find_episodes(loss, loss_error, accuracy, accuracy_error)
    assert find_episodes(loss, 30 * loss_error, accuracy, accuracy_error) == []


def test_two_episodes_of_one_run_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    path = np.concatenate([np.linspace(*ends, 30) for ends in ((1, 2), (2, 1), (1, 2))])
    loss = path * np.exp(0.01 * rng.normal(size=90))
    held = np.full(90, 0.9)
    found = find_episodes(loss, 0.02 * loss, held, np.full(90, 0.01))
    assert [episode.kind for episode in found] == ["loss_rises", "loss_rises"]
    assert found[0].end < 35
    assert found[1].start > 55


def creeping(seed: int, *, until: int = 60, noise: float = 0.001, after: float = 0.0) -> Series:
    """A loss that rises by 0.3 % of itself an epoch, from epoch 15 to another."""
    rng, time = np.random.default_rng(seed), np.arange(60)
    rise = 0.003 * (np.clip(time, 15, until) - 15) + after * np.maximum(time - until, 0)
    loss = 0.5 * (1 + rise) + 1.5 * np.exp(-time / 3)
    loss = loss * np.exp(noise * wobbling(rng, 60, 0.3))
    return loss, 0.02 * loss, np.full(60, 0.83), np.full(60, 0.012)


@pytest.mark.parametrize("noise", [0.001, 0.003])
def test_an_episode_lasts_as_long_as_the_loss_moves_on(noise: float) -> None:
    found = [find_episodes(*creeping(s, noise=noise), shared=0.99) for s in range(20)]
    ends = [(run[-1].end, run[-1].since) for run in found]
    assert ends.count((59, "nothing")) >= 19


@pytest.mark.parametrize(("after", "since"), [(0.0, "stayed"), (-0.002, "returned")])
def test_it_ends_where_the_loss_stops_or_turns(after: float, since: str) -> None:
    found = [find_episodes(*creeping(s, until=40, after=after), shared=0.99) for s in range(20)]
    assert all(abs(run[-1].end - 40) <= 4 for run in found)
    assert {run[-1].since for run in found} == {since}


def test_it_ends_where_the_accuracy_goes_with_the_loss() -> None:
    loss, loss_error, accuracy, accuracy_error = planted(0, rise=0.6, onset=15)
    accuracy = accuracy - 0.01 * np.maximum(np.arange(60) - 40, 0)
    (found,) = find_episodes(loss, loss_error, accuracy, accuracy_error)
    assert 35 <= found.end <= 45
    assert found.since == "went on"


def test_epochs_that_are_no_numbers_are_passed_over_and_counted() -> None:
    loss, *others = planted(3, rise=0.6)
    (whole,) = find_episodes(loss, *others)
    broken = np.insert(loss, 5, math.nan), *(np.insert(other, 5, other[5]) for other in others)
    (found,) = find_episodes(*broken)
    assert (found.start, found.end) == (whole.start + 1, whole.end + 1)
    assert found.length == whole.length == whole.end - whole.start + 1


def test_losses_below_zero_are_judged_too() -> None:
    loss, loss_error, *accuracy = planted(1, rise=0.6)
    (found,) = find_episodes(loss - 5.0, loss_error, *accuracy, smallest=0.01)
    assert found.loss[0] < found.loss[1] < 0


@pytest.mark.parametrize("epochs", [0, 1, 5, 6, 7])
def test_few_epochs_are_no_error(epochs: int) -> None:
    series = [part[:epochs] for part in planted(0)]
    assert find_episodes(*series) == []


def test_constant_series_have_no_episode() -> None:
    flat = np.ones(20)
    assert find_episodes(flat, 0 * flat, flat, 0 * flat) == []


def test_long_runs_are_looked_at_in_a_second() -> None:
    found: list[Episode] = find_episodes(*planted(0, epochs=5000, onset=2000, rise=0.6))
    assert [episode.kind for episode in found] == ["loss_rises"]


def test_series_of_different_lengths_are_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"Received: \[\(3,\), \(3,\), \(2,\), \(3,\)\]"):
        find_episodes(np.ones(3), np.ones(3), np.ones(2), np.ones(3))
