"""What tells a live view that there is more to read again than further batches."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the columns; what happened before is no news."""
    for table in ("runs", "changes"):
        op.add_column(table, Column("news", BigInteger, nullable=False, server_default="0"))
