"""Divergence explained: what loss and accuracy say of a model, how surely, and where they part.

Plain arrays in, dataclasses out: usable without a database, the dashboard or Keras.
"""

from __future__ import annotations

from lossmon.analysis.causes import Cause
from lossmon.analysis.episodes import Episode, find_episodes
from lossmon.analysis.explanation import Divergence, diverging_epochs, explain_divergence
from lossmon.analysis.history import EPISODE_COLUMNS

__all__ = [
    "EPISODE_COLUMNS",
    "Cause",
    "Divergence",
    "Episode",
    "diverging_epochs",
    "explain_divergence",
    "find_episodes",
]
