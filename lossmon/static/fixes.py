"""What mends a `compile` call: the same call as the program has it, but for what is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from lossmon.rules.families import BINARY_LOSSES
from lossmon.rules.metric_code import with_arguments
from lossmon.rules.wording import class_name
from lossmon.static.values import Metric
from lossmon.static.vocabulary import ACCURACY_CLASSES, LOGITS_FIRST, PROBABILITY_CLASSES
from lossmon.static.written import Compiled

_ONE_HOT_ACCURACIES = frozenset({"categorical_accuracy", "top_k_categorical_accuracy"})


def call_for_numbers(compiled: Compiled, accuracies: Sequence[Metric]) -> str:
    """The call for targets that are real numbers: an error in the place of accuracies."""
    written = compiled.written
    codes = {code.strip("\"'") for entries in written.lists.values() for _, code in entries}
    better = None if codes & {"mae", "mean_absolute_error"} else '"mae"'
    return written.changed(instead={metric.key: better for metric in accuracies})


def call_for_classes(compiled: Compiled, accuracies: Sequence[Metric]) -> tuple[str, str]:
    """The call with the cross-entropy that fits the output, and which labels it takes."""
    head = compiled.head
    activation = None if head is None else head.activation
    one_hot = any(metric.name in _ONE_HOT_ACCURACIES for metric in accuracies)
    several = head is not None and (head.units or 0) > 1 and activation != "sigmoid"
    if one_hot:
        fitting, labels = "categorical_crossentropy", "one-hot rows"
    elif several or activation == "softmax":
        fitting, labels = "sparse_categorical_crossentropy", "class ids"
    else:
        fitting, labels = "binary_crossentropy", "labels of 0 and 1"
    return call_with_crossentropy(compiled, fitting), labels


def call_with_crossentropy(compiled: Compiled, fitting: str) -> str:
    """The call with another loss, which takes logits where the output is raw scores."""
    if compiled.head is None or compiled.head.activation != "linear":
        return compiled.written.changed(loss=f'"{fitting}"')
    loss = f"keras.losses.{class_name(fitting)}(from_logits=True)"
    better = on_logits(compiled) if fitting in BINARY_LOSSES else None
    return compiled.written.changed(loss=loss, instead=better)


def call_with_loss(compiled: Compiled, *, from_logits: bool) -> str:
    """The call with a cross-entropy that is told what the output is."""
    title, loss = class_name(compiled.loss_name), compiled.loss
    given = (None if loss is None else loss.code) or f"keras.losses.{title}()"
    positional = ("from_logits",) if title in LOGITS_FIRST else ()
    told = with_arguments(given, positional, from_logits=from_logits)
    scores = from_logits and compiled.loss_name in BINARY_LOSSES
    return compiled.written.changed(loss=told, instead=on_logits(compiled) if scores else None)


def on_logits(compiled: Compiled) -> dict[str, str | None]:
    """By key, code of the accuracies that cut raw scores too high, cutting where they change."""
    cutting = (metric for metric in compiled.metrics if compiled.cuts_between(metric))
    return {metric.key: metric_with(metric, threshold=0.0) for metric in cutting}


def metric_with(metric: Metric, **changes: object) -> str:
    """Code of a metric with other values of some of its arguments, under the same name."""
    titles = {name: title for title, name in (ACCURACY_CLASSES | PROBABILITY_CLASSES).items()}
    anew = f"keras.metrics.{titles.get(metric.name, 'BinaryAccuracy')}(name={metric.key!r})"
    return with_arguments(metric.code or anew, (), **changes)
