"""How the rules of a run were changed."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, Column

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column, which older runs leave unknown."""
    op.add_column("runs", Column("rules", JSON))
