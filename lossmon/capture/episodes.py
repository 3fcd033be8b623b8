"""Where a run's loss and accuracy, or its splits, part ways: `lossmon.analysis` for the rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lossmon.analysis.explanation import cases
from lossmon.analysis.history import EPISODE_COLUMNS
from lossmon.analysis.splits import SHIFTED, explain_splits
from lossmon.records import EpochRecord, OutputRecord
from lossmon.rules import EpisodeFacts, ShiftFacts


def episode_facts(
    outputs: Iterable[OutputRecord], epochs: Sequence[EpochRecord]
) -> tuple[EpisodeFacts, ...]:
    """Find the episodes of each output, the same as the run page shows.

    Args:
        outputs: the model's outputs.
        epochs: the epochs that have ended, all splits and outputs.
    """
    rows = _rows(epochs)
    return tuple(
        EpisodeFacts(
            split=case.history.split,
            output=output.name,
            kind=case.episode.kind,
            first_epoch=case.history.rows[case.episode.start]["epoch"],
            last_epoch=case.history.rows[case.episode.end]["epoch"],
            loss=case.episode.loss,
            accuracy=case.episode.accuracy,
            strength=case.episode.strength,
            p_value=case.episode.p_value,
        )
        for output in outputs
        for case in cases(rows, output_row(output))
    )


def shift_facts(
    outputs: Iterable[OutputRecord], epochs: Sequence[EpochRecord]
) -> tuple[ShiftFacts, ...]:
    """Find the outputs whose validation data were worse from the first epoch on.

    Args:
        outputs: the model's outputs.
        epochs: the epochs that have ended, all splits and outputs.
    """
    found = explain_splits(_rows(epochs), map(output_row, outputs))
    return tuple(ShiftFacts(f.output, f.train, f.val) for f in found if f.cause == SHIFTED)


def _rows(epochs: Sequence[EpochRecord]) -> list[dict[str, object]]:
    return [{name: getattr(epoch, name) for name in EPISODE_COLUMNS} for epoch in epochs]


def output_row(output: OutputRecord) -> dict[str, object]:
    """What the analysis asks of an output, as `Store.output_rows` gives it."""
    loss = output.loss
    return {
        "name": output.name,
        "shape": output.shape,
        "loss": None if loss is None else loss.name,
        "reduction": None if loss is None else loss.reduction,
    }
