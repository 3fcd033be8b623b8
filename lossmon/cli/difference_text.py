"""Whether runs differ by more than noise, as text and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, get_args

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from lossmon.analysis import Difference, Measured, Need, compare, last_measured, recommend
from lossmon.cli.words import Row
from lossmon.records import Split

# Of more runs the pairs are too many to read; JSON has them all.
_PAIRS_SHOWN = 4


class Compared(NamedTuple):
    """One output of several runs, set side by side."""

    output: str | None
    split: Split
    runs: Sequence[Measured]
    differences: Sequence[Difference]


def compared(documents: Sequence[Row], names: Sequence[str]) -> list[Compared]:
    """Each output that all runs have, with one loss, judged on the same split.

    Args:
        documents: the runs.
        names: how each of them is called.
    """
    return [
        Compared(output, split, runs, compare(runs))
        for output in dict.fromkeys(o["name"] for d in documents for o in d["outputs"])
        for split, runs in _judged(documents, names, output)
    ]


def _judged(
    documents: Sequence[Row], names: Sequence[str], output: str | None
) -> Iterator[tuple[Split, list[Measured]]]:
    own = [next((o for o in d["outputs"] if o["name"] == output), None) for d in documents]
    if len(set(names)) < len(names):
        return
    if any(one is None for one in own) or len({str(one["loss"]) for one in own if one}) > 1:
        return
    for split in ("val", "train"):
        found = [
            last_measured(name, document["epochs"], one, split)
            for name, document, one in zip(names, documents, own, strict=True)
            if one is not None
        ]
        known = [run for run in found if run is not None]
        if len(known) == len(documents):
            yield split, known
            return


def called(documents: Sequence[Row]) -> list[str]:
    """The runs' names; with the beginning of their ids where names are not distinct."""
    names = [document["name"] for document in documents]
    return [
        name if names.count(name) == 1 else f"{name} ({document['id'][:6]})"
        for name, document in zip(names, documents, strict=True)
    ]


def difference_rows(found: Sequence[Compared], name: str) -> list[dict[str, Any]]:
    """What sets a run apart from the others, as data."""
    return [
        {
            "output": one.output,
            "split": one.split,
            **difference._asdict(),
            "interval": difference.interval._asdict(),
            "better": difference.better,
        }
        for one in found
        for difference in one.differences
        if name in (difference.first, difference.second)
    ]


def print_differences(console: Console, found: Sequence[Compared]) -> None:
    """Each difference with its interval, then which run to take; nothing where none can be told."""
    for one in found:
        output = "" if one.output is None else f" of output {one.output}"
        data = "validation" if one.split == "val" else "training"
        where = escape(f"last {data} epoch{output}; samples are not paired")
        console.print(f"\n[bold]more than noise?[/] ({where})")
        sentences = [_sentence(d) for d in one.differences] if len(one.runs) <= _PAIRS_SHOWN else []
        sentences += [recommend(one.runs, need) for need in get_args(Need)]
        for sentence in sentences:
            console.print(Padding(f"– {escape(sentence)}", (0, 0, 0, 2), expand=False))


def _sentence(found: Difference) -> str:
    value, low, high = found.interval
    verdict = f"{found.better} is better" if found.better else "no evidence of a difference"
    chance = "p < 0.001" if found.p_value < 0.001 else f"p = {found.p_value:.2g}"
    return (
        f"{found.measure}, {found.first} minus {found.second}: {value:+.4g} "
        f"({low:+.4g} to {high:+.4g}), {chance}: {verdict}."
    )
