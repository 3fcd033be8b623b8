"""What the best constant answer reaches, and samples whose labels are all right."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, Column, Double

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns, which older epochs leave unknown."""
    op.add_column("epochs", Column("intended_exact_match", Double))
    op.add_column("epochs", Column("baselines", JSON))
