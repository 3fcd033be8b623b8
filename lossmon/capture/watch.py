"""Ask the rules again while training goes on, as more labels and results are known."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from lossmon.capture.chunk import Chunk, OutputArrays, joined
from lossmon.capture.episodes import episode_facts, shift_facts
from lossmon.capture.first_look import few_labels
from lossmon.capture.sampling import Sampler
from lossmon.records import BatchRecord, EpochRecord, Finding, MetricSpec, OutputRecord, Split
from lossmon.rules import (
    ClippedFacts,
    EpisodeFacts,
    Facts,
    OutputFacts,
    ShiftFacts,
    describe_labels,
    describe_weights,
    intended_metric,
    merged_weights,
    said_by,
)
from lossmon.rules.families import class_axis
from lossmon.store import WITHDRAWN, Records, Trouble

# Labels are looked at during the first epoch, and at most this many batches.
LABEL_BATCHES = 1_000
# The most recent batches that the rules are shown.
RECENT_BATCHES = 256
# Of short epochs not each is followed by a look at the rules: they may take this share of the time,
# and are never older than so many seconds.
ASKING_SHARE = 0.002
ASKED_AGAIN = 2.0
# Episodes of a run that goes on are searched anew when it has grown by this share.
GROWN = 0.02

Key = tuple[str, str | None]


class Watch:
    """Keeps what the rules know up to date, and reports only what changed.

    Args:
        facts: what the first batch showed; None keeps the rules silent.
        findings: what the rules said of that batch.
        ask: asks the rules.
        announce: tells the user.
        trouble: told where the rules cannot be asked at all.
        sampler: measures gradients and units, if they can be had.
        mistaken: told the place of an output of which more labels show that the accuracy that was
            meant is another than the first batch let expect, and which; None where the printed
            one is right.
        retract: tells the user at the end what no longer stands of that which was announced.
        labels_known: whether the facts are of all labels already.
    """

    def __init__(
        self,
        facts: Facts | None,
        findings: Sequence[Finding],
        *,
        ask: Callable[[Facts], list[Finding]],
        announce: Callable[[Sequence[Finding]], None],
        trouble: Callable[[str], None],
        sampler: Sampler | None = None,
        mistaken: Callable[[int, MetricSpec | None], None] = lambda *_: None,
        retract: Callable[[str], None] = lambda _: None,
        labels_known: bool = False,
    ) -> None:
        self._facts = facts
        self._standing: dict[Key, Finding] = {_key(finding): finding for finding in findings}
        self._rules = ask
        self._announce = announce
        self._trouble = trouble
        self._sampler = sampler
        self._mistaken = mistaken
        self._retract = retract
        self._labels_known = labels_known
        # What was announced and no longer stands: how that is said, and what it had said.
        self._withdrawn: dict[Key, tuple[str, str]] = {}
        self._ended = False
        self._clipped: list[ClippedFacts] = []
        self._recent: deque[BatchRecord] = deque(maxlen=RECENT_BATCHES)
        self._epochs: list[EpochRecord] = []
        self._episodes: tuple[EpisodeFacts, ...] = ()
        self._shifts: tuple[ShiftFacts, ...] = ()
        # Of how many epochs those are.
        self._searched = 0
        self._label_batches = 0
        # Outputs and splits that are not finite now; the rules have been asked of them.
        self._spoiled: set[tuple[str | None, Split]] = set()
        self._news = False
        self._not_before = 0.0

    def see(self, chunk: Chunk, batches: Sequence[BatchRecord]) -> Records:
        """Take in some steps; ask the rules at once where values cease to be finite."""
        if self._facts is None:
            return Records()
        try:
            return self._see(chunk, batches)
        except Exception as error:
            return self._gave_up(error)

    def close(self, epochs: Sequence[EpochRecord], clipped: Sequence[ClippedFacts] = ()) -> Records:
        """Take in the records of an epoch that ended and its losses at the cap; ask the rules.

        Where epochs follow one another quickly the rules are asked after some of them.
        """
        self._epochs += epochs
        self._clipped += clipped
        self._news = True
        self._spoiled &= _spoiled(epochs)
        return self.catch_up()

    def settle(self, outputs: Sequence[OutputRecord]) -> Records:
        """Ask the rules of losses and metrics as Keras has made them, which are others.

        Args:
            outputs: with what acts on them.
        """
        known = self._facts
        if known is None or len(known.outputs) != len(outputs):
            return Records()
        try:
            told = [replace(f, record=o) for f, o in zip(known.outputs, outputs, strict=True)]
            self._facts = replace(known, outputs=tuple(told))
            for place, output in enumerate(told):
                if (metric := intended_metric(output)) is not None:
                    self._mistaken(place, metric)
            return self._ask()
        except Exception as error:
            return self._gave_up(error)

    def speak_of_labels(self) -> None:
        """Let rules speak from here of what no label was seen to be: an epoch of them was seen."""
        try:
            self._speak_of_labels()
        except Exception as error:
            self._gave_up(error)

    def catch_up(self) -> Records:
        """Ask the rules, if there is something new and they were not asked just before."""
        return self._catch_up() if time.monotonic() >= self._not_before else Records()

    def end(self, *, finished: bool = True) -> Records:
        """Ask the rules of the whole run, and say what no longer stands.

        Args:
            finished: whether it came to its end, and was not broken off.
        """
        if self._searched < len(self._epochs):
            self._searched, self._news = 0, True
        if finished and self._epochs and not self._ended:
            self._ended = self._news = True
        records = self._catch_up()
        for told, had_said in self._withdrawn.values():
            # Where it was printed it can be read; the run keeps the whole of it.
            self._retract(told)
            records.troubles.append(Trouble(time.time(), f"{told} It had said: {had_said}"))
        self._withdrawn = {}
        return records

    def _catch_up(self) -> Records:
        if self._facts is None or not self._news:
            return Records()
        try:
            return self._ask()
        except Exception as error:
            return self._gave_up(error)

    def _gave_up(self, error: Exception) -> Records:
        """An error here must not cost the records of the step."""
        self._trouble(f"the rules could not be asked: {error!r}")
        return Records()

    def _see(self, chunk: Chunk, batches: Sequence[BatchRecord]) -> Records:
        if chunk.split == "train" and not self._epochs and not self._labels_known:
            self._see_labels(chunk)
        if self._sampler is not None:
            self._sampler.read()
        self._recent.extend(batches)
        if self._facts is not None and self._facts.more_to_come and not few_labels(self._facts):
            self._speak_of_labels()
            return self._ask()
        spoiled = _spoiled(batches)
        if spoiled <= self._spoiled:
            return Records()
        self._spoiled |= spoiled
        return self._ask()

    def _see_labels(self, chunk: Chunk) -> None:
        # The first train batch is the one that the facts began with.
        first = 1 if chunk.places[0].step == 0 else 0
        new = len(chunk) - first
        if self._facts is None or not new or self._label_batches > LABEL_BATCHES:
            return
        self._label_batches += new
        outputs = self._facts.outputs
        seen = (
            _with_labels(facts, chunk.outputs[index][first:]) if index in chunk.outputs else facts
            for index, facts in enumerate(outputs)
        )
        self._facts = replace(self._facts, outputs=tuple(seen))

    def _speak_of_labels(self) -> None:
        if self._facts is None or not self._facts.more_to_come:
            return
        self._facts = replace(self._facts, more_to_come=False)
        for place, output in enumerate(self._facts.outputs):
            if (metric := intended_metric(output)) != output.record.intended_metric:
                self._mistaken(place, metric)

    def _ask(self) -> Records:
        assert self._facts is not None
        began = time.thread_time()
        facts = self._facts.after(tuple(self._recent), tuple(self._epochs), **self._measured())
        found = {_key(finding): finding for finding in self._rules(facts)}
        pause = min(ASKED_AGAIN, (time.thread_time() - began) / ASKING_SHARE)
        self._news, self._not_before = False, time.monotonic() + pause
        new = [finding for key, finding in found.items() if self._standing.get(key) != finding]
        gone = [finding for key, finding in self._standing.items() if key not in found]
        self._announce([f for f in new if not self._was_said(f)])
        when = f"in epoch {self._epochs[-1].epoch + 1}" if self._epochs else "in the first epoch"
        for finding in gone:
            if finding.severity != "info":
                why = _why_gone(finding, found.values())
                self._withdrawn[_key(finding)] = _taken_back(finding, when, why), finding.message
        self._withdrawn = {key: told for key, told in self._withdrawn.items() if key not in found}
        self._standing = found
        return Records(findings=new, withdrawn=gone)

    def _measured(self) -> dict[str, Any]:
        self._search()
        measured: dict[str, Any] = {
            "clipped": tuple(self._clipped),
            "episodes": self._episodes,
            "shifts": self._shifts,
            "ended": self._ended,
        }
        if self._sampler is None or not self._epochs:
            return measured
        return measured | self._sampler.findings(self._epochs[-1].epoch)._asdict()

    def _search(self) -> None:
        """Find where loss and accuracy or splits part ways, which in long runs takes a while."""
        assert self._facts is not None
        if len(self._epochs) - self._searched > GROWN * self._searched:
            outputs = [output.record for output in self._facts.outputs]
            self._episodes = episode_facts(outputs, self._epochs)
            self._shifts = shift_facts(outputs, self._epochs)
            self._searched = len(self._epochs)

    def _was_said(self, finding: Finding) -> bool:
        before = self._standing.get(_key(finding))
        return before is not None and before.severity == finding.severity


def _with_labels(facts: OutputFacts, tensors: OutputArrays) -> OutputFacts:
    """The same facts with the labels of some more steps."""
    if tensors.y_true is None or facts.labels is None:
        return facts
    weight = joined(tensors.weight_of_loss)
    labels = describe_labels(
        joined(tensors.y_true),
        weight=weight,
        mask=joined(tensors.mask_of_loss),
        class_axis=class_axis(facts.record.loss),
    )
    weights = merged_weights(facts.weights, describe_weights(weight))
    return replace(facts, labels=facts.labels.merge(labels), weights=weights)


def _spoiled(
    records: Sequence[BatchRecord] | Sequence[EpochRecord],
) -> set[tuple[str | None, Split]]:
    """The outputs and splits of records that are not finite."""
    return {(r.output, r.split) for r in records if r.nonfinite or not _finite(r.loss)}


def _key(finding: Finding) -> Key:
    return finding.code, finding.output


def _taken_back(finding: Finding, when: str, why: str) -> str:
    where = f" on output {finding.output!r}" if finding.output else ""
    return f"{WITHDRAWN}{finding.code} {finding.rule}{where}, {when}: {why}."


def _why_gone(finding: Finding, standing: Iterable[Finding]) -> str:
    other = said_by(finding, standing)
    return "later values no longer show it" if other is None else f"{other} says it better"


def _finite(value: float | None) -> bool:
    return value is None or abs(value) < float("inf")
