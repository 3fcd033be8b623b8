"""Whether the numbers of a run can be trusted, in a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

from lossmon.analysis.history import Row
from lossmon.analysis.words import count_text, share_text

_REPEATED = "LM505"
# Epochs that the rules need which go by the course of a loss, overfitting among them.
_ENOUGH = 6


class EpochValues(NamedTuple):
    """How the values of a run's epochs were checked.

    Attributes:
        all_agree: there are some, and each was computed twice and agrees.
        differing: how many do not agree.
        share: of all, how many are verified, 0 to 1.
        amount: how many there are.
    """

    all_agree: bool
    differing: int
    share: float
    amount: int


def epoch_values(document: Row) -> EpochValues:
    """Count what was verified of a run.

    Args:
        document: the run, as `Store.run` gives it.
    """
    rows = document["epochs"]
    differing = sum(row["status"] == "mismatch" for row in rows)
    share = float(document["verified"]) if rows else 0.0
    return EpochValues(bool(rows) and share == 1.0, differing, share, len(rows))


def trust_sentence(document: Row, *, misleading: bool) -> str:
    """Say whether the numbers of a run can be trusted, without a full stop.

    Args:
        document: the run, as `Store.run` gives it.
        misleading: whether a number is known not to mean what it says.
    """
    values = epoch_values(document)
    if not values.amount:
        going = document["status"] == "running"
        none = "No epoch has ended yet" if going else "No epoch came to its end"
        none = "No epoch that came to its end is here" if document.get("begun_anew") else none
        return f"{none}: there is no number to judge"
    so_far = "So far its" if document["status"] == "running" else "Its"
    if values.all_agree:
        how = f"every epoch value was computed twice{_sampled(document)} and agrees"
        if misleading:
            return f"The arithmetic is right all the same: {how}"
        return f"{so_far} numbers can be trusted: {how}"
    why = _why(document)
    if values.differing:
        return f"{values.differing:,} of {values.amount:,} epoch values are not what Keras printed"
    if not values.share:
        return f"None of its numbers could be checked{why}"
    agree = f"{share_text(values.share)} of its epoch values were computed twice and agree"
    return f"{agree}, the others could not be checked{why}"


def _sampled(document: Row) -> str:
    least = min((row["coverage"] for row in document["epochs"]), default=1.0)
    return "" if least is None or least >= 1.0 else f", from {share_text(least)} of the samples up,"


def _why(document: Row) -> str:
    left = (row for row in document["epochs"] if row["status"] == "unverified" and row["reason"])
    reasons = Counter(str(row["reason"]).rstrip(".") for row in left)
    return f": {reasons.most_common(1)[0][0]}" if reasons else ""


def silence_sentence(document: Row) -> str | None:
    """Say what it means that nothing was found, without a full stop; None where it means nothing.

    Args:
        document: a run without errors, warnings and divergence, as `Store.run` gives it.
    """
    rows = document["epochs"]
    if not rows:
        return None
    if (document["environment"] or {}).get("imported"):
        return "Of an imported run rules see the curves alone, and found nothing wrong"
    if document["rules"]:
        return "The rules that were asked found nothing wrong"
    going = document["status"] == "running"
    quiet = f"No rule {'has found' if going else 'found'} anything wrong"
    judged = {row["epoch"] for row in rows if row["split"] == "val"}
    if not judged:
        few = "" if going else _few_words(document, {row["epoch"] for row in rows})
        few = few and f"{few} the course of its loss"
        return f"{quiet}{few}; without validation data nobody can tell whether it overfits"
    if len(judged) >= _ENOUGH:
        return quiet + _overfitting_words(document)
    few = "" if going else _few_words(document, judged)
    return f"{quiet}{few and f'{few} overfitting'}"


def _overfitting_words(document: Row) -> str:
    """What silence says of overfitting after enough epochs, behind the words for all rules."""
    if any(finding["code"] == _REPEATED for finding in document["findings"]):
        return f", but validation samples come again in the training data ({_REPEATED})"
    if not (document["environment"] or {}).get("validation_compared"):
        return "; whether validation samples are training samples was not looked at"
    return ", overfitting included" if epoch_values(document).share else ""


def _few_words(document: Row, judged: Collection[int]) -> str:
    """In how few epochs of an ended run, and that this is too little to judge what follows."""
    if len(judged) >= _ENOUGH:
        return ""
    planned, ended = document.get("epochs_planned"), {row["epoch"] for row in document["epochs"]}
    told = count_text(len(judged), "epoch")
    if len(judged) < len(ended):
        told += " with validation"
    elif planned is not None and planned > len(judged):
        told = f"{len(judged)} of {count_text(planned, 'epoch')}"
    return f" in {told}: fewer than the {_ENOUGH} that it takes to judge"
