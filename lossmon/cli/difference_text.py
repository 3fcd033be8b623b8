"""Whether runs differ by more than noise, as text for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from lossmon.analysis import (
    Weighing,
    all_doubts,
    compared_at,
    difference_document,
    samples_words,
    weighing_sentences,
)


def difference_rows(found: Sequence[Weighing], name: str) -> list[dict[str, Any]]:
    """What sets a run apart from the others, as data."""
    return [
        {"output": one.output, "split": one.split, **difference_document(difference)}
        for one in found
        for difference in one.differences
        if name in (difference.first, difference.second)
    ]


def print_answer(
    console: Console, found: Sequence[Weighing], misjudged: Sequence[str] = ()
) -> None:
    """Which run to take, above all that it rests on, and why it may be otherwise.

    Args:
        console: to print to.
        found: comparisons, as `weigh` gives them.
        misjudged: of which runs the data are not what they are taken for, in sentences.
    """
    told = [
        f"{'' if one.output is None else f'output {one.output}: '}{recommended.sentence}"
        for one in found
        for recommended in one.recommendations
        if recommended.best is not None
    ]
    answer = " ".join(
        [
            *(told or ["Which of these runs is better cannot be told."]),
            *misjudged,
            *all_doubts(found),
        ]
    )
    style = "green" if told else "dim"
    text = f"[{style}]in short:[/] {escape(answer)}"
    console.print(Padding(text, (0, 0, 1, 0), expand=False))


def print_weighings(
    console: Console, found: Sequence[Weighing], left_out: Sequence[str] = ()
) -> None:
    """What cannot be compared; each difference with its interval, and which run to take."""
    if left_out:
        console.print("\n[bold]what cannot be compared[/]")
        _print_list(console, left_out)
    for one in found:
        output = "" if one.output is None else f" of output {one.output}"
        where = escape(f"{compared_at(one)}{output}; {samples_words(one)}")
        console.print(f"\n[bold]more than noise?[/] ({where})")
        _print_list(console, weighing_sentences(one))


def _print_list(console: Console, sentences: Iterable[str]) -> None:
    for sentence in sentences:
        console.print(Padding(f"– {escape(sentence)}", (0, 0, 0, 2), expand=False))
