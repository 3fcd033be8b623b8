"""Audits of the training set, reconciliations, and the other metrics of an epoch."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, Column, Double

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns, which older epochs leave unknown."""
    op.add_column("epochs", Column("audited_loss", Double))
    op.add_column("epochs", Column("audited_accuracy", Double))
    op.add_column("epochs", Column("reconciliation", JSON))
    op.add_column("epochs", Column("metrics", JSON))
