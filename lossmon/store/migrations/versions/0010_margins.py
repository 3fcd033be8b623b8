"""By how much the predictions of an epoch are right or wrong."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, Column

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column, which older epochs leave unknown."""
    op.add_column("epochs", Column("margins", JSON))
