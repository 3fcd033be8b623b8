"""Imported runs into the database, with the findings that curves alone allow."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Sequence
from itertools import groupby

from lossmon.errors import RunNotFound, SchemaOutdated, SchemaTooNew, StoreError
from lossmon.exchange.incoming.run import ImportedRun
from lossmon.records import EpochRecord, Finding, OutputRecord, RunRecord
from lossmon.rules import Facts, OutputFacts, RuleSelection, run_rules
from lossmon.store import Ending, Records, RunWriter, open_store, without_passwords

_AT_ONCE = 5000
IMPORTED = "imported"
"""The tag of every imported run."""


def store_run(
    db: str | os.PathLike[str] | None,
    run: ImportedRun,
    *,
    project: str | None = None,
    tags: Sequence[str] = (),
    rules: RuleSelection | None = None,
) -> str | None:
    """Store a run that another program recorded.

    Args:
        db: a SQLAlchemy URL or a path; None for the default database.
        run: the run.
        project: in place of the one that it had.
        tags: in addition to its own and to "imported".
        rules: which rules to ask; None for all.

    Returns:
        Its id; None where the same run was imported from there before.

    Raises:
        StoreError: the database cannot be used.
    """
    run_id = _identity(run)
    if _known(db, run_id):
        return None
    writer = RunWriter.open(db, _record(run, run_id, project, tags), _outputs(run))
    try:
        for start in range(0, len(run.batches), _AT_ONCE):
            writer.write(batches=run.batches[start : start + _AT_ONCE])
        _store_epochs(writer, run.epochs, rules)
        if run.status != "interrupted":
            ending = Ending(run.status, run.ended, run.ended - run.started)
            writer.deliver(Records(ending=ending, time=run.ended))
    finally:
        writer.close()
    return run_id


def _identity(run: ImportedRun) -> str:
    """The same for the same source, so that nothing is stored twice."""
    told = f"{run.program}\n{run.origin}\n{run.name}"
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _known(db: str | os.PathLike[str] | None, run_id: str) -> bool:
    try:
        store = open_store(db)
    except (SchemaOutdated, SchemaTooNew):
        raise
    except StoreError:
        # There is no database yet, or none that can be used, which the writer says.
        return False
    try:
        return store.resolve(run_id) == run_id
    except RunNotFound:
        return False
    finally:
        store.close()


def _record(run: ImportedRun, run_id: str, project: str | None, tags: Sequence[str]) -> RunRecord:
    return RunRecord(
        id=run_id,
        name=run.name,
        project=project or run.project,
        started=run.started,
        host=socket.gethostname(),
        pid=os.getpid(),
        tags=tuple(dict.fromkeys((IMPORTED, *run.tags, *tags))),
        notes=run.notes,
        config=without_passwords(run.config),
        environment={"imported": {"program": run.program, "from": without_passwords(run.origin)}},
        verify="off",
    )


def _outputs(run: ImportedRun) -> list[OutputRecord]:
    names = dict.fromkeys(record.output for record in (*run.epochs, *run.batches))
    return [OutputRecord(name) for name in names if name is not None] or [OutputRecord(None)]


def _store_epochs(
    writer: RunWriter, epochs: Sequence[EpochRecord], rules: RuleSelection | None
) -> None:
    """Store epochs one by one, asking the rules after each as a training would."""
    names = dict.fromkeys(record.output for record in epochs)
    facts = Facts(tuple(OutputFacts(OutputRecord(name)) for name in names))
    ordered = sorted(epochs, key=lambda record: record.epoch)
    standing: dict[tuple[str, str | None], Finding] = {}
    so_far: list[EpochRecord] = []
    for epoch, records in groupby(ordered, key=lambda record: record.epoch):
        new = list(records)
        so_far += new
        found = run_rules(facts.after((), so_far), rules)
        now = {(finding.code, finding.output): finding for finding in found}
        gone = [finding for key, finding in standing.items() if key not in now]
        position = epoch, max(record.step for record in new)
        writer.write(epochs=new, findings=found, withdrawn=gone, position=position)
        standing = now
