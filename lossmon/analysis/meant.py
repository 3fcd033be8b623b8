"""The accuracy that was meant, where the printed one is misread: what runs are compared by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lossmon.analysis.history import Row
from lossmon.records import Split

_NATURAL_CUTS = {"BinaryAccuracy(threshold=0.0)": "BinaryAccuracy(threshold=0.5)"}


def meant_accuracy(row: Row, prefix: str = "") -> float | None:
    """Return the accuracy that was meant; the printed one where that is the same.

    Args:
        row: of a run, as `Store.run` gives it.
        prefix: "val_" for the one on validation data.
    """
    meant = row.get(f"{prefix}intended_accuracy")
    return row.get(f"{prefix}accuracy") if meant is None else meant


def epoch_accuracy(row: Row) -> float | None:
    """Return the accuracy of an epoch that was meant; else the recomputed one, else Keras' own.

    Args:
        row: the epoch, with the fields of `EpochRecord`.
    """
    for known in ("intended_accuracy", "recomputed_accuracy"):
        if row.get(known) is not None:
            return row[known]
    return row["accuracy"]


def is_misread(epochs: Iterable[Row]) -> bool:
    """Return whether another accuracy was meant in some epoch than the printed one.

    Args:
        epochs: of a run, with the fields of `EpochRecord`.
    """
    return any(row.get("intended_accuracy") is not None for row in epochs)


def accuracy_meaning(output: Row) -> str | None:
    """Return what the accuracy that was meant counts, in one word for one meaning.

    A cut of logits at 0 is that of their probabilities at 0.5.

    Args:
        output: as `Store.output_rows` gives it.
    """
    label = output.get("intended_metric") or output.get("accuracy_metric")
    logits = (output.get("loss_config") or {}).get("from_logits")
    return _NATURAL_CUTS.get(label, label) if logits and label else label


def meant_sentence(
    documents: Sequence[Row], names: Sequence[str], output: str | None, split: Split
) -> str | None:
    """Say which runs are judged by the accuracy that was meant; None where all print that one.

    Args:
        documents: the runs, as `Store.run` gives them.
        names: how each of them is called.
        output: the name of what is compared.
        split: "train" or "val".
    """
    told = [
        f"{name}{codes}: {meant:.4g} instead of {printed:.4g}"
        for name, document in zip(names, documents, strict=True)
        for meant, printed in _last(document, output, split)
        for codes in [_codes(document, output)]
    ]
    if not told:
        return None
    return f"judged by the accuracy that was meant, not the printed one ({'; '.join(told)})."


def _last(document: Row, output: str | None, split: Split) -> list[tuple[float, float]]:
    """The accuracy that was meant and the printed one, of the last epoch, where they are two."""
    rows = [r for r in document["epochs"] if r["output"] == output and r["split"] == split]
    last: dict[str, Any] = max(rows, key=lambda row: row["epoch"], default={})
    meant, printed = last.get("intended_accuracy"), last.get("accuracy")
    return [] if meant is None or printed is None else [(meant, printed)]


def _codes(document: Row, output: str | None) -> str:
    """The findings about its accuracy."""
    known = {f["code"] for f in document["findings"] if f["output"] in {None, output}}
    codes = sorted(code for code in known if code.startswith("LM3"))
    return f", {' '.join(codes)}" if codes else ""
