"""Recorded runs weighed against one another: all that can be said of which is better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from lossmon.analysis.comparison import Difference, compare
from lossmon.analysis.eligible import Eligible, eligible
from lossmon.analysis.front import pareto_front
from lossmon.analysis.grouping import Grouping, SameData, any_repeat, group_runs
from lossmon.analysis.history import Row
from lossmon.analysis.judged_labels import any_differ
from lossmon.analysis.lost import Lost, lost
from lossmon.analysis.meant import meant_sentence
from lossmon.analysis.measured import Measured, Samples, samples_of
from lossmon.analysis.needs import Costs, Need, Recommendation, need_differences, weigh_need
from lossmon.analysis.pairing import Pairing
from lossmon.analysis.ranking import area_of
from lossmon.analysis.repeats import Repeats, compare_groups, repeats
from lossmon.analysis.wins import Wins, count_wins
from lossmon.records import SampleRecord, Split

SampleSource = Callable[[str, int, str | None], SampleRecord | None]
"""The validation samples of a run (by its id) at an epoch, of an output."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """One output of several runs, set side by side on one split.

    Attributes:
        output: its name; None for the only one.
        split: "val" or "train".
        runs: the last epoch of each run whose loss is finite.
        epochs: every epoch of every run.
        front: those of `epochs` that no other one beats in loss and accuracy both; none where
            some runs are known to be validated on samples that are not the same, or where ranking
            alone was asked for, as of `wins`.
        differences: each two runs that can be compared, in every measure that a recommendation
            rests on.
        wins: sample by sample and class by class; of two runs on shared samples only.
        groups: settings over their seeds; none where no run repeats another.
        group_differences: each two settings that have two or more runs.
        recommendations: which to take for each need.
        repeats_told: what is said of repeats, in a sentence; None where the runs themselves say it.
        meant: which accuracies are not the printed ones, in a sentence; None where all are, or none
            plays a part.
        lost: the runs whose last loss is not finite.
    """

    output: str | None
    split: Split
    runs: tuple[Measured, ...]
    epochs: tuple[Measured, ...]
    front: tuple[Measured, ...]
    differences: tuple[Difference, ...]
    wins: tuple[Wins, ...]
    groups: tuple[Repeats, ...]
    group_differences: tuple[Difference, ...]
    recommendations: tuple[Recommendation, ...]
    repeats_told: str | None = None
    meant: str | None = None
    lost: tuple[Lost, ...] = ()

    @property
    def shared(self) -> int:
        """The least number of samples that two of the runs were compared on in pairs; 0 if none."""
        paired = [d.samples if d.basis == "paired" else 0 for d in self.differences]
        return min(paired, default=0)

    @property
    def apart(self) -> list[str]:
        """Runs, or settings, that are not compared: they were surely validated on other samples."""
        return [*dict.fromkeys(name for found in self.recommendations for name in found.apart)]

    @property
    def of_other_samples(self) -> bool:
        """Whether the samples of all runs are known, and those of some two are others."""
        known = [None if run.samples is None else run.samples.keys for run in self.runs]
        sets = {None if keys is None else np.sort(keys).tobytes() for keys in known}
        return not self.shared and len(sets) > 1 and None not in sets

    def document(self) -> dict[str, Any]:
        """Return it as plain values that JSON can hold; epochs count from 0."""
        return {
            "output": self.output,
            "split": self.split,
            "shared_samples": self.shared,
            "meant": self.meant,
            "lost": [run._asdict() for run in self.lost],
            "differences": [difference_document(d) for d in self.differences],
            "wins": [one._asdict() for one in self.wins],
            "front": [
                {"name": p.name, "epoch": p.epoch, "loss": p.loss, "accuracy": p.accuracy}
                for p in self.front
            ],
            "repeats_told": self.repeats_told,
            "groups": [_group_document(group) for group in self.groups],
            "group_differences": [difference_document(d) for d in self.group_differences],
            "recommendations": [
                {
                    "need": r.need,
                    "measure": r.measure,
                    "values": r.values,
                    "best": r.best,
                    "as_good": list(r.as_good),
                    "not_compared": list(r.apart),
                    "sentence": r.sentence,
                }
                for r in self.recommendations
            ],
        }


def weigh(
    documents: Sequence[Row],
    names: Sequence[str],
    samples: SampleSource | None = None,
    *,
    need: Need | None = None,
    costs: Costs | None = None,
    group_by: str | None = None,
) -> list[Weighing]:
    """Weigh runs against one another: in each output those that have one loss.

    Args:
        documents: the runs, as `Store.run` gives them.
        names: how each of them is called; nothing is weighed where they are not distinct.
        samples: where the samples of a run are found, for comparisons in pairs.
        need: what the model is for; None for all needs that something can be said of.
        costs: of wrong decisions between two classes.
        group_by: what runs are repeats by, see `group_runs`.

    Returns:
        One comparison for each output and loss that two or more runs have, what `lossmon compare`
        tells; `left_out_sentences` says which runs are in none, and why.

    Raises:
        InvalidArgument: costs without a need for decisions, or a run that `group_by` does not fit.
    """
    # What it asks for is looked at where nothing can be weighed too.
    group_runs(documents, group_by)
    if len(set(names)) < len(names) or len(names) < 2:
        return []
    if costs is not None and need is None:
        need = "decisions"
    return [
        replace(
            _weighing(
                one,
                _samples(one, documents, samples),
                need,
                costs,
                partial(group_runs, documents, group_by, among=one.places),
            ),
            meant=None
            if need in ("probabilities", "ranking")
            else meant_sentence(
                [documents[place] for place in one.places],
                [names[place] for place in one.places],
                one.output,
                one.split,
            ),
            lost=tuple(lost(one, documents)),
        )
        for one in eligible(documents, names)[0]
    ]


def _samples(
    one: Eligible, documents: Sequence[Row], source: SampleSource | None
) -> list[Samples | None]:
    """The samples of the last epoch of each run."""
    if source is None or one.split == "train":
        return [None] * len(one.places)
    found: list[Samples | None] = []
    for place, epochs in zip(one.places, one.epochs, strict=True):
        document = documents[place]
        known = samples_of(source(document["id"], epochs[-1].epoch or 0, one.output))
        own = next(o for o in document["outputs"] if o["name"] == one.output)
        found.append(known if known is None or _of_two(own) else replace(known, chance=None))
    return found


def _of_two(output: Row) -> bool:
    """Whether an output may be of two classes."""
    shape: Sequence[int | None] = output.get("shape") or (None,)
    return (shape[-1] or 2) <= 2


def _weighing(
    one: Eligible,
    samples: Sequence[Samples | None],
    need: Need | None,
    costs: Costs | None,
    grouped: Callable[[SameData], Grouping],
) -> Weighing:
    runs = [replace(e[-1], samples=s) for e, s in zip(one.epochs, samples, strict=True)]
    points = [point for of in one.epochs for point in of]
    differences = tuple(compare(runs))
    own = dict(zip(one.places, runs, strict=True))
    groups, remark = grouped(lambda places: _of_same_samples([own.get(p) for p in places]))
    if all(run.accuracy is None for run in runs) and not _all_pairs(runs, differences):
        # Of other samples, or of values in another unit: nothing can be said over seeds either.
        groups, remark = {}, None if any_repeat(groups, one.places) else remark
    members = {name: [own[p] for p in places if p in own] for name, places in groups.items()}
    members = {name: group for name, group in members.items() if group}
    repeated = {name: group for name, group in members.items() if len(group) > 1}
    named = {name: [run.name for run in group] for name, group in repeated.items()}
    tested = named if len(named) > 1 else None
    wanted = _needs(need, runs)
    recommendations = tuple(
        weigh_need(runs, one_need, costs, tested, compared=differences) for one_need in wanted
    )
    told = (
        found.differences
        if tested is None
        else need_differences(runs, found.need, costs, compared=differences)
        for found in recommendations
    )
    ranking_alone = wanted == ["ranking"]
    apart = any_differ(run.labels for run in runs)
    return Weighing(
        one.output,
        one.split,
        tuple(runs),
        tuple(points),
        () if ranking_alone or apart else tuple(pareto_front(points)),
        tuple(difference for of_need in told for difference in of_need),
        () if ranking_alone else tuple(_wins(runs)),
        tuple(repeats(name, group) for name, group in members.items()),
        () if tested is None else tuple(compare_groups([*repeated.values()], [*repeated])),
        recommendations,
        remark,
    )


def _of_same_samples(runs: Sequence[Measured | None]) -> bool:
    """Whether all runs are known to be judged on the same validation samples."""
    known = [None if run is None or run.samples is None else run.samples.keys for run in runs]
    first, *rest = (None if keys is None else np.sort(keys) for keys in known)
    return first is not None and all(k is not None and np.array_equal(first, k) for k in rest)


def _all_pairs(runs: Sequence[Measured], differences: Sequence[Difference]) -> bool:
    """Whether each two runs were compared."""
    return len(differences) == len(runs) * (len(runs) - 1) // 2


def _needs(need: Need | None, runs: Sequence[Measured]) -> list[Need]:
    if need is not None:
        return [need]
    if all(run.accuracy is None for run in runs):
        return ["probabilities"]
    ranked = sum(area_of(run.samples) is not None for run in runs) > 1
    return ["probabilities", "decisions", *(["ranking"] if ranked else [])]


def _wins(runs: Sequence[Measured]) -> list[Wins]:
    if len(runs) != 2:
        return []
    both = Pairing(runs).shared(runs[0].name, runs[1].name)
    if both is None or any(samples.correct is None for samples in both):
        return []
    return count_wins(*both)


def difference_document(difference: Difference) -> dict[str, Any]:
    """Return a difference as plain values, as `--json` prints it.

    Args:
        difference: of two runs or groups.
    """
    return {
        **difference._asdict(),
        "interval": difference.interval._asdict(),
        "better": difference.better,
    }


def _group_document(group: Repeats) -> dict[str, Any]:
    return {
        **group._asdict(),
        "runs": list(group.runs),
        "loss": group.loss._asdict(),
        "accuracy": None if group.accuracy is None else group.accuracy._asdict(),
    }
