"""What a path or an address holds, and who reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

from lossmon.errors import InvalidArgument
from lossmon.exchange.incoming.keras_logs import read_csv_log, read_history
from lossmon.exchange.incoming.mlflow_store import is_mlflow_folder, read_mlflow
from lossmon.exchange.incoming.own_tables import is_own_table, read_own_table
from lossmon.exchange.incoming.run import ImportedRun
from lossmon.exchange.incoming.tensorboard_logs import has_events, read_tensorboard
from lossmon.exchange.incoming.trackio_store import is_trackio, read_trackio

_BY_KIND: Mapping[str, Callable[[Path], list[ImportedRun]]] = {
    "csv": read_csv_log,
    "history": read_history,
    "tensorboard": read_tensorboard,
    "trackio": read_trackio,
    "table": read_own_table,
}
_BY_ENDING = {
    ".parquet": "table",
    **dict.fromkeys((".json", ".pkl", ".pickle"), "history"),
    **dict.fromkeys((".csv", ".tsv", ".log", ".txt"), "csv"),
}
KINDS = (*_BY_KIND, "mlflow")
"""The kinds of source that can be named where they are not recognised."""

_TAKEN = (
    "a folder of TensorBoard's event files, a file of Keras' CSVLogger, `history.history` as JSON "
    "or by pickle, a tracking store of MLflow, a database of Trackio, or a table that `lossmon "
    "export` wrote"
)


def imported_runs(source: str, kind: str | None = None) -> list[ImportedRun]:
    """Read the runs that another program recorded.

    Args:
        source: a path, or the URI of a tracking store of MLflow.
        kind: one of `KINDS`; None to recognise it.

    Returns:
        The runs in the source's order; nothing is stored yet.

    Raises:
        InvalidArgument: there is nothing there that is understood.
        MissingExtra: a package is needed to read it.
    """
    if "://" in source and not Path(source).exists():
        if kind not in (None, "mlflow"):
            _refuse(f"{source}, which is no path")
        return read_mlflow(source)
    path = Path(source)
    if not path.exists():
        _refuse(f"{source}, which is not there")
    kind = kind or _recognised(path)
    if kind == "mlflow":
        return read_mlflow(_tracking_uri(path))
    if kind is None or kind not in _BY_KIND:
        _refuse(source if kind is None else f"{source} as {kind!r}")
    runs = _BY_KIND[kind](path)
    if not any(run.epochs or run.batches for run in runs):
        _refuse(f"{source}, in which no values are")
    return runs


def _recognised(path: Path) -> str | None:
    if path.is_dir():
        if is_mlflow_folder(path):
            return "mlflow"
        return "tensorboard" if has_events(path) else None
    if "tfevents" in path.name:
        _refuse(f"{path}, a single event file, whose folder is needed")
    if _is_sqlite(path):
        return "trackio" if is_trackio(path) else "mlflow"
    kind = _BY_ENDING.get(path.suffix.lower())
    return "table" if kind == "csv" and is_own_table(_header(path)) else kind


def _tracking_uri(path: Path) -> str:
    return path.resolve().as_uri() if path.is_dir() else f"sqlite:///{path.resolve()}"


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return file.readline().strip().split(",")


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\x00"


def _refuse(received: str) -> NoReturn:
    raise InvalidArgument(
        f"expected {_TAKEN}. Received: {received}. Fix: name one of these, and --from "
        f"{'|'.join(KINDS)} where it is not recognised"
    )
