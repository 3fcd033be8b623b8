"""Long runs and many runs, recorded by the real writer."""

from __future__ import annotations

import math
from pathlib import Path

from lossmon.records import BatchRecord, EpochRecord
from lossmon.store import RunWriter, upgrade
from tests.store.made import FINDING, open_writer

SIZES = (100_000, 10_000_000)
ZOOM = 20_000
WRITE = 2_000
AN_EPOCH = 10_000
EPOCHS_OF_MANY = 10
SPIKE = 99.0
BEGUN = 1.7e9
_SPIKES = 1_000_000
_FIRST_SPIKE = 77_777


def records(start: int, count: int, an_epoch: int = AN_EPOCH) -> list[BatchRecord]:
    """Batches of a classifier as the recorder makes them, a spike among each million."""
    return [_record(step, an_epoch) for step in range(start, start + count)]


def spikes(batches: int) -> int:
    """How many spikes there are among so many batches."""
    return len(range(_FIRST_SPIKE, batches, _SPIKES))


def _record(step: int, an_epoch: int) -> BatchRecord:
    spike = step % _SPIKES == _FIRST_SPIKE
    loss = SPIKE if spike else 1.0 / (1 + step / 5_000) + math.sin(step) / 50
    accuracy = (20 + step % 12) / 32
    return BatchRecord(
        *(step, step // an_epoch, step % an_epoch, "train", None, BEGUN + step / 250, 32, 32.0),
        *(loss, loss + 1e-9, 0.01, loss + 0.01, accuracy, accuracy, accuracy, None),
        *(accuracy * 32, 32.0, 0.9, 0.1, 1.7, loss * loss, 0, 1e-3, 0.004, "verified", None),
    )


def record_run(db: str | Path, name: str, batches: int) -> RunWriter:
    """Record a run of so many batches, and leave its writer open."""
    writer = open_writer(db, name=name)
    for start in range(0, batches, WRITE):
        rows = records(start, min(WRITE, batches - start))
        ended = (start + len(rows)) % AN_EPOCH == 0
        writer.write(rows, epochs_after(start // AN_EPOCH, AN_EPOCH) if ended else ())
    return writer


def long_runs(folder: Path) -> Path:
    """A database with a run `n…` of each of `SIZES`, recorded unless it is in the folder."""
    path = folder / "long.db"
    if not path.exists():
        for size in SIZES:
            writer = record_run(path, f"n{size}", size)
            writer.finish("finished")
            writer.close()
    upgrade(path)
    return path


def record_many(db: str | Path, runs: int, batches: int) -> None:
    """Record so many runs of so many batches each, in ten epochs, a fourth of them flagged."""
    an_epoch = batches // EPOCHS_OF_MANY
    for number in range(runs):
        writer = open_writer(
            db, name=f"run-{number:04}", started=BEGUN + 60 * number, tags=("swept", f"{number}")
        )
        for epoch in range(EPOCHS_OF_MANY):
            rows = records(epoch * an_epoch, an_epoch, an_epoch)
            found = [FINDING] if number % 4 == 0 and epoch == 0 else []
            writer.write(rows, epochs_after(epoch, an_epoch), found)
        writer.finish("finished")
        writer.close()


def record_list(db: str | Path, runs: int) -> None:
    """Record so many runs of ten epochs and no batches, with what a list sorts and groups by."""
    for number in range(runs):
        writer = open_writer(
            db,
            name=f"run-{number:05}",
            project=f"project-{number % 7}",
            started=BEGUN + 60 * number,
            tags=("swept", f"batch-{number % 50}"),
            config={"lr": 10.0 ** -(number % 5), "units": 2 ** (number % 8), "seed": number},
        )
        found = [FINDING] if number % 4 == 0 else []
        shift = (number * 7919 % runs) / runs
        rows = [row for epoch in range(EPOCHS_OF_MANY) for row in epochs_after(epoch, 10, shift)]
        writer.write((), rows, found)
        writer.finish("finished" if number % 9 else "failed")
        writer.close()


def epochs_after(epoch: int, an_epoch: int, shift: float = 0.0) -> list[EpochRecord]:
    """The rows of an epoch, training and validation."""
    loss = 1.0 / (1 + epoch) + shift
    return [
        EpochRecord(
            *(epoch, split, None, BEGUN + epoch, (epoch + 1) * an_epoch - 1, an_epoch),
            *(an_epoch * 32, an_epoch * 32.0, loss + 0.01, loss, loss, 0.01, 0.0),
            *(0.8, 0.8, 0.8, None, 0.0),
            coverage=1.0,
            status="verified",
        )
        for split in ("train", "val")
    ]
