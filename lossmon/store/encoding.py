"""Records as text and back, for the spool.

JSON with the floats that are not finite as Python writes them (`NaN`, `Infinity`), batches column
by column, everything else as documents that bear the names of the fields.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lossmon.records import (
    BatchRecord,
    EpochRecord,
    Finding,
    LossSpec,
    MetricSpec,
    OutputRecord,
    RunRecord,
)
from lossmon.store.nonfinite import decode_json, encode_json
from lossmon.store.parcel import Ending, Records, RunHeader, Trouble
from lossmon.store.rows import batch_rows

_BATCH_NAMES = batch_rows.names[2:]
_DOCUMENTS = {"epochs": EpochRecord, "findings": Finding, "withdrawn": Finding, "troubles": Trouble}


def encode_records(records: Records) -> str:
    """Write records as text."""
    document: dict[str, Any] = {
        name: [encode_json(asdict(item)) for item in getattr(records, name)] for name in _DOCUMENTS
    }
    document |= {"dropped": records.dropped, "time": records.time}
    if records.ending is not None:
        document["ending"] = asdict(records.ending)
    if records.outputs is not None:
        document["outputs"] = [encode_json(asdict(output)) for output in records.outputs]
    if records.batches:
        columns = batch_rows.columns(records.batches)
        given = zip(_BATCH_NAMES, (*columns.others, *columns.reals), strict=True)
        document["batches"] = {name: list(column) for name, column in given}
    return json.dumps(document)


def decode_records(text: str) -> Records:
    """Read what `encode_records` wrote."""
    document = json.loads(text)
    columns = document.get("batches", {})
    rows = zip(*columns.values(), strict=True)
    ending, outputs = document.get("ending"), document.get("outputs")
    return Records(
        batches=[BatchRecord(**dict(zip(columns, row, strict=True))) for row in rows],
        **{name: [kind(**decode_json(item)) for item in document[name]] for name, kind in _KINDS},
        dropped=document["dropped"],
        ending=None if ending is None else Ending(**ending),
        outputs=None if outputs is None else [_output(decode_json(item)) for item in outputs],
        time=document["time"],
    )


_KINDS: tuple[tuple[str, Any], ...] = tuple(_DOCUMENTS.items())


def encode_header(header: RunHeader) -> str:
    """Write a header as text."""
    return json.dumps(encode_json(asdict(header)))


def decode_header(text: str) -> RunHeader:
    """Read what `encode_header` wrote."""
    document = decode_json(json.loads(text))
    run = document["run"] | {name: tuple(document["run"][name]) for name in ("tags", "rules")}
    place = document["place"]
    return RunHeader(
        **document
        | {
            "run": RunRecord(**run),
            "outputs": [_output(item) for item in document["outputs"]],
            "place": None if place is None else (place[0], place[1]),
        }
    )


def _output(item: Mapping[str, Any]) -> OutputRecord:
    values = dict(item)
    for name in ("accuracy_metric", "intended_metric"):
        values[name] = None if item[name] is None else MetricSpec(**item[name])
    values["shape"] = None if item["shape"] is None else tuple(item["shape"])
    values["loss"] = None if item["loss"] is None else LossSpec(**item["loss"])
    values["metrics"] = tuple(MetricSpec(**metric) for metric in item["metrics"])
    return OutputRecord(**values)
