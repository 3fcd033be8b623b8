"""What recorded epochs say of the cause of an episode; each function claims it, or stays silent.

A claim rests on numbers of the run that exceed their own uncertainty. What the epochs cannot show
is not claimed: without the samples themselves, wrong labels and overlapping classes look alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from lossmon.analysis import named_samples
from lossmon.analysis.episodes import Episode
from lossmon.analysis.history import History, Row, samples
from lossmon.analysis.named_samples import origin
from lossmon.analysis.parts import level, parts
from lossmon.analysis.samples import SampleReader
from lossmon.analysis.temperature import is_uniform
from lossmon.analysis.words import (
    accuracy_text,
    capitalised,
    count_text,
    loss_text,
    loss_texts,
    share_text,
)
from lossmon.records import SampleRecord

# Standard errors that a difference must exceed to be told.
_SURE = 3.0
# A learning rate that rose by this factor between two epochs was raised on purpose.
_RAISED = 2.0
# Share of all predictions that are called the surest ones.
_SUREST = 0.2
# Differences of shares that are worth telling.
_MATTERS = 0.05


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that the evidence says of an episode.

    Attributes:
        name: stable name: "wrong-predictions", "right-predictions", "turned-predictions",
            "overconfidence", "growing-caution", "recoverable-loss", "learning-rate",
            "noisy-labels", "rare-class", "shifted-data", "shifted-labels" or "memorising".
        sentence: the same for people.
        evidence: the numbers it rests on; JSON-serialisable.
    """

    name: str
    sentence: str
    evidence: dict[str, Any] = field(default_factory=dict)


class Case(NamedTuple):
    """An episode with all that may explain it.

    Attributes:
        episode: the episode.
        history: the epochs it was found in.
        train: the epochs of training on the same output; None where not known.
        samples: gives the samples of an epoch one by one, where they were recorded.
    """

    episode: Episode
    history: History
    train: History | None
    samples: SampleReader | None = None

    @property
    def before(self) -> Sequence[Row]:
        """The epochs around its onset."""
        return self.around(self.episode.start)

    @property
    def after(self) -> Sequence[Row]:
        """The epochs around its end."""
        return self.around(self.episode.end)

    def training(self, rows: Sequence[Row]) -> list[Row]:
        """The training epochs of the same number."""
        wanted = {row["epoch"] for row in rows}
        return [] if self.train is None else [r for r in self.train.rows if r["epoch"] in wanted]

    def sampled(self, rows: Sequence[Row]) -> Sequence[SampleRecord]:
        """The samples of these epochs; none unless they are known of all."""
        if self.samples is None or self.history.split != "val":
            return ()
        found = self.samples(self.history.output, [row["epoch"] for row in rows])
        return found if len(found) == len(rows) else ()

    def around(self, place: int) -> Sequence[Row]:
        """An epoch and its neighbours."""
        return self.history.rows[max(place - 1, 0) : place + 2]


def causes(case: Case) -> list[Cause]:
    """All that can be claimed of an episode, the most direct first."""
    return [found for claim in _CLAIMS if (found := claim(case)) is not None]


def _parts(case: Case) -> Cause | None:
    """Which predictions the change of the loss comes from."""
    found = origin(case.sampled(case.before), case.sampled(case.after))
    if found is not None:
        verb = "fall" if case.episode.kind == "both_fall" else "rise"
        told = named_samples.evidence(found)
        return Cause(f"{found.group}-predictions", named_samples.sentence(found, verb), told)
    return _parts_of_epochs(case)


