"""Runs know the distributed job that they are a rank of."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns; all runs so far are of no job."""
    op.add_column("runs", Column("job", Text))
    op.add_column("runs", Column("rank", BigInteger))
    op.add_column("runs", Column("world_size", BigInteger))
    op.create_index("runs_by_job", "runs", ["job"])
