"""From what `Monitor(also=…)` is given to trackers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from lossmon.errors import InvalidArgument
from lossmon.records import Finding, RunRecord
from lossmon.trackers.to_mlflow import MLflowTracker
from lossmon.trackers.to_tensorboard import TensorBoardTracker
from lossmon.trackers.to_trackio import TrackioTracker
from lossmon.trackers.to_wandb import WandbTracker
from lossmon.trackers.tracker import Shown, Tracker, gravest

Also = Any
"""A name of `NAMES`, or an object with a method `log`."""
_OPENED: Mapping[str, Callable[[RunRecord], Tracker]] = {
    "mlflow": MLflowTracker,
    "wandb": WandbTracker,
    "trackio": TrackioTracker,
    "tensorboard": TensorBoardTracker,
}
NAMES = tuple(_OPENED)
"""The trackers that are known by name."""


class _Logger:
    """Whatever has a method `log(values, step=epoch)`."""

    def __init__(self, given: Any) -> None:
        self.name = type(given).__name__
        self._log = given.log

    def log(self, shown: Shown) -> None:
        self._log({**shown.values}, step=shown.epoch)

    def tell(self, findings: Sequence[Finding], epoch: int) -> None:
        self._log(gravest(findings), step=epoch)

    def end(self) -> None:
        pass


def check_also(value: Any) -> tuple[Also, ...]:
    """Return trackers as they were given, names and objects that log, where all can be one.

    Args:
        value: what `Monitor(also=…)` was given.

    Raises:
        InvalidArgument: it is something else.
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        _refuse(value)
    given: tuple[Any, ...] = tuple(value)
    for one in given:
        named = isinstance(one, str) and _parted(one)[0] in _OPENED
        if not named and not callable(getattr(one, "log", None)):
            _refuse(list(given))
    return given


def open_trackers(
    also: Sequence[Also], run: RunRecord, tell: Callable[[str], None]
) -> list[Tracker]:
    """Open each tracker, on the thread that trains; one that cannot be opened is told of.

    Args:
        also: as `check_also` returned it.
        run: what is recorded.
        tell: told what went wrong.

    Returns:
        Those that could be opened.
    """
    opened: list[Tracker] = []
    for one in also:
        try:
            opened.append(_open(one, run))
        # Training is not to end because another program fails.
        except Exception as error:
            tell(f"nothing is shown to {one!r}: {error}")
    return opened


def _open(one: Also, run: RunRecord) -> Tracker:
    if not isinstance(one, str):
        return _Logger(one)
    name, folder = _parted(one)
    return TensorBoardTracker(run, folder) if folder else _OPENED[name](run)


def _parted(text: str) -> tuple[str, str]:
    """Name and folder of "tensorboard:logs/one"; no other takes a folder."""
    name, _, folder = text.partition(":")
    return (name, folder) if name == "tensorboard" or not folder else (text, "")


def _refuse(received: Any) -> None:
    raise InvalidArgument(
        f"`also` must be a list of {', '.join(map(repr, NAMES))}, 'tensorboard:FOLDER', or objects "
        f"with a method log(values, step=epoch). Received: also={received!r}. "
        'Fix: Monitor(also=["mlflow"])'
    )
