"""The values by which runs are sorted, filtered and searched, of all runs at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from lossmon.store.courses import read_last
from lossmon.store.gathering import read_accuracy_metrics, read_totals
from lossmon.store.reading import among
from lossmon.store.schema import findings, outputs

Found = tuple[str, str | None]
"""Code and output of a finding."""
SEVERITY_WEIGHTS = {"error": 1000, "warning": 10, "info": 1}
# Beyond that all runs are read again, which takes no list of them.
MOST_NAMED = 200


class Measures(NamedTuple):
    """What is known of one run.

    Attributes:
        values: by column: last and best values, "epochs", "verified", "accuracy_metric" and
            "loss_name".
        found: the severity of each finding, and the name of its rule.
    """

    values: Mapping[str, Any]
    found: Mapping[Found, tuple[str, str]]


def read_measures(connection: Connection, run_ids: Sequence[str]) -> dict[str, Measures]:
    """Return what is known of some runs."""
    few = run_ids if len(run_ids) <= MOST_NAMED else None
    last, totals = read_last(connection, few), read_totals(connection, few)
    metrics, losses = read_accuracy_metrics(connection, few), _losses(connection, few)
    found: dict[str, dict[Found, tuple[str, str]]] = {}
    columns = ("run_id", "code", "output", "severity", "rule")
    query = select(*(findings.c[name] for name in columns)).where(among(findings.c.run_id, few))
    for row in connection.execute(query.order_by(findings.c.code)).mappings():
        what = (row["severity"], row["rule"])
        found.setdefault(row["run_id"], {})[row["code"], row["output"]] = what
    return {
        run_id: Measures(_values(run_id, last, totals, metrics, losses), found.get(run_id, {}))
        for run_id in run_ids
    }


def _values(run_id: str, *known: Mapping[str, Any]) -> dict[str, Any]:
    last, totals, metrics, losses = (one.get(run_id) for one in known)
    return {
        **(last or {}),
        **{key: value for key, value in (totals or {}).items() if key != "run_id"},
        "accuracy_metric": metrics,
        "loss_name": losses,
    }


def _losses(connection: Connection, run_ids: Sequence[str] | None) -> dict[str, str]:
    query = select(outputs.c.run_id, outputs.c.loss).where(
        among(outputs.c.run_id, run_ids), outputs.c.loss.is_not(None)
    )
    names: dict[str, str] = {}
    for run, loss in connection.execute(query.order_by(outputs.c.position)).all():
        names[run] = f"{names[run]}, {loss}" if run in names else loss
    return names


def weight(found: Mapping[Found, tuple[str, str]]) -> int:
    """How much was found: errors weigh more than any warnings, those more than any advice."""
    return sum(SEVERITY_WEIGHTS.get(severity, 0) for severity, _ in found.values())
