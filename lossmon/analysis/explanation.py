"""Divergence in plain sentences, made from the recorded epochs of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lossmon.analysis.accuracy_change import fall_since
from lossmon.analysis.causes import Case, Cause, causes
from lossmon.analysis.episodes import Episode, Kind, Since, find_episodes
from lossmon.analysis.history import History, Row, history
from lossmon.analysis.paired import paired_epochs
from lossmon.analysis.samples import SampleReader
from lossmon.analysis.words import SPLITS, accuracy_text, loss_text, loss_texts
from lossmon.records import Split


@dataclass(frozen=True, slots=True)
class Divergence:
    """An episode of divergence with its explanation.

    Attributes:
        split: "val", or "train" where there was no validation.
        output: the output's name; None for the only one.
        kind: "loss_rises" (the accuracy holds), "both_rise" or "both_fall".
        first_epoch: the epoch in which it sets in, from 0.
        last_epoch: the epoch that it lasts to, included.
        since: what the smoothed loss has done after that, till the last epoch: "nothing" where
            there is none, "stayed", "returned" or "went on".
        loss: the loss of these two epochs.
        accuracy: smoothed share predicted right at both ends.
        accuracy_margin: the change of the accuracy is known to this much up or down, 95 %.
        strength: standard errors by which the loss changed.
        p_value: chance of as clear an episode in a run of pure noise.
        summary: what happened; and what has since, where it ended before the run did.
        causes: what the evidence says of why.
        advice: what follows, in one sentence.
    """

    split: Split
    output: str | None
    kind: Kind
    first_epoch: int
    last_epoch: int
    since: Since
    loss: tuple[float, float]
    accuracy: tuple[float, float]
    accuracy_margin: float
    strength: float
    p_value: float
    summary: str
    causes: tuple[Cause, ...]
    advice: str

    @property
    def explanation(self) -> str:
        """The whole explanation as text."""
        return " ".join([self.summary, *(cause.sentence for cause in self.causes), self.advice])

    def document(self) -> dict[str, Any]:
        """Return the same as plain values, with `explanation` and `length` in epochs."""
        length = self.last_epoch - self.first_epoch + 1
        return asdict(self) | {"length": length, "explanation": self.explanation}


def explain_divergence(
    epochs: Iterable[Row], outputs: Iterable[Row], samples: SampleReader | None = None
) -> list[Divergence]:
    """Find and explain where loss and accuracy of a run part ways.

    Args:
        epochs: the run's epochs with the fields of `EpochRecord`, as `Store.epoch_rows` gives them.
        outputs: its outputs, as `Store.output_rows` gives them.
        samples: gives an output's validation samples of some epochs, so that those can be named
            that the change comes from, and smaller changes be told from chance:
            `Store.sample_reader` makes one.

    Returns:
        Episodes on validation data, by output and time; on training data of runs without any.
        None are found for outputs that are no classifier's, and in fewer than six epochs.
    """
    rows = list(epochs)
    return [found for output in outputs for found in _of_output(rows, output, samples)]


def diverging_epochs(
    epochs: Iterable[Row], output: Row, samples: SampleReader | None = None
) -> list[tuple[Kind, int, int]]:
    """Return kind, first and last epoch of each episode of one output, without an explanation.

    Args:
        epochs: epochs of a run; `EPISODE_COLUMNS` of them are enough.
        output: the output, as `Store.output_rows` gives it.
        samples: as `explain_divergence` takes it, which finds the same episodes then.
    """
    return [
        (case.episode.kind, *_span(case.episode, case.history))
        for case in cases(list(epochs), output, samples)
    ]


def _of_output(rows: Sequence[Row], output: Row, samples: SampleReader | None) -> list[Divergence]:
    found = cases(rows, output, samples)
    # What came after an earlier one the later ones tell.
    return [_explained(case, latest=case is found[-1]) for case in found]


def cases(rows: Sequence[Row], output: Row, samples: SampleReader | None = None) -> list[Case]:
    """The episodes of one output with the epochs that they were found in, in order of time."""
    val, train = (history(rows, output, split) for split in ("val", "train"))
    judged = val or train
    if judged is None:
        return []
    episodes = find_episodes(
        judged.loss,
        judged.loss_error,
        judged.accuracy,
        judged.accuracy_error,
        covariance=judged.covariance,
        pairs=paired_epochs(judged, samples),
    )
    return [Case(episode, judged, train, samples) for episode in episodes]


def _span(episode: Episode, judged: History) -> tuple[int, int]:
    return judged.rows[episode.start]["epoch"], judged.rows[episode.end]["epoch"]


def _explained(case: Case, *, latest: bool) -> Divergence:
    episode, judged = case.episode, case.history
    first, last = _span(episode, judged)
    return Divergence(
        judged.split,
        judged.output,
        episode.kind,
        first,
        last,
        episode.since,
        episode.loss,
        episode.accuracy,
        episode.accuracy_margin,
        episode.strength,
        episode.p_value,
        _summary(episode, judged, first, last) + (_since(episode, judged) if latest else ""),
        tuple(causes(case)),
        _advice(case, first, last),
    )


def _summary(episode: Episode, judged: History, first: int, last: int) -> str:
    """What happened; epochs are counted from 1, as Keras prints them."""
    loss = " → ".join(loss_texts(episode.loss))
    before, after = episode.accuracy
    moved = f"{accuracy_text(before)} → {accuracy_text(after)}"
    head = f"Epochs {first + 1}–{last + 1}: {SPLITS[judged.split]} loss"
    if episode.kind == "loss_rises":
        if after - before < -episode.accuracy_margin:
            return f"{head} rose {loss} while accuracy fell only {moved}."
        if after - before > episode.accuracy_margin:
            return f"{head} rose {loss} although accuracy did not fall, {moved}."
        change = f"changed by {after - before:+.3f} ± {episode.accuracy_margin:.3f}"
        return f"{head} rose {loss} while accuracy stayed at {accuracy_text(after)} ({change})."
    verb = "rose" if episode.kind == "both_rise" else "fell"
    return f"{head} {verb} {loss}, and accuracy {verb} as well, {moved}."


def _since(episode: Episode, judged: History) -> str:
    """Why it ends before the run does; empty where it does not."""
    if episode.since == "nothing":
        return ""
    now = f"{loss_text(judged.loss[-1])} in epoch {judged.rows[-1]['epoch'] + 1}"
    if episode.since == "stayed":
        return f" Since then the loss has stayed about there: {now}."
    verb, back = ("fell", "risen") if episode.kind == "both_fall" else ("rose", "fallen")
    if episode.since == "returned":
        return f" Since then the loss has {back} again: {now}."
    same = "held" if episode.kind == "loss_rises" else f"{verb} with it"
    return f" Since then the loss {verb} on, but accuracy no longer {same}: {now}."


def _advice(case: Case, first: int, last: int) -> str:
    episode, judged = case.episode, case.history
    if episode.kind == "loss_rises":
        # Not where the rise sets in: a single epoch may lie lower.
        least = judged.rows[int(judged.loss.argmin())]["epoch"]
        lost = fall_since(judged, least)
        if lost is not None:
            return (
                f"Decisions are worse by now than at epoch {least + 1}, of the least loss: "
                f"accuracy fell {lost.text}. Stop there, for decisions and probabilities alike."
            )
        why = "" if least == first else ", of the least loss,"
        return (
            "Decisions are about as good as before; if you use the probabilities, stop at epoch "
            f"{least + 1}{why} or calibrate them."
        )
    if episode.kind == "both_rise":
        return (
            f"Decisions are best at epoch {last + 1}, probabilities at epoch {first + 1}, unless "
            "you calibrate them."
        )
    return (
        f"Decisions were best at epoch {first + 1}, probabilities are at epoch {last + 1}: choose "
        "by what you need."
    )
