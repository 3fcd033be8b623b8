"""Runs that are resumed, and what of a run had to be dropped."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, BigInteger, Column

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add what tells of resuming and of dropped records to `runs`."""
    op.add_column("runs", Column("attempt", BigInteger, nullable=False, server_default="0"))
    op.add_column("runs", Column("resumes", JSON))
    op.add_column("runs", Column("dropped", BigInteger, nullable=False, server_default="0"))
