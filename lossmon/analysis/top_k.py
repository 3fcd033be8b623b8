"""An accuracy that counts several guesses of a sample, in a sentence."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from lossmon.analysis.history import Row
from lossmon.analysis.words import SPLITS, accuracy_text
from lossmon.metric_words import TOP_K_ACCURACIES


def top_k_sentences(
    document: Row, misread: Collection[str | None] = ()
) -> Iterator[tuple[str | None, str]]:
    """Yield outputs whose accuracy counts several guesses, and what the first guess is worth.

    The latter is told where `correct` counts the largest output of each sample, weights aside.

    Args:
        document: the run, as `Store.run` gives it.
        misread: the outputs of whose accuracy it is said already that it is misread.

    Yields:
        The output's name, and a sentence without a full stop.
    """
    several = len(document["outputs"]) > 1
    for output in document["outputs"]:
        name, metric = output["name"], _accuracy(output)
        guesses = int(metric["config"].get("k") or 0) if metric else 0
        if metric is None or guesses < 2 or name in misread or output.get("intended_metric"):
            continue
        its = f"Output `{name}`: its" if several and name else "Its"
        said = f"{its} accuracy is `{metric['key']}`"
        units = (output.get("shape") or [None])[-1]
        if units is not None and guesses >= units:
            yield name, f"{said}, which counts every class as right: it is always 1"
            continue
        said += f", which counts a class among the {guesses} largest outputs as right"
        yield name, said + _first_guess(document, name)


def _accuracy(output: Row) -> dict[str, Any] | None:
    """The top-k accuracy of an output, if that is what its accuracy is."""
    return next(
        (
            metric
            for metric in output.get("metrics") or ()
            if metric["label"] == output.get("accuracy_metric")
            and metric.get("name") in TOP_K_ACCURACIES
        ),
        None,
    )


def _first_guess(document: Row, name: str | None) -> str:
    rows = [row for row in document["epochs"] if row["output"] == name]
    last = max(rows, key=lambda row: (row["epoch"], row["split"] == "val"), default={})
    # Cells, positions and samples that weigh otherwise are other shares.
    if not last.get("judged") or last["judged"] != last["n"] or last["weight"] != last["n"]:
        return ""
    alone, split = accuracy_text(last["correct"] / last["judged"]), SPLITS[last["split"]]
    return f"; the largest alone is right on {alone} of the {split} samples"
