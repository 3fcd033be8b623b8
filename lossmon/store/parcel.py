"""What is handed over at once to be stored of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

from lossmon.records import (
    BatchRecord,
    EpochRecord,
    Finding,
    OutputRecord,
    RunRecord,
    RunStatus,
    SampleRecord,
)

ENDED_WITH = "training ended with "
"""How the words begin of the error that ended a training, which was none of lossmon's."""

WITHDRAWN = "withdrawn: "
"""How the words begin of a finding that was said while training and no longer stands at its end."""

BEGUN_ANEW = "the database was removed or replaced in mid-run, and the run begun anew"
"""How the words begin of a run whose beginning is not in the database that it goes on in."""

Place = tuple[int, ...]
"""What tells a database from others, see `lossmon.store.identity`."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that went wrong inside lossmon, ended the training, or was taken back.

    The latter two are told by how their words begin: see `ENDED_WITH` and `WITHDRAWN`.

    Attributes:
        time: when, Unix seconds.
        message: what, in a sentence.
    """

    time: float
    message: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended.

    Attributes:
        status: "finished", "failed" or "interrupted".
        time: when, Unix seconds.
        duration: seconds of training, without the pauses before it was resumed.
    """

    status: RunStatus
    time: float
    duration: float


@dataclass(slots=True)
class Records:
    """What is new of a run: stored in one transaction.

    Attributes:
        batches: new rows; one that is stored already is left as it is.
        epochs: rows that are new, or replace those of the same epoch, split and output.
        findings: replace those of the same rule and output, but for when they were first seen.
        withdrawn: findings that no longer stand.
        troubles: lossmon's own; one that is stored already is left as it is.
        samples: validation samples of epochs, likewise.
        dropped: records of this training that could not be kept, in all so far.
        ending: the end of the run, if this is it.
        outputs: all outputs of the run, described anew; None where they are as before.
        time: when it was handed over, Unix seconds.
    """

    batches: list[BatchRecord] = field(default_factory=list)
    epochs: list[EpochRecord] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    withdrawn: list[Finding] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    samples: list[SampleRecord] = field(default_factory=list)
    dropped: int = 0
    ending: Ending | None = None
    outputs: list[OutputRecord] | None = None
    time: float = 0.0

    def extend(self, other: Records) -> None:
        """Append later records; of a finding that came and went, only the latest word counts.

        Args:
            other: what came after these.
        """
        self.batches += other.batches
        self.epochs += other.epochs
        if said := other.withdrawn + other.findings:
            self.findings = _without(self.findings, said) + other.findings
            self.withdrawn = _without(self.withdrawn, other.findings) + other.withdrawn
        self.troubles += other.troubles
        self.samples += other.samples
        self.dropped = max(self.dropped, other.dropped)
        self.ending = other.ending or self.ending
        self.outputs = self.outputs if other.outputs is None else other.outputs
        self.time = max(self.time, other.time)

    def is_news(self) -> bool:
        """Return whether they tell more of a run than further batches."""
        parts = self.epochs, self.samples, self.findings, self.withdrawn, self.outputs
        return any(parts)

    def __bool__(self) -> bool:
        lists = self.batches, self.epochs, self.findings, self.withdrawn, self.troubles
        parts = any(lists) or bool(self.samples)
        return parts or self.ending is not None or self.outputs is not None


def _without(findings: list[Finding], others: list[Finding]) -> list[Finding]:
    """Those that are not about the same rule and output as one of the others."""
    keys = {(other.code, other.output) for other in others}
    return [f for f in findings if (f.code, f.output) not in keys]


@dataclass(slots=True)
class RunHeader:
    """What must be known to store anything of a run.

    Attributes:
        db: the database it goes to: a SQLAlchemy URL or a path; None for the default one.
        run: the run.
        outputs: the outputs of its model.
        attempt: how often it had been resumed when this training began.
        dropped: records of it that were dropped before this training.
        seconds: how long it had been trained before this training.
        begun: whether its beginning is in the database.
        place: the database in which that was stored; None where it is not known.
    """

    db: str | None
    run: RunRecord
    outputs: list[OutputRecord] = field(default_factory=list)
    attempt: int = 0
    dropped: int = 0
    seconds: float = 0.0
    begun: bool = False
    place: Place | None = None
