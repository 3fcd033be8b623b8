"""Ask the rules again while training goes on, as more labels and results are known."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from lossmon.capture.chunk import Chunk, OutputArrays, joined
from lossmon.records import BatchRecord, EpochRecord, Finding
from lossmon.rules import Facts, OutputFacts, Rule, describe_labels, run_rules
from lossmon.rules.families import class_axis
from lossmon.store import Records

# Labels are looked at during the first epoch, and at most this many batches.
LABEL_BATCHES = 1_000
# The most recent batches that the rules are shown.
RECENT_BATCHES = 256

Key = tuple[str, str | None]


class Watch:
    """Keeps what the rules know up to date, and reports only what changed.

    Args:
        facts: what the first batch showed; None keeps the rules silent.
        findings: what the rules said of that batch.
        select: the rules to apply, None for all.
        announce: tells the user.
        trouble: told of a rule that fails.
    """

    def __init__(
        self,
        facts: Facts | None,
        findings: Sequence[Finding],
        *,
        select: Sequence[str] | None,
        announce: Callable[[Sequence[Finding]], None],
        trouble: Callable[[str], None],
    ) -> None:
        self._facts = facts
        self._standing: dict[Key, Finding] = {_key(finding): finding for finding in findings}
        self._select = select
        self._announce = announce
        self._trouble = trouble
        self._recent: deque[BatchRecord] = deque(maxlen=RECENT_BATCHES)
        self._epochs: list[EpochRecord] = []
        self._label_batches = 0

    def see(self, chunk: Chunk, batches: Sequence[BatchRecord]) -> Records:
        """Take in some steps; ask the rules at once where a value is not finite."""
        if self._facts is None:
            return Records()
        try:
            return self._see(chunk, batches)
        except Exception as error:
            return self._gave_up(error)

    def close(self, epochs: Sequence[EpochRecord]) -> Records:
        """Take in the records of an epoch that ended, and ask the rules."""
        if self._facts is None:
            return Records()
        self._epochs += epochs
        try:
            return self._ask()
        except Exception as error:
            return self._gave_up(error)

    def _gave_up(self, error: Exception) -> Records:
        """An error here must not cost the records of the step."""
        self._trouble(f"the rules could not be asked: {error!r}")
        return Records()

    def _see(self, chunk: Chunk, batches: Sequence[BatchRecord]) -> Records:
        if chunk.split == "train" and not self._epochs:
            self._see_labels(chunk)
        self._recent.extend(batches)
        if any(batch.nonfinite or not _finite(batch.loss) for batch in batches):
            return self._ask()
        return Records()

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

    def _ask(self) -> Records:
        assert self._facts is not None
        facts = self._facts.after(tuple(self._recent), tuple(self._epochs))
        found = {
            _key(finding): finding
            for finding in run_rules(facts, self._select, on_error=self._failed)
        }
        new = [finding for key, finding in found.items() if self._standing.get(key) != finding]
        gone = [finding for key, finding in self._standing.items() if key not in found]
        self._announce([f for f in new if not self._was_said(f)])
        self._standing = found
        return Records(findings=new, withdrawn=gone)

    def _was_said(self, finding: Finding) -> bool:
        before = self._standing.get(_key(finding))
        return before is not None and before.severity == finding.severity

    def _failed(self, rule: Rule, error: Exception) -> None:
        self._trouble(f"rule {rule.code} {rule.name} failed: {error!r}")


def _with_labels(facts: OutputFacts, tensors: OutputArrays) -> OutputFacts:
    """The same facts with the labels of some more steps."""
    if tensors.y_true is None or facts.labels is None:
        return facts
    labels = describe_labels(
        joined(tensors.y_true),
        weight=joined(tensors.sample_weight),
        mask=joined(tensors.mask),
        class_axis=class_axis(facts.record.loss),
    )
    return replace(facts, labels=facts.labels.merge(labels))


def _key(finding: Finding) -> Key:
    return finding.code, finding.output


def _finite(value: float | None) -> bool:
    return value is None or abs(value) < float("inf")