def _parts_of_epochs(case: Case) -> Cause | None:
    before, after = level(case.before), level(case.after)
    if before is None or after is None:
        return None
    found = parts(before, after)
    if not found.total:
        return None
    shares = {name: value / found.total for name, value in found._asdict().items()}
    name = max(shares, key=lambda key: shares[key])
    verb = "rise" if found.total > 0 else "fall"
    share = "all" if shares[name] >= 1.0 else share_text(shares[name])
    judged = case.after[-1]["judged"]
    if name == "wrong":
        told = (
            f"{count_text(after.wrong, 'wrong prediction')} of {judged:,.0f}, whose mean loss went "
            f"from {loss_text(before.loss_wrong)} to {loss_text(after.loss_wrong)}"
        )
    elif name == "right":
        told = (
            "predictions that are right, whose mean loss went from "
            f"{loss_text(before.loss_right)} to {loss_text(after.loss_right)}"
        )
    else:
        told = (
            "predictions that turned: "
            f"{count_text(before.wrong, 'wrong one')} before, {after.wrong:,.0f} after"
        )
    evidence = {f"share_{key}": value for key, value in shares.items()} | {
        "loss_wrong": [before.loss_wrong, after.loss_wrong],
        "loss_correct": [before.loss_right, after.loss_right],
        "wrong": [before.wrong, after.wrong],
    }
    sentence = f"{capitalised(share)} of the {verb} comes from {told}."
    return Cause(f"{name}-predictions", sentence, evidence)


def _confidence(case: Case) -> Cause | None:
    """Whether the model grew surer than it is right, or more cautious."""
    before, after = _mean(case.before, "confidence"), _mean(case.after, "confidence")
    gaps = _mean(case.before, "calibration_gap"), _mean(case.after, "calibration_gap")
    if before is None or after is None or gaps[0] is None or gaps[1] is None:
        return None
    error = float(case.history.accuracy_error[case.episode.end])
    evidence: dict[str, Any] = {"confidence": [before, after], "calibration_gap": list(gaps)}
    margins = {side: _margins(case, side) for side in ("right", "wrong")}
    evidence |= {f"margin_{side}": list(both) for side, both in margins.items() if both is not None}
    sure, right = (
        f"{accuracy_text(one)} → {accuracy_text(other)}"
        for one, other in ((before, after), (before - gaps[0], after - gaps[1]))
    )
    span = f"means of the epochs around both ends: confidence {sure}, share right {right}"
    rises = case.episode.kind != "both_fall"
    if rises and gaps[1] > _SURE * error and gaps[1] - gaps[0] > error:
        told = f"The model grew surer than it is right ({span}){_further_off(margins['wrong'])}."
        return Cause("overconfidence", told, evidence)
    if not rises and gaps[0] - gaps[1] > error:
        return Cause("growing-caution", f"The model grew more cautious ({span}).", evidence)
    return None


def _margins(case: Case, side: str) -> tuple[float, float] | None:
    """Mean margin of right or wrong predictions, before and after, where it was recorded."""
    before, after = (
        _mean([{side: (row.get("margins") or {}).get(side)} for row in rows], side)
        for rows in (case.before, case.after)
    )
    return None if before is None or after is None else (before, after)


def _further_off(margins: tuple[float, float] | None) -> str:
    """By how much wrong predictions prefer another class to the true one, where that grew."""
    if margins is None or not margins[0] - margins[1] > _MATTERS:
        return ""
    before, after = (accuracy_text(-margin) for margin in margins)
    return f"; where it is wrong, it prefers its choice to the truth by {after}, before {before}"


def _recoverable(case: Case) -> Cause | None:
    """Whether one temperature for all predictions would take away a part of the loss."""
    end = case.history.rows[case.episode.end]
    loss, scaled, temperature = (end.get(key) for key in ("nll", "scaled_loss", "temperature"))
    if case.episode.kind == "both_fall" or loss is None or scaled is None or temperature is None:
        return None
    # Twice the gain of the log-likelihood, of samples that T = 1 fits, is about chi-squared.
    least = max(_MATTERS * loss, _SURE**2 / (2.0 * samples(end)))
    if temperature <= 1.0 or not loss - scaled > least:
        return None
    was, would = loss_texts((loss, scaled))
    sentence = (
        f"Were all answers equally likely, the loss of epoch {end['epoch'] + 1} would be {would} "
        f"instead of {was}: no scaling makes these predictions better than that."
        if is_uniform(temperature)
        else f"Dividing its scores by {temperature:.2g} (temperature scaling) would bring the loss "
        f"of epoch {end['epoch'] + 1} from {was} back to {would}: that much of it is "
        "overconfidence alone."
    )
    evidence = {"temperature": temperature, "nll": loss, "scaled_loss": scaled}
    return Cause("recoverable-loss", sentence, evidence)


