"""Whether what a rule once found still stands: it does until the values themselves are better."""

from __future__ import annotations

from collections.abc import Callable, Iterator

# Up to so many epochs a run is looked at after each, then whenever it has grown by this share.
_EACH = 50
_GROWN = 0.02


def raised_at(
    epochs: int, raised: Callable[[int], bool], holds: Callable[[int], bool]
) -> int | None:
    """After how many epochs it was found what has held ever since; None where nothing stands.

    A rule asks for more before it speaks than for what it said to be true: for patience, for a
    trend, for a loss that does not fall. What is no longer so takes back nothing. It follows from
    the epochs alone, whenever the rules were asked.

    Args:
        epochs: how many there are.
        raised: whether the rule speaks after so many epochs.
        holds: whether what it says is still true then.

    >>> raised_at(9, raised=lambda n: n == 6, holds=lambda n: n > 5)
    6
    """
    if not holds(epochs):
        return None
    for count in looks(epochs):
        if raised(count):
            return count
        if not holds(count):
            return None
    return None


def looks(epochs: int) -> Iterator[int]:
    """The numbers of epochs after which a run is looked at, the last one first."""
    counts = [*range(1, min(epochs, _EACH) + 1)]
    while epochs > _EACH and (longer := int(counts[-1] * (1 + _GROWN))) <= epochs:
        counts.append(longer)
    return reversed(counts)
