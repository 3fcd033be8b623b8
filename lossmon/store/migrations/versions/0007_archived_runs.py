"""Runs can be put out of sight."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Double

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the column, by which all runs are in sight."""
    op.add_column("runs", Column("archived", Double))
