"""Programs whose output and loss do not fit, each with the rules that must be named."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import layers, losses, ops

from tests.rules.zoo.correct_classifiers import Subclassed, pair
from tests.rules.zoo.correct_structures import heads
from tests.rules.zoo.making import (
    ACC,
    BINARY,
    ROWS,
    SPARSE,
    D,
    Faulty,
    Made,
    conv,
    dense,
    ids,
    labels,
    net,
    over,
    reals,
    rows,
    tokens,
)

MISSING, TWICE, ONE_UNIT = (
    "missing-output-activation",
    "activation-applied-twice",
    "softmax-over-one-unit",
)
INVALID, RANGE, REGRESSION = (
    "invalid-probability-output",
    "output-range-misses-targets",
    "regression-loss-for-classification",
)


def logits(name: str = "SparseCategoricalCrossentropy", **more: Any) -> Any:
    return getattr(losses, name)(from_logits=True, **more)


def cosine(a: Any, b: Any) -> Any:
    return layers.Dot(1, normalize=True)([a, b])


ACTIVATIONS: Faulty = {
    "scores, ids": ({MISSING}, lambda: Made(dense(4), SPARSE, ACC, ids(4))),
    "scores, rows": ({MISSING}, lambda: Made(dense(4), ROWS, ACC, rows(4))),
    "scores, binary": ({MISSING}, lambda: Made(dense(1), BINARY, ACC, ids(2))),
    "scores, AUC": ({MISSING}, lambda: Made(dense(1), BINARY, ["AUC"], ids(2))),
    "scores, several": ({MISSING}, lambda: Made(dense(6), BINARY, ["binary_accuracy"], labels(6))),
    "scores, focal": (
        {MISSING},
        lambda: Made(dense(1), losses.BinaryFocalCrossentropy(), None, ids(2)),
    ),
    "scores, focal of rows": (
        {MISSING},
        lambda: Made(dense(4), losses.CategoricalFocalCrossentropy(), None, rows(4)),
    ),
    "scores, KL": ({MISSING}, lambda: Made(dense(4), "kl_divergence", None, rows(4))),
    "scores, generalised": (
        {MISSING},
        lambda: Made(dense(4), losses.CategoricalGeneralizedCrossEntropy(), ACC, ids(4)),
    ),
    "scores, dice": (
        {MISSING},
        lambda: Made(conv(1), losses.Dice(), None, ids(2, 6, 6, 1) * 1.0),
    ),
    "scores, tversky": (
        {MISSING},
        lambda: Made(conv(4), losses.Tversky(), None, rows(4, 6, 6)),
    ),
    "scores by word": ({MISSING}, lambda: Made(dense(4), "crossentropy", ACC, ids(4))),
    "scores, two units": ({MISSING}, lambda: Made(dense(2), SPARSE, ACC, ids(2))),
    "scores, mixup": (
        {MISSING},
        lambda: Made(dense(2), ROWS, None, np.stack([reals(0, 1), 1 - reals(0, 1)], -1)),
    ),
    "scores per token": ({MISSING}, lambda: Made(tokens(12), SPARSE, ACC, ids(12, 7))),
    "scores per pixel": ({MISSING}, lambda: Made(conv(1), BINARY, ACC, ids(2, 6, 6, 1))),
    "scores per pixel, classes": ({MISSING}, lambda: Made(conv(4), SPARSE, ACC, ids(4, 6, 6))),
    "scores of pixels": ({MISSING}, lambda: Made(conv(3), BINARY, None, reals(0, 1, 6, 6, 3))),
    "scores, subclassed": (
        {MISSING},
        lambda: Made(Subclassed(4), SPARSE, ACC, ids(4), reals(-1, 1, 5)),
    ),
    "scores, own layer": (
        {MISSING},
        lambda: Made(net(D(4), over(lambda t: 2 * t)), SPARSE, ACC, ids(4)),
    ),
    "scores behind a norm": (
        {MISSING},
        lambda: Made(net(D(4), layers.BatchNormalization()), SPARSE, ACC, ids(4)),
    ),
    "scores by dot product": (
        {MISSING},
        lambda: Made(pair(lambda a, b: layers.Dot(1)([a, b])), BINARY, ACC, ids(2)),
    ),
    "scores of one of two": (
        {MISSING},
        lambda: Made(
            heads(value=(1, None), kind=(4, None)),
            {"value": "mse", "kind": SPARSE},
            {"kind": "accuracy"},
            {"value": reals(0, 9), "kind": ids(4)},
        ),
    ),
    "softmax, connectionist": (
        {TWICE},
        lambda: Made(tokens(5, "softmax"), losses.CTC(), None, ids(4, 3) + 1),
    ),
    "softmax, from logits": ({TWICE}, lambda: Made(dense(4, "softmax"), logits(), ACC, ids(4))),
    "softmax, rows from logits": (
        {TWICE},
        lambda: Made(dense(4, "softmax"), logits("CategoricalCrossentropy"), None, rows(4)),
    ),
    "softmax op, from logits": (
        {TWICE},
        lambda: Made(net(D(4), ops.softmax), logits(), ACC, ids(4)),
    ),
    "hidden softmax, from logits": (
        {TWICE},
        lambda: Made(net(D(4), over(ops.softmax)), logits(), None, ids(4)),
    ),
    "softmax, reshaped": (
        {TWICE},
        lambda: Made(net(D(4, "softmax"), layers.Reshape((4,))), logits(), None, ids(4)),
    ),
    "softmax, subclassed": (
        {TWICE},
        lambda: Made(Subclassed(4, "softmax"), logits(), None, ids(4), reals(-1, 1, 5)),
    ),
    "sigmoid, from logits": (
        {TWICE},
        lambda: Made(dense(1, "sigmoid"), logits("BinaryCrossentropy"), ACC, ids(2)),
    ),
    "hidden sigmoid, from logits": (
        {TWICE},
        lambda: Made(net(D(1), over(ops.sigmoid)), logits("BinaryCrossentropy"), None, ids(2)),
    ),
    "sigmoid, subclassed": (
        {TWICE},
        lambda: Made(
            Subclassed(1, "sigmoid"), logits("BinaryCrossentropy"), None, ids(2), reals(-1, 1, 5)
        ),
    ),
    "sigmoids, from logits": (
        {TWICE},
        lambda: Made(
            dense(6, "sigmoid"), logits("BinaryCrossentropy"), ["binary_accuracy"], labels(6)
        ),
    ),
    "sigmoids, ids from logits": (
        {TWICE},
        lambda: Made(dense(4, "sigmoid"), logits(), None, ids(4)),
    ),
    "sigmoid per pixel": (
        {TWICE},
        lambda: Made(conv(1, "sigmoid"), logits("BinaryCrossentropy"), None, ids(2, 6, 6)),
    ),
    "softmax per pixel": ({TWICE}, lambda: Made(conv(4, "softmax"), logits(), ACC, ids(4, 6, 6))),
    "softmax per token": ({TWICE}, lambda: Made(tokens(12, "softmax"), logits(), ACC, ids(12, 7))),
    "focal, from logits": (
        {TWICE},
        lambda: Made(dense(1, "sigmoid"), logits("BinaryFocalCrossentropy"), None, ids(2)),
    ),
    "sigmoid on sigmoid": (
        {TWICE},
        lambda: Made(net(D(1, "sigmoid"), layers.Activation("sigmoid")), BINARY, ACC, ids(2)),
    ),
    "sigmoid on softmax": (
        {TWICE},
        lambda: Made(net(D(4, "softmax"), ops.sigmoid), BINARY, None, labels(4)),
    ),
    "softmax on softmax": (
        {TWICE},
        lambda: Made(net(D(4, "softmax"), layers.Softmax()), SPARSE, ACC, ids(4)),
    ),
    "softmax on sigmoids": (
        {TWICE},
        lambda: Made(net(D(4, "sigmoid"), layers.Softmax()), SPARSE, ACC, ids(4)),
    ),
    "tanh, binary": ({INVALID}, lambda: Made(dense(1, "tanh"), BINARY, ACC, ids(2))),
    "relu, binary": ({INVALID}, lambda: Made(dense(1, "relu"), BINARY, ACC, np.tile([0, 1], 24))),
    "relu, ids": ({INVALID}, lambda: Made(wide("relu", 7), SPARSE, ACC, ids(7))),
    "gelu, ids": ({INVALID}, lambda: Made(wide("gelu", 7), SPARSE, ACC, ids(7))),
    "elu, rows": ({INVALID}, lambda: Made(wide("elu", 7), ROWS, ACC, rows(7))),
    "softplus, rows": ({INVALID}, lambda: Made(wide("softplus", 7), ROWS, ACC, rows(7))),
    "tanh per pixel": ({INVALID}, lambda: Made(conv(1, "tanh"), BINARY, None, ids(2, 6, 6, 1))),
    "tanh of pixels": (
        {INVALID},
        lambda: Made(conv(3, "tanh"), BINARY, None, reals(0, 1, 6, 6, 3)),
    ),
    "hidden tanh": ({INVALID}, lambda: Made(net(D(1), over(ops.tanh)), BINARY, None, ids(2))),
    "cosine, binary": ({MISSING}, lambda: Made(pair(cosine), BINARY, None, ids(2))),
    "LSTM as head": (
        {INVALID},
        lambda: Made(net(layers.LSTM(4), given=(7, 3)), SPARSE, ACC, ids(4)),
    ),
}


def wide(activation: str, units: int) -> Any:
    """A classifier whose scores surely leave [0, 1]."""
    return net(layers.Rescaling(4.0), layers.Dense(units, activation))


ONE: Faulty = {
    "binary": ({ONE_UNIT}, lambda: Made(dense(1, "softmax"), BINARY, ACC, ids(2))),
    "without metric": ({ONE_UNIT}, lambda: Made(dense(1, "softmax"), BINARY, None, ids(2, 1))),
    "layer": ({ONE_UNIT}, lambda: Made(net(D(1), layers.Softmax()), BINARY, ACC, ids(2))),
    "activation layer": (
        {ONE_UNIT},
        lambda: Made(net(D(1), layers.Activation("softmax")), BINARY, ACC, ids(2)),
    ),
    "op": ({ONE_UNIT}, lambda: Made(net(D(1), ops.softmax), BINARY, ACC, ids(2))),
    "per pixel": ({ONE_UNIT}, lambda: Made(conv(1, "softmax"), BINARY, ACC, ids(2, 6, 6, 1))),
    "per token": ({ONE_UNIT}, lambda: Made(tokens(1, "softmax"), BINARY, ACC, ids(2, 7, 1))),
    "mse": ({ONE_UNIT}, lambda: Made(dense(1, "softmax"), "mse", None, ids(2))),
    "mse, quantities": (
        {ONE_UNIT},
        lambda: Made(dense(1, "softmax"), "mse", ["mae"], reals(10, 90)),
    ),
    "subclassed": (
        {ONE_UNIT},
        lambda: Made(Subclassed(1, "softmax"), BINARY, ACC, ids(2), reals(-1, 1, 5)),
    ),
    "own loss": (
        {ONE_UNIT},
        lambda: Made(dense(1, "softmax"), lambda y, p: ops.mean(p, -1), ACC, ids(2)),
    ),
    "rows over one": (
        {"categorical-loss-on-one-unit"},
        lambda: Made(dense(1, "sigmoid"), ROWS, ACC, ids(2, 1)),
    ),
    "ids over one": (
        {"categorical-loss-on-one-unit"},
        lambda: Made(dense(1, "sigmoid"), SPARSE, ACC, ids(2)),
    ),
    "ids over one, generalised": (
        {"categorical-loss-on-one-unit"},
        lambda: Made(
            dense(1, "sigmoid"), losses.CategoricalGeneralizedCrossEntropy(), None, ids(2)
        ),
    ),
    "scores over one": (
        {"categorical-loss-on-one-unit"},
        lambda: Made(dense(1), ROWS, None, ids(2, 1)),
    ),
    "both": (
        {"categorical-loss-on-one-unit", ONE_UNIT},
        lambda: Made(dense(1, "softmax"), ROWS, ACC, ids(2, 1)),
    ),
}
FAMILIES: Faulty = {
    "sigmoids, rows": (
        {"sigmoid-with-categorical-loss"},
        lambda: Made(dense(4, "sigmoid"), ROWS, ACC, rows(4)),
    ),
    "sigmoids, ids": (
        {"sigmoid-with-categorical-loss"},
        lambda: Made(dense(4, "sigmoid"), SPARSE, ACC, ids(4)),
    ),
    "sigmoids, generalised": (
        {"sigmoid-with-categorical-loss"},
        lambda: Made(
            dense(4, "sigmoid"), losses.CategoricalGeneralizedCrossEntropy(), None, ids(4, 1)
        ),
    ),
    "softmax over the tokens": (
        {"sigmoid-with-categorical-loss"},
        lambda: Made(net(D(5), layers.Softmax(axis=1), given=(7, 3)), SPARSE, ACC, ids(5, 7)),
    ),
    "two sigmoids": (
        {"sigmoid-with-categorical-loss"},
        lambda: Made(dense(2, "sigmoid"), ROWS, ACC, rows(2)),
    ),
    "hidden sigmoids": (
        {"sigmoid-with-categorical-loss"},
        lambda: Made(net(D(4), over(ops.sigmoid)), ROWS, None, rows(4)),
    ),
    "sigmoids per pixel": (
        {"sigmoid-with-categorical-loss"},
        lambda: Made(conv(4, "sigmoid"), SPARSE, ACC, ids(4, 6, 6)),
    ),
    "softmax, several": (
        {"softmax-for-multilabel"},
        lambda: Made(dense(6, "softmax"), ROWS, None, labels(6)),
    ),
    "softmax, several, binary": (
        {"softmax-for-multilabel"},
        lambda: Made(dense(6, "softmax"), BINARY, ["binary_accuracy"], labels(6)),
    ),
    "several from logits": (
        {"softmax-for-multilabel"},
        lambda: Made(dense(6), logits("CategoricalCrossentropy"), None, labels(6)),
    ),
    "hidden softmax, several": (
        {"softmax-for-multilabel", "accuracy-alias-mismatch"},
        lambda: Made(net(D(6), over(ops.softmax)), ROWS, ACC, labels(6)),
    ),
    "binary loss, softmax": (
        {"binary-loss-for-multiclass"},
        lambda: Made(dense(4, "softmax"), BINARY, ACC, rows(4)),
    ),
    "binary loss, sigmoids": (
        {"binary-loss-for-multiclass"},
        lambda: Made(dense(4, "sigmoid"), BINARY, ACC, rows(4)),
    ),
    "binary loss, scores": (
        {"binary-loss-for-multiclass"},
        lambda: Made(dense(4), logits("BinaryCrossentropy"), ACC, rows(4)),
    ),
    "binary loss per pixel": (
        {"binary-loss-for-multiclass"},
        lambda: Made(conv(4, "softmax"), BINARY, ACC, rows(4, 6, 6)),
    ),
    "mse, sigmoid": ({REGRESSION}, lambda: Made(dense(1, "sigmoid"), "mse", ACC, ids(2))),
    "mse, linear": ({REGRESSION}, lambda: Made(dense(1), "mse", ACC, ids(2, 1))),
    "mse, softmax": ({REGRESSION}, lambda: Made(dense(4, "softmax"), "mse", ACC, rows(4))),
    "mae, softmax": ({REGRESSION}, lambda: Made(dense(4, "softmax"), "mae", ["acc"], rows(4))),
    "huber, several": (
        {REGRESSION},
        lambda: Made(dense(6, "sigmoid"), "huber", ["binary_accuracy"], labels(6)),
    ),
}
RANGES: Faulty = {
    "sigmoid": ({RANGE}, lambda: Made(dense(1, "sigmoid"), "mse", ["mae"], reals(10, 90))),
    "hidden sigmoid": (
        {RANGE},
        lambda: Made(net(D(1), over(ops.sigmoid)), "mse", None, reals(0, 9)),
    ),
    "relu": ({RANGE}, lambda: Made(dense(1, "relu"), "mse", None, reals(-5, 9))),
    "relu as layer": ({RANGE}, lambda: Made(net(D(1), layers.ReLU()), "mae", None, reals(-5, 9))),
    "softplus": ({RANGE}, lambda: Made(dense(1, "softplus"), "huber", None, reals(-5, 9, 1))),
    "tanh": ({RANGE}, lambda: Made(dense(1, "tanh"), "mse", None, reals(-3, 3))),
    "tanh of raw pixels": (
        {RANGE},
        lambda: Made(conv(3, "tanh"), "mse", None, np.floor(reals(0, 256, 6, 6, 3))),
    ),
    "softmax": ({RANGE}, lambda: Made(dense(4, "softmax"), "mse", None, reals(-3, 3, 4))),
    "sigmoid of raw pixels": (
        {RANGE},
        lambda: Made(conv(3, "sigmoid"), "mae", None, np.floor(reals(0, 256, 6, 6, 3))),
    ),
    "relu six": ({RANGE}, lambda: Made(dense(1, "relu6"), "mse", None, reals(0, 90))),
    "last state": (
        {RANGE},
        lambda: Made(net(layers.LSTM(1), given=(7, 3)), "mse", None, reals(10, 90)),
    ),
    "one of two": (
        {RANGE},
        lambda: Made(
            heads(age=(1, "sigmoid"), sex=(1, "sigmoid")),
            {"age": "mae", "sex": BINARY},
            {"sex": "accuracy"},
            {"age": reals(1, 90), "sex": ids(2)},
        ),
    ),
    "sigmoid and signs": (
        {RANGE},
        lambda: Made(dense(1, "sigmoid"), "hinge", None, ids(2) * 2 - 1),
    ),
    "relu for logits": (
        {RANGE},
        lambda: Made(dense(1, "relu"), logits("BinaryCrossentropy"), None, ids(2)),
    ),
    "tanh for logits": (
        {RANGE},
        lambda: Made(dense(6, "tanh"), logits("BinaryCrossentropy"), None, labels(6)),
    ),
    "binary loss, quantities": (
        {RANGE, "classification-loss-on-continuous-targets"},
        lambda: Made(dense(1, "sigmoid"), BINARY, ["mae"], reals(0, 100)),
    ),
}
QUANTITIES: Faulty = {
    "binary, scores": (
        {"classification-loss-on-continuous-targets"},
        lambda: Made(dense(1), logits("BinaryCrossentropy"), None, reals(-3, 3)),
    ),
    "ids": (
        {"classification-loss-on-continuous-targets"},
        lambda: Made(dense(10, "softmax"), SPARSE, None, reals(0, 9)),
    ),
    "standardised pixels": (
        {"classification-loss-on-continuous-targets", RANGE},
        lambda: Made(conv(3, "sigmoid"), BINARY, None, reals(-2, 2, 6, 6, 3)),
    ),
    "margin": (
        {"classification-loss-on-continuous-targets"},
        lambda: Made(dense(1), "hinge", None, reals(-9, 30)),
    ),
    "one column for thirty": (
        {"output-target-broadcast"},
        lambda: Made(dense(1), "mse", None, reals(0, 1, 30)),
    ),
    "thirty for one column": (
        {"output-target-broadcast"},
        lambda: Made(dense(30), "mae", None, reals(0, 1, 1)),
    ),
    "every step for the last": (
        {"output-target-broadcast"},
        lambda: Made(
            net(layers.GRU(4, return_sequences=True), D(1), given=(7, 3)), "mse", None, reals(0, 9)
        ),
    ),
    "every step for the last, column": (
        {"output-target-broadcast"},
        lambda: Made(
            net(layers.GRU(4, return_sequences=True), D(1), given=(7, 3)),
            "mse",
            None,
            reals(0, 9, 1),
        ),
    ),
    "logits per step": (
        {"output-target-broadcast"},
        lambda: Made(tokens(1, "sigmoid"), BINARY, None, ids(2, 1)),
    ),
}
