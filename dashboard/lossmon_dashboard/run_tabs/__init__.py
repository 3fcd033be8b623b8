"""The tabs of a run's page, as an explicit list: each has `KEY`, `TITLE`, `content`, `register`.

A tab is made when it is opened and thrown away when another is: what nobody looks at is neither
read nor drawn. Its controls stand at what the address says.
"""

from __future__ import annotations

from lossmon_dashboard.run_tabs import (
    calibration,
    curves,
    divergence,
    samples,
    settings,
    verification,
)
from lossmon_dashboard.run_tabs.opened import OpenedRun

TABS = (curves, divergence, calibration, samples, verification, settings)
USUAL = curves.KEY

__all__ = ["TABS", "USUAL", "OpenedRun"]
