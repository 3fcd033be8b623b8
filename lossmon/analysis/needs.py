"""Which run to take: it depends on what it is for, and on what can be told apart.

Source of the threshold of decisions: Elkan, *The foundations of cost-sensitive learning*, IJCAI
2001.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.analysis.comparison import (
    SMALLER_IS_BETTER,
    Difference,
    Measure,
    compare_accuracies,
    compare_areas,
    compare_losses,
)
from lossmon.analysis.measured import Measured
from lossmon.analysis.noise import Floats
from lossmon.analysis.ranking import area_of
from lossmon.analysis.repeats import all_apart, compare_values
from lossmon.errors import InvalidArgument

Need = Literal["probabilities", "decisions", "ranking"]

MEASURE_WORDS: dict[Measure, str] = {
    "loss": "loss",
    "accuracy": "accuracy",
    "cost": "cost of decisions",
    "area": "area under the ROC curve",
}


_MOST_NAMED = 10
_OF_VALUES = (
    "losses can be compared on the same validation samples only, with the same targets, which "
    "fewer than two of these runs share"
)
_APART = "these runs do not tell, because they were not validated on the same samples"


class Costs(NamedTuple):
    """What wrong decisions between two classes cost, and where to decide for class 1.

    Attributes:
        false_positive: cost of deciding for 1 where it is 0.
        false_negative: cost of deciding for 0 where it is 1.
        threshold: the probability of class 1 from which on it is decided for; None for the one that
            costs least where probabilities are calibrated: false_positive / (both together).
    """

    false_positive: float = 1.0
    false_negative: float = 1.0
    threshold: float | None = None

    @property
    def cut(self) -> float:
        """The threshold that is used."""
        if self.threshold is not None:
            return self.threshold
        return self.false_positive / (self.false_positive + self.false_negative)

    def checked(self) -> Costs:
        """Return itself.

        Raises:
            InvalidArgument: a cost is not above 0, or the threshold not from 0 to 1.
        """
        given = self.false_positive, self.false_negative
        if all(math.isfinite(c) and c > 0 for c in given) and 0 <= self.cut <= 1:
            return self
        raise InvalidArgument(
            "expected costs above 0 and a threshold from 0 to 1. Received: "
            f"{given[0]:g},{given[1]:g} and {self.threshold}. Fix: costs such as 1,10"
        )


class Recommendation(NamedTuple):
    """Which runs serve a need.

    Attributes:
        need: what the model is for.
        measure: what runs are judged by for that.
        values: the measure of each run of which it is known.
        best: the best of them as measured; None where fewer than two are known.
        as_good: others that cannot be told from it.
        apart: others that are not compared, because they are known to be validated on samples that
            are not the same.
        differences: each two of them, corrected for all comparisons.
        sentence: the same for people.
    """

    need: Need
    measure: Measure
    values: dict[str, float]
    best: str | None
    as_good: tuple[str, ...]
    differences: tuple[Difference, ...]
    sentence: str
    apart: tuple[str, ...] = ()

    @property
    def lead(self) -> str:
        """How the sentence begins: "For decisions", or "For predicted values" of a regression."""
        return self.sentence.partition(":")[0]


def recommend(runs: Sequence[Measured], need: Need, costs: Costs | None = None) -> str:
    """Return which run to take for a need, in one sentence; see `weigh_need`.

    Args:
        runs: two or more, of different names.
        need: what the model is for.
        costs: of wrong decisions between two classes; None for equal ones.
    """
    return weigh_need(runs, need, costs).sentence


def weigh_need(
    runs: Sequence[Measured],
    need: Need,
    costs: Costs | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    *,
    compared: Sequence[Difference] | None = None,
) -> Recommendation:
    """Which run, or which setting, to take for a need.

    Args:
        runs: two or more, of different names.
        need: "probabilities" (the loss counts), "decisions" (the accuracy counts, or what wrong
            ones cost) or "ranking" (the area under the ROC curve counts).
        costs: of wrong decisions between two classes; needs the probabilities of the samples.
        groups: names of the runs of each setting, where settings are compared over their seeds:
            two or more settings of two or more runs each.
        compared: what `compare` says of these runs, where that is known already.

    Raises:
        InvalidArgument: costs without a need for decisions, or not above 0; names not distinct.
    """
    if costs is not None and need != "decisions":
        raise InvalidArgument(
            f"expected costs or a threshold with need='decisions' only. Received: {need!r}. "
            "Fix: need='decisions'"
        )
    measure, judged, differences = _measured(runs, need, costs, compared)
    values = {run.name: run.loss for run in judged}
    members = {run.name: [run] for run in runs}
    if groups is not None:
        members = {name: [run for n in own for run in members[n]] for name, own in groups.items()}
        of = {
            name: np.array([values[run.name] for run in own])
            for name, own in members.items()
            if all(run.name in values for run in own)
        }
        values = {name: float(array.mean()) for name, array in of.items()}
        differences = compare_values(measure, of, members)
    # Models of values have no probabilities.
    values_alone = need == "probabilities" and all(run.accuracy is None for run in judged)
    return _chosen(need, measure, values, differences, members, values_alone=values_alone)


def need_differences(
    runs: Sequence[Measured],
    need: Need,
    costs: Costs | None = None,
    *,
    compared: Sequence[Difference] | None = None,
) -> list[Difference]:
    """Each two runs in what they are judged by for a need.

    Args:
        runs: two or more, of different names.
        need: what the model is for.
        costs: of wrong decisions between two classes.
        compared: what `compare` says of these runs, where that is known already.
    """
    return _measured(runs, need, costs, compared)[2]


def _chosen(
    need: Need,
    measure: Measure,
    values: dict[str, float],
    differences: Sequence[Difference],
    members: Mapping[str, Sequence[Measured]],
    *,
    values_alone: bool,
) -> Recommendation:
    lead = f"For {'predicted values' if values_alone else need}"
    known = _compared(values, differences)
    rest = [name for name in values if name not in known]
    among = known or values
    apart = tuple(n for n in rest if any(all_apart(members[n], members[other]) for other in among))
    if not known:
        missing = _OF_VALUES if values_alone else _missing(measure)
        sentence = f"{lead}: {_APART if apart else missing}."
        return Recommendation(need, measure, values, None, (), tuple(differences), sentence, apart)
    sign = 1 if measure in SMALLER_IS_BETTER else -1
    lost = [(d.better, d.first if d.better == d.second else d.second) for d in differences]
    beaten = {loser for winner, loser in lost if winner is not None}
    # Of runs that share some of their samples only, the values are of other samples than the tests.
    unbeaten = [name for name in known if name not in beaten]
    best = min(unbeaten or known, key=lambda name: sign * values[name])
    worse = {loser for winner, loser in lost if winner == best}
    as_good = tuple(name for name in known if name not in worse and name != best)
    said = _said(best, as_good, worse, MEASURE_WORDS[measure])
    sentence = f"{lead}: {said}{_not_compared(rest if values_alone else apart)}."
    return Recommendation(need, measure, values, best, as_good, tuple(differences), sentence, apart)


def _compared(values: Mapping[str, float], differences: Sequence[Difference]) -> list[str]:
    """Those that are compared with one of them, of which that is as many as can be."""
    partners = defaultdict[str, set[str]](set)
    for found in differences:
        for name in (found.first, found.second):
            partners[name] |= {found.first, found.second}
    most = max(partners.values(), key=len, default=set[str]())
    return [name for name in values if name in most]


def decision_costs(chance: npt.ArrayLike, labels: npt.ArrayLike, costs: Costs) -> Floats:
    """Return the cost of the decision on each sample.

    Args:
        chance: probability of class 1, shape `(N,)`.
        labels: 0 or 1, shape `(N,)`.
        costs: of wrong decisions.

    Returns:
        In the unit of `costs`, float64, shape `(N,)`; 0 where it is right.

    Raises:
        InvalidArgument: a cost is not above 0, or the threshold not from 0 to 1.

    >>> decision_costs([0.2, 0.2, 0.9], [1, 0, 0], Costs(1, 9)).tolist()
    [0.0, 1.0, 1.0]
    """
    cut = costs.checked().cut
    share, positive = np.asarray(chance, dtype=np.float64), np.asarray(labels) == 1
    wrong = np.where(positive, costs.false_negative, costs.false_positive)
    return np.where((share >= cut) != positive, wrong, 0.0).astype(np.float64)


def _measured(
    runs: Sequence[Measured],
    need: Need,
    costs: Costs | None,
    compared: Sequence[Difference] | None,
) -> tuple[Measure, list[Measured], list[Difference]]:
    """What is judged by, its value of each run in the place of the loss, and all differences."""
    known = None if compared is None else list(compared)
    if need == "probabilities":
        losses = compare_losses(runs) if known is None else _of("loss", known)
        return "loss", list(runs), losses
    if need == "ranking":
        areas = {run.name: area_of(run.samples) for run in runs}
        of = [Measured(name, area.value, area.error) for name, area in areas.items() if area]
        return "area", of, compare_areas(runs)
    if costs is None:
        shares = [(run.name, run.accuracy) for run in runs if run.accuracy is not None]
        hits = compare_accuracies(runs) if known is None else _of("accuracy", known)
        return "accuracy", [Measured(name, share, None) for name, share in shares], hits
    judged = [paid for run in runs if (paid := _costed(run, costs)) is not None]
    return "cost", judged, compare_losses(judged, "cost") if len(judged) > 1 else []


def _of(measure: Measure, differences: Sequence[Difference]) -> list[Difference]:
    return [difference for difference in differences if difference.measure == measure]


def _costed(run: Measured, costs: Costs) -> Measured | None:
    """A run whose losses are what its decisions cost."""
    known = None if run.samples is None else run.samples.two_classes
    if run.samples is None or known is None:
        return None
    paid = replace(run.samples, loss=decision_costs(*known, costs))
    return replace(Measured.of_samples(run.name, paid), labels=run.labels)


def _missing(measure: Measure) -> str:
    if measure in ("cost", "area"):
        return (
            f"the {MEASURE_WORDS[measure]} needs the probabilities of two classes, sample by "
            "sample, which fewer than two of these runs hold"
        )
    return f"the {measure} of fewer than two runs is known with its error"


def _not_compared(rest: Sequence[str]) -> str:
    """Which runs of others are left aside, where there are some."""
    if not rest:
        return ""
    more = len(rest) - _MOST_NAMED
    named = ", ".join(rest[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f" (not compared, of other samples: {named})"


def _said(best: str, as_good: Sequence[str], worse: set[str], what: str) -> str:
    if not as_good:
        return f"{best}, by its {what}"
    if not worse:
        return f"no evidence of a difference in {what}"
    return f"{best}; no evidence that {' or '.join(as_good)} is worse in {what}"
