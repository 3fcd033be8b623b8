"""Which validation samples the rise or fall of a mean loss comes from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lossmon.analysis.noise import Floats
from lossmon.analysis.samples import Places, same_samples
from lossmon.analysis.words import accuracy_text, count_text
from lossmon.records import SampleRecord

Bools = npt.NDArray[np.bool_]

# What some samples carry is told of as few as carry nearly all of it.
_NEARLY_ALL = 0.9
_NAMED = 5
_KEPT = 20


class Origin(NamedTuple):
    """The group of samples that most of a change comes from.

    Attributes:
        group: "wrong" (before and after), "right" (likewise) or "turned".
        share: what it makes of the change.
        places: its samples that make nearly all of that, those of the largest change first.
        confidence: mean confidence in their predictions, before and after.
        turned: how many turned wrong, and how many right.
        shares: of all three groups.
    """

    group: str
    share: float
    places: Places
    confidence: tuple[float, float] | None
    turned: tuple[int, int]
    shares: dict[str, float]


def origin(before: Sequence[SampleRecord], after: Sequence[SampleRecord]) -> Origin | None:
    """Find where a change of the mean loss comes from.

    Args:
        before: some epochs of the same samples.
        after: some later ones.

    Returns:
        None where records are missing, weighted, of other samples, not finite, or of no classifier.
    """
    records = [*before, *after]
    if not before or not after or not all(_usable(record, records[0]) for record in records):
        return None
    rise = _mean_loss(after) - _mean_loss(before)
    total = float(rise.sum())
    if not total or not np.isfinite(rise).all():
        return None
    was, has = _right(before, own=0), _right(after, own=-1)
    groups: dict[str, Bools] = {"wrong": ~was & ~has, "right": was & has, "turned": was != has}
    shares = {name: float(rise[of].sum()) / total for name, of in groups.items()}
    group = max(shares, key=lambda name: shares[name])
    places = _carriers(rise * np.sign(total), groups[group])
    turned = int((was & ~has).sum()), int((~was & has).sum())
    sure = _confidence(before, places), _confidence(after, places)
    known = None if sure[0] is None or sure[1] is None else (sure[0], sure[1])
    return Origin(group, shares[group], places, known, turned, shares)


def sentence(found: Origin, verb: str) -> str:
    """Tell it; positions count from 0, as in the arrays.

    Args:
        found: the origin.
        verb: "rise" or "fall".
    """
    share = "All" if found.share >= 0.995 else f"{found.share:.0%}".replace("%", " %")
    head = f"{share} of the {verb} comes from"
    if found.group == "turned":
        wrong, right = found.turned
        told = f"{count_text(wrong, 'sample')} turned wrong and {right:,} right"
        return f"{head} samples whose prediction changed sides: {told}{_named(found.places)}."
    kind = f"{'misclassified' if found.group == 'wrong' else 'right'} before and after"
    moved = ""
    if found.confidence is not None:
        one, two = found.confidence
        more = "surer" if two > one else "less sure"
        span = f"confidence {accuracy_text(one)} → {accuracy_text(two)}"
        moved = f" that the model became {more} of ({span})"
    carriers = f"nearly all of that from {count_text(len(found.places), 'sample')}{moved}"
    return f"{head} samples that were {kind}, {carriers}{_named(found.places)}."


def evidence(found: Origin) -> dict[str, object]:
    """The numbers behind the sentence."""
    return {
        **{f"share_{name}": share for name, share in found.shares.items()},
        "samples": len(found.places),
        "positions": found.places[:_KEPT].tolist(),
        "sample_confidence": None if found.confidence is None else list(found.confidence),
    }


def _named(places: Places) -> str:
    listed = ", ".join(map(str, places[:_NAMED].tolist()))
    more = ", …" if len(places) > _NAMED else ""
    return f": {'number' if len(places) == 1 else 'numbers'} {listed}{more} of the validation data"


def _usable(record: SampleRecord, first: SampleRecord) -> bool:
    if record.correct is None or not same_samples(record, first) or record.samples is None:
        return False
    return record.samples.weights is None


def _mean_loss(records: Sequence[SampleRecord]) -> Floats:
    return np.mean([record.loss.astype(np.float64) for record in records], axis=0)


def _right(records: Sequence[SampleRecord], own: int) -> Bools:
    """Which samples most epochs have right; where as many have not, one of the epochs tells."""
    correct = np.array([record.correct for record in records if record.correct is not None])
    share = correct.mean(axis=0)
    return np.where(share == 0.5, correct[own], share > 0.5)


def _confidence(records: Sequence[SampleRecord], places: Places) -> float | None:
    known = [record.confidence[places] for record in records if record.confidence is not None]
    mean = float(np.mean(known)) if len(known) == len(records) and len(places) else math.nan
    return None if math.isnan(mean) else mean


def _carriers(change: Floats, group: Bools) -> Places:
    """The fewest samples of a group that carry nearly all of what it adds."""
    places = np.flatnonzero(group & (change > 0))
    places = places[np.argsort(-change[places], kind="stable")]
    carried = np.cumsum(change[places])
    wanted = _NEARLY_ALL * float(change[group].sum())
    return places[: int(np.searchsorted(carried, wanted)) + 1]
