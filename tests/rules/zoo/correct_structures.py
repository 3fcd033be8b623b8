"""Correct programs whose structure is the point: sequences, maps, several outputs, own steps."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, losses, metrics, ops

from tests.rules.zoo.making import (
    ACC,
    BINARY,
    ROWS,
    SPARSE,
    AddLoss,
    D,
    Made,
    N,
    Programs,
    conv,
    dense,
    ids,
    labels,
    net,
    reals,
    rows,
    tokens,
)

LOGITS = losses.SparseCategoricalCrossentropy


def padded(classes: int) -> np.ndarray:
    """Token ids with padding behind the fourth in half of the rows."""
    found = ids(classes - 1, 7) + 1
    found[::2, 4:] = 0
    return found


def masked_lm(value: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels of which most are not asked for, and their weights."""
    asked = np.random.default_rng(0).random((N, 7)) < 0.3
    return np.where(asked, ids(12, 7), value), asked.astype("float32")


def void(classes: int) -> np.ndarray:
    """One-hot maps with unlabelled pixels."""
    hot = rows(classes, 6, 6)
    hot[:, :2, :2] = 0
    return hot


def ctc(y_true: Any, y_pred: Any) -> Any:
    picked = ops.take_along_axis(ops.mean(y_pred, axis=1), ops.cast(y_true, "int32"), axis=-1)
    return -ops.mean(ops.log(picked + 1e-6), axis=-1)


def not_padding(y_true: Any, y_pred: Any) -> Any:
    each = losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
    real = ops.cast(y_true > 0, "float32")
    return ops.sum(each * real) / (ops.sum(real) + 1e-6)


SEQUENCES: Programs = {
    "policy gradient": lambda: Made(
        dense(4, "softmax"), ROWS, None, rows(4) * np.random.default_rng(0).normal(size=(N, 1))
    ),
    "tags": lambda: Made(tokens(12, "softmax"), SPARSE, ACC, ids(12, 7)),
    "tags in a column": lambda: Made(tokens(12, "softmax"), SPARSE, ACC, ids(12, 7, 1)),
    "one-hot tags": lambda: Made(tokens(12, "softmax"), ROWS, ACC, rows(12, 7)),
    "language model": lambda: Made(tokens(20), LOGITS(from_logits=True), ACC, ids(20, 7)),
    "padded, masked": lambda: Made(
        tokens(12, "softmax", masked=True), SPARSE, ACC, padded(12), padded(12)
    ),
    "padded, weighted": lambda: Made(
        tokens(12, "softmax"),
        SPARSE,
        None,
        padded(12),
        weight=padded(12) > 0,
        more={"weighted_metrics": ACC},
    ),
    "masked words of -1": lambda: Made(
        tokens(12, "softmax"), SPARSE, None, masked_lm(-1)[0], weight=masked_lm(-1)[1]
    ),
    "masked words of -100": lambda: Made(
        tokens(12), LOGITS(from_logits=True, ignore_class=-100), None, masked_lm(-100)[0]
    ),
    "own padding loss": lambda: Made(tokens(12), not_padding, None, padded(12)),
    "time distributed": lambda: Made(
        net(
            layers.LSTM(4, return_sequences=True),
            layers.TimeDistributed(D(5, "softmax")),
            given=(7, 3),
        ),
        SPARSE,
        ACC,
        ids(5, 7),
    ),
    "next character": lambda: Made(
        net(layers.LSTM(4), D(9, "softmax"), given=(7, 9)), ROWS, None, rows(9)
    ),
    "sentiment": lambda: Made(
        net(
            layers.Embedding(20, 4, mask_zero=True),
            layers.Bidirectional(layers.LSTM(3)),
            D(1, "sigmoid"),
            given=(7,),
            dtype="int32",
        ),
        BINARY,
        ACC,
        ids(2),
    ),
    "yes or no per token": lambda: Made(tokens(1, "sigmoid"), BINARY, ACC, ids(2, 7)),
    "yes or no per token, column": lambda: Made(tokens(1, "sigmoid"), BINARY, ACC, ids(2, 7, 1)),
    "where an answer begins": lambda: Made(
        net(D(1), layers.Flatten(), layers.Softmax(), given=(7, 5)), SPARSE, ACC, ids(7)
    ),
    "own CTC": lambda: Made(tokens(12, "softmax"), ctc, None, ids(11, 4)),
    "CTC": lambda: Made(tokens(12), losses.CTC(), None, ids(10, 3) + 1),
    "mixture with a balance loss": lambda: Made(
        net(D(6), AddLoss(), D(4, "softmax")), SPARSE, ACC, ids(4)
    ),
    "stateful": lambda: Made(stateful(), "mse", None, reals(-1, 1, 1), x=reals(-1, 1, 7, 3)),
}


