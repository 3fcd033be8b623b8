"""What came and is not judged yet; its steps are secured in case that training is killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lossmon.capture.chunk import CallItem
from lossmon.records import Split
from lossmon.store import Records, SecuredSteps

Foretell = Callable[[Sequence[CallItem], Mapping[Split, int]], Records | None]


class Backlog:
    """Items in the order in which they came.

    Args:
        secured: where steps are kept as Keras said they were.
        foretell: what is known of calls behind so many steps of each split that wait as well; None
            where nothing is.
        trouble: told what went wrong.
    """

    def __init__(
        self, secured: SecuredSteps, foretell: Foretell, trouble: Callable[[str], None]
    ) -> None:
        self._secured = secured
        self._foretell = foretell
        self._trouble = trouble
        self._items: list[Any] = []
        self._behind: Counter[Split] = Counter()

    def __bool__(self) -> bool:
        return bool(self._items)

    @property
    def can_wait(self) -> bool:
        """Whether there are steps alone."""
        return all(map(_is_queued, self._items))

    def add(self, items: Sequence[Any], *, busy: bool = False) -> bool:
        """Take items in.

        Args:
            items: what came.
            busy: whether others are judged before them.

        Returns:
            Whether they can wait: they are steps alone, which are secured.
        """
        calls = [item for item in items if _is_queued(item)]
        alone = len(calls) == len(items)
        secured = bool(calls) and (alone or busy) and self._secure(calls)
        for item in calls:
            self._behind[item.call.split] += item.call.steps
        self._items += items
        return alone and secured

    def take(self) -> list[Any]:
        """All items, which are judged next."""
        items, self._items = self._items, []
        return items

    def judged(self, calls: Sequence[CallItem]) -> None:
        """Take note that calls were judged, in their order."""
        for item in filter(_is_queued, calls):
            self._behind[item.call.split] -= item.call.steps

    def _secure(self, calls: Sequence[CallItem]) -> bool:
        if not self._secured.usable:
            return False
        try:
            known = self._foretell(calls, self._behind)
            return known is not None and self._secured.keep(known)
        except Exception as error:
            self._trouble(f"steps could not be secured: {error!r}")
            self._secured.usable = False
            return False


def _is_queued(item: Any) -> bool:
    return isinstance(item, CallItem) and item.call.queued
