"""Records as text and back, for the spool.

JSON with the floats that are not finite as Python writes them (`NaN`, `Infinity`), batches column
by column, samples packed as they are stored, everything else as documents that bear the names of
the fields.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
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
    SampleRecord,
)
from lossmon.store.nonfinite import decode_json, encode_json
from lossmon.store.parcel import Ending, Records, RunHeader, Trouble
from lossmon.store.rows import batch_rows
from lossmon.store.sample_packing import pack, unpack, unpack_set

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
    if records.samples:
        document["samples"] = [_encode_samples(record) for record in records.samples]
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
        samples=[_decode_samples(row) for row in document.get("samples", ())],
        dropped=document["dropped"],
        ending=None if ending is None else Ending(**ending),
        outputs=None if outputs is None else [_output(decode_json(item)) for item in outputs],
        time=document["time"],
    )


_KINDS: tuple[tuple[str, Any], ...] = tuple(_DOCUMENTS.items())


def _encode_samples(record: SampleRecord) -> dict[str, Any]:
    row = pack(record)
    sample_set = None if row.sample_set is None else _text_of_bytes(row.sample_set._asdict())
    return _text_of_bytes(row._asdict()) | {"sample_set": sample_set}


def _text_of_bytes(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: b64encode(value).decode("ascii") if isinstance(value, bytes) else value
        for key, value in row.items()
    }


def _decode_samples(row: Mapping[str, Any]) -> SampleRecord:
    told = row["sample_set"]
    known = told and {name: told[name] and b64decode(told[name]) for name in _OF_SET}
    samples = None if told is None else unpack_set(told | known)
    return unpack({**row, "packed": b64decode(row["packed"])}, samples)


_OF_SET = ("keys", "labels", "weights")


def encode_header(header: RunHeader) -> str:
    """Write a header as text."""
    return json.dumps(encode_json(asdict(header)))


def decode_header(text: str) -> RunHeader:
    """Read what `encode_header` wrote."""
    document = decode_json(json.loads(text))
    run = document["run"]
    run |= {name: tuple(run.get(name, ())) for name in ("tags", "rules")}
    place = document["place"]
    return RunHeader(
        **document
        | {
            "run": RunRecord(**run),
            "outputs": [_output(item) for item in document["outputs"]],
            "place": None if place is None else tuple(place),
        }
    )


def _output(item: Mapping[str, Any]) -> OutputRecord:
    values = dict(item)
    for name in ("accuracy_metric", "intended_metric"):
        values[name] = None if item.get(name) is None else MetricSpec(**item[name])
    values["shape"] = None if item["shape"] is None else tuple(item["shape"])
    values["loss"] = None if item["loss"] is None else LossSpec(**item["loss"])
    values["metrics"] = tuple(MetricSpec(**metric) for metric in item["metrics"])
    return OutputRecord(**values)
