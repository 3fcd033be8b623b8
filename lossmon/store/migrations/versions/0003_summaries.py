"""Summaries of batches at several resolutions; a batch is stored once; runs can be pruned."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Double, ForeignKey, LargeBinary, Text, text

revision = "0003"
down_revision = "0002"

_OUTPUT = "coalesce(output, '')"
_KEY = ("run_id", "split", "output", "step", "epoch", "batch")


def upgrade() -> None:
    """Create the table of summaries, and make the order of the batches unique."""
    op.add_column("runs", Column("pruned", Double))
    _create_summaries()
    if _doubled():
        _drop_doubles()
    op.drop_index("batches_in_order", "batches")
    parts = [text(_OUTPUT) if name == "output" else name for name in _KEY]
    op.create_index("batches_in_order", "batches", parts, unique=True)


def _create_summaries() -> None:
    op.create_table(
        "summaries",
        Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        Column("split", Text, nullable=False),
        Column("output", Text),
        Column("rows", BigInteger, nullable=False),
        Column("bucket", BigInteger, nullable=False),
        Column("first_step", BigInteger, nullable=False),
        Column("first_epoch", BigInteger, nullable=False),
        Column("first_batch", BigInteger, nullable=False),
        Column("last_step", BigInteger, nullable=False),
        Column("last_epoch", BigInteger, nullable=False),
        Column("last_batch", BigInteger, nullable=False),
        Column("measures", Text, nullable=False),
        Column("packed", LargeBinary, nullable=False),
    )
    series = ["run_id", "split", text(_OUTPUT), "rows"]
    op.create_index("summaries_in_order", "summaries", [*series, "bucket"], unique=True)
    op.create_index("summaries_by_step", "summaries", [*series, "first_step"])


def _doubled() -> bool:
    # Grouped in the order of the index, so that nothing is sorted.
    key = ", ".join(_KEY)
    query = f"SELECT 1 FROM batches GROUP BY {key} HAVING count(*) > 1 LIMIT 1"
    return op.get_bind().exec_driver_sql(query).first() is not None


def _drop_doubles() -> None:
    place = "rowid" if op.get_bind().dialect.name == "sqlite" else "ctid"
    op.execute(
        f"DELETE FROM batches WHERE {place} IN (SELECT place FROM (SELECT {place} AS place, "
        f"row_number() OVER (PARTITION BY {', '.join(_KEY)} ORDER BY {place}) AS number "
        "FROM batches) AS numbered WHERE number > 1)"
    )
