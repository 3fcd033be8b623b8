"""Faults that may be put into any right head of some kind, and the rule that names each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import losses, metrics

from tests.rules.drawn_heads import Head

SPARSE = "sparse_categorical_crossentropy"
ROWS = "categorical_crossentropy"
BINARY = "binary_crossentropy"


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes:
        rules: what names it, and nothing else may.
        kinds: the heads that it can be put into.
        inject: makes the faulty head.
        on_classes: the fewest units that it takes.
        trains: whether Keras lets it train.
    """

    rules: frozenset[str]
    kinds: tuple[str, ...]
    inject: Callable[[Head], Head]
    on_classes: int = 1
    trains: bool = True

    def fits(self, head: Head) -> bool:
        """Whether it can be put into a head."""
        return head.kind in self.kinds and head.units >= self.on_classes


def _ids(head: Head) -> Any:
    """The class ids of a head's labels, one a prediction."""
    labels = np.asarray(head.labels)
    return labels[..., 0] if labels.shape[-1] == 1 and labels.ndim > 1 else labels


def _ids_for_rows(head: Head) -> Head:
    column = _ids(head)[..., None].astype("float32")
    return head.but(loss=ROWS, labels=column, metrics=())


FAULTS: dict[str, Fault] = {
    "no softmax": Fault(
        frozenset({"missing-output-activation"}),
        ("ids", "rows", "soft rows"),
        lambda head: head.but(activation=None),
    ),
    "no sigmoid": Fault(
        frozenset({"missing-output-activation"}),
        ("binary", "several labels"),
        lambda head: head.but(activation=None, metrics=()),
    ),
    "softmax twice": Fault(
        frozenset({"activation-applied-twice"}),
        ("ids, logits", "rows, logits"),
        lambda head: head.but(activation="softmax"),
    ),
    "sigmoid twice": Fault(
        frozenset({"activation-applied-twice"}),
        ("binary, logit", "several labels, logits"),
        lambda head: head.but(activation="sigmoid", metrics=()),
    ),
    "sigmoids for classes": Fault(
        frozenset({"sigmoid-with-categorical-loss"}),
        ("ids", "rows"),
        lambda head: head.but(activation="sigmoid", loss=_class_loss(head), metrics=()),
        on_classes=3,
    ),
    "softmax over one unit": Fault(
        frozenset({"softmax-over-one-unit"}),
        ("binary",),
        lambda head: head.but(activation="softmax", loss=BINARY, metrics=()),
    ),
    "classes on one unit": Fault(
        frozenset({"categorical-loss-on-one-unit"}),
        ("binary",),
        lambda head: head.but(loss=SPARSE, metrics=()),
        trains=False,
    ),
    "classes counted from 1": Fault(
        frozenset({"labels-out-of-range"}),
        ("ids", "ids, logits"),
        lambda head: head.but(labels=np.asarray(head.labels).astype("int32") + 1),
        trains=False,
    ),
    "labels of 0 and 255": Fault(
        frozenset({"labels-out-of-range"}),
        ("binary",),
        lambda head: head.but(labels=np.asarray(head.labels).astype("float32") * 255, metrics=()),
    ),
    "ids for rows": Fault(
        frozenset({"label-encoding-mismatch"}),
        ("ids",),
        _ids_for_rows,
        on_classes=3,
        trains=False,
    ),
    "rows that sum to more": Fault(
        frozenset({"labels-not-a-distribution"}),
        ("rows",),
        lambda head: head.but(loss=ROWS, labels=head.labels * 30, metrics=()),
    ),
    "softmax for several labels": Fault(
        frozenset({"softmax-for-multilabel"}),
        ("several labels",),
        lambda head: head.but(activation="softmax", loss=ROWS, metrics=()),
    ),
    "a yes or no for each class": Fault(
        frozenset({"binary-loss-for-multiclass"}),
        ("rows",),
        lambda head: head.but(activation="sigmoid", loss=BINARY, metrics=()),
    ),
    "quantities for classes": Fault(
        frozenset({"classification-loss-on-continuous-targets"}),
        ("regression",),
        lambda head: head.but(loss=BINARY, labels=head.labels * 3 + 5, metrics=()),
    ),
    "accuracy of quantities": Fault(
        frozenset({"accuracy-with-regression"}),
        ("regression", "bounded regression", "positive regression"),
        lambda head: head.but(metrics=("accuracy",)),
    ),
    "squared errors of classes": Fault(
        frozenset({"regression-loss-for-classification"}),
        ("binary", "rows"),
        lambda head: head.but(loss="mse", metrics=("accuracy",)),
    ),
    "logits cut at a half": Fault(
        frozenset({"accuracy-threshold-on-logits"}),
        ("binary, logit",),
        lambda head: head.but(metrics=("accuracy",)),
    ),
    "logits as probabilities": Fault(
        frozenset({"probability-metric-on-logits"}),
        ("binary, logit", "several labels, logits"),
        lambda head: head.but(metrics=(metrics.Precision(),)),
    ),
    "argmax of several labels": Fault(
        frozenset({"accuracy-alias-mismatch"}),
        ("several labels",),
        lambda head: head.but(metrics=("accuracy",)),
    ),
    "each unit of one class": Fault(
        frozenset({"elementwise-accuracy-inflated"}),
        ("rows",),
        lambda head: head.but(metrics=("binary_accuracy",)),
    ),
    "equal to a probability": Fault(
        frozenset({"exact-match-metric-on-probabilities"}),
        ("binary",),
        lambda head: head.but(metrics=(metrics.Accuracy(),)),
    ),
    "less than none": Fault(
        frozenset({"labels-out-of-range"}),
        ("positive regression",),
        lambda head: head.but(loss=losses.Poisson(), labels=head.labels - 9, metrics=()),
    ),
    "out of reach": Fault(
        frozenset({"output-range-misses-targets"}),
        ("bounded regression",),
        lambda head: head.but(loss="mse", labels=head.labels * 40),
    ),
}


def _class_loss(head: Head) -> str:
    return SPARSE if head.kind == "ids" else ROWS
