"""What weighing runs against one another comes to, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lossmon.analysis.comparison import Difference
from lossmon.analysis.repeats import Repeats
from lossmon.analysis.weighing import Weighing
from lossmon.analysis.wins import Wins

# Of more runs the pairs are too many to read.
_PAIRS_SHOWN = 4
_POINTS_SHOWN = 5


def weighing_sentences(one: Weighing) -> Iterator[str]:
    """Yield all that is told of a comparison, the recommendations last.

    Args:
        one: a comparison, as `weigh` gives it.
    """
    if one.meant is not None:
        yield one.meant
    if len(one.runs) <= _PAIRS_SHOWN:
        yield from (difference_sentence(d) for d in one.differences)
    if one.wins:
        yield from _wins(one.runs[0].name, one.runs[1].name, one.wins)
    yield from (_group(group) for group in one.groups)
    yield from (difference_sentence(d, " over seeds") for d in one.group_differences)
    if one.front:
        yield _front(one)
    yield from (r.sentence for r in one.recommendations)


def difference_sentence(found: Difference, over: str = "") -> str:
    """Return one difference with its interval and what follows from it, in a sentence.

    Args:
        found: of two runs or groups.
        over: what it was taken over, as the end of the sentence has it.
    """
    value, low, high = found.interval
    verdict = f"{found.better} is better" if found.better else "no evidence of a difference"
    return (
        f"{found.measure}{over}, {found.first} minus {found.second}: {value:+.4g} "
        f"({low:+.4g} to {high:+.4g}), {_chance(found.p_value)}: {verdict}."
    )


def _wins(first: str, second: str, wins: Sequence[Wins]) -> Iterator[str]:
    whole, *classes = wins
    yield (
        f"sample by sample: {first} has the smaller loss on {whole.first:,}, {second} on "
        f"{whole.second:,} ({_chance(whole.p_value)}); only {first} is right on "
        f"{whole.only_first:,}, only {second} on {whole.only_second:,}."
    )
    for one in classes:
        if one.p_value < 0.05:
            better = first if one.first > one.second else second
            yield (
                f"class {one.label}: {better} has the smaller loss on "
                f"{max(one.first, one.second):,} of {one.samples:,} ({_chance(one.p_value)})."
            )


def _group(group: Repeats) -> str:
    parts = [f"loss {group.loss.value:.4g}{_spread(group.loss_spread)}"]
    if group.accuracy is not None:
        parts.append(f"accuracy {group.accuracy.value:.4g}{_spread(group.accuracy_spread)}")
    count = len(group.runs)
    return f"{group.name} ({count} run{'' if count == 1 else 's'}): {', '.join(parts)}."


def _spread(spread: float | None) -> str:
    return "" if spread is None else f" ± {spread:.2g}"


def _front(one: Weighing) -> str:
    points = [
        f"{p.name} epoch {(p.epoch or 0) + 1} ({p.loss:.4g}, {p.accuracy:.4g})"
        for p in sorted(one.front, key=lambda p: p.loss)
    ]
    more = len(points) - _POINTS_SHOWN
    rest = f" and {more} more" if more > 0 else ""
    return (
        "epochs that no other beats in loss and accuracy both: "
        f"{', '.join(points[:_POINTS_SHOWN])}{rest}."
    )


def _chance(p_value: float) -> str:
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"
