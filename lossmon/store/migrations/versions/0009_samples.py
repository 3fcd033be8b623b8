"""The samples of validation data one by one, and what their probabilities say of an epoch."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Double, ForeignKey, LargeBinary, Text, text

revision = "0009"
down_revision = "0008"

_OF_EPOCHS = (
    *("nll", "temperature", "scaled_loss", "brier", "brier_reliability", "brier_resolution"),
    *("brier_uncertainty", "worst_share"),
)


def upgrade() -> None:
    """Add the columns, not known of older epochs, and the tables."""
    for name in _OF_EPOCHS:
        op.add_column("epochs", Column(name, Double))
    op.create_table(
        "sample_sets",
        Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        Column("id", Text, nullable=False),
        Column("split", Text, nullable=False),
        Column("output", Text),
        Column("n", BigInteger, nullable=False),
        Column("keyed_by", Text, nullable=False),
        Column("keys", LargeBinary, nullable=False),
        Column("labels", LargeBinary),
        Column("weights", LargeBinary),
    )
    op.create_index("sample_sets_of_run", "sample_sets", ["run_id", "id"], unique=True)
    op.create_table(
        "samples",
        Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        Column("epoch", BigInteger, nullable=False),
        Column("split", Text, nullable=False),
        Column("output", Text),
        Column("n", BigInteger, nullable=False),
        Column("sample_set", Text),
        Column("measures", Text, nullable=False),
        Column("packed", LargeBinary, nullable=False),
    )
    in_order = ["run_id", "split", text("coalesce(output, '')"), "epoch"]
    op.create_index("samples_in_order", "samples", in_order, unique=True)