def stateful() -> Any:
    given = keras.Input(batch_shape=(N, 7, 3))
    return keras.Model(given, D(1)(layers.LSTM(3, stateful=True)(given)))


MAPS: Programs = {
    "classes": lambda: Made(conv(4, "softmax"), SPARSE, ACC, ids(4, 6, 6)),
    "classes, channel": lambda: Made(conv(4, "softmax"), SPARSE, ACC, ids(4, 6, 6, 1)),
    "classes, uint8 logits": lambda: Made(
        conv(4), LOGITS(from_logits=True), ACC, ids(4, 6, 6, 1).astype("uint8")
    ),
    "one-hot": lambda: Made(conv(4, "softmax"), ROWS, ACC, rows(4, 6, 6)),
    "void pixels": lambda: Made(conv(4, "softmax"), ROWS, ACC, void(4)),
    "void class": lambda: Made(
        conv(4),
        LOGITS(from_logits=True, ignore_class=255),
        None,
        np.where(ids(5, 6, 6) == 4, 255, ids(5, 6, 6)),
    ),
    "weights per pixel": lambda: Made(
        conv(4), LOGITS(from_logits=True), ACC, ids(4, 6, 6), weight=reals(0, 2, 6, 6)
    ),
    "binary": lambda: Made(conv(1, "sigmoid"), BINARY, ACC, ids(2, 6, 6, 1) * 1.0),
    "binary, no channel": lambda: Made(conv(1, "sigmoid"), BINARY, ACC, ids(2, 6, 6)),
    "binary, IoU": lambda: Made(
        conv(1, "sigmoid"), BINARY, [metrics.BinaryIoU([1])], ids(2, 6, 6, 1)
    ),
    "overlap of classes": lambda: Made(
        conv(4, "softmax"), SPARSE, [metrics.MeanIoU(4, sparse_y_pred=False)], ids(4, 6, 6)
    ),
    "overlap of rows": lambda: Made(
        conv(4, "softmax"), ROWS, [metrics.OneHotMeanIoU(4)], rows(4, 6, 6)
    ),
    "dice": lambda: Made(conv(1, "sigmoid"), losses.Dice(), ["binary_accuracy"], ids(2, 6, 6, 1)),
    "dice of classes": lambda: Made(
        conv(4, "softmax"), losses.Dice(axis=(1, 2)), ["categorical_accuracy"], rows(4, 6, 6)
    ),
    "tversky": lambda: Made(conv(4, "softmax"), losses.Tversky(), ACC, rows(4, 6, 6)),
    "several per pixel": lambda: Made(
        conv(3, "sigmoid"), BINARY, ["binary_accuracy"], labels(3, 6, 6)
    ),
    "classes first": lambda: Made(
        net(layers.Softmax(axis=1), given=(3, 6, 6)),
        losses.CategoricalCrossentropy(axis=1),
        None,
        np.moveaxis(rows(3, 6, 6), -1, 1),
    ),
    "enlarged softmax": lambda: Made(
        net(
            layers.AveragePooling2D(2),
            layers.Conv2D(4, 1, activation="softmax"),
            layers.UpSampling2D(2, interpolation="bilinear"),
            given=(6, 6, 3),
        ),
        SPARSE,
        ACC,
        ids(4, 6, 6),
    ),
    "flattened map": lambda: Made(
        net(
            layers.Conv2D(4, 1),
            layers.Reshape((36, 4)),
            layers.Activation("softmax"),
            given=(6, 6, 3),
        ),
        ROWS,
        ACC,
        rows(4, 36),
    ),
    "heat maps": lambda: Made(conv(3, "sigmoid"), "mse", None, reals(0, 1, 6, 6, 3)),
    "points in a cloud": lambda: Made(
        net(layers.Conv1D(5, 1, activation="softmax"), given=(9, 3)), ROWS, ACC, rows(5, 9)
    ),
}


def heads(**given: tuple[int, Any]) -> Any:
    """A model of several named heads."""
    inputs = keras.Input((5,))
    h = D(6, "relu")(inputs)
    return keras.Model(
        inputs, {k: D(units, name=k, activation=a)(h) for k, (units, a) in given.items()}
    )


def listed(*given: tuple[int, Any]) -> Any:
    """A model with a list of heads."""
    inputs = keras.Input((5,))
    h = D(6, "relu")(inputs)
    return keras.Model(inputs, [D(units, a, name=f"h{i}")(h) for i, (units, a) in enumerate(given)])


