"""Weights & Biases: the current run, or one of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lossmon.errors import MissingExtra
from lossmon.records import Finding, RunRecord
from lossmon.trackers.tracker import Shown, as_text, gravest

_EPOCH = "lossmon/epoch"


class WandbTracker:
    """Logs by a step metric of its own: W&B drops what comes for a step that has passed."""

    name = "wandb"

    def __init__(self, run: RunRecord) -> None:
        try:
            import wandb  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtra("wandb", 'Monitor(also=["wandb"])', "wandb") from error
        self._own = wandb.run is None
        begun: Any = wandb.run or wandb.init(project=run.project or "lossmon", name=run.name)
        self._run = begun
        self._run.define_metric("lossmon/*", step_metric=_EPOCH)
        self._run.summary["lossmon/run"] = run.id

    def log(self, shown: Shown) -> None:
        """Log values by epoch."""
        self._run.log({**shown.values, _EPOCH: shown.epoch})

    def tell(self, findings: Sequence[Finding], epoch: int) -> None:
        """Write the findings into the summary of the run."""
        self._run.summary["lossmon/findings"] = as_text(findings)
        self._run.log({**gravest(findings), _EPOCH: epoch})

    def end(self) -> None:
        """End the run if it is lossmon's own."""
        if self._own:
            self._run.finish()
