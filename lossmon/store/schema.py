"""The tables, as they are today. How a database gets there is told by `migrations/`.

Plain tables under plain names, for people who write SQL by hand: times are Unix seconds (UTC),
losses are in the unit of their definition, accuracies are shares from 0 to 1, NULL means "not
known". `output` is NULL for the model as a whole. Each column carries its meaning as a comment.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    func,
)

from lossmon.store.nonfinite import decode_json, encode_json

HEAD = "0002"
VERSION_TABLE = "lossmon_version"

metadata = MetaData()


class Document(TypeDecorator[Any]):
    """A JSON document whose floats may be NaN or infinite."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        """Encode on the way in."""
        return encode_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        """Restore on the way out."""
        return decode_json(value)


def _text(name: str, comment: str, *, nullable: bool = True) -> Column[str]:
    return Column(name, Text, nullable=nullable, comment=comment)


def _real(name: str, comment: str, *, nullable: bool = True) -> Column[float]:
    return Column(name, Double, nullable=nullable, comment=comment)


def _integer(name: str, comment: str, *, nullable: bool = True) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable, comment=comment)


def _document(name: str, comment: str) -> Column[Any]:
    return Column(name, Document, comment=comment)


def _run_id() -> Column[str]:
    return Column(
        "run_id",
        Text,
        ForeignKey("runs.id", ondelete="CASCADE"),
        nullable=False,
        comment="the run: runs.id",
    )


def _nonfinite_kinds() -> Column[str]:
    return _text(
        "nonfinite_kinds",
        'values of this row that were not finite and are therefore NULL, as JSON: {"loss": "nan"};'
        " NULL when all were finite",
    )


runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True, comment="12 hexadecimal characters"),
    _text("name", "the user's, or a made-up one; need not be unique", nullable=False),
    _text("project", "what the run belongs to"),
    _text("status", "running, finished or failed, as last written", nullable=False),
    _real("started", "Unix seconds", nullable=False),
    _real("ended", "Unix seconds; NULL while it runs"),
    _real("duration", "seconds; NULL while it runs"),
    _real("heartbeat", "when the process last wrote, Unix seconds", nullable=False),
    _text("host", "host name of the training process", nullable=False),
    _integer("pid", "its process id", nullable=False),
    _integer("epoch", "the epoch it has reached, from 0"),
    _integer("step", "the optimiser step it has reached, from 0"),
    _integer("batches", "train batches recorded", nullable=False),
    _integer("epochs_planned", "epochs asked of fit"),
    _integer("steps_planned", "optimiser steps that makes"),
    _text("verify", "auto, full or off"),
    _integer("revision", "changes.counter when this run last changed", nullable=False),
    _document("tags", "list of the user's tags"),
    _text("notes", "the user's notes"),
    _document("config", "the user's own settings"),
    _document("environment", "versions, backend, device, argv, git commit"),
    _document("model", "name, class, parameters, optimizer"),
    _document("troubles", 'lossmon\'s own troubles: [{"time", "message"}]'),
    Index("runs_by_start", "started"),
    Index("runs_by_name", "name"),
    Index("runs_by_status", "status"),
    comment="one fit call each",
)

changes = Table(
    "changes",
    metadata,
    Column("counter", BigInteger, nullable=False, comment="grows with every change of the record"),
    comment="a single row, by which a live view sees that something is new",
)

outputs = Table(
    "outputs",
    metadata,
    _run_id(),
    _text("name", "the output's name; NULL where the model has one"),
    Column("position", Integer, nullable=False, comment="order among the outputs, from 0"),
    _text("layer", "the layer it comes from"),
    _document("shape", "its shape, with null for the batch axis"),
    _text("dtype", "its dtype"),
    _text("activation", "the activation behind it, where known"),
    _text("loss", "the loss it was resolved to"),
    _document("loss_config", "that loss' arguments"),
    _text("reduction", "how sample losses become one number"),
    Column("loss_custom", Integer, comment="1 where the loss is the user's own"),
    _real("loss_weight", "its share in the total loss"),
    _text("accuracy_metric", "what the printed accuracy is: BinaryAccuracy(threshold=0.5)"),
    _text("accuracy_alias", "the word it was resolved from: accuracy or acc"),
    _text("intended_metric", "the accuracy that was meant, where the printed one is misread"),
    _document("metrics", "every metric of this output, as resolved"),
    Index("outputs_by_run", "run_id", "position", unique=True),
    comment="one output of a model each: its loss and metrics",
)

batches = Table(
    "batches",
    metadata,
    _run_id(),
    _integer("step", "optimiser steps made before; for val the last train step", nullable=False),
    _integer("epoch", "from 0", nullable=False),
    _integer("batch", "index within the epoch, from 0", nullable=False),
    _text("split", "train or val", nullable=False),
    _text("output", "outputs.name; NULL for the model as a whole"),
    _real("time", "Unix seconds", nullable=False),
    _integer("n", "samples"),
    _real("weight", "sum of the sample weights"),
    _real("loss", "the batch's own data loss, by Keras"),
    _real("recomputed_loss", "the same by lossmon, float64"),
    _real("penalty", "sum of model.losses"),
    _real("reported_loss", "as printed: running mean, penalty included"),
    _real("accuracy", "the batch's own accuracy, by Keras"),
    _real("recomputed_accuracy", "the same by lossmon"),
    _real("reported_accuracy", "as printed: running mean"),
    _real("intended_accuracy", "the accuracy that was meant, where it differs"),
    _real("correct", "elements predicted right"),
    _real("judged", "elements judged"),
    _real("confidence", "mean probability of the predicted class"),
    _real("loss_correct", "mean loss over the right elements"),
    _real("loss_wrong", "mean loss over the wrong elements"),
    _real("loss_squares", "sum of squared sample losses"),
    _integer("nonfinite", "elements of the predictions that are NaN or infinite"),
    _real("learning_rate", "the optimiser's, at this step"),
    _real("seconds", "wall time of the step"),
    _text("status", "verified, mismatch or unverified", nullable=False),
    _text("reason", "why it is not verified; NULL where it is"),
    _nonfinite_kinds(),
    Index("batches_in_order", "run_id", "split", "output", "step", "epoch", "batch"),
    comment="one batch of one output each",
)

epochs = Table(
    "epochs",
    metadata,
    _run_id(),
    _integer("epoch", "from 0", nullable=False),
    _text("split", "train or val", nullable=False),
    _text("output", "outputs.name; NULL for the model as a whole"),
    _real("time", "Unix seconds", nullable=False),
    _integer("step", "the epoch's last train step", nullable=False),
    _integer("batches", "batches seen"),
    _integer("n", "samples"),
    _real("weight", "sum of the sample weights"),
    _real("reported_loss", "what Keras printed, penalty included"),
    _real("loss", "the epoch's own data loss, by Keras"),
    _real("recomputed_loss", "the same by lossmon, float64"),
    _real("penalty", "sum of model.losses, mean over the epoch"),
    _real("loss_gap", "reported - recomputed, penalty counted on both sides"),
    _real("reported_accuracy", "what Keras printed"),
    _real("accuracy", "the epoch's own accuracy, by Keras"),
    _real("recomputed_accuracy", "the same by lossmon"),
    _real("intended_accuracy", "the accuracy that was meant, where it differs"),
    _real("accuracy_gap", "reported - recomputed"),
    _real("correct", "elements predicted right"),
    _real("judged", "elements judged"),
    _real("confidence", "mean probability of the predicted class"),
    _real("calibration_gap", "mean confidence - share predicted right"),
    _real("expected_calibration_error", "over 15 equal-width bins"),
    _real("loss_correct", "mean loss over the right elements"),
    _real("loss_wrong", "mean loss over the wrong elements"),
    _real("loss_squares", "sum of squared sample losses"),
    _integer("nonfinite", "elements of the predictions that are NaN or infinite"),
    _real("learning_rate", "the optimiser's, at the end"),
    _real("seconds", "wall time"),
    _real("coverage", "share of the samples that were recomputed, 0 to 1"),
    _text("status", "verified, mismatch or unverified", nullable=False),
    _text("reason", "why it is not verified; NULL where it is"),
    _nonfinite_kinds(),
    _document("reliability", 'non-empty bins: [{"low","high","count","confidence","accuracy"}]'),
    _document("class_counts", '[{"label", "count", "predicted", "correct"}]'),
    _document("reported", "every key of the logs as Keras printed it"),
    _real("audited_loss", "of the whole training set, weights held still, penalty included"),
    _real("audited_accuracy", "of the whole training set, weights held still"),
    _document("reconciliation", "sentences: why printed numbers are not what one may expect"),
    _document(
        "metrics",
        'the other metrics: [{"key", "label", "reported", "recomputed", "status", "reason"}]',
    ),
    comment="one epoch of one split and output each",
)
Index(
    "epochs_in_order",
    epochs.c.run_id,
    epochs.c.epoch,
    epochs.c.split,
    func.coalesce(epochs.c.output, ""),
    unique=True,
)

findings = Table(
    "findings",
    metadata,
    _run_id(),
    _text("code", "stable code: LM301", nullable=False),
    _text("rule", "stable name: accuracy-with-regression", nullable=False),
    _text("severity", "error, warning or info", nullable=False),
    _text("output", "outputs.name; NULL for the model as a whole"),
    _text("message", "what is wrong", nullable=False),
    _text("fix", "code that mends it", nullable=False),
    _document("evidence", "the values that prove it"),
    _integer("epoch", "when it was first seen; NULL before training"),
    _integer("step", "when it was first seen; NULL before training"),
    _real("time", "when it was first seen, Unix seconds", nullable=False),
    comment="what the rules found: one row a run, rule and output",
)
Index(
    "findings_by_run",
    findings.c.run_id,
    findings.c.code,
    func.coalesce(findings.c.output, ""),
    unique=True,
)