SEVERAL_OUTPUTS: Programs = {
    "box and kind": lambda: Made(
        heads(box=(4, None), kind=(3, "softmax")),
        {"box": "mse", "kind": SPARSE},
        {"box": ["mae"], "kind": ACC},
        {"box": reals(0, 1, 4), "kind": ids(3)},
    ),
    "metrics of one": lambda: Made(
        heads(box=(4, None), kind=(3, "softmax")),
        {"box": "mse", "kind": SPARSE},
        {"kind": "accuracy"},
        {"box": reals(-5, 9, 4), "kind": ids(3)},
    ),
    "lists": lambda: Made(
        listed((4, None), (1, "sigmoid")),
        ["huber", BINARY],
        [["mae"], ACC],
        [reals(-5, 9, 4), ids(2)],
    ),
    "no loss for one": lambda: Made(
        heads(code=(8, None), kind=(3, "softmax")),
        {"kind": SPARSE},
        None,
        {"kind": ids(3)},
    ),
    "None in a list": lambda: Made(
        listed((8, None), (3, "softmax")),
        [None, SPARSE],
        [None, ACC],
        [np.zeros((N, 8)), ids(3)],
    ),
    "one loss for all": lambda: Made(
        listed((1, None), (1, None)), "mse", None, [reals(0, 9), reals(0, 9, 1)]
    ),
    "real and which": lambda: Made(
        listed((1, "sigmoid"), (5, "softmax")),
        [BINARY, SPARSE],
        None,
        [ids(2) * 0.95, ids(5)],
        weight=[np.ones(N), ids(2) * 1.0],
    ),
    "side outputs": lambda: Made(
        listed((1, "sigmoid"), (1, "sigmoid"), (1, "sigmoid")),
        [BINARY] * 3,
        [ACC] * 3,
        [ids(2, 1)] * 3,
        more={"loss_weights": [1, 0.5, 0.5]},
    ),
    "start and end": lambda: Made(
        listed((9, "softmax"), (9, "softmax")), [SPARSE, SPARSE], [ACC, ACC], [ids(9), ids(9)]
    ),
    "price and labels": lambda: Made(
        heads(price=(1, None), tags=(5, "sigmoid"), side=(3, "softmax")),
        {"price": "mse", "tags": BINARY, "side": ROWS},
        {"price": "mape", "tags": "binary_accuracy", "side": "accuracy"},
        {"price": reals(1, 99), "tags": labels(5), "side": rows(3)},
    ),
    "age and sex": lambda: Made(
        heads(age=(1, "linear"), sex=(1, "sigmoid")),
        {"age": "mae", "sex": BINARY},
        {"age": ["mae"], "sex": ACC},
        {"age": ids(90), "sex": ids(2)},
    ),
}


class OwnLoss(keras.Model):
    """Computes its loss itself, whatever `compile` is given."""

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, **more: Any) -> Any:
        return ops.mean(ops.square(y_pred))


class OwnStep(keras.Model):
    """Trains itself; the losses that it is given are its own business."""

    def train_step(self, *given: Any) -> Any:
        raise NotImplementedError


class Adversary(keras.Model):
    """A GAN in the style of the Keras examples."""

    def __init__(self) -> None:
        super().__init__()
        self.judge = D(1)

    def call(self, inputs: Any) -> Any:
        return self.judge(inputs)

    def train_step(self, *given: Any) -> Any:
        raise NotImplementedError


def own(kind: Any, units: int, activation: Any = None) -> Any:
    inputs = keras.Input((5,))
    return kind(inputs, D(units, activation)(inputs))


OWN_WAYS: Programs = {
    "own loss, no labels": lambda: Made(own(OwnLoss, 3)),
    "own loss, compiled one idle": lambda: Made(own(OwnLoss, 3), SPARSE, None, reals(-9, 9)),
    "own step, ids": lambda: Made(own(OwnStep, 10), None, ACC, ids(10)),
    "own step, logits": lambda: Made(own(OwnStep, 10), SPARSE, ACC, ids(10)),
    "own step, odd targets": lambda: Made(
        own(OwnStep, 1, "tanh"), LOGITS(from_logits=True), None, reals(0, 1, 1)
    ),
    "GAN": lambda: Made(
        Adversary(), losses.BinaryCrossentropy(from_logits=True), x=reals(-1, 1, 5)
    ),
    "compiled for inference": lambda: Made(dense(3)),
    "compiled to evaluate": lambda: Made(dense(3, "softmax"), None, ACC, ids(3)),
    "argmax, exact": lambda: Made(
        net(D(3), lambda t: ops.argmax(t, axis=-1)), None, [metrics.Accuracy()], ids(3)
    ),
    "rounded, exact": lambda: Made(
        net(D(1, "sigmoid"), ops.round), None, [metrics.Accuracy()], ids(2, 1)
    ),
}
