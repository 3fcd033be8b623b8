"""Programs whose labels or metrics do not fit, each with the rules that must be named."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import layers, losses, metrics, ops

from tests.rules.zoo.correct_structures import heads, listed
from tests.rules.zoo.making import (
    ACC,
    BINARY,
    ROWS,
    SPARSE,
    D,
    Faulty,
    Made,
    N,
    conv,
    dense,
    ids,
    labels,
    mixed,
    net,
    reals,
    rows,
    tokens,
)

OUT, ENCODING, UNIFORM = "labels-out-of-range", "label-encoding-mismatch", "degenerate-labels"
REAL, CUT, SCORES = (
    "accuracy-with-regression",
    "accuracy-threshold-on-logits",
    "probability-metric-on-logits",
)
SURE = "logit-metric-on-probabilities"
EXACT, WORD, INFLATED = (
    "exact-match-metric-on-probabilities",
    "accuracy-alias-mismatch",
    "elementwise-accuracy-inflated",
)


def logits(name: str = "BinaryCrossentropy") -> Any:
    return getattr(losses, name)(from_logits=True)


def stray(value: int) -> np.ndarray:
    found = ids(4)
    found[5] = value
    return found


def holed(values: np.ndarray) -> np.ndarray:
    """The same with a value missing."""
    found = values.astype("float64")
    found[7] = np.nan
    return found


LABELS: Faulty = {
    "one to C": ({OUT}, lambda: Made(dense(6, "softmax"), SPARSE, ACC, ids(6) + 1)),
    "one to C, float": ({OUT}, lambda: Made(dense(6, "softmax"), SPARSE, ACC, ids(6, 1) + 1.0)),
    "one to C, generalised": (
        {OUT},
        lambda: Made(
            dense(6, "softmax"), losses.CategoricalGeneralizedCrossEntropy(), None, ids(6) + 1
        ),
    ),
    "one too many": ({OUT}, lambda: Made(dense(6, "softmax"), SPARSE, ACC, ids(7))),
    "a stray": ({OUT}, lambda: Made(dense(4, "softmax"), SPARSE, None, stray(9))),
    "a negative stray": ({OUT}, lambda: Made(dense(4, "softmax"), SPARSE, None, stray(-1))),
    "void of 255": (
        {OUT},
        lambda: Made(
            conv(4),
            logits("SparseCategoricalCrossentropy"),
            None,
            np.where(ids(5, 6, 6) == 4, 255, ids(5, 6, 6)).astype("uint8"),
        ),
    ),
    "tokens of -100": (
        {OUT},
        lambda: Made(
            tokens(12, "softmax"), SPARSE, None, np.where(ids(3, 7) > 0, -100, ids(12, 7))
        ),
    ),
    "signs, sigmoid": ({OUT}, lambda: Made(dense(1, "sigmoid"), BINARY, None, ids(2) * 2 - 1)),
    "signs, logits": ({OUT}, lambda: Made(dense(1), logits(), None, ids(2) * 2.0 - 1)),
    "three classes": ({OUT}, lambda: Made(dense(1, "sigmoid"), BINARY, None, ids(3))),
    "one and two": ({OUT}, lambda: Made(dense(1, "sigmoid"), BINARY, None, ids(2) + 1)),
    "mask of 255": (
        {OUT},
        lambda: Made(conv(1, "sigmoid"), BINARY, None, (ids(2, 6, 6, 1) * 255).astype("uint8")),
    ),
    "raw pixels": (
        {OUT},
        lambda: Made(conv(3, "sigmoid"), BINARY, None, np.floor(reals(0, 256, 6, 6, 3))),
    ),
    "raw pixels, autoencoder": (
        {OUT},
        lambda: Made(
            net(D(3, "relu"), D(16, "sigmoid"), given=(16,)),
            BINARY,
            None,
            np.floor(reals(0, 256, 16)),
            np.floor(reals(0, 256, 16)),
        ),
    ),
    "margin, three": ({OUT}, lambda: Made(dense(1), "hinge", None, ids(3))),
    "negative counts": ({OUT}, lambda: Made(dense(1), "poisson", None, reals(-4, 9))),
    "negative counts, exponential": (
        {OUT},
        lambda: Made(dense(1, "exponential"), "poisson", ["mae"], reals(-4, 9)),
    ),
    "logarithm of less": (
        {OUT},
        lambda: Made(dense(1), "mean_squared_logarithmic_error", None, reals(-4, 9, 1)),
    ),
    "a gap": ({OUT}, lambda: Made(dense(1), "mse", ["mae"], holed(reals(0, 9)))),
    "a gap, binary": ({OUT}, lambda: Made(dense(1, "sigmoid"), BINARY, ACC, holed(ids(2, 1)))),
    "one of two": (
        {OUT},
        lambda: Made(
            listed((1, None), (4, "softmax")), ["mse", SPARSE], None, [reals(0, 9), ids(4) + 1]
        ),
    ),
    "ids over 255": ({ENCODING}, lambda: Made(dense(10, "softmax"), SPARSE, None, ids(10) / 255)),
    "ids over classes": (
        {ENCODING},
        lambda: Made(dense(10, "softmax"), SPARSE, ACC, ids(10, 1) / 9),
    ),
    "ids, KL": ({ENCODING}, lambda: Made(dense(4, "softmax"), "kl_divergence", None, ids(4, 1))),
    "ids, hinge over classes": (
        {ENCODING},
        lambda: Made(dense(4), "categorical_hinge", None, ids(4, 1)),
    ),
    "ids to a metric of rows": (
        {ENCODING},
        lambda: Made(dense(4, "softmax"), SPARSE, [metrics.CategoricalAccuracy()], ids(4, 1)),
    ),
    "ids to a yes or no": (
        {ENCODING},
        lambda: Made(dense(4, "softmax"), SPARSE, ["binary_accuracy"], ids(4, 1)),
    ),
    "ids to F1": (
        {ENCODING},
        lambda: Made(dense(4, "softmax"), SPARSE, [metrics.F1Score("macro")], ids(4, 1)),
    ),
    "ids to an overlap of rows": (
        {ENCODING},
        lambda: Made(conv(4, "softmax"), SPARSE, [metrics.OneHotMeanIoU(4)], ids(4, 6, 6, 1)),
    ),
    "rows to a metric of ids": (
        {ENCODING},
        lambda: Made(dense(4, "softmax"), ROWS, [metrics.MeanIoU(4, sparse_y_pred=False)], rows(4)),
    ),
    "percentages": (
        {"labels-not-a-distribution"},
        lambda: Made(dense(4, "softmax"), ROWS, None, rows(4) * 100),
    ),
    "halves": (
        {"labels-not-a-distribution"},
        lambda: Made(dense(4), logits("CategoricalCrossentropy"), None, mixed(4) / 2),
    ),
    "rows beyond one": (
        {"labels-not-a-distribution"},
        lambda: Made(dense(4, "softmax"), ROWS, None, reals(0, 1, 4)),
    ),
    "percentages, KL": (
        {"labels-not-a-distribution"},
        lambda: Made(dense(4, "softmax"), "kl_divergence", None, mixed(4) * 100),
    ),
    "ones": ({UNIFORM}, lambda: Made(dense(1, "sigmoid"), BINARY, ACC, np.ones(N))),
    "zeros": ({UNIFORM}, lambda: Made(dense(1, "sigmoid"), BINARY, ACC, np.zeros((N, 1)))),
    "one class": ({UNIFORM}, lambda: Made(dense(4, "softmax"), SPARSE, ACC, np.full(N, 2))),
    "one column": (
        {UNIFORM},
        lambda: Made(dense(4, "softmax"), ROWS, ACC, np.eye(4)[np.full(N, 2)]),
    ),
    "logits, ones": (
        {UNIFORM},
        lambda: Made(dense(1), logits(), [metrics.BinaryAccuracy(threshold=0.0)], np.ones(N)),
    ),
}
ACCURACIES: Faulty = {
    "prices": ({REAL}, lambda: Made(dense(1), "mse", ACC, reals(25, 346))),
    "prices, acc": ({REAL}, lambda: Made(dense(1), "mae", ["mae", "acc"], reals(25, 346, 1))),
    "ages": ({REAL}, lambda: Made(dense(1), "mse", ACC, ids(90))),
    "digits as numbers": ({REAL}, lambda: Made(dense(1), "mse", ACC, ids(10))),
    "many": ({REAL}, lambda: Made(dense(30), "mse", ACC, reals(-1, 1, 30))),
    "within one": ({REAL}, lambda: Made(dense(1, "sigmoid"), "mse", ACC, reals(0, 1))),
    "pixels": ({REAL}, lambda: Made(conv(3, "sigmoid"), BINARY, ACC, reals(0, 1, 6, 6, 3))),
    "frames": ({REAL}, lambda: Made(conv(1, "sigmoid"), "mse", ACC, reals(0, 1, 6, 6, 1))),
    "horizon": (
        {REAL},
        lambda: Made(net(layers.GRU(4), D(14), given=(7, 3)), "huber", ACC, reals(0, 9, 14)),
    ),
    "own loss": (
        {REAL},
        lambda: Made(dense(1), lambda y, p: ops.mean((y - p) ** 2, -1), ACC, reals(25, 346, 1)),
    ),
    "exactly equal": ({REAL}, lambda: Made(dense(1), "mse", [metrics.Accuracy()], reals(25, 346))),
    "one of two": (
        {REAL},
        lambda: Made(
            heads(box=(4, None), kind=(3, "softmax")),
            {"box": "mse", "kind": SPARSE},
            {"box": "accuracy", "kind": "accuracy"},
            {"box": reals(-5, 9, 4), "kind": ids(3)},
        ),
    ),
    "smoothed": ({REAL}, lambda: Made(dense(1, "sigmoid"), BINARY, ACC, ids(2) * 0.9)),
    "logits": ({CUT}, lambda: Made(dense(1), logits(), ACC, ids(2))),
    "logits, column": ({CUT}, lambda: Made(dense(1), logits(), ["binary_accuracy"], ids(2, 1))),
    "logits, several": ({CUT}, lambda: Made(dense(6), logits(), ["binary_accuracy"], labels(6))),
    "logits per pixel": ({CUT}, lambda: Made(conv(1), logits(), ACC, ids(2, 6, 6, 1))),
    "logits, focal": (
        {CUT},
        lambda: Made(dense(1), logits("BinaryFocalCrossentropy"), ACC, ids(2)),
    ),
    "logits, weighted": (
        {CUT},
        lambda: Made(dense(1), logits(), None, ids(2), more={"weighted_metrics": ACC}),
    ),
    "margin": ({CUT}, lambda: Made(dense(1), "hinge", ACC, ids(2))),
    "AUC": ({SCORES}, lambda: Made(dense(1), logits(), ["AUC"], ids(2))),
    "precision and recall": (
        {SCORES},
        lambda: Made(dense(1), logits(), [metrics.Precision(), metrics.Recall()], ids(2)),
    ),
    "AUC of classes": (
        {SCORES},
        lambda: Made(dense(4), logits("CategoricalCrossentropy"), [metrics.AUC()], rows(4)),
    ),
    "recall at precision": (
        {SCORES},
        lambda: Made(dense(1), logits(), [metrics.RecallAtPrecision(0.8)], ids(2)),
    ),
    "overlap": (
        {SCORES},
        lambda: Made(conv(1), logits(), [metrics.BinaryIoU([1])], ids(2, 6, 6, 1)),
    ),
    "cross-entropy": (
        {SCORES},
        lambda: Made(dense(1), logits(), [metrics.BinaryCrossentropy()], ids(2)),
    ),
    "counts": ({SCORES}, lambda: Made(dense(1), logits(), [metrics.TruePositives()], ids(2))),
    "divergence": (
        {SCORES},
        lambda: Made(
            dense(4), logits("CategoricalCrossentropy"), [metrics.KLDivergence()], rows(4)
        ),
    ),
    "accuracy and AUC": ({CUT, SCORES}, lambda: Made(dense(1), logits(), ["acc", "AUC"], ids(2))),
    "the class": ({EXACT}, lambda: Made(dense(1, "sigmoid"), BINARY, [metrics.Accuracy()], ids(2))),
    "the class, rows": (
        {EXACT},
        lambda: Made(dense(4, "softmax"), ROWS, [metrics.Accuracy()], rows(4)),
    ),
    "the class, column": (
        {EXACT},
        lambda: Made(dense(1), logits(), [metrics.Accuracy()], ids(2, 1)),
    ),
    "overlap of a sigmoid": (
        {EXACT},
        lambda: Made(conv(1, "sigmoid"), BINARY, [metrics.MeanIoU(2)], ids(2, 6, 6, 1)),
    ),
    "several": ({WORD}, lambda: Made(dense(6, "sigmoid"), BINARY, ACC, labels(6))),
    "several, logits": ({WORD}, lambda: Made(dense(6), logits(), ACC, labels(6))),
    "several, in time": ({WORD}, lambda: Made(tokens(4, "sigmoid"), BINARY, ACC, labels(4, 7))),
    "several, the class": (
        {WORD},
        lambda: Made(dense(6, "sigmoid"), BINARY, [metrics.CategoricalAccuracy()], labels(6)),
    ),
    "flat output": (
        {WORD},
        lambda: Made(net(D(1, "sigmoid"), layers.Reshape(())), BINARY, ACC, ids(2)),
    ),
    "signs": ({WORD}, lambda: Made(dense(1, "tanh"), "hinge", ACC, ids(2) * 2 - 1)),
    "argmax of one": (
        {WORD},
        lambda: Made(dense(1, "sigmoid"), BINARY, ["categorical_accuracy"], ids(2, 1)),
    ),
    "argmax of one, ids": (
        {WORD},
        lambda: Made(dense(1, "sigmoid"), BINARY, ["sparse_categorical_accuracy"], ids(2)),
    ),
    "per unit": (
        {INFLATED},
        lambda: Made(dense(10, "softmax"), ROWS, ["binary_accuracy"], rows(10)),
    ),
    "per unit, logits": (
        {INFLATED},
        lambda: Made(
            dense(10),
            logits("CategoricalCrossentropy"),
            [metrics.BinaryAccuracy(threshold=0.0)],
            rows(10),
        ),
    ),
    "per pixel": (
        {INFLATED},
        lambda: Made(conv(4, "softmax"), ROWS, ["binary_accuracy"], rows(4, 6, 6)),
    ),
    "per unit, two losses": (
        {INFLATED, "binary-loss-for-multiclass"},
        lambda: Made(dense(10, "sigmoid"), BINARY, ["binary_accuracy"], rows(10)),
    ),
    "per unit, mixup": (
        {INFLATED},
        lambda: Made(dense(10, "softmax"), ROWS, ["binary_accuracy"], mixed(10)),
    ),
    "cut at 0": (
        {SURE},
        lambda: Made(dense(1, "sigmoid"), BINARY, [metrics.BinaryAccuracy(threshold=0.0)], ids(2)),
    ),
    "cut at 0, precision and recall": (
        {SURE},
        lambda: Made(
            dense(1, "sigmoid"),
            BINARY,
            ["accuracy", metrics.Precision(thresholds=0), metrics.Recall(thresholds=[0.0])],
            ids(2),
        ),
    ),
    "cut at 1, several": (
        {SURE},
        lambda: Made(
            dense(6, "sigmoid"), BINARY, [metrics.F1Score("micro", threshold=1.0)], labels(6)
        ),
    ),
    "cut at 0 per pixel": (
        {SURE},
        lambda: Made(
            conv(1, "sigmoid"), BINARY, [metrics.BinaryIoU([1], threshold=0.0)], ids(2, 6, 6, 1)
        ),
    ),
    "AUC told of logits": (
        {SURE},
        lambda: Made(dense(1, "sigmoid"), BINARY, [metrics.AUC(from_logits=True)], ids(2)),
    ),
    "cross-entropy told of logits": (
        {SURE},
        lambda: Made(
            dense(4, "softmax"),
            SPARSE,
            ["accuracy", metrics.SparseCategoricalCrossentropy(from_logits=True)],
            ids(4),
        ),
    ),
}
