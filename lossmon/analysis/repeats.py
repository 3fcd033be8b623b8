"""One setting trained with several seeds: is it better, rather than one lucky run of it?

Seeds are the observations, so that the spread between them counts, which no number of validation
samples shows. Source: Welch, *The generalization of Student's problem when several different
population variances are involved*, 1947.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy import special

from lossmon.analysis.comparison import Difference, Measure, corrected, demand_names
from lossmon.analysis.intervals import Interval
from lossmon.analysis.measured import Measured
from lossmon.analysis.noise import Floats
from lossmon.analysis.pairing import student
from lossmon.errors import InvalidArgument


class Repeats(NamedTuple):
    """One setting over its runs.

    Attributes:
        name: of the setting.
        runs: names of its runs.
        loss, accuracy: mean over the runs with Student's interval, 95 %, which is infinite for one
            run; None where not known of all.
        loss_spread, accuracy_spread: standard deviation between runs; None of one run.
    """

    name: str
    runs: tuple[str, ...]
    loss: Interval
    accuracy: Interval | None
    loss_spread: float | None
    accuracy_spread: float | None


def repeats(name: str, group: Sequence[Measured]) -> Repeats:
    """Mean and spread of one setting over its runs.

    Args:
        name: of the setting.
        group: its runs, one or more.
    """
    losses, hits = _values(group, "loss"), _values(group, "accuracy")
    assert losses is not None
    return Repeats(
        name,
        tuple(run.name for run in group),
        _mean(losses),
        None if hits is None else _mean(hits),
        _spread(losses),
        None if hits is None else _spread(hits),
    )


def compare_groups(
    groups: Sequence[Sequence[Measured]], names: Sequence[str] | None = None
) -> list[Difference]:
    """Compare settings that were repeated with several seeds, by Welch's test over the seeds.

    What is compared is the mean over seeds.

    Args:
        groups: two or more, each of two or more runs that differ in their seed only.
        names: of the groups; None for their runs' common beginnings.

    Returns:
        Of each two groups that can be compared the difference of their means, first minus second.

    Raises:
        InvalidArgument: a group has fewer than two runs, which show no spread.
    """
    if any(len(group) < 2 for group in groups):
        raise InvalidArgument(
            "expected two or more repeats in each group. "
            f"Received: {[len(group) for group in groups]}. Fix: compare single runs by `compare`."
        )
    called = [_group_name(group) for group in groups] if names is None else list(names)
    demand_names(called)
    runs = dict(zip(called, groups, strict=True))
    measures: tuple[Measure, ...] = ("loss", "accuracy")
    return [
        difference
        for measure in measures
        for values in [{name: _values(group, measure) for name, group in runs.items()}]
        for difference in compare_values(measure, values, runs)
    ]


def compare_values(
    measure: Measure, values: Mapping[str, Floats | None], runs: Mapping[str, Sequence[Measured]]
) -> list[Difference]:
    """Compare settings by one value of each of their runs, by Welch's test.

    Args:
        measure: what the values are.
        values: of each setting, one for each run, two or more; None where not known.
        runs: of each setting; two of which no run may be validated on the samples of one of the
            other are not compared.
    """
    known = [(name, array) for name, array in values.items() if array is not None]
    return corrected(
        [
            _welch(measure, one, two, a, b)
            for (one, a), (two, b) in combinations(known, 2)
            if not all_apart(runs[one], runs[two])
        ]
    )


def all_apart(one: Sequence[Measured], two: Sequence[Measured]) -> bool:
    """Whether no run of either setting may be validated on the samples of one of the other."""
    return all(run.is_apart(other) for run in one for other in two)


def _values(group: Sequence[Measured], measure: str) -> Floats | None:
    values = [getattr(run, measure) for run in group]
    return None if any(v is None for v in values) else np.array(values, dtype=np.float64)


def _mean(values: Floats) -> Interval:
    mean, spread = float(values.mean()), _spread(values)
    if spread is None:
        return Interval(mean, -math.inf, math.inf)
    reach = float(special.stdtrit(values.size - 1, 0.975)) * spread / math.sqrt(values.size)
    return Interval(mean, mean - reach, mean + reach)


def _spread(values: Floats) -> float | None:
    return float(values.std(ddof=1)) if values.size > 1 else None


def _welch(measure: Measure, one: str, two: str, first: Floats, second: Floats) -> Difference:
    parts = [float(values.var(ddof=1)) / values.size for values in (first, second)]
    error, value = math.sqrt(sum(parts)), float(first.mean() - second.mean())
    count = first.size + second.size
    if not error:
        interval = Interval(value, value, value)
        return Difference(measure, one, two, interval, float(value == 0), "seeds", count)
    freedom = sum(parts) ** 2 / sum(
        part**2 / (values.size - 1) for part, values in zip(parts, (first, second), strict=True)
    )
    reach = float(special.stdtrit(freedom, 0.975)) * error
    interval = Interval(value, value - reach, value + reach)
    return Difference(measure, one, two, interval, student(value, error, freedom), "seeds", count)


def _group_name(group: Sequence[Measured]) -> str:
    names = [run.name for run in group]
    first, last = min(names), max(names)
    common = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), None)
    return first[:common].rstrip(" -_.#/") or first
