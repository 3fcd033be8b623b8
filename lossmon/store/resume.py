"""Go on with a run that ended or was interrupted.

A training resumes at the beginning of an epoch, the first that its `fit` runs. What was recorded of
that epoch and of later ones, after the checkpoint that the weights come from, is replaced: it is
removed when the training resumes. Steps go on from the last step before.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, and_, delete, func, select

from lossmon.errors import CannotResume, RunNotFound
from lossmon.records import OutputRecord, RunRecord
from lossmon.store.columns import output_key
from lossmon.store.edits import writing
from lossmon.store.engine import database_url, is_sqlite, opened
from lossmon.store.liveness import present_status, trained_seconds
from lossmon.store.parcel import RunHeader
from lossmon.store.ranks import rank_of_run
from lossmon.store.resolve import resolve_run
from lossmon.store.schema import batches, epochs, findings, runs, samples, summaries
from lossmon.store.statements import change_run
from lossmon.store.sync import sync
from lossmon.store.upgrade import create_or_check, describe

_SAME_MODEL = {"class": "class", "parameters": "number of parameters", "layers": "number of layers"}


@dataclass(slots=True)
class Resumable:
    """A run that can be resumed.

    Attributes:
        run_id: its id.
        name: its name.
        last_epoch: the last epoch of which it has an end, from 0; None where it has none.
        finished: whether it came to the end that was asked for.
    """

    run_id: str
    name: str
    last_epoch: int | None
    finished: bool
    _url: URL
    _row: Mapping[Any, Any] = field(repr=False)

    def check_epoch(self, epoch: int) -> None:
        """Raise `CannotResume` where a training from this epoch on would replace all of the run.

        Args:
            epoch: the first one that the training runs, from 0.

        Raises:
            CannotResume: it is 0, and the run has epochs that were finished.
        """
        if epoch == 0 and self.last_epoch is not None:
            raise CannotResume(
                f"expected an epoch from which run {self.name!r} goes on, whose last recorded one "
                f"is {self.last_epoch} (counted from 0). Received: initial_epoch=0, which would "
                f"replace all of it. Fix: fit(..., initial_epoch={self.last_epoch + 1}) or the "
                "epoch of the checkpoint; without resume=True for a run of its own."
            )

    def take_over(self, epoch: int, run: RunRecord) -> tuple[int, RunRecord]:
        """Make this training the one that records the run, which comes back into sight.

        Args:
            epoch: the first epoch that it runs; what is recorded from there on is removed.
            run: the training as a run of its own would describe it.

        Returns:
            The number of its first step, and the run as it is.

        Raises:
            CannotResume: another training was quicker.
            StoreError: the database cannot be used; nothing was changed.
        """
        with writing(self._url) as connection:
            query = select(runs).where(runs.c.id == self.run_id).with_for_update()
            row = connection.execute(query).mappings().one()
            if row["attempt"] != self._row["attempt"] or present_status(row) == "running":
                raise _running(row)
            step = _first_step(connection, self.run_id, epoch)
            replaced = _remove(connection, self.run_id, epoch)
            resumed = {
                "time": run.started,
                "epoch": epoch,
                "step": step,
                "replaced": replaced,
                "seconds": self._seconds(),
            }
            change_run(
                connection,
                self.run_id,
                status="running",
                archived=None,
                ended=None,
                duration=None,
                heartbeat=time.time(),
                host=run.host,
                pid=run.pid,
                epochs_planned=run.epochs_planned,
                steps_planned=run.steps_planned,
                attempt=row["attempt"] + 1,
                resumes=[*(row["resumes"] or ()), resumed],
                batches=row["batches"] - replaced,
                step=max(0, step - 1),
            )
        names = RunRecord.__slots__
        same = {name: row[name] for name in ("id", "name", "project", "started", "job", "rank")}
        return step, RunRecord(**{name: getattr(run, name) for name in names} | same)

    def header(self, db: str | None, run: RunRecord, outputs: list[OutputRecord]) -> RunHeader:
        """Return what its writer must know, once it was taken over.

        Args:
            db: a SQLAlchemy URL or a path; None for `$LOSSMON_DB`, else `lossmon.db` here.
            run: as `take_over` gave it.
            outputs: of its model.
        """
        return RunHeader(
            db,
            run,
            outputs,
            attempt=self._row["attempt"] + 1,
            dropped=self._row["dropped"],
            seconds=self._seconds(),
            begun=True,
        )

    def _seconds(self) -> float:
        row = self._row
        return row["duration"] or trained_seconds(row, row["heartbeat"])


def find_resumable(
    db: str | os.PathLike[str] | None, run: str, model: Mapping[str, Any], *, rank: int = 0
) -> Resumable:
    """Return a run that a training of a model can go on with.

    What waits of it in a spool of this machine is delivered first.

    Args:
        db: a SQLAlchemy URL or a path; None for the default database.
        run: an id, a name, or a unique prefix of an id.
        model: the model's description, with "class", "parameters" and "layers".
        rank: of a distributed job, the rank that goes on.

    Raises:
        RunNotFound: there is no such run.
        CannotResume: it is still running, is of another model, or has been pruned.
        StoreError: the database cannot be used.
    """
    url = database_url(db)
    sync(db=url.render_as_string(hide_password=False), run=run)
    if is_sqlite(url) and not Path(str(url.database)).exists():
        raise RunNotFound(
            f"expected run {run!r} at {describe(url)}, to resume it. Received: no such file. "
            'Fix: resume="auto", which begins it where it is not there, or name its database with '
            "db=…."
        )
    with opened(url) as engine:
        create_or_check(engine, describe(url))
        with engine.connect() as connection:
            run_id = rank_of_run(connection, resolve_run(connection, run), rank)
            row = connection.execute(select(runs).where(runs.c.id == run_id)).mappings().one()
            last = func.max(epochs.c.epoch)
            ended = connection.execute(select(last).where(epochs.c.run_id == run_id)).scalar()
    if present_status(row) == "running":
        raise _running(row)
    if row["pruned"] is not None:
        raise CannotResume(
            f"expected a run whose batches are there. Received: {row['name']!r}, of which "
            "summaries were kept instead. Fix: leave out resume=True for a run of its own."
        )
    _demand_same_model(row, model)
    return Resumable(run_id, row["name"], ended, row["status"] == "finished", url, row)


def _running(row: Mapping[Any, Any]) -> CannotResume:
    silent = max(0.0, time.time() - row["heartbeat"])
    return CannotResume(
        f"expected a run that has ended. Received: {row['name']!r}, which is being recorded by "
        f"process {row['pid']} on {row['host']} (last sign of life {silent:.0f} s ago). Fix: end "
        "that training first; after a crash of its machine, wait half a minute."
    )


def _demand_same_model(row: Mapping[Any, Any], model: Mapping[str, Any]) -> None:
    stored = row["model"] or {}
    for key, what in _SAME_MODEL.items():
        before, now = stored.get(key), model.get(key)
        if before is not None and now is not None and before != now:
            raise CannotResume(
                f"expected the model of run {row['name']!r}, whose {what} is {before!r}. "
                f"Received: a model whose {what} is {now!r}. Fix: fit the model of that run, or "
                "leave out resume=True for a run of its own."
            )


def _first_step(connection: Connection, run_id: str, epoch: int) -> int:
    before = and_(batches.c.run_id == run_id, batches.c.split == "train", batches.c.epoch < epoch)
    last = connection.execute(select(func.max(batches.c.step)).where(before)).scalar()
    return 0 if last is None else last + 1


def _remove(connection: Connection, run_id: str, epoch: int) -> int:
    """Remove what was recorded from an epoch on; return how many train batches there were."""
    of_run = and_(batches.c.run_id == run_id, batches.c.epoch >= epoch)
    train = and_(of_run, batches.c.split == "train", output_key(batches) == "")
    replaced = connection.execute(select(func.count()).where(train)).scalar_one()
    connection.execute(delete(batches).where(of_run))
    for table, place in (
        (summaries, summaries.c.last_epoch),
        (epochs, epochs.c.epoch),
        (samples, samples.c.epoch),
        (findings, findings.c.epoch),
    ):
        connection.execute(delete(table).where(table.c.run_id == run_id, place >= epoch))
    return replaced
