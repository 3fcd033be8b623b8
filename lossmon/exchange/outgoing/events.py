"""Event files that TensorBoard reads, laid out as Keras' callback lays them out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lossmon.errors import InvalidArgument, MissingExtra

_FOLDERS = {"train": "train", "val": "validation"}
_MEASURES = ("loss", "accuracy")
_FURTHER = ("reported_loss", "reported_accuracy", "intended_accuracy", "learning_rate")
Row = Mapping[str, Any]


def write_events(
    epochs: Iterable[Row], batches: Iterable[Row], findings: Iterable[Row], folder: Path
) -> None:
    """Write a run as event files: `train` and `validation` below a folder.

    Epochs are scalars such as `epoch_loss` by epoch, batches such as `batch_loss` by step, those of
    an output `epoch_NAME_loss`. Loss and accuracy are the recomputed ones, or Keras' own of the
    same span where those are not known; what was printed is `epoch_reported_loss`. Values have the
    precision of float32, which is TensorBoard's.

    Args:
        epochs: epoch rows, as `Store.epoch_rows` gives them.
        batches: batch rows, as `Store.export_batches` gives them.
        findings: finding rows, which become a text.
        folder: to write to; must be empty or not there.

    Raises:
        InvalidArgument: the folder holds something.
        MissingExtra: the package tensorboard is not installed.
    """
    try:
        from tensorboard.summary.writer.event_file_writer import (  # noqa: PLC0415
            EventFileWriter,
        )
    except ImportError as error:
        raise MissingExtra("tensorboard", "Writing event files", "tensorboard") from error
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidArgument(
            f"expected a folder that is empty or not there. Received: {folder}. "
            "Fix: name a new one, for TensorBoard shows all that lies in a folder"
        )
    writers: dict[str, Any] = {}
    with ExitStack() as opened:

        def add(row: Row, prefix: str, step: int) -> None:
            split = row["split"]
            if split not in writers:
                writers[split] = EventFileWriter(str(folder / _FOLDERS[split]))
                opened.callback(writers[split].close)
            named = prefix if row["output"] is None else f"{prefix}{row['output']}_"
            values = {named + key: value for key, value in _values(row) if value is not None}
            if values:
                writers[split].add_event(_scalar_event(values, step, row["time"]))

        for row in batches:
            add(row, "batch_", row["step"])
        for row in epochs:
            add(row, "epoch_", row["epoch"])
        text = "\n\n".join(_sentence(row) for row in findings)
        if text and "train" in writers:
            writers["train"].add_event(_text_event("findings", text))


def _values(row: Row) -> Iterable[tuple[str, float | None]]:
    for measure in _MEASURES:
        recomputed = row[f"recomputed_{measure}"]
        yield measure, row[measure] if recomputed is None else recomputed
    for name in _FURTHER:
        yield name, row[name]


def _scalar_event(values: Mapping[str, float], step: int, time: float) -> Any:
    event_pb2, summary_pb2 = _messages()
    scalars = [
        summary_pb2.Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()
    ]
    return event_pb2.Event(step=step, wall_time=time, summary=summary_pb2.Summary(value=scalars))


def _text_event(tag: str, text: str) -> Any:
    from tensorboard.plugins.text.metadata import create_summary_metadata  # noqa: PLC0415
    from tensorboard.util.tensor_util import make_tensor_proto  # noqa: PLC0415

    event_pb2, summary_pb2 = _messages()
    metadata = create_summary_metadata(display_name=None, description="what lossmon found")
    tensor = make_tensor_proto([text.encode()])
    value = summary_pb2.Summary.Value(tag=tag, metadata=metadata, tensor=tensor)
    return event_pb2.Event(step=0, summary=summary_pb2.Summary(value=[value]))


def _messages() -> tuple[Any, Any]:
    from tensorboard.compat.proto import event_pb2, summary_pb2  # noqa: PLC0415

    return event_pb2, summary_pb2


def _sentence(finding: Row) -> str:
    # TensorBoard shows texts as Markdown; what came from a user's program stays plain there.
    plain = f"{finding['code']} {finding['rule']}: {finding['message']}"
    return "".join(f"\\{mark}" if mark in "\\`*_{}[]<>()#+!|" else mark for mark in plain)
