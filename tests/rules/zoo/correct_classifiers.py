"""Correct classifiers: one of many, yes or no, several at once."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, losses, metrics

from tests.rules.zoo.making import (
    ACC,
    BINARY,
    ROWS,
    SPARSE,
    D,
    Made,
    N,
    Programs,
    conv,
    dense,
    ids,
    labels,
    mixed,
    net,
    over,
    reals,
    rows,
    tokens,
)

# Types of keras.ops do not know of the values of a backend.
ops: Any = keras.ops


def from_logits(name: str, **more: Any) -> Any:
    return getattr(losses, name)(from_logits=True, **more)


def focal(y_true: Any, y_pred: Any) -> Any:
    y, p = ops.cast(y_true, "float32"), ops.clip(y_pred, 1e-6, 1 - 1e-6)
    return -ops.mean(y * (1 - p) ** 2 * ops.log(p) + (1 - y) * p**2 * ops.log(1 - p), axis=-1)


def soft_f1(y_true: Any, y_pred: Any) -> Any:
    y = ops.cast(y_true, "float32")
    return 1 - 2 * ops.sum(y * y_pred) / (ops.sum(y) + ops.sum(y_pred) + 1e-6)


def nll(y_true: Any, y_pred: Any) -> Any:
    return -ops.sum(ops.cast(y_true, "float32") * y_pred, axis=-1)


def smooth(y: np.ndarray, classes: int) -> np.ndarray:
    return y * 0.9 + 0.1 / classes


def mixture(inputs: Any) -> Any:
    """Softmax experts under a softmax gate."""
    gate = layers.Reshape((2, 1))(D(2, "softmax")(inputs))
    experts = layers.Reshape((2, 4))(layers.Concatenate()([D(4, "softmax")(inputs)] * 2))
    return ops.sum(gate * experts, axis=1)


def cosine_logits(inputs: Any) -> Any:
    return layers.Rescaling(30.0)(layers.UnitNormalization()(D(4)(inputs)))


ONE_OF_MANY: Programs = {
    "ids, mean error": lambda: Made(dense(4, "softmax"), SPARSE, ["accuracy", "mae"], ids(4)),
    "ids in time, connectionist": lambda: Made(tokens(5), keras.losses.CTC(), None, ids(4, 3) + 1),
    "ids": lambda: Made(dense(4, "softmax"), SPARSE, ACC, ids(4)),
    "ids in a column": lambda: Made(dense(4, "softmax"), SPARSE, ACC, ids(4, 1)),
    "ids as float32": lambda: Made(dense(4, "softmax"), SPARSE, ACC, ids(4).astype("float32")),
    "ids as uint8": lambda: Made(dense(4, "softmax"), SPARSE, ACC, ids(4).astype("uint8")),
    "two classes as bool": lambda: Made(dense(2, "softmax"), SPARSE, ACC, ids(2).astype(bool)),
    "two classes, float column": lambda: Made(dense(2, "softmax"), SPARSE, ACC, ids(2, 1) * 1.0),
    "two columns": lambda: Made(dense(2, "softmax"), ROWS, ACC, rows(2)),
    "two logits": lambda: Made(dense(2), from_logits("SparseCategoricalCrossentropy"), ACC, ids(2)),
    "two columns, binary loss": lambda: Made(dense(2, "sigmoid"), BINARY, ACC, rows(2)),
    "logits, ids": lambda: Made(
        dense(5), from_logits("SparseCategoricalCrossentropy"), ACC, ids(5)
    ),
    "logits, rows": lambda: Made(dense(5), from_logits("CategoricalCrossentropy"), ACC, rows(5)),
    "logits, smoothing": lambda: Made(
        dense(5), from_logits("CategoricalCrossentropy", label_smoothing=0.1), ACC, rows(5)
    ),
    "smoothed by hand": lambda: Made(dense(5, "softmax"), ROWS, ACC, smooth(rows(5), 5)),
    "mixup": lambda: Made(dense(5, "softmax"), ROWS, ACC, mixed(5)),
    "mixup in float16": lambda: Made(dense(5, "softmax"), ROWS, ACC, mixed(5).astype("float16")),
    "mixup, KL": lambda: Made(dense(5, "softmax"), "kl_divergence", ACC, mixed(5)),
    "spare units": lambda: Made(dense(128, "softmax"), SPARSE, ACC, ids(10)),
    "crossentropy by word": lambda: Made(dense(4, "softmax"), "crossentropy", ACC, ids(4)),
    "Keras 2 style": lambda: Made(net(D(4), layers.Activation("softmax")), SPARSE, ["acc"], ids(4)),
    "softmax layer": lambda: Made(net(D(4), layers.Softmax()), SPARSE, ACC, ids(4)),
    "softmax op": lambda: Made(net(D(4), ops.softmax), SPARSE, ACC, ids(4)),
    "softmax lambda": lambda: Made(net(D(4), layers.Lambda(ops.softmax)), SPARSE, ACC, ids(4)),
    "softmax by hand": lambda: Made(
        net(D(4), over(lambda t: ops.exp(t) / ops.sum(ops.exp(t), axis=-1, keepdims=True))),
        SPARSE,
        ACC,
        ids(4),
    ),
    "log softmax as logits": lambda: Made(
        net(D(4), ops.log_softmax), from_logits("SparseCategoricalCrossentropy"), ACC, ids(4)
    ),
    "log softmax, own loss": lambda: Made(net(D(4), ops.log_softmax), nll, ACC, rows(4)),
    "temperature": lambda: Made(
        net(D(4), layers.Rescaling(0.5), layers.Softmax()), SPARSE, ACC, ids(4)
    ),
    "cosine logits": lambda: Made(
        net(cosine_logits), from_logits("SparseCategoricalCrossentropy"), ACC, ids(4)
    ),
    "mixture of experts": lambda: Made(net(mixture), SPARSE, ACC, ids(4)),
    "average of softmaxes": lambda: Made(
        net(lambda t: layers.Average()([D(4, "softmax")(t), D(4, "softmax")(t)])),
        ROWS,
        ACC,
        rows(4),
    ),
    "normalised relu": lambda: Made(
        net(D(4, "relu"), lambda t: (t + 0.01) / ops.sum(t + 0.01, axis=-1, keepdims=True)),
        SPARSE,
        ACC,
        ids(4),
    ),
    "softmax after pooling": lambda: Made(
        net(
            layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), layers.Softmax(), given=(6, 6, 3)
        ),
        SPARSE,
        ACC,
        ids(4),
    ),
    "reshape after softmax": lambda: Made(
        net(D(12), layers.Reshape((3, 4)), layers.Softmax(), layers.Reshape((3, 4))),
        SPARSE,
        ACC,
        ids(4, 3),
    ),
    "dropout after softmax": lambda: Made(
        net(D(4, "softmax"), layers.Dropout(0.1)), SPARSE, ACC, ids(4)
    ),
    "focal": lambda: Made(dense(4, "softmax"), losses.CategoricalFocalCrossentropy(), ACC, rows(4)),
    "generalised": lambda: Made(
        dense(4, "softmax"), losses.CategoricalGeneralizedCrossEntropy(q=0.3), ACC, ids(4)
    ),
    "Brier": lambda: Made(dense(4, "softmax"), "mse", ["mae"], rows(4)),
    "hinge over classes": lambda: Made(
        dense(4), "categorical_hinge", ["categorical_accuracy"], rows(4)
    ),
    "hinge per class": lambda: Made(dense(4), "hinge", ["categorical_accuracy"], rows(4)),
    "top five": lambda: Made(
        dense(12, "softmax"), SPARSE, ["accuracy", "sparse_top_k_categorical_accuracy"], ids(12)
    ),
    "top k of rows": lambda: Made(
        dense(12, "softmax"), ROWS, [metrics.TopKCategoricalAccuracy(k=3)], rows(12)
    ),
    "micro averages": lambda: Made(
        dense(4, "softmax"), ROWS, [metrics.AUC(), metrics.Precision(), metrics.Recall()], rows(4)
    ),
    "recall of one class": lambda: Made(
        dense(4, "softmax"), ROWS, [metrics.Recall(class_id=2), metrics.Precision(top_k=1)], rows(4)
    ),
    "macro F1": lambda: Made(
        dense(4, "softmax"), ROWS, [metrics.F1Score(average="macro")], rows(4)
    ),
    "macro F1 on logits": lambda: Made(
        dense(4),
        from_logits("CategoricalCrossentropy"),
        [metrics.F1Score(average="macro")],
        rows(4),
    ),
    "loss as metric, from logits": lambda: Made(
        dense(4),
        from_logits("SparseCategoricalCrossentropy"),
        [metrics.SparseCategoricalCrossentropy(from_logits=True)],
        ids(4),
    ),
    "metric functions": lambda: Made(
        dense(4, "softmax"), ROWS, [metrics.categorical_accuracy, "mse"], rows(4)
    ),
    "class weights": lambda: Made(
        dense(4, "softmax"), SPARSE, ACC, ids(4), weight=1.0 + ids(4) % 2
    ),
    "ignored class": lambda: Made(
        dense(4, "softmax"),
        losses.SparseCategoricalCrossentropy(ignore_class=-1),
        None,
        np.where(ids(8) > 3, -1, ids(8)),
    ),
    "subclassed": lambda: Made(Subclassed(4, "softmax"), SPARSE, ACC, ids(4), x=reals(-1, 1, 5)),
    "subclassed logits": lambda: Made(
        Subclassed(4), from_logits("SparseCategoricalCrossentropy"), ACC, ids(4), x=reals(-1, 1, 5)
    ),
    "half precision": lambda: Made(
        dense(300, "softmax", dtype="mixed_float16"), SPARSE, ACC, ids(40)
    ),
    "candidates beside": lambda: Made(
        matching(), from_logits("CategoricalCrossentropy"), ACC, np.eye(5)[np.zeros(N, int)]
    ),
    "similar codes as logits": lambda: Made(
        net(
            D(3, "relu"),
            layers.UnitNormalization(),
            over(lambda t: ops.matmul(t, ops.abs(ops.ones((3, 4))) / 3)),
        ),
        from_logits("SparseCategoricalCrossentropy"),
        ACC,
        ids(4),
    ),
    "a shy word": lambda: Made(dense(4, "softmax"), SPARSE, ["Accuracy"], ids(4)),
}


class Subclassed(keras.Model):
    """A model without a graph."""

    def __init__(self, units: int, activation: str | None = None) -> None:
        super().__init__()
        self.hidden = D(6, activation="relu")
        self.head = D(units, activation=activation)

    def call(self, inputs: Any) -> Any:
        return self.head(self.hidden(inputs))


def matching() -> Any:
    """Word2vec: the first of five candidates is the right one, in every row."""
    word, context = keras.Input((1,), dtype="int32"), keras.Input((5,), dtype="int32")
    left, right = layers.Embedding(20, 4)(word), layers.Embedding(20, 4)(context)
    return keras.Model([word, context], layers.Flatten()(layers.Dot(axes=2)([right, left])))


def pair(function: Any) -> Any:
    """A twin encoder with what a function makes of both codes."""
    left, right = keras.Input((5,)), keras.Input((5,))
    encoder = D(4)
    return keras.Model([left, right], function(encoder(left), encoder(right)))


def apart(a: Any, b: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(a - b), axis=-1, keepdims=True) + 1e-6)


YES_OR_NO: Programs = {
    "flat labels": lambda: Made(dense(1, "sigmoid"), BINARY, ACC, ids(2)),
    "column": lambda: Made(dense(1, "sigmoid"), BINARY, ACC, ids(2, 1)),
    "bool": lambda: Made(dense(1, "sigmoid"), BINARY, ACC, ids(2).astype(bool)),
    "uint8": lambda: Made(dense(1, "sigmoid"), BINARY, ACC, ids(2).astype("uint8")),
    "float64": lambda: Made(dense(1, "sigmoid"), BINARY, ["acc", "AUC"], ids(2).astype("float64")),
    "logit": lambda: Made(
        dense(1),
        from_logits("BinaryCrossentropy"),
        [metrics.BinaryAccuracy(threshold=0.0)],
        ids(2),
    ),
    "logit, no metric": lambda: Made(dense(1), from_logits("BinaryCrossentropy"), None, ids(2)),
    "relu within, from logits": lambda: Made(
        net(D(3, "relu"), D(1)), from_logits("BinaryCrossentropy"), None, ids(2)
    ),
    "logit, AUC": lambda: Made(
        dense(1), from_logits("BinaryCrossentropy"), [metrics.AUC(from_logits=True)], ids(2)
    ),
    "logit, cut precision": lambda: Made(
        dense(1), from_logits("BinaryCrossentropy"), [metrics.Precision(thresholds=0)], ids(2)
    ),
    "own threshold": lambda: Made(
        dense(1, "sigmoid"), BINARY, [metrics.BinaryAccuracy(threshold=0.7)], ids(2)
    ),
    "many thresholds": lambda: Made(
        dense(1, "sigmoid"), BINARY, [metrics.Precision(thresholds=[0.1, 0.5])], ids(2)
    ),
    "all counts": lambda: Made(
        dense(1, "sigmoid"),
        BINARY,
        [metrics.TruePositives(), metrics.AUC(curve="PR"), metrics.MeanSquaredError(), "recall"],
        ids(2),
    ),
    "rare": lambda: Made(
        dense(1, "sigmoid"),
        BINARY,
        ACC,
        (np.arange(N) == 7) * 1,
        weight=1 + (np.arange(N) == 7) * 40,
    ),
    "hard sigmoid": lambda: Made(dense(1, "hard_sigmoid"), BINARY, ACC, ids(2)),
    "moved tanh": lambda: Made(net(D(1, "tanh"), lambda t: (t + 1) / 2), BINARY, ACC, ids(2)),
    "clipped": lambda: Made(
        net(D(1, "sigmoid"), lambda t: ops.clip(t, 1e-3, 0.999)), BINARY, ACC, ids(2)
    ),
    "noisy or": lambda: Made(
        net(D(3, "sigmoid"), lambda t: 1 - ops.prod(1 - t, axis=-1, keepdims=True)),
        BINARY,
        ACC,
        ids(2),
    ),
    "largest of a bag": lambda: Made(
        net(D(1, "sigmoid"), layers.GlobalMaxPooling1D(), given=(7, 5)), BINARY, ACC, ids(2)
    ),
    "ensemble": lambda: Made(
        net(lambda t: layers.Average()([D(1, "sigmoid")(t), D(1, "sigmoid")(t)])),
        BINARY,
        ACC,
        ids(2),
    ),
    "attended softmax": lambda: Made(
        net(D(3, "softmax"), lambda t: t[:, 1:2]), BINARY, ACC, ids(2)
    ),
    "smoothing in the loss": lambda: Made(
        dense(1, "sigmoid"), losses.BinaryCrossentropy(label_smoothing=0.1), ACC, ids(2)
    ),
    "focal": lambda: Made(dense(1, "sigmoid"), losses.BinaryFocalCrossentropy(), ACC, ids(2)),
    "own focal": lambda: Made(dense(1, "sigmoid"), focal, ACC, ids(2, 1)),
    "one-sided smoothing": lambda: Made(dense(1, "sigmoid"), BINARY, None, ids(2) * 0.9),
    "noisy labels": lambda: Made(
        dense(1, "sigmoid"), BINARY, None, ids(2, 1) + reals(-0.05, 0.05, 1)
    ),
    "soft labels": lambda: Made(dense(1, "sigmoid"), BINARY, ["mae"], reals(0, 1, 1)),
    "margin, signs": lambda: Made(dense(1), "hinge", None, ids(2) * 2 - 1),
    "margin, tanh": lambda: Made(dense(1, "tanh"), "squared_hinge", None, ids(2) * 2 - 1),
    "margin, zeros": lambda: Made(
        dense(1), "hinge", [metrics.BinaryAccuracy(threshold=0.0)], ids(2)
    ),
    "signs, mse": lambda: Made(dense(1, "tanh"), "mse", None, ids(2) * 2 - 1),
    "LSGAN critic": lambda: Made(dense(1), "mse", None, ids(2)),
    "siamese sigmoid": lambda: Made(
        pair(lambda a, b: D(1, "sigmoid")(ops.abs(a - b))), BINARY, ACC, ids(2)
    ),
    "exp of distance": lambda: Made(
        pair(lambda a, b: ops.exp(-apart(a, b))), BINARY, ["binary_accuracy"], ids(2)
    ),
    "one over distance": lambda: Made(
        pair(lambda a, b: 1 / (1 + apart(a, b))), BINARY, ACC, ids(2)
    ),
    "link by dot product": lambda: Made(
        pair(lambda a, b: layers.Dot(1)([a, b])), from_logits("BinaryCrossentropy"), None, ids(2)
    ),
    "flat output": lambda: Made(
        net(D(1, "sigmoid"), layers.Reshape(())), BINARY, ["binary_accuracy"], ids(2)
    ),
    "patch discriminator": lambda: Made(
        conv(1), from_logits("BinaryCrossentropy"), None, ids(2, 6, 6, 1)
    ),
    "own metric called accuracy": lambda: Made(pair(apart), contrastive, [accuracy], ids(2)),
    "generator through a frozen judge": lambda: Made(frozen_judge(), BINARY, ACC, np.ones((N, 1))),
}


def contrastive(y_true: Any, y_pred: Any) -> Any:
    y = ops.cast(ops.reshape(y_true, (-1, 1)), "float32")
    return ops.mean((1 - y) * y_pred**2 + y * ops.maximum(1 - y_pred, 0.0) ** 2, axis=-1)


def accuracy(y_true: Any, y_pred: Any) -> Any:
    return ops.mean(ops.cast(ops.reshape(y_true, (-1, 1)) > 0, "float32") * (y_pred < 0.5))


def frozen_judge() -> Any:
    judge = dense(1, "sigmoid")
    judge.trainable = False
    return net(D(5), judge)


SEVERAL_AT_ONCE: Programs = {
    "sigmoids": lambda: Made(dense(6, "sigmoid"), BINARY, ["binary_accuracy"], labels(6)),
    "integers": lambda: Made(
        dense(6, "sigmoid"), BINARY, ["binary_accuracy"], labels(6).astype(int)
    ),
    "logits": lambda: Made(
        dense(6),
        from_logits("BinaryCrossentropy"),
        [metrics.BinaryAccuracy(threshold=0.0), metrics.AUC(from_logits=True, multi_label=True)],
        labels(6),
    ),
    "AUC": lambda: Made(
        dense(6, "sigmoid"), BINARY, [metrics.AUC(multi_label=True, num_labels=6)], labels(6)
    ),
    "F1": lambda: Made(
        dense(6, "sigmoid"), BINARY, [metrics.F1Score(average="micro", threshold=0.5)], labels(6)
    ),
    "none or one": lambda: Made(dense(4, "sigmoid"), BINARY, ["binary_accuracy"], rows(5)[:, 1:]),
    "soft F1": lambda: Made(dense(6, "sigmoid"), soft_f1, ["binary_accuracy"], labels(6)),
    "ordinal": lambda: Made(
        dense(4, "sigmoid"), BINARY, ["binary_accuracy"], (ids(5)[:, None] > np.arange(4)) * 1
    ),
    "ordinal, mean error": lambda: Made(
        dense(4), from_logits("BinaryCrossentropy"), ["mae"], (ids(5)[:, None] > np.arange(4)) * 1.0
    ),
    "two labels": lambda: Made(dense(2, "sigmoid"), BINARY, ["binary_accuracy"], labels(2)),
    "events in time": lambda: Made(tokens(4, "sigmoid"), BINARY, ["binary_accuracy"], labels(4, 7)),
    "attributes with mse": lambda: Made(dense(6, "sigmoid"), "mse", None, labels(6)),
    "genres, weighted": lambda: Made(
        dense(6, "sigmoid"),
        BINARY,
        [metrics.Precision(), metrics.Recall()],
        labels(6),
        weight=reals(0.2, 2),
    ),
}
