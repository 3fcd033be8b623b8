"""What is recorded of a `fit` call as such."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Any

from lossmon.capture.options import Options
from lossmon.capture.ranks import Rank
from lossmon.records import RunRecord
from lossmon.store import new_run_name

_MOST = 2**63 - 1


def run_record(
    options: Options,
    run_id: str,
    *,
    started: float,
    params: Mapping[str, Any],
    model: Mapping[str, Any],
    rank: Rank | None,
) -> RunRecord:
    """Describe a `fit` call in this process.

    Args:
        options: what the user asked for.
        run_id: its id.
        started: when it began, Unix seconds.
        params: what Keras tells callbacks of it (`epochs`, and `steps` of each).
        model: the description of the model.
        rank: which rank of a distributed job it is; None outside of one.
    """
    epochs, steps = params.get("epochs"), params.get("steps")
    return RunRecord(
        id=run_id,
        name=options.run or new_run_name(),
        project=options.project,
        started=started,
        host=socket.gethostname(),
        pid=os.getpid(),
        tags=options.tags,
        notes=options.notes,
        config=options.config,
        rules=() if options.rules is None else options.rules.changes,
        model=model,
        epochs_planned=_storable(epochs),
        steps_planned=None if steps is None or epochs is None else _storable(steps * epochs),
        verify=options.verify,
        **({} if rank is None else rank._asdict()),
    )


def _storable(number: int | None) -> int | None:
    """Who asks for more epochs than a column can count means "until I stop it"."""
    return None if number is None else min(number, _MOST)
