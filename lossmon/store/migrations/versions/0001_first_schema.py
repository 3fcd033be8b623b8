"""The first schema."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, Double, ForeignKey, Integer, Text, text

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    _create_runs()
    _create_changes()
    _create_outputs()
    _create_batches()
    _create_epochs()
    _create_findings()
    op.execute("INSERT INTO changes (counter) VALUES (0)")


def _create_runs() -> None:
    op.create_table(
        "runs",
        Column("id", Text, primary_key=True),
        Column("name", Text, nullable=False),
        Column("project", Text),
        Column("status", Text, nullable=False),
        Column("started", Double, nullable=False),
        Column("ended", Double),
        Column("duration", Double),
        Column("heartbeat", Double, nullable=False),
        Column("host", Text, nullable=False),
        Column("pid", BigInteger, nullable=False),
        Column("epoch", BigInteger),
        Column("step", BigInteger),
        Column("batches", BigInteger, nullable=False),
        Column("epochs_planned", BigInteger),
        Column("steps_planned", BigInteger),
        Column("verify", Text),
        Column("revision", BigInteger, nullable=False),
        Column("tags", JSON),
        Column("notes", Text),
        Column("config", JSON),
        Column("environment", JSON),
        Column("model", JSON),
        Column("troubles", JSON),
    )
    op.create_index("runs_by_name", "runs", ["name"])
    op.create_index("runs_by_start", "runs", ["started"])
    op.create_index("runs_by_status", "runs", ["status"])


def _create_changes() -> None:
    op.create_table(
        "changes",
        Column("counter", BigInteger, nullable=False),
    )


def _create_outputs() -> None:
    op.create_table(
        "outputs",
        Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        Column("name", Text),
        Column("position", Integer, nullable=False),
        Column("layer", Text),
        Column("shape", JSON),
        Column("dtype", Text),
        Column("activation", Text),
        Column("loss", Text),
        Column("loss_config", JSON),
        Column("reduction", Text),
        Column("loss_custom", Integer),
        Column("loss_weight", Double),
        Column("accuracy_metric", Text),
        Column("accuracy_alias", Text),
        Column("intended_metric", Text),
        Column("metrics", JSON),
    )
    op.create_index("outputs_by_run", "outputs", ["run_id", "position"], unique=True)


def _create_batches() -> None:
    op.create_table(
        "batches",
        Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        Column("step", BigInteger, nullable=False),
        Column("epoch", BigInteger, nullable=False),
        Column("batch", BigInteger, nullable=False),
        Column("split", Text, nullable=False),
        Column("output", Text),
        Column("time", Double, nullable=False),
        Column("n", BigInteger),
        Column("weight", Double),
        Column("loss", Double),
        Column("recomputed_loss", Double),
        Column("penalty", Double),
        Column("reported_loss", Double),
        Column("accuracy", Double),
        Column("recomputed_accuracy", Double),
        Column("reported_accuracy", Double),
        Column("intended_accuracy", Double),
        Column("correct", Double),
        Column("judged", Double),
        Column("confidence", Double),
        Column("loss_correct", Double),
        Column("loss_wrong", Double),
        Column("loss_squares", Double),
        Column("nonfinite", BigInteger),
        Column("learning_rate", Double),
        Column("seconds", Double),
        Column("status", Text, nullable=False),
        Column("reason", Text),
        Column("nonfinite_kinds", Text),
    )
    op.create_index(
        "batches_in_order", "batches", ["run_id", "split", "output", "step", "epoch", "batch"]
    )


def _create_epochs() -> None:
    op.create_table(
        "epochs",
        Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        Column("epoch", BigInteger, nullable=False),
        Column("split", Text, nullable=False),
        Column("output", Text),
        Column("time", Double, nullable=False),
        Column("step", BigInteger, nullable=False),
        Column("batches", BigInteger),
        Column("n", BigInteger),
        Column("weight", Double),
        Column("reported_loss", Double),
        Column("loss", Double),
        Column("recomputed_loss", Double),
        Column("penalty", Double),
        Column("loss_gap", Double),
        Column("reported_accuracy", Double),
        Column("accuracy", Double),
        Column("recomputed_accuracy", Double),
        Column("intended_accuracy", Double),
        Column("accuracy_gap", Double),
        Column("correct", Double),
        Column("judged", Double),
        Column("confidence", Double),
        Column("calibration_gap", Double),
        Column("expected_calibration_error", Double),
        Column("loss_correct", Double),
        Column("loss_wrong", Double),
        Column("loss_squares", Double),
        Column("nonfinite", BigInteger),
        Column("learning_rate", Double),
        Column("seconds", Double),
        Column("coverage", Double),
        Column("status", Text, nullable=False),
        Column("reason", Text),
        Column("nonfinite_kinds", Text),
        Column("reliability", JSON),
        Column("class_counts", JSON),
        Column("reported", JSON),
    )
    op.create_index(
        "epochs_in_order",
        "epochs",
        ["run_id", "epoch", "split", text("coalesce(output, '')")],
        unique=True,
    )


def _create_findings() -> None:
    op.create_table(
        "findings",
        Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        Column("code", Text, nullable=False),
        Column("rule", Text, nullable=False),
        Column("severity", Text, nullable=False),
        Column("output", Text),
        Column("message", Text, nullable=False),
        Column("fix", Text, nullable=False),
        Column("evidence", JSON),
        Column("epoch", BigInteger),
        Column("step", BigInteger),
        Column("time", Double, nullable=False),
    )
    op.create_index(
        "findings_by_run", "findings", ["run_id", "code", text("coalesce(output, '')")], unique=True
    )
