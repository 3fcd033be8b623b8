"""TensorBoard: event files in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lossmon.errors import MissingExtra
from lossmon.records import Finding, RunRecord
from lossmon.trackers.tracker import Shown, as_text


class TensorBoardTracker:
    """Writes scalars by epoch, and the findings as a text."""

    name = "tensorboard"

    def __init__(self, run: RunRecord, folder: str = "") -> None:
        try:
            from tensorboard.compat.proto import event_pb2, summary_pb2  # noqa: PLC0415
            from tensorboard.plugins.text import metadata  # noqa: PLC0415
            from tensorboard.summary.writer import event_file_writer  # noqa: PLC0415
            from tensorboard.util import tensor_util  # noqa: PLC0415
        except ImportError as error:
            needed = 'Monitor(also=["tensorboard"])'
            raise MissingExtra("tensorboard", needed, "tensorboard") from error
        # Protobuf makes its classes when it is imported.
        self._event: Any = vars(event_pb2)["Event"]
        self._summary: Any = vars(summary_pb2)["Summary"]
        self._text = metadata.create_summary_metadata("lossmon/findings", "what lossmon found")
        self._tensor = tensor_util.make_tensor_proto
        path = Path(folder) if folder else Path("logs") / run.name
        self._writer = event_file_writer.EventFileWriter(str(path))

    def log(self, shown: Shown) -> None:
        """Write scalars."""
        values = shown.values.items()
        scalars = [self._summary.Value(tag=tag, simple_value=value) for tag, value in values]
        self._add(scalars, shown.epoch, shown.time)

    def tell(self, findings: Sequence[Finding], epoch: int) -> None:
        """Write the findings, indented, which Markdown leaves as they are."""
        text = as_text(findings).replace("\n", "\n    ")
        tensor = self._tensor([f"    {text}".encode()])
        value = self._summary.Value(tag="lossmon/findings", metadata=self._text, tensor=tensor)
        self._add([value], epoch, 0.0)

    def _add(self, values: Sequence[Any], step: int, time: float) -> None:
        summary = self._summary(value=values)
        self._writer.add_event(self._event(step=step, wall_time=time, summary=summary))
        self._writer.flush()

    def end(self) -> None:
        """Close the file."""
        self._writer.close()
