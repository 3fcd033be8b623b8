"""TensorBoard's event files, those of Keras' callback and others."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lossmon.errors import InvalidArgument, MissingExtra
from lossmon.exchange.incoming.run import (
    ImportedRun,
    Point,
    batch_records,
    epoch_records,
    split_of,
)
from lossmon.records import BatchRecord, EpochRecord

PROGRAM = "TensorBoard"
_FILES = "*tfevents*"
_FOLDERS = {"train": "", "validation": "val_", "val": "val_", "eval": "val_"}
_EPOCH, _BATCH = "epoch_", "batch_"
# Written by `lossmon export` only: tells that `loss` is a value of its own and no running mean.
_REPORTED = "reported_"


@dataclass(slots=True)
class _Logged:
    """What one run logged: values by step, and the time of each step."""

    values: dict[int, dict[str, float]] = field(default_factory=dict[int, dict[str, float]])
    times: dict[int, float] = field(default_factory=dict[int, float])

    def add(self, step: int, key: str, value: float, time: float) -> None:
        self.values.setdefault(step, {})[key] = value
        self.times[step] = max(self.times.get(step, 0.0), time)

    def points(self) -> list[Point]:
        return [
            Point(number, step, self.values[step], self.times[step])
            for number, step in enumerate(sorted(self.values))
        ]


def has_events(path: Path) -> bool:
    """Whether a folder holds event files, at any depth."""
    return path.is_dir() and next(path.rglob(_FILES), None) is not None


def read_tensorboard(root: Path) -> list[ImportedRun]:
    """Read every run below a folder; `train` and `validation` side by side are one.

    Raises:
        InvalidArgument: an event file is damaged.
        MissingExtra: the package tensorboard is not installed.
    """
    folders = sorted({file.parent for file in root.rglob(_FILES)})
    runs: dict[Path, list[tuple[Path, str]]] = {}
    for folder in folders:
        prefix = _FOLDERS.get(folder.name)
        home = folder if prefix is None else folder.parent
        runs.setdefault(home, []).append((folder, prefix or ""))
    return [run for home, parts in runs.items() if (run := _run(root, home, parts)) is not None]


def _run(root: Path, home: Path, parts: list[tuple[Path, str]]) -> ImportedRun | None:
    epochs, batches, others = _Logged(), _Logged(), _Logged()
    for folder, prefix in parts:
        for tag, step, time, value in _scalars(folder):
            if tag.startswith(_EPOCH):
                epochs.add(step, prefix + tag.removeprefix(_EPOCH), value, time)
            elif tag.startswith(_BATCH) and not prefix:
                batches.add(step, tag.removeprefix(_BATCH), value, time)
            elif not tag.startswith("evaluation_"):
                others.add(step, _key(prefix, tag), value, time)
    # What Keras' callback wrote counts by epochs; other programs by steps of their own.
    points = [Point(p.step, p.step, p.values, p.time) for p in epochs.points()] or others.points()
    ends = [point.time or 0.0 for point in points]
    steps = [
        Point(_epoch_at(ends, p.time or 0.0), p.step, p.values, p.time) for p in batches.points()
    ]
    times = [point.time or 0.0 for point in (*points, *steps)]
    if not times:
        return None
    relative = home.relative_to(root)
    name = root.resolve().name if relative == Path() else relative.as_posix()
    return ImportedRun(
        name,
        PROGRAM,
        str(home.resolve()),
        _true_epochs(epoch_records(points, PROGRAM, times[0])),
        _true_batches(batch_records(steps, PROGRAM, times[0]), steps),
        started=min(times),
        ended=max(times),
    )


def _key(prefix: str, tag: str) -> str:
    """A tag as the key of a log: "loss/train" and "train/loss" are the same."""
    split, plain = split_of(tag)
    if split is None and "/" in tag:
        head, _, tail = tag.rpartition("/")
        split, rest = split_of(f"{tail}/")
        plain = tag if split is None or rest else head
    return (prefix if split is None else "val_" if split == "val" else "") + plain


def _epoch_at(ends: list[float], time: float) -> int:
    """The epoch that was under way at a time, by when epochs ended."""
    return min(bisect_left(ends, time), max(len(ends) - 1, 0))


def _true_epochs(records: list[EpochRecord]) -> list[EpochRecord]:
    for record in records:
        values = dict(record.reported)
        for measure in ("loss", "accuracy"):
            if _REPORTED + measure in values:
                setattr(record, _REPORTED + measure, values.pop(_REPORTED + measure))
        record.intended_accuracy = values.pop("intended_accuracy", None)
        record.reported = values
    return records


def _true_batches(records: list[BatchRecord], points: list[Point]) -> list[BatchRecord]:
    if any(key.startswith(_REPORTED) for point in points for key in point.values):
        for record, point in zip(records, points, strict=True):
            record.loss, record.accuracy = point.values.get("loss"), point.values.get("accuracy")
            record.reported_loss = point.values.get("reported_loss")
            record.reported_accuracy = point.values.get("reported_accuracy")
            record.intended_accuracy = point.values.get("intended_accuracy")
    return records


def _scalars(folder: Path) -> Iterator[tuple[str, int, float, float]]:
    """Tag, step, time and value of each scalar of a folder, in the order of its files."""
    try:
        from tensorboard.backend.event_processing import event_file_loader  # noqa: PLC0415
        from tensorboard.util import tensor_util  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra("tensorboard", "Reading event files", "tensorboard") from error
    plugins: dict[str, str] = {}
    for file in sorted(folder.glob(_FILES)):
        try:
            for event in event_file_loader.EventFileLoader(str(file)).Load():
                for value in event.summary.value:
                    plugin = value.metadata.plugin_data.plugin_name
                    plugins.setdefault(value.tag, plugin)
                    if plugins[value.tag] == "scalars":
                        number = float(tensor_util.make_ndarray(value.tensor).item())
                        yield value.tag, event.step, event.wall_time, number
        # A damaged record is whatever its bytes happen to mean.
        except Exception as error:
            raise InvalidArgument(
                f"expected an event file of TensorBoard. Received: {file} ({error!r}). "
                "Fix: remove the file, or name another folder"
            ) from error
