"""When a run began to overfit, whether that matters for its accuracy, and what to do."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lossmon.analysis.accuracy_change import NORMAL_95, AccuracyChange, fall_since
from lossmon.analysis.explanation import Divergence
from lossmon.analysis.history import Row, history
from lossmon.analysis.words import loss_texts

OVERFITTING = "LM408"
_DEGENERATE = "LM204"

_OF_ANOTHER_KIND = (
    "Its validation loss lay above the training loss from the first epoch on, when each training "
    "sample was still new: that is no overfitting. The validation data are of another kind than "
    "the training data, or the training samples come in some order instead of shuffled, or the "
    "running means of batch normalisation lag behind. Ask first whether both come from one source, "
    "with the same preprocessing."
)
_OF_ONE_CLASS = (
    f"All validation labels are of one class ({_DEGENERATE}): that shows how this class is "
    "predicted, not how well it is told from the others, and not which weights to take."
)
# What is known less well than this cannot be said to hold: three points, as of an episode.
_HOLDS = 0.03
# Part of the loss, and of what it had fallen by, that it must rise by for the rule to warn.
_WARNED = 0.1


def accuracy_change(epochs: list[Row], output: Row, first: int, last: int) -> AccuracyChange | None:
    """How the validation accuracy of an output changed; None where it is not known.

    Its margin is that of both epochs' binomial errors together, as if of other samples.

    Args:
        epochs: the run's epochs, as `Store.epoch_rows` gives them.
        output: the output, as `Store.output_rows` gives it.
        first: the epoch before, from 0.
        last: the epoch after, from 0.
    """
    known = history(epochs, output, "val")
    places = {} if known is None else {row["epoch"]: place for place, row in enumerate(known.rows)}
    if known is None or first not in places or last not in places:
        return None
    one, two = places[first], places[last]
    error = math.hypot(known.accuracy_error[one], known.accuracy_error[two])
    return AccuracyChange(float(known.accuracy[one]), float(known.accuracy[two]), NORMAL_95 * error)


def fall_since_least(document: Row, output: Row) -> AccuracyChange | None:
    """How far the validation accuracy fell from the least loss on; None where it surely did not.

    Args:
        document: the run, as `Store.run` gives it.
        output: the output, as `Store.output_rows` gives it.
    """
    known = history(document["epochs"], output, "val")
    least = _least(document["epochs"], output["name"])
    return None if known is None or least is None else fall_since(known, least - 1)


def overfit_words(
    document: Row,
    output: Row,
    finding: Row,
    episodes: Sequence[Divergence] = (),
    *,
    shifted: bool = False,
) -> tuple[str, str] | None:
    """Say since when an output overfits, and what that means; None where the finding does not tell.

    Args:
        document: the run, as `Store.run` gives it.
        output: the output, as `Store.output_rows` gives it.
        finding: what says that it overfits.
        episodes: where loss and accuracy of the output part ways: the change of the accuracy over
            the same epochs is known better there, and is not to be told in two ways.
        shifted: whether its validation data are of another kind than the training data.
    """
    evidence = finding["evidence"] or {}
    since, until = evidence.get("since_epoch"), evidence.get("until_epoch")
    losses = evidence.get("val_loss")
    if not isinstance(since, int) or not isinstance(until, int) or not losses:
        return None
    best = _least(document["epochs"], output["name"]) or since
    fell = _fell(evidence, (since, until))
    said = _said((since, until), best, losses, fell, shifted=shifted)
    if shifted:
        return said, _OF_ANOTHER_KIND
    if _validated_on_one_class(document, output):
        return said, _OF_ONE_CLASS
    same = [e for e in episodes if (e.first_epoch + 1, e.last_epoch + 1) == (since, until)]
    changed = (
        AccuracyChange(*same[0].accuracy, same[0].accuracy_margin, smoothed=True)
        if same
        else accuracy_change(document["epochs"], output, since - 1, until - 1)
    )
    return said, _meaning(changed, best, _lost(document, output, changed, best - since))


def tells_of_one_class(finding: Row) -> bool:
    """Whether a finding is that all validation labels are of one class.

    Args:
        finding: as `Store.run` gives it.
    """
    return finding["code"] == _DEGENERATE and (finding["evidence"] or {}).get("split") == "val"


def _validated_on_one_class(document: Row, output: Row) -> bool:
    mine = (one for one in document["findings"] if one["output"] == output["name"])
    return any(map(tells_of_one_class, mine))


def mild_words(
    document: Row, output: Row, episode: Divergence, *, shifted: bool = False
) -> tuple[str, str] | None:
    """Say the same of an episode that is none for a warning; None where it is no overfitting.

    Args:
        document: the run, as `Store.run` gives it.
        output: the output, as `Store.output_rows` gives it.
        episode: the last one of the output.
        shifted: whether its validation data are of another kind than the training data.
    """
    trained = [cause for cause in episode.causes if cause.name == "memorising"]
    rises = (episode.split, episode.kind) == ("val", "loss_rises")
    if not trained or not rises or episode.since == "returned":
        return None
    ends = episode.first_epoch + 1, episode.last_epoch + 1
    best = _least(document["epochs"], output["name"]) or ends[0]
    fell = _fell(trained[0].evidence, ends)
    said = _said(ends, best, episode.loss, fell, shifted=shifted)
    if shifted:
        return said, _OF_ANOTHER_KIND
    if _validated_on_one_class(document, output):
        return said, _OF_ONE_CLASS
    changed = AccuracyChange(*episode.accuracy, episode.accuracy_margin, smoothed=True)
    lost = _lost(document, output, changed, best - ends[0])
    # Whoever changed the rules may have put this one to silence.
    why = "" if document["rules"] else _why_no_warning(document["epochs"], output, episode)
    return said, f"{why} {_meaning(changed, best, lost)}".lstrip()


def _why_no_warning(epochs: list[Row], output: Row, episode: Divergence) -> str:
    losses = [loss for _, loss in _losses(epochs, output["name"])]
    before, after = episode.loss
    learned = losses[0] - min(losses) if losses else 0.0
    if after - before < _WARNED * max(before, learned):
        return (
            f"Too little for a warning ({OVERFITTING}), which takes a rise by a tenth of the loss "
            "and of all that it had fallen by before."
        )
    return (
        f"Not sure enough for a warning ({OVERFITTING}), which goes by the losses of the epochs "
        "alone."
    )


def _said(
    epochs: tuple[int, int],
    best: int,
    losses: Sequence[float],
    fell: str,
    *,
    shifted: bool,
) -> str:
    since, until = epochs
    rose = " → ".join(loss_texts(losses))
    least = "" if best == since else f" (least validation loss at epoch {best})"
    what = "It grows worse on validation data" if shifted else "It overfits"
    return (
        f"{what} since epoch {since}{least}: validation loss rose {rose} (epoch {until}) "
        f"while training loss fell{fell}"
    )


def _fell(evidence: Row, ends: tuple[int, int]) -> str:
    """From what to what the training loss fell; of which epochs, where these are others."""
    losses, epochs = evidence.get("train_loss"), evidence.get("train_epochs")
    if not losses:
        return ""
    told = loss_texts(losses)
    if epochs and tuple(epochs) != ends:
        told = [f"{loss} (epoch {epoch})" for loss, epoch in zip(told, epochs, strict=True)]
    means = " (means of the epochs around these)" if evidence.get("of_means") else ""
    return f", {' → '.join(told)}{means}"


def _least(epochs: list[Row], output: str | None) -> int | None:
    """The epoch of the least validation loss, from 1."""
    known = [(loss, epoch + 1) for epoch, loss in _losses(epochs, output)]
    return min(known)[1] if known else None


def _losses(epochs: list[Row], output: str | None) -> list[tuple[int, float]]:
    """The epochs whose validation loss is a finite number, and that."""
    return [
        (row["epoch"], loss)
        for row in epochs
        if row["split"] == "val" and row["output"] == output
        for loss in [row["loss"] if row["recomputed_loss"] is None else row["recomputed_loss"]]
        if loss is not None and math.isfinite(loss)
    ]


def _lost(
    document: Row, output: Row, changed: AccuracyChange | None, moved: int
) -> AccuracyChange | None:
    """What the accuracy lost since the least loss, but for what is told as of the same epoch."""
    if changed is not None and _fell_surely(changed) and not moved:
        return None
    return fall_since_least(document, output)


def _fell_surely(changed: AccuracyChange) -> bool:
    return changed.change < -changed.margin


def _meaning(changed: AccuracyChange | None, best: int, lost: AccuracyChange | None) -> str:
    """Whether it matters for the accuracy, and which weights to take."""
    if lost is not None:
        return (
            f"It matters for accuracy too, which fell from epoch {best} on, {lost.text}: take the "
            f"weights of epoch {best}, for decisions and probabilities alike."
        )
    if changed is None:
        return f"The weights of epoch {best} have the least validation loss."
    told = changed.text
    if _fell_surely(changed):
        return f"It matters for accuracy too, which fell {told}: take the weights of epoch {best}."
    if changed.change > changed.margin:
        return (
            f"Accuracy rose all the same, {told}: for decisions take the last weights, for "
            f"probabilities those of epoch {best}, or calibrate them."
        )
    held = changed.margin <= _HOLDS
    if held or changed.change - changed.margin > -_HOLDS:
        return (
            f"It does not matter for accuracy, which {'held' if held else 'did not fall'}, {told}; "
            f"if you use the probabilities, take the weights of epoch {best}, or calibrate them."
        )
    return (
        f"Whether it matters for accuracy, {told}, so few validation samples cannot tell; the "
        f"weights of epoch {best} have the least loss."
    )