def _learning_rate(case: Case) -> Cause | None:
    """Whether the learning rate was raised where the episode sets in."""
    if case.train is None:
        return None
    onset = case.history.rows[case.episode.start]["epoch"]
    rates = [(r["epoch"], r.get("learning_rate")) for r in case.train.rows]
    known = [(epoch, rate) for epoch, rate in rates if rate]
    for (_, one), (epoch, two) in pairwise(known):
        if two >= _RAISED * one and onset - 1 <= epoch <= onset + 2:
            sentence = (
                f"The learning rate was raised from {one:.3g} to {two:.3g} in epoch {epoch + 1}, "
                "where this sets in."
            )
            return Cause("learning-rate", sentence, {"epoch": epoch, "learning_rate": [one, two]})
    return None


def _noisy_labels(case: Case) -> Cause | None:
    """Whether even the surest predictions were often wrong, until training learned them by heart.

    Where a share of the labels is wrong, a model that has learned what can be learned is no surer
    of any sample than that share allows; training accuracy passes that limit by memorising
    (Arpit et al., *A closer look at memorization in deep networks*, ICML 2017).
    """
    train = [r["correct"] / r["judged"] for r in case.training(case.after)]
    # Of other data than the training's nothing can be said by what training comes to.
    if not train or case.episode.kind == "both_rise" or _shifted_data(case) is not None:
        return None
    best = int(case.history.loss[: case.episode.start + 1].argmin())
    surest = _surest(case.around(best))
    if surest is None:
        return None
    share, count = surest
    limit = share + _SURE * math.sqrt(max(share * (1.0 - share), 1.0 / count) / count)
    learned = float(np.mean(train))
    if limit > 1.0 - 2 * _MATTERS or learned < limit + _MATTERS:
        return None
    sentence = (
        f"When the loss was lowest, around epoch {case.history.rows[best]['epoch'] + 1}, even the "
        f"surest fifth of the predictions were right in only {share_text(share)} of the cases, as "
        "it is where labels are wrong or classes overlap; training has since come to "
        f"{share_text(learned)}, which can only be learned by heart. Look at the labels of wrong "
        "predictions."
    )
    return Cause("noisy-labels", sentence, {"surest_right": share, "train_accuracy": learned})


def _surest(rows: Sequence[Row]) -> tuple[float, float] | None:
    """Share right among the predictions of highest confidence, and how many those are an epoch."""
    shares: list[tuple[float, float]] = []
    for row in rows:
        bins = row.get("reliability") or []
        total, count, right = sum(b["count"] for b in bins), 0.0, 0.0
        for band in sorted(bins, key=lambda b: -b["low"]):
            count, right = count + band["count"], right + band["count"] * band["accuracy"]
            if count >= _SUREST * total:
                break
        if count:
            shares.append((right / count, count))
    if not shares:
        return None
    share, count = np.mean(shares, axis=0).tolist()
    return share, count


def _rare_class(case: Case) -> Cause | None:
    """Whether one rare class makes most of the wrong predictions."""
    counts = case.after[-1].get("class_counts") or []
    total, wrong = (sum(values) for values in ([c["count"] for c in counts], _wrong(counts)))
    if not wrong or len(counts) < 2:
        return None
    rarest = max(range(len(counts)), key=lambda place: _wrong(counts)[place])
    row, missed = counts[rarest], _wrong(counts)[rarest]
    share, of_wrong = row["count"] / total, missed / wrong
    others = (total - wrong - row["correct"]) / max(total - row["count"], 1.0)
    recall = row["correct"] / row["count"] if row["count"] else 0.0
    error = math.sqrt(0.25 / max(row["count"], 1.0))
    if share > 0.5 / len(counts) or of_wrong < 0.5 or others - recall < _SURE * error:
        return None
    sentence = (
        f"{share_text(of_wrong)} of the wrong predictions are of class {row['label']}, which only "
        f"{share_text(share)} of the samples belong to: it is recognised in {share_text(recall)} "
        f"of the cases, the others in {share_text(others)}. An accuracy hardly shows that."
    )
    evidence = {"label": row["label"], "share": share, "share_of_wrong": of_wrong, "recall": recall}
    return Cause("rare-class", sentence, evidence | {"recall_of_others": others})


