"""Trackio: the current run, or one of its own."""

from __future__ import annotations

from collections.abc import Sequence

from lossmon.errors import MissingExtra
from lossmon.records import Finding, RunRecord
from lossmon.trackers.tracker import Shown, gravest


class TrackioTracker:
    """Logs by the run itself: Trackio's current run is known to one context."""

    name = "trackio"

    def __init__(self, run: RunRecord) -> None:
        try:
            import trackio  # noqa: PLC0415
            from trackio.context_vars import current_run  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtra("trackio", 'Monitor(also=["trackio"])', "trackio") from error
        current = current_run.get()
        self._own = current is None
        self._run = current or trackio.init(
            project=run.project or "lossmon", name=run.name, config={**run.config}, embed=False
        )
        self._told: set[tuple[str, str | None]] = set()

    def log(self, shown: Shown) -> None:
        """Log values by epoch."""
        self._run.log({**shown.values}, step=shown.epoch)

    def tell(self, findings: Sequence[Finding], epoch: int) -> None:
        """Raise an alert for each finding that is new."""
        self._run.log(gravest(findings), step=epoch)
        for finding in findings:
            if (key := (finding.code, finding.output)) not in self._told:
                self._told.add(key)
                self._run.alert(f"{finding.code} {finding.rule}", finding.message, step=epoch)

    def end(self) -> None:
        """End the run if it is lossmon's own."""
        if self._own:
            self._run.finish()
