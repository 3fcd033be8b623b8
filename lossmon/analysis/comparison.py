"""Which of several models is better, and is the difference more than noise?

Where the same samples are known one by one, models are compared sample by sample: McNemar's exact
test for accuracy, a paired bootstrap for loss. Elsewhere by independent intervals, which on the
same samples are wider than they need be: they miss differences, but do not make them up. Repeats of
one setting with other seeds are one group, and are compared by Welch's test over the seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from scipy import special

from lossmon.analysis.intervals import (
    Interval,
    holm,
    mcnemar,
    mean_difference,
    mean_error,
    paired_bootstrap,
    share_difference,
)
from lossmon.analysis.measured import Measured, Samples
from lossmon.analysis.noise import Floats
from lossmon.errors import InvalidArgument

Basis = Literal["paired", "unpaired", "seeds"]
Need = Literal["probabilities", "decisions"]


class Difference(NamedTuple):
    """How two runs, or groups of runs, differ in one measure.

    Attributes:
        measure: "loss" or "accuracy".
        first, second: their names.
        interval: the first minus the second, 95 %.
        p_value: chance of so large a difference without any, two-sided, corrected by Holm's method
            for all differences of that measure.
        basis: "paired", "unpaired" or "seeds".
        samples: how many samples (or, of seeds, runs) it rests on.
    """

    measure: Literal["loss", "accuracy"]
    first: str
    second: str
    interval: Interval
    p_value: float
    basis: Basis
    samples: int

    @property
    def significant(self) -> bool:
        """Whether it is more than noise explains, at 5 % for all differences together."""
        return self.p_value < 0.05

    @property
    def better(self) -> str | None:
        """The name of the better one; None where there is no evidence of a difference."""
        if not self.significant:
            return None
        first = (self.interval.value < 0) == (self.measure == "loss")
        return self.first if first else self.second


def compare(runs: Sequence[Measured]) -> list[Difference]:
    """Compare runs two by two; first all losses, then all accuracies that are known.

    Args:
        runs: two or more, of different names.

    Raises:
        InvalidArgument: names are not distinct.
    """
    _demand_names([run.name for run in runs])
    pairs = list(combinations(runs, 2))
    losses = [found for pair in pairs if (found := _loss(*pair)) is not None]
    hits = [found for pair in pairs if (found := _accuracy(*pair)) is not None]
    return [*_corrected(losses), *_corrected(hits)]


def compare_groups(groups: Sequence[Sequence[Measured]]) -> list[Difference]:
    """Compare settings that were repeated with several seeds, by Welch's test over the seeds.

    What is compared is the mean over seeds; a group is named by its runs' common beginning.

    Args:
        groups: two or more, each of two or more runs that differ in their seed only.

    Raises:
        InvalidArgument: a group has fewer than two runs, which show no spread.
    """
    if any(len(group) < 2 for group in groups):
        raise InvalidArgument(
            "expected two or more repeats in each group. "
            f"Received: {[len(group) for group in groups]}. Fix: compare single runs by `compare`."
        )
    names = [_group_name(group) for group in groups]
    _demand_names(names)
    found: list[list[Difference]] = [[], []]
    for (one, first), (two, second) in combinations(zip(names, groups, strict=True), 2):
        losses = [np.array([run.loss for run in group]) for group in (first, second)]
        found[0].append(_welch("loss", one, two, *losses))
        shares = [[run.accuracy for run in group] for group in (first, second)]
        if all(share is not None for group in shares for share in group):
            hits = [np.array(group, dtype=np.float64) for group in shares]
            found[1].append(_welch("accuracy", one, two, *hits))
    return [*_corrected(found[0]), *_corrected(found[1])]


def pareto_front(runs: Sequence[Measured]) -> list[Measured]:
    """The runs that no other one beats in loss and accuracy both; only those with an accuracy."""
    known = [(run.loss, -run.accuracy, run) for run in runs if run.accuracy is not None]
    return [
        run
        for loss, miss, run in known
        if not any(o <= loss and m <= miss and (o, m) != (loss, miss) for o, m, _ in known)
    ]


def recommend(runs: Sequence[Measured], need: Need) -> str:
    """Which run to take for a need, in one sentence.

    Args:
        runs: two or more.
        need: "probabilities" (the loss counts) or "decisions" (the accuracy counts).
    """
    measure = "loss" if need == "probabilities" else "accuracy"
    of = [difference for difference in compare(runs) if difference.measure == measure]
    known = [run for run in runs if any(run.name in (d.first, d.second) for d in of)]
    if len(known) < 2:
        return f"For {need}: the {measure} of fewer than two runs is known with its error."
    best = min(known, key=lambda run: run.loss if need == "probabilities" else -(run.accuracy or 0))
    worse = {d.first if d.better == d.second else d.second for d in of if d.better == best.name}
    as_good = [run.name for run in known if run.name not in worse and run is not best]
    if not as_good:
        return f"For {need}: {best.name}, by its {measure}."
    if not worse:
        return f"For {need}: no evidence of a difference in {measure}."
    return (
        f"For {need}: {best.name}; no evidence that {' or '.join(as_good)} is worse in {measure}."
    )


def _loss(one: Measured, two: Measured) -> Difference | None:
    both = _together(one, two)
    if both is not None:
        first, second = both
        apart = first.loss - second.loss
        interval = paired_bootstrap(first.loss, second.loss)
        mean, error = mean_error(apart)
        return Difference(
            "loss", one.name, two.name, interval, _normal(mean, error), "paired", apart.size
        )
    if one.loss_error is None or two.loss_error is None:
        return None
    interval = mean_difference((one.loss, one.loss_error), (two.loss, two.loss_error))
    p_value = _normal(interval.value, math.hypot(one.loss_error, two.loss_error))
    count = int(min(one.judged or 0, two.judged or 0))
    return Difference("loss", one.name, two.name, interval, p_value, "unpaired", count)


def _accuracy(one: Measured, two: Measured) -> Difference | None:
    both = _together(one, two)
    if both is not None:
        first, second = both
        found = mcnemar(first.correct, second.correct)
        interval = paired_bootstrap(first.correct, second.correct)
        count = first.correct.size
        return Difference("accuracy", one.name, two.name, interval, found.p_value, "paired", count)
    if one.correct is None or two.correct is None or not one.judged or not two.judged:
        return None
    interval = share_difference((one.correct, one.judged), (two.correct, two.judged))
    pooled = (one.correct + two.correct) / (one.judged + two.judged)
    error = math.sqrt(pooled * (1.0 - pooled) * (1.0 / one.judged + 1.0 / two.judged))
    count = int(min(one.judged, two.judged))
    return Difference(
        "accuracy", one.name, two.name, interval, _normal(interval.value, error), "unpaired", count
    )


def _together(one: Measured, two: Measured) -> tuple[Samples, Samples] | None:
    """The samples that both runs judged, in one order; None where there are none."""
    first, second = one.samples, two.samples
    if first is None or second is None:
        return None
    if first.keys is None or second.keys is None:
        return (first, second) if first.loss.shape == second.loss.shape else None
    _, here, there = np.intersect1d(first.keys, second.keys, return_indices=True)
    if here.size < 2:
        return None
    return (
        Samples(first.loss[here], first.correct[here]),
        Samples(second.loss[there], second.correct[there]),
    )


def _welch(
    measure: Literal["loss", "accuracy"], one: str, two: str, first: Floats, second: Floats
) -> Difference:
    parts = [float(values.var(ddof=1)) / values.size for values in (first, second)]
    error, value = math.sqrt(sum(parts)), float(first.mean() - second.mean())
    count = first.size + second.size
    if not error:
        return Difference(
            measure, one, two, Interval(value, value, value), float(value == 0), "seeds", count
        )
    freedom = sum(parts) ** 2 / sum(
        part**2 / (values.size - 1) for part, values in zip(parts, (first, second), strict=True)
    )
    reach = float(special.stdtrit(freedom, 0.975)) * error
    p_value = 2.0 * float(special.stdtr(freedom, -abs(value) / error))
    interval = Interval(value, value - reach, value + reach)
    return Difference(measure, one, two, interval, p_value, "seeds", count)


def _normal(value: float, error: float) -> float:
    if not error:
        return float(value == 0)
    return 2.0 * float(special.ndtr(-abs(value) / error))


def _corrected(found: Sequence[Difference]) -> list[Difference]:
    raised = holm([difference.p_value for difference in found]).tolist()
    return [d._replace(p_value=p) for d, p in zip(found, raised, strict=True)]


def _group_name(group: Sequence[Measured]) -> str:
    names = [run.name for run in group]
    first, last = min(names), max(names)
    common = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), None)
    return first[:common].rstrip(" -_.#/") or first


def _demand_names(names: Sequence[str]) -> None:
    if len(set(names)) < len(names) or len(names) < 2:
        raise InvalidArgument(
            "expected two or more runs of different names. "
            f"Received: {list(names)}. Fix: name each by its id."
        )
