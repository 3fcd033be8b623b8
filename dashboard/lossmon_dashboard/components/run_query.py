"""From what the grid and the controls say to a question to the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast, get_args

from lossmon.store import ColumnFilter, Condition, Operator, RunQuery

Part = Mapping[str, Any]

OPERATORS: tuple[str, ...] = get_args(Operator)
# Times are looked for as they are written.
_ASKED = {"started": "when"}


def run_query(
    request: Part,
    *,
    words: str = "",
    archived: bool = False,
    by: str | None = None,
    group: str | None = None,
) -> RunQuery:
    """The question behind a request of the grid.

    Args:
        request: with "sortModel" and "filterModel" as AG Grid has them.
        words: to search for.
        archived: whether archived runs are among them.
        by: what the runs are grouped by.
        group: the group that is wanted; None for all.
    """
    sorting = request.get("sortModel") or ()
    order = tuple((part["colId"], part["sort"] == "desc") for part in sorting)
    return RunQuery(
        words=words,
        filters=tuple(_filters(request.get("filterModel") or {})),
        order=order or (("started", True),),
        archived=archived,
        group=(by, group) if by and group is not None else None,
    )


def _filters(model: Part) -> Iterator[ColumnFilter]:
    for column, one in model.items():
        if not isinstance(one, Mapping):
            continue
        parts = cast("Sequence[Part]", one.get("conditions") or [one])
        conditions = tuple(filter(None, map(_condition, parts)))
        if conditions:
            every = one.get("operator") != "OR"
            yield ColumnFilter(_ASKED.get(column, column), conditions, every)


def _condition(part: Part) -> Condition | None:
    operator = part.get("type")
    if operator not in OPERATORS:
        return None
    upto = part.get("filterTo")
    return Condition(operator, part.get("filter"), upto)
