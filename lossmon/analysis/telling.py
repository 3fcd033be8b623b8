"""What weighing runs against one another comes to, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lossmon.analysis.comparison import Difference
from lossmon.analysis.needs import MEASURE_WORDS
from lossmon.analysis.repeats import Repeats
from lossmon.analysis.weighing import Weighing
from lossmon.analysis.wins import Wins

CHANCES = (
    "the p of a difference is how often equally good models would differ as much by luck; the more "
    "are compared, the less easily a difference passes for more than that."
)
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
    pairs = one.differences if len(one.runs) <= _PAIRS_SHOWN else ()
    yield from (difference_sentence(d) for d in pairs)
    if one.wins:
        yield from _wins(one.runs[0].name, one.runs[1].name, one.wins)
    yield from (_group(group) for group in one.groups)
    yield from (difference_sentence(d, " over seeds") for d in one.group_differences)
    if pairs or one.group_differences:
        yield CHANCES
    if one.front:
        yield _front(one)
    yield from (r.sentence for r in one.recommendations)
    if one.repeats_told is not None:
        yield one.repeats_told


def difference_sentence(found: Difference, over: str = "") -> str:
    """Return one difference with its interval and what follows from it, in a sentence.

    Args:
        found: of two runs or groups.
        over: what it was taken over, as the end of the sentence has it.
    """
    value, low, high = found.interval
    means = ""
    if found.basis == "paired" and found.means is not None:
        one, two = found.means
        means = f", {one:.4g} against {two:.4g} on the {found.samples:,} shared samples"
    return (
        f"{MEASURE_WORDS[found.measure]}{over}, {found.first} minus {found.second}: {value:+.4g} "
        f"({low:+.4g} to {high:+.4g}){means}, {_chance(found.p_value)}: {verdict_words(found)}."
    )


def verdict_words(found: Difference) -> str:
    """Return which is better, and where interval and p-value seem to part, why they do.

    Args:
        found: of two runs or groups.
    """
    verdict = f"{found.better} is better" if found.better else "no evidence of a difference"
    apart = not found.interval.low <= 0 <= found.interval.high
    if apart == found.significant:
        return verdict
    if apart and found.single is not None and found.single < 0.05:
        return (
            f"{verdict} allowing for all comparisons (the interval leaves out 0 because it is of "
            f"this one by itself, {_chance(found.single)})"
        )
    side = "leaves out" if apart else "reaches"
    return (
        f"{verdict} by the test (the interval, found in another way, just {side} 0: it is a close "
        "call)"
    )


def outweighed(first: str, second: str, wins: Sequence[Wins]) -> str | None:
    """Say why the one of two models that loses on more samples has the smaller mean loss.

    Args:
        first: name of the one.
        second: name of the other.
        wins: as `count_wins` gives them.

    Returns:
        None where the same one is better on more samples and in the mean, or where no one is
        clearly better on more samples.
    """
    if not wins or wins[0].p_value >= 0.05 or not wins[0].decisive:
        return None
    whole = wins[0]
    if (whole.loss < 0) == (whole.first > whole.second):
        return None
    better, other = (first, second) if whole.loss < 0 else (second, first)
    return (
        f"the mean loss is smaller for {better} all the same, because large losses decide it: the "
        f"{min(whole.first, whole.second):,} samples on which it is better outweigh the "
        f"{max(whole.first, whole.second):,} on which {other} is ({whole.decisive:,} of them would "
        "do)."
    )


def _wins(first: str, second: str, wins: Sequence[Wins]) -> Iterator[str]:
    whole, *classes = wins
    yield (
        f"sample by sample: {first} has the smaller loss on {whole.first:,}, {second} on "
        f"{whole.second:,} ({_chance(whole.p_value)}); only {first} is right on "
        f"{whole.only_first:,}, only {second} on {whole.only_second:,}."
    )
    if (reason := outweighed(first, second, wins)) is not None:
        yield reason
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
