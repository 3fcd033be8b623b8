"""Recorded runs weighed against one another: all that can be said of which is better."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lossmon.analysis.comparison import Difference, compare
from lossmon.analysis.front import pareto_front
from lossmon.analysis.history import Row
from lossmon.analysis.meant import meant_sentence
from lossmon.analysis.measured import Measured, Samples, measured_epochs, samples_of
from lossmon.analysis.needs import Costs, Need, Recommendation, weigh_need
from lossmon.analysis.pairing import Pairing
from lossmon.analysis.ranking import area_of
from lossmon.analysis.repeats import Repeats, compare_groups, repeats, seed_groups
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
        runs: the last epoch of each run.
        epochs: every epoch of every run.
        front: those of `epochs` that no other one beats in loss and accuracy both.
        differences: each two runs.
        wins: sample by sample and class by class; of two runs on shared samples only.
        groups: settings over their seeds; none where no run repeats another.
        group_differences: each two settings that have two or more runs.
        recommendations: which to take for each need.
        meant: which accuracies are not the printed ones, in a sentence; None where all are.
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
    meant: str | None = None

    @property
    def shared(self) -> int:
        """The least number of samples that two of the runs were compared on in pairs; 0 if none."""
        paired = [d.samples if d.basis == "paired" else 0 for d in self.differences]
        return min(paired, default=0)

    def document(self) -> dict[str, Any]:
        """Return it as plain values that JSON can hold; epochs count from 0."""
        return {
            "output": self.output,
            "split": self.split,
            "shared_samples": self.shared,
            "meant": self.meant,
            "differences": [difference_document(d) for d in self.differences],
            "wins": [one._asdict() for one in self.wins],
            "front": [
                {"name": p.name, "epoch": p.epoch, "loss": p.loss, "accuracy": p.accuracy}
                for p in self.front
            ],
            "groups": [_group_document(group) for group in self.groups],
            "group_differences": [difference_document(d) for d in self.group_differences],
            "recommendations": [
                {
                    "need": r.need,
                    "measure": r.measure,
                    "values": r.values,
                    "best": r.best,
                    "as_good": list(r.as_good),
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
    """Weigh runs against one another: each output that all have, with one loss, on each split.

    Args:
        documents: the runs, as `Store.run` gives them.
        names: how each of them is called; nothing is weighed where they are not distinct.
        samples: where the samples of a run are found, for comparisons in pairs.
        need: what the model is for; None for all needs that something can be said of.
        costs: of wrong decisions between two classes.
        group_by: what runs are repeats by, see `seed_groups`.

    Returns:
        One comparison for each output and split, what `lossmon compare` tells.

    Raises:
        InvalidArgument: costs without a need for decisions, or a run that `group_by` does not fit.
    """
    groups = seed_groups(documents, group_by)
    if len(set(names)) < len(names) or len(names) < 2:
        return []
    if costs is not None and need is None:
        need = "decisions"
    return [
        replace(
            _weighing(output, split, epochs, known, need=need, costs=costs, groups=groups),
            meant=meant_sentence(documents, names, output, split),
        )
        for output in dict.fromkeys(o["name"] for d in documents for o in d["outputs"])
        for split, epochs, known in _judged(documents, names, output, samples)
    ]


_Runs = list[list[Measured]]


def _judged(
    documents: Sequence[Row],
    names: Sequence[str],
    output: str | None,
    samples: SampleSource | None,
) -> Iterator[tuple[Split, _Runs, list[Samples | None]]]:
    """The epochs of each run, and the samples of the last one."""
    own = [next((o for o in d["outputs"] if o["name"] == output), None) for d in documents]
    if any(one is None for one in own) or len({str(one["loss"]) for one in own if one}) > 1:
        return
    for split in ("val", "train"):
        epochs = [
            measured_epochs(name, document["epochs"], one or {}, split)
            for name, document, one in zip(names, documents, own, strict=True)
        ]
        if all(epochs):
            known: list[Samples | None] = [None] * len(names)
            if samples is not None and split == "val":
                lasts = [(d["id"], e[-1].epoch) for d, e in zip(documents, epochs, strict=True)]
                found = [samples_of(samples(run, epoch or 0, output)) for run, epoch in lasts]
                known = [
                    s if s is None or _of_two(one or {}) else replace(s, chance=None)
                    for s, one in zip(found, own, strict=True)
                ]
            yield split, epochs, known
            return


def _of_two(output: Row) -> bool:
    """Whether an output may be of two classes."""
    shape: Sequence[int | None] = output.get("shape") or (None,)
    return (shape[-1] or 2) <= 2


def _weighing(
    output: str | None,
    split: Split,
    epochs: _Runs,
    samples: Sequence[Samples | None],
    *,
    need: Need | None,
    costs: Costs | None,
    groups: dict[str, list[int]],
) -> Weighing:
    runs = [replace(e[-1], samples=s) for e, s in zip(epochs, samples, strict=True)]
    points = [point for of in epochs for point in of]
    members = {name: [runs[place] for place in places] for name, places in groups.items()}
    repeated = {name: group for name, group in members.items() if len(group) > 1}
    named = {name: [run.name for run in group] for name, group in repeated.items()}
    tested = named if len(named) > 1 else None
    differences = tuple(compare(runs))
    return Weighing(
        output,
        split,
        tuple(runs),
        tuple(points),
        tuple(pareto_front(points)),
        differences,
        tuple(_wins(runs)),
        tuple(repeats(name, group) for name, group in members.items()),
        () if tested is None else tuple(compare_groups([*repeated.values()], [*repeated])),
        tuple(
            weigh_need(runs, one, costs, tested, compared=differences) for one in _needs(need, runs)
        ),
    )


def _needs(need: Need | None, runs: Sequence[Measured]) -> list[Need]:
    if need is not None:
        return [need]
    ranked = sum(area_of(run.samples) is not None for run in runs) > 1
    return ["probabilities", "decisions", *(["ranking"] if ranked else [])]


def _wins(runs: Sequence[Measured]) -> list[Wins]:
    if len(runs) != 2:
        return []
    both = Pairing(runs).shared(runs[0].name, runs[1].name)
    return [] if both is None else count_wins(*both)


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
