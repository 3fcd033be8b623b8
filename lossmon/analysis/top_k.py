"""An accuracy that counts several guesses of a sample, in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lossmon.analysis.history import Row
from lossmon.analysis.words import SPLITS, accuracy_text

_GUESSES = re.compile(r"TopKCategoricalAccuracy\(.*?\bk=(\d+)")


def counted_guesses(metric: str | None) -> int:
    """Return how many of the largest outputs a top-k accuracy looks at; 0 of any other metric.

    Args:
        metric: its label, such as "TopKCategoricalAccuracy(k=5)".
    """
    found = _GUESSES.search(metric or "")
    return int(found[1]) if found else 0


def top_k_sentences(document: Row) -> Iterator[tuple[str | None, str]]:
    """Yield outputs whose accuracy counts several guesses, and what the first guess is worth.

    Args:
        document: the run, as `Store.run` gives it.

    Yields:
        The output's name, and a sentence without a full stop. None of an accuracy that is misread:
        the one that was meant is told of it.
    """
    several = len(document["outputs"]) > 1
    for output in document["outputs"]:
        name, guesses = output["name"], counted_guesses(output.get("accuracy_metric"))
        if guesses < 2 or output.get("intended_metric"):
            continue
        rows = [row for row in document["epochs"] if row["output"] == name]
        last = max(rows, key=lambda row: (row["epoch"], row["split"] == "val"), default={})
        its = f"Output `{name}`: its" if several and name else "Its"
        said = f"{its} accuracy counts a class among the {guesses} largest outputs as right"
        if last.get("judged"):
            alone, split = accuracy_text(last["correct"] / last["judged"]), SPLITS[last["split"]]
            said += f"; the largest alone is right on {alone} of the {split} samples"
        yield name, said
