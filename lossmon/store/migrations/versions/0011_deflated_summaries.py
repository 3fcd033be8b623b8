"""Summaries are deflated, which an older lossmon cannot read."""

from __future__ import annotations

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Change nothing: summaries that are there are read as they are."""