def _wrong(counts: Sequence[Row]) -> list[float]:
    return [float(row["count"] - row["correct"]) for row in counts]


def _shifted_data(case: Case) -> Cause | None:
    """Whether validation was worse than training before anything was learned by heart.

    In the first epoch each training sample is predicted before it is learned from, so that the
    training accuracy is that of new samples (Blum, Kalai and Langford, *Beating the hold-out*,
    COLT 1999), and of weaker weights than validation is given.
    """
    if case.train is None or case.history.split == "train":
        return None
    first, seen = case.history.rows[0], case.train.rows[0]
    if first["epoch"] != 0 or seen["epoch"] != 0:
        return None
    val, train = float(case.history.accuracy[0]), float(case.train.accuracy[0])
    error = math.hypot(float(case.history.accuracy_error[0]), float(case.train.accuracy_error[0]))
    if train - val < max(_SURE * error, _MATTERS):
        return None
    sentence = (
        f"Validation was worse from the first epoch on ({accuracy_text(val)} right, training "
        f"{accuracy_text(train)}), when each training sample was still new: the validation data "
        "are of another kind than the training data, or the training samples are not shuffled."
    )
    return Cause("shifted-data", sentence, {"first_accuracy": {"train": train, "val": val}})


def _shifted_labels(case: Case) -> Cause | None:
    """Whether classes are otherwise distributed in validation than in training."""
    if case.train is None or case.history.split == "train":
        return None
    val = np.array([c["count"] for c in case.history.rows[-1].get("class_counts") or []], float)
    train = np.array([c["count"] for c in case.train.rows[-1].get("class_counts") or []], float)
    if val.shape != train.shape or not val.sum() or not train.sum():
        return None
    one, two = val / val.sum(), train / train.sum()
    distance = float(np.abs(one - two).sum() / 2)
    pooled = (val + train) / (val.sum() + train.sum())
    # Mean distance of two samples of one distribution: half of all classes' mean deviations.
    size = math.sqrt(1.0 / samples(case.history.rows[-1]) + 1.0 / samples(case.train.rows[-1]))
    chance = float(np.sqrt(pooled * (1 - pooled)).sum()) / 2 * size
    if distance < max(_SURE * chance, 2 * _MATTERS):
        return None
    place = int(np.abs(one - two).argmax())
    sentence = (
        f"Classes are distributed otherwise than in training: class {place} makes "
        f"{share_text(float(one[place]))} of validation and {share_text(float(two[place]))} of "
        "training."
    )
    return Cause("shifted-labels", sentence, {"distance": distance, "label": place})


def _memorising(case: Case) -> Cause | None:
    """Whether the training loss fell on meanwhile."""
    if case.episode.kind == "both_fall" or case.history.split == "train":
        return None
    before, after = (
        _mean(case.training(rows), "recomputed_loss") for rows in (case.before, case.after)
    )
    if before is None or after is None or not 0 <= after < 0.8 * before:
        return None
    # Judged by neighbours as well, told of the epochs by themselves where these show it.
    one, other = (
        case.training([case.history.rows[place]])[0]["recomputed_loss"]
        for place in (case.episode.start, case.episode.end)
    )
    of_means = other >= one
    before, after = (before, after) if of_means else (one, other)
    means = " (means of the epochs around both ends)" if of_means else ""
    sentence = (
        f"The training loss fell on meanwhile, {' → '.join(loss_texts((before, after)))}{means}: "
        "what is learned since helps on the training samples only."
    )
    return Cause("memorising", sentence, {"train_loss": [before, after], "of_means": of_means})


def _mean(rows: Sequence[Row], name: str) -> float | None:
    values = [row[name] for row in rows if row.get(name) is not None]
    return float(np.mean(values)) if values and len(values) == len(rows) else None


_CLAIMS: tuple[Callable[[Case], Cause | None], ...] = (
    _parts,
    _confidence,
    _recoverable,
    _learning_rate,
    _shifted_data,
    _shifted_labels,
    _noisy_labels,
    _rare_class,
    _memorising,
)
