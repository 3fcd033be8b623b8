"""The full data behind a chart, as files: every batch, every epoch, every sample of an epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import flask

from lossmon.analysis import sample_row
from lossmon.errors import RunNotFound, StoreError
from lossmon.store import EXPORTED, EXPORTED_EPOCHS, csv_text
from lossmon_dashboard.links import page_link
from lossmon_dashboard.source import current_store

Row = Mapping[str, Any]

EXPORT = "/export"

_SAMPLE_FIELDS = [
    *("epoch", "output", "position", "key", "label", "predicted", "correct", "confidence", "loss")
]


class _Table(NamedTuple):
    fields: list[str]
    rows: Callable[[str, Mapping[str, str]], Iterable[Row]]


def export_link(run: str, table: str, **query: Any) -> str:
    """The address of a file, below that of the dashboard.

    Args:
        run: the run.
        table: "batches", "epochs" or "samples".
        query: of samples `output`, and `epoch` from 1.
    """
    known = "&".join(f"{key}={quote(str(value))}" for key, value in query.items() if value)
    address = page_link(f"{EXPORT}/{quote(run, safe='')}/{table}.csv")
    return address + (f"?{known}" if known else "")


def register(server: flask.Flask) -> None:
    """Answer the addresses of files."""

    def export(run: str, table: str) -> flask.Response | tuple[str, int]:
        if table not in _TABLES:
            return "There is no such file.", 404
        try:
            named = current_store().resolve(run)
            text = _text(_TABLES[table], named, flask.request.args)
        except RunNotFound as error:
            return str(error), 404
        except StoreError as error:
            return str(error), 503
        answer = flask.Response(text, mimetype="text/csv")
        # No name of a run gets into a name of a file.
        name = f"lossmon-{named}-{table}.csv"
        answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        answer.headers["Cache-Control"] = "no-store"
        return answer

    server.add_url_rule(f"{EXPORT}/<run>/<table>.csv", "lossmon_export", export)


def _text(table: _Table, run: str, query: Mapping[str, str]) -> Iterator[str]:
    return csv_text(table.fields, table.rows(run, query))


def _batches(run: str, _: Mapping[str, str]) -> Iterable[Row]:
    return current_store().export_batches(run)


def _epochs(run: str, _: Mapping[str, str]) -> Iterable[Row]:
    return current_store().epoch_rows(run)


def _samples(run: str, query: Mapping[str, str]) -> Iterable[Row]:
    epoch = query.get("epoch", "")
    wanted = int(epoch) - 1 if epoch.isdecimal() and len(epoch) < 10 else None
    record = current_store().samples(run, wanted, output=query.get("output") or None)
    if record is None:
        return ()
    place = {"epoch": record.epoch, "output": record.output}
    return (place | sample_row(record, at) for at in range(len(record.loss)))


_TABLES = {
    "batches": _Table(list(EXPORTED), _batches),
    "epochs": _Table(list(EXPORTED_EPOCHS), _epochs),
    "samples": _Table(_SAMPLE_FIELDS, _samples),
}
