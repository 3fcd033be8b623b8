"""What Keras itself leaves behind: `CSVLogger` files and `History`."""

from __future__ import annotations

import csv
import io
import json
import pickle
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from lossmon.errors import InvalidArgument
from lossmon.exchange.incoming.run import ImportedRun, Point, epoch_records, split_of

CSV_LOGGER = "Keras CSVLogger"
HISTORY = "Keras History"
_DELIMITERS = ",;\t|"
# All that a pickled history needs: plain containers are not looked up by name.
_SAFE = {
    ("collections", "defaultdict"),
    ("collections", "OrderedDict"),
    ("builtins", "list"),
    ("builtins", "dict"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
}


def read_csv_log(path: Path) -> list[ImportedRun]:
    """Read a file of `keras.callbacks.CSVLogger`: one run for each time that its epochs restart.

    Raises:
        InvalidArgument: it is no such file.
    """
    rows = _csv_rows(path)
    runs: list[list[Point]] = []
    last = None
    for number, row in enumerate(rows, 2):
        epoch = _epoch(row, path, number)
        if last is None or epoch <= last:
            runs.append([])
        last = epoch
        values = {key: value for key, text in row.items() if (value := _number(text)) is not None}
        values.pop("epoch", None)
        runs[-1].append(Point(epoch, epoch, values))
    return [_run(path, points, CSV_LOGGER, i, len(runs)) for i, points in enumerate(runs, 1)]


def read_history(path: Path) -> list[ImportedRun]:
    """Read `history.history`, or `vars(history)`, that was kept as JSON or by pickle.

    A pickle may hold numbers and containers only: nothing in it is executed.

    Raises:
        InvalidArgument: it is no such file.
    """
    document = _unpickled(path) if path.suffix.lower() in (".pkl", ".pickle") else _parsed(path)
    given = document.get("history") if isinstance(document, Mapping) else None
    epochs = document.get("epoch") if isinstance(given, Mapping) else None
    history = given if isinstance(given, Mapping) else document
    if not isinstance(history, Mapping) or not history:
        _no_history(path, history)
    series = {str(key): _series(path, key, values) for key, values in history.items()}
    length = max(map(len, series.values()))
    numbers = list(range(length)) if not epochs else [int(epoch) for epoch in epochs]
    if len(numbers) != length:
        _no_history(path, f"{len(numbers)} epochs with {length} values")
    values: dict[int, dict[str, float]] = {epoch: {} for epoch in numbers}
    for key, line in series.items():
        for place, value in zip(_places(path, key, len(line), length), line, strict=True):
            values[numbers[place]][key] = value
    points = [Point(epoch, epoch, values[epoch]) for epoch in numbers]
    return [_run(path, points, HISTORY, 1, 1)]


def _run(path: Path, points: list[Point], program: str, number: int, of: int) -> ImportedRun:
    time = path.stat().st_mtime
    name = path.stem if of == 1 else f"{path.stem} ({number})"
    records = epoch_records(points, program, time)
    return ImportedRun(name, program, f"{path.resolve()}#{number}", records, (), time, time)


def _csv_rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument(
            f"expected a text file. Received: {path} ({error}). Fix: name a file of CSVLogger"
        ) from error
    header = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    if "epoch" not in (reader.fieldnames or ()):
        raise InvalidArgument(
            f"expected a table with the column `epoch`, as Keras' CSVLogger writes it. Received: "
            f"{path} with {header.strip()[:200]!r}. Fix: name such a file"
        )
    yield from reader


def _epoch(row: Mapping[str, str], path: Path, line: int) -> int:
    try:
        return int(float(row["epoch"]))
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidArgument(
            f"expected the number of an epoch in line {line} of {path}. Received: "
            f"{row['epoch']!r}. Fix: remove what is no line of CSVLogger"
        ) from error


def _number(text: str | None) -> float | None:
    # CSVLogger writes NA where there is no value, and lists as text.
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _parsed(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidArgument(
            f"expected JSON. Received: {path} ({error}). "
            "Fix: keep it by `json.dump(history.history, file)`"
        ) from error


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _SAFE:
            raise pickle.UnpicklingError(f"it holds {module}.{name}, which is not loaded")
        return super().find_class(module, name)


def _unpickled(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            return _PlainUnpickler(file).load()
    # A damaged pickle raises whatever its bytes happen to mean.
    except Exception as error:
        raise InvalidArgument(
            f"expected a pickled dict of lists of numbers. Received: {path} ({error}). "
            "Fix: keep `history.history` and not the History, or use JSON"
        ) from error


def _series(path: Path, key: Any, values: Any) -> list[float]:
    try:
        return [float(value) for value in values]
    except (TypeError, ValueError):
        _no_history(path, f"{key!r}: {str(values)[:60]}")


def _places(path: Path, key: str, count: int, length: int) -> Sequence[int]:
    """At which epochs a shorter series has its values: Keras lists only those that validated."""
    if count == length:
        return range(length)
    every = [k for k in range(2, length + 1) if length // k == count]
    if split_of(key)[0] != "val" or len(every) != 1:
        _no_history(path, f"{count} values of {key!r}, and {length} epochs")
    (k,) = every
    return range(k - 1, k * count, k)


def _no_history(path: Path, received: Any) -> NoReturn:
    raise InvalidArgument(
        "expected a dict of lists of numbers, one for each epoch, as `history.history` is. "
        f"Received: {path} with {str(received)[:120]}. Fix: keep `history.history`"
    )
