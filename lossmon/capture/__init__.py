"""What watches training: the only room that imports keras."""

from __future__ import annotations

from lossmon.capture.check import check
from lossmon.capture.monitor import Monitor

__all__ = ["Monitor", "check"]
