"""Other trackers, which are shown verified values and findings while a model trains.

`Monitor(also=["mlflow"])` hands on what the database gets of each epoch: `lossmon/loss`,
`lossmon/val_loss`, `lossmon/accuracy` and so on, and the findings as text.
"""

from __future__ import annotations

from lossmon.trackers.opening import NAMES, Also, check_also, open_trackers
from lossmon.trackers.showing import Showing
from lossmon.trackers.tracker import Tracker

__all__ = ["NAMES", "Also", "Showing", "Tracker", "check_also", "open_trackers"]
