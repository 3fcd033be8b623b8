"""The tables, as they are today. How a database gets there is told by `migrations/`.

Plain tables under plain names, for people who write SQL by hand: times are Unix seconds (UTC),
losses are in the unit of their definition, accuracies are shares from 0 to 1, NULL means "not
known". `output` is NULL for the model as a whole. Each column carries its meaning as a comment.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
)

from lossmon.store.columns import (
    blob_column,
    counter_column,
    document_column,
    integer_column,
    kinds_column,
    output_key,
    real_column,
    run_id_column,
    text_column,
)

HEAD = "0012"
VERSION_TABLE = "lossmon_version"

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True, comment="12 hexadecimal characters"),
    text_column("name", "the user's, or a made-up one; need not be unique", nullable=False),
    text_column("project", "what the run belongs to"),
    text_column("status", "running, finished or failed, as last written", nullable=False),
    real_column("started", "Unix seconds", nullable=False),
    real_column("ended", "Unix seconds; NULL while it runs"),
    real_column("duration", "seconds; NULL while it runs"),
    real_column("heartbeat", "when the process last wrote, Unix seconds", nullable=False),
    text_column("host", "host name of the training process", nullable=False),
    integer_column("pid", "its process id", nullable=False),
    integer_column("epoch", "the epoch it has reached, from 0"),
    integer_column("step", "the optimiser step it has reached, from 0"),
    integer_column("batches", "train batches recorded", nullable=False),
    integer_column("epochs_planned", "epochs asked of fit"),
    integer_column("steps_planned", "optimiser steps that makes"),
    text_column("verify", "auto, full or off"),
    integer_column("revision", "changes.counter when this run last changed", nullable=False),
    document_column("tags", "list of the user's tags"),
    text_column("notes", "the user's notes"),
    document_column("config", "the user's own settings"),
    document_column("environment", "versions, backend, device, argv, git commit"),
    document_column("model", "name, class, parameters, optimizer"),
    document_column("troubles", 'lossmon\'s own troubles: [{"time", "message"}]'),
    real_column(
        "pruned", "when its batches were reduced to summaries, Unix seconds; NULL: not done"
    ),
    document_column("rules", "how the rules were changed, and by what; NULL in older runs"),
    counter_column("attempt", "how often it was resumed"),
    document_column(
        "resumes",
        'each time it was resumed: [{"time", "epoch", "step", "replaced", "seconds"}]: from which '
        "epoch and step on, how many batches it replaced, how long was trained before",
    ),
    counter_column("dropped", "records that could not be kept: the oldest batches first"),
    real_column("archived", "when it was put out of sight, Unix seconds; NULL: it is in sight"),
    text_column("job", "what the ranks of a distributed job have in common; NULL: no such job"),
    integer_column("rank", "the process's rank in it, from 0"),
    integer_column("world_size", "how many ranks it has"),
    counter_column("news", "changes.news when this run last changed in more than its batches"),
    Index("runs_by_start", "started"),
    Index("runs_by_name", "name"),
    Index("runs_by_status", "status"),
    Index("runs_by_job", "job"),
    comment="one fit call each",
)

changes = Table(
    "changes",
    metadata,
    Column("counter", BigInteger, nullable=False, comment="grows with every change of the record"),
    counter_column("news", "grows with every change of more than the batches of a run"),
    comment="a single row, by which a live view sees that something is new",
)

outputs = Table(
    "outputs",
    metadata,
    run_id_column(),
    text_column("name", "the output's name; NULL where the model has one"),
    Column("position", Integer, nullable=False, comment="order among the outputs, from 0"),
    text_column("layer", "the layer it comes from"),
    document_column("shape", "its shape, with null for the batch axis"),
    text_column("dtype", "its dtype"),
    text_column("activation", "the activation behind it, where known"),
    text_column("loss", "the loss it was resolved to"),
    document_column("loss_config", "that loss' arguments"),
    text_column("reduction", "how sample losses become one number"),
    Column("loss_custom", Integer, comment="1 where the loss is the user's own"),
    real_column("loss_weight", "its share in the total loss"),
    text_column("accuracy_metric", "what the printed accuracy is: BinaryAccuracy(threshold=0.5)"),
    text_column("accuracy_alias", "the word it was resolved from: accuracy or acc"),
    text_column("intended_metric", "the accuracy that was meant, where the printed one is misread"),
    document_column("metrics", "every metric of this output, as resolved"),
    Index("outputs_by_run", "run_id", "position", unique=True),
    comment="one output of a model each: its loss and metrics",
)

batches = Table(
    "batches",
    metadata,
    run_id_column(),
    integer_column(
        "step", "optimiser steps made before; for val the last train step", nullable=False
    ),
    integer_column("epoch", "from 0", nullable=False),
    integer_column("batch", "index within the epoch, from 0", nullable=False),
    text_column("split", "train or val", nullable=False),
    text_column("output", "outputs.name; NULL for the model as a whole"),
    real_column("time", "Unix seconds", nullable=False),
    integer_column("n", "samples"),
    real_column("weight", "sum of the sample weights"),
    real_column("loss", "the batch's own data loss, by Keras"),
    real_column("recomputed_loss", "the same by lossmon, float64"),
    real_column("penalty", "sum of model.losses"),
    real_column("reported_loss", "as printed: running mean, penalty included"),
    real_column("accuracy", "the batch's own accuracy, by Keras"),
    real_column("recomputed_accuracy", "the same by lossmon"),
    real_column("reported_accuracy", "as printed: running mean"),
    real_column("intended_accuracy", "the accuracy that was meant, where it differs"),
    real_column("correct", "elements predicted right"),
    real_column("judged", "elements judged"),
    real_column("confidence", "mean probability of the predicted class"),
    real_column("loss_correct", "mean loss over the right elements"),
    real_column("loss_wrong", "mean loss over the wrong elements"),
    real_column("loss_squares", "sum of squared sample losses"),
    integer_column("nonfinite", "elements of the predictions that are NaN or infinite"),
    real_column("learning_rate", "the optimiser's, at this step"),
    real_column("seconds", "wall time of the step"),
    text_column("status", "verified, mismatch or unverified", nullable=False),
    text_column(
        "reason",
        "why it is not verified, NULL where it is; off: verify='off'; not sampled: what "
        "verify='auto' left out",
    ),
    kinds_column(),
    comment="one batch of one output each",
)
Index(
    "batches_in_order",
    batches.c.run_id,
    batches.c.split,
    output_key(batches),
    batches.c.step,
    batches.c.epoch,
    batches.c.batch,
    unique=True,
)

summaries = Table(
    "summaries",
    metadata,
    run_id_column(),
    text_column("split", "train or val", nullable=False),
    text_column("output", "outputs.name; NULL for the model as a whole"),
    integer_column("rows", "batches in each bucket of this size: 64, 512, 4096, …", nullable=False),
    integer_column("bucket", "number among the buckets of this size, from 0", nullable=False),
    integer_column("first_step", "where its first batch is", nullable=False),
    integer_column("first_epoch", "where its first batch is", nullable=False),
    integer_column("first_batch", "where its first batch is", nullable=False),
    integer_column("last_step", "where its last batch is", nullable=False),
    integer_column("last_epoch", "where its last batch is", nullable=False),
    integer_column("last_batch", "where its last batch is", nullable=False),
    text_column(
        "measures", "the columns of `batches` that are summed up, by commas", nullable=False
    ),
    blob_column(
        "packed",
        "for each measure counts, mean, ends and extremes: lossmon.store.buckets.MEASURE, deflated "
        "(zlib) where that is shorter",
    ),
    comment="what charts of long runs read instead of batches",
)
Index(
    "summaries_in_order",
    summaries.c.run_id,
    summaries.c.split,
    output_key(summaries),
    summaries.c.rows,
    summaries.c.bucket,
    unique=True,
)
Index(
    "summaries_by_step",
    summaries.c.run_id,
    summaries.c.split,
    output_key(summaries),
    summaries.c.rows,
    summaries.c.first_step,
)

epochs = Table(
    "epochs",
    metadata,
    run_id_column(),
    integer_column("epoch", "from 0", nullable=False),
    text_column("split", "train or val", nullable=False),
    text_column("output", "outputs.name; NULL for the model as a whole"),
    real_column("time", "Unix seconds", nullable=False),
    integer_column("step", "the epoch's last train step", nullable=False),
    integer_column("batches", "batches seen"),
    integer_column("n", "samples"),
    real_column("weight", "sum of the sample weights"),
    real_column("reported_loss", "what Keras printed, penalty included"),
    real_column("loss", "the epoch's own data loss, by Keras"),
    real_column("recomputed_loss", "the same by lossmon, float64"),
    real_column("penalty", "sum of model.losses, mean over the epoch"),
    real_column("loss_gap", "reported - recomputed, penalty counted on both sides"),
    real_column("reported_accuracy", "what Keras printed"),
    real_column("accuracy", "the epoch's own accuracy, by Keras"),
    real_column("recomputed_accuracy", "the same by lossmon"),
    real_column("intended_accuracy", "the accuracy that was meant, where it differs"),
    real_column("accuracy_gap", "reported - recomputed"),
    real_column("correct", "elements predicted right"),
    real_column("judged", "elements judged"),
    real_column("confidence", "mean probability of the predicted class"),
    real_column("calibration_gap", "mean confidence - share predicted right"),
    real_column("expected_calibration_error", "over 15 equal-width bins"),
    real_column("loss_correct", "mean loss over the right elements"),
    real_column("loss_wrong", "mean loss over the wrong elements"),
    real_column("loss_squares", "sum of squared sample losses"),
    integer_column("nonfinite", "elements of the predictions that are NaN or infinite"),
    real_column("learning_rate", "the optimiser's, at the end"),
    real_column("seconds", "wall time"),
    real_column("coverage", "share of the samples that were recomputed, 0 to 1"),
    text_column("status", "verified, mismatch or unverified", nullable=False),
    text_column("reason", "why it is not verified; NULL where it is"),
    kinds_column(),
    document_column(
        "reliability", 'non-empty bins: [{"low","high","count","confidence","accuracy"}]'
    ),
    document_column("class_counts", '[{"label", "count", "predicted", "correct"}]'),
    document_column("reported", "every key of the logs as Keras printed it"),
    real_column("audited_loss", "of the whole training set, weights held still, penalty included"),
    real_column("audited_accuracy", "of the whole training set, weights held still"),
    document_column("reconciliation", "sentences: why printed numbers are not what one may expect"),
    document_column(
        "metrics",
        'the other metrics: [{"key", "label", "reported", "recomputed", "status", "reason"}]',
    ),
    real_column(
        "intended_exact_match", "share of samples all of whose labels are right, where meant"
    ),
    document_column(
        "baselines",
        'of the best constant: {"rows", "majority_accuracy", "majority_class", "label_entropy", '
        '"constant_loss"}',
    ),
    real_column("nll", "mean negative log-likelihood of validation samples, unweighted"),
    real_column("temperature", "the temperature that makes nll least"),
    real_column("scaled_loss", "nll at that temperature"),
    real_column("brier", "Brier score over all classes"),
    real_column("brier_reliability", "its miscalibration, over 15 equal-width bins"),
    real_column("brier_resolution", "what the bins' outcomes differ by"),
    real_column("brier_uncertainty", "variance of the outcomes"),
    real_column("worst_share", "share of the summed losses that the worst 1 % of samples carry"),
    document_column(
        "margins",
        "probability of the true class minus that of the likeliest other one, of validation "
        'samples: {"mean", "right", "wrong", "p05", "p25", "median", "p75", "p95"}',
    ),
    comment="one epoch of one split and output each",
)
Index(
    "epochs_in_order",
    epochs.c.run_id,
    epochs.c.epoch,
    epochs.c.split,
    output_key(epochs),
    unique=True,
)

findings = Table(
    "findings",
    metadata,
    run_id_column(),
    text_column("code", "stable code: LM301", nullable=False),
    text_column("rule", "stable name: accuracy-with-regression", nullable=False),
    text_column("severity", "error, warning or info", nullable=False),
    text_column("output", "outputs.name; NULL for the model as a whole"),
    text_column("message", "what is wrong", nullable=False),
    text_column("fix", "code that mends it", nullable=False),
    document_column("evidence", "the values that prove it"),
    integer_column("epoch", "when it was first seen; NULL before training"),
    integer_column("step", "when it was first seen; NULL before training"),
    real_column("time", "when it was first seen, Unix seconds", nullable=False),
    comment="what the rules found: one row a run, rule and output",
)
Index(
    "findings_by_run",
    findings.c.run_id,
    findings.c.code,
    output_key(findings),
    unique=True,
)

sample_sets = Table(
    "sample_sets",
    metadata,
    run_id_column(),
    text_column("id", "hash of all there is to say of these samples", nullable=False),
    text_column("split", "val", nullable=False),
    text_column("output", "outputs.name; NULL for the only one"),
    integer_column("n", "samples", nullable=False),
    text_column("keyed_by", "inputs, or positions where those are out of reach", nullable=False),
    blob_column("keys", "8 bytes a sample, by which it is recognised in other runs"),
    blob_column("labels", "class ids; NULL where a sample is not of one class", nullable=True),
    blob_column("weights", "sample weights; NULL where all are 1", nullable=True),
    comment="the samples of a validation set, in its order: lossmon.store.sample_packing",
)
Index("sample_sets_of_run", sample_sets.c.run_id, sample_sets.c.id, unique=True)

samples = Table(
    "samples",
    metadata,
    run_id_column(),
    integer_column("epoch", "from 0", nullable=False),
    text_column("split", "val", nullable=False),
    text_column("output", "outputs.name; NULL for the only one"),
    integer_column("n", "samples", nullable=False),
    text_column("sample_set", "sample_sets.id; NULL where the order is not that of the first"),
    text_column("measures", "what there is of each sample, by commas", nullable=False),
    blob_column("packed", "these measures of all samples"),
    comment="one epoch's validation samples one by one: lossmon.store.sample_packing",
)
Index(
    "samples_in_order",
    samples.c.run_id,
    samples.c.split,
    output_key(samples),
    samples.c.epoch,
    unique=True,
)
