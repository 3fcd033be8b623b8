"""Every loss and metric that Keras has: what is defined here, and what is not."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import pytest

from lossmon.capture.specs import loss_spec, metric_spec
from lossmon.recompute import has_accumulator, has_loss, has_metric

# These have no definition of their own: they wrap one, or track a number without labels.
BASES = {"Loss", "Metric", "MeanMetricWrapper", "Mean", "Sum"}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "BinaryIoU": {"target_class_ids": [0, 1]},
    "IoU": {"num_classes": 2, "target_class_ids": [0]},
    "MeanIoU": {"num_classes": 2},
    "OneHotIoU": {"num_classes": 2, "target_class_ids": [0]},
    "OneHotMeanIoU": {"num_classes": 2},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
}


def classes_in(module: Any) -> list[str]:
    return sorted(name for name, value in vars(module).items() if inspect.isclass(value))


def test_the_base_classes_are_all_that_is_left_out() -> None:
    assert {*classes_in(keras.losses), *classes_in(keras.metrics)} >= BASES


@pytest.mark.parametrize("name", sorted({*classes_in(keras.losses)} - BASES))
def test_every_loss_is_defined(name: str) -> None:
    spec = loss_spec(getattr(keras.losses, name)())

    assert has_loss(spec.name, custom=spec.custom)


@pytest.mark.parametrize("name", sorted({*classes_in(keras.metrics)} - BASES))
def test_every_metric_is_defined(name: str) -> None:
    metric = getattr(keras.metrics, name)(**ARGUMENTS.get(name, {}))
    spec = metric_spec(metric, name, weighted=False, alias=None)

    assert has_accumulator(spec.name, custom=spec.custom)


@pytest.mark.parametrize(("module", "has"), [(keras.losses, has_loss), (keras.metrics, has_metric)])
def test_every_function_is_defined(module: Any, has: Any) -> None:
    functions = {name for name, value in vars(module).items() if inspect.isfunction(value)}

    assert {
        name for name in functions - {"get", "serialize", "deserialize"} if not has(name)
    } == set()
