"""Which run is meant by an id, a prefix of one, a name, or `latest`."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select

from lossmon.errors import InvalidArgument, RunNotFound
from lossmon.store.nonfinite import storable_text
from lossmon.store.prepared import Prepared
from lossmon.store.ranks import is_part
from lossmon.store.schema import runs

LATEST = "latest"
_EXACT = Prepared(select(runs.c.id).where(runs.c.id == bindparam("name")))
_NAMED = Prepared(
    select(runs.c.id)
    .where(or_(runs.c.id == bindparam("name"), runs.c.name == bindparam("name")))
    .order_by(
        runs.c.id != bindparam("name"),
        runs.c.archived.is_not(None),
        is_part(),
        runs.c.started.desc(),
        runs.c.id,
    )
    .limit(1)
)


def goes_by(connection: Connection, run_id: str, name: str) -> bool:
    """Tell whether a run is known to answer to a name, as `resolve_run` would find more slowly."""
    name = storable_text(name)
    return name != LATEST and [run_id] == [row[0] for row in _NAMED.rows(connection, name=name)]


def resolve_run(connection: Connection, name: object) -> str:
    """Return the id of a run.

    Args:
        connection: to read by.
        name: an id, a name (the newest run of that name), a unique prefix of an id, or "latest"
            for the newest that is not archived. Of the ranks of a job, rank 0 goes before.

    Raises:
        RunNotFound: no run answers to it, or several ids begin with it.
        InvalidArgument: it is no text.
    """
    if not isinstance(name, str):
        raise InvalidArgument(
            "a run is named by a text: its id, a unique prefix of one, its name, or `latest`. "
            f"Received: {name!r}. Fix: take it from the column `id` of `store.runs()`."
        )
    # As it would have been stored: drivers refuse to ask for anything else.
    name = storable_text(name)
    if _EXACT.rows(connection, name=name):
        return name
    query = select(runs.c.id, runs.c.name, runs.c.archived)
    hidden = runs.c.archived.is_not(None)
    newest = query.order_by(hidden, is_part(), runs.c.started.desc(), runs.c.id)
    known = connection.execute(newest).all()
    if not known:
        raise RunNotFound(
            f"expected a run to answer to {name!r}. Received: a database without any run. "
            "Fix: record one with model.fit(..., callbacks=[lossmon.Monitor()])."
        )
    if name == LATEST and known[0].archived is None:
        return known[0].id
    named = [run.id for run in known if run.name == name]
    return named[0] if named else _by_prefix(name, known)


def _by_prefix(name: str, known: Sequence[Any]) -> str:
    begun = [run for run in known if name and run.id.startswith(name)]
    if len(begun) == 1:
        return begun[0].id
    if begun:
        listed = ", ".join(f"{run.id} ({run.name})" for run in begun[:5])
        raise RunNotFound(
            f"expected one run to answer to {name!r}. Received: {len(begun)} runs whose id begins "
            f"so: {listed}. Fix: give more characters of the id."
        )
    names = list(dict.fromkeys(run.name for run in known))
    part = [known_name for known_name in names if name and name in known_name]
    near = (part or difflib.get_close_matches(name, names, n=3))[:3]
    hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    raise RunNotFound(
        f"expected a run's id, a unique prefix of one, its name, or `latest`. Received: {name!r}. "
        f"Fix: {hint}`lossmon runs` lists all."
    )
