"""Which of several models is better, and is the difference more than noise?

Where the same samples are known one by one, models are compared sample by sample: McNemar's exact
test for accuracy, Student's paired test and a paired bootstrap for loss. Elsewhere by independent
intervals, which on the same samples are wider than they need be: they miss differences, but do not
make them up. Runs that are known to be validated on samples that are not the same, and share none,
are not compared: what differs may be the data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

from lossmon.analysis.intervals import (
    Interval,
    holm,
    matched_difference,
    mcnemar,
    mean_difference,
    share_difference,
)
from lossmon.analysis.measured import Measured
from lossmon.analysis.pairing import Pairing, student
from lossmon.analysis.ranking import area_of
from lossmon.errors import InvalidArgument

Basis = Literal["paired", "unpaired", "seeds"]
Measure = Literal["loss", "accuracy", "cost", "area"]
SMALLER_IS_BETTER: tuple[Measure, ...] = ("loss", "cost")


class Difference(NamedTuple):
    """How two runs, or groups of runs, differ in one measure.

    Attributes:
        measure: "loss", "accuracy", "cost" (of decisions) or "area" (under the ROC curve).
        first, second: their names.
        interval: the first minus the second, 95 %.
        p_value: chance of so large a difference without any, two-sided, corrected by Holm's method
            for all differences of that measure.
        basis: "paired", "unpaired" or "seeds".
        samples: how many samples (or, of seeds, runs) it rests on.
        means: of the first and of the second, over these samples (of "area" the areas); None where
            they are not known.
        single: the chance before it was corrected for the other differences.
    """

    measure: Measure
    first: str
    second: str
    interval: Interval
    p_value: float
    basis: Basis
    samples: int
    means: tuple[float, float] | None = None
    single: float | None = None

    @property
    def significant(self) -> bool:
        """Whether it is more than noise explains, at 5 % for all differences together."""
        return self.p_value < 0.05

    @property
    def better(self) -> str | None:
        """The name of the better one; None where there is no evidence of a difference."""
        if not self.significant:
            return None
        first = (self.interval.value < 0) == (self.measure in SMALLER_IS_BETTER)
        return self.first if first else self.second


Compared = Callable[[Measured, Measured], Difference | None]


def compare(runs: Sequence[Measured]) -> list[Difference]:
    """Compare runs two by two; first all losses, then all accuracies that are known.

    Args:
        runs: two or more, of different names.

    Returns:
        Of each two runs that can be compared, the earlier one first, the difference of their
        losses, and of their accuracies.

    Raises:
        InvalidArgument: names are not distinct.
    """
    return [*compare_losses(runs), *compare_accuracies(runs)]


def compare_losses(runs: Sequence[Measured], measure: Measure = "loss") -> list[Difference]:
    """Compare the losses of runs (or what stands in their place, named `measure`) two by two."""
    pairing = Pairing(runs)

    def differ(one: Measured, two: Measured) -> Difference | None:
        paired = pairing.loss_difference(one.name, two.name)
        if paired is not None:
            interval, p_value, count, means = paired
            names = one.name, two.name
            return Difference(measure, *names, interval, p_value, "paired", count, means)
        if one.loss_error is None or two.loss_error is None or one.is_apart(two):
            return None
        if not (math.isfinite(one.loss) and math.isfinite(two.loss)):
            return None
        interval = mean_difference((one.loss, one.loss_error), (two.loss, two.loss_error))
        p_value = student(interval.value, math.hypot(one.loss_error, two.loss_error), math.inf)
        count = int(min(one.judged or 0, two.judged or 0))
        return Difference(measure, one.name, two.name, interval, p_value, "unpaired", count)

    return two_by_two(runs, differ)


def compare_accuracies(runs: Sequence[Measured]) -> list[Difference]:
    """Compare the accuracies of runs two by two."""
    pairing = Pairing(runs)

    def differ(one: Measured, two: Measured) -> Difference | None:
        both = pairing.shared(one.name, two.name)
        first, second = (None, None) if both is None else (both[0].correct, both[1].correct)
        if first is not None and second is not None:
            found = mcnemar(first, second)
            count = first.size
            interval = matched_difference(found.only_first, found.only_second, count)
            means = float(first.mean()), float(second.mean())
            names = one.name, two.name
            return Difference("accuracy", *names, interval, found.p_value, "paired", count, means)
        if one.correct is None or two.correct is None or not one.judged or not two.judged:
            return None
        if one.is_apart(two):
            return None
        return _apart(one.name, two.name, (one.correct, one.judged), (two.correct, two.judged))

    return two_by_two(runs, differ)


def compare_areas(runs: Sequence[Measured]) -> list[Difference]:
    """Compare how well runs rank two classes, by DeLong's test; only those whose samples tell."""
    pairing = Pairing(runs)
    ranked = [run for run in runs if area_of(run.samples) is not None]

    def differ(one: Measured, two: Measured) -> Difference | None:
        both = pairing.shared(one.name, two.name)
        own = both or (None, None)
        first, second = pairing.area(one.name, own[0]), pairing.area(two.name, own[1])
        if first is None or second is None or (both is None and one.is_apart(two)):
            return None
        apart = first.value - second.value, math.hypot(first.error, second.error)
        value, error = apart if both is None else first.difference(second)
        interval = mean_difference((value, error), (0.0, 0.0))
        count = min(area.positive.size + area.negative.size for area in (first, second))
        p_value = student(value, error, math.inf)
        basis: Basis = "unpaired" if both is None else "paired"
        areas = first.value, second.value
        return Difference("area", one.name, two.name, interval, p_value, basis, count, areas)

    return two_by_two(ranked, differ) if len(ranked) > 1 else []


def two_by_two(runs: Sequence[Measured], differ: Compared) -> list[Difference]:
    """Compare each two runs, and correct the chances for all comparisons together."""
    demand_names([run.name for run in runs])
    pairs = (differ(one, two) for one, two in combinations(runs, 2))
    return corrected([difference for difference in pairs if difference is not None])


def corrected(found: Sequence[Difference]) -> list[Difference]:
    """Raise the chances of some differences by Holm's method."""
    raised = holm([difference.p_value for difference in found]).tolist()
    return [d._replace(p_value=p, single=d.p_value) for d, p in zip(found, raised, strict=True)]


def demand_names(names: Sequence[str]) -> None:
    """Refuse names that are not distinct, and fewer than two."""
    if len(set(names)) < len(names) or len(names) < 2:
        raise InvalidArgument(
            "expected two or more runs of different names. "
            f"Received: {list(names)}. Fix: name each by its id."
        )


def _apart(
    one: str, two: str, first: tuple[float, float], second: tuple[float, float]
) -> Difference:
    interval = share_difference(first, second)
    pooled = (first[0] + second[0]) / (first[1] + second[1])
    error = math.sqrt(pooled * (1.0 - pooled) * (1.0 / first[1] + 1.0 / second[1]))
    p_value = student(interval.value, error, math.inf)
    count = int(min(first[1], second[1]))
    return Difference("accuracy", one, two, interval, p_value, "unpaired", count)
