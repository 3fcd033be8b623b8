"""Large predictions are taken slice by slice: the same values, in little memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lossmon import recompute
from lossmon.recompute import layout, rows
from lossmon.recompute.definitions import _LOSSES, _METRICS, definition_of
from lossmon.recompute.rounding import Elements
from lossmon.records import LossSpec, MetricSpec
from tests.recompute.batches import Array, softmax

MIB = 2**20
WHOLE_BATCH = {"circle", "ctc"}
SHAPES = [(7, 4), (1, 4), (7, 1), (3, 5, 4), (3, 1, 4), (3, 5, 1), (2, 3, 2, 4), (2, 3, 2, 1)]
SPECS: list[LossSpec | MetricSpec] = [
    *(LossSpec(name) for name in sorted(_LOSSES.keys() - WHOLE_BATCH)),
    *(MetricSpec(name, name) for name in sorted(_METRICS.keys() - WHOLE_BATCH)),
]


def labels_for(name: str, scores: Array, form: str) -> Array:
    rng = np.random.default_rng(1)
    ids = rng.integers(0, scores.shape[-1], scores.shape[:-1])
    if name.startswith("sparse_") or name == "categorical_generalized_cross_entropy":
        return ids[..., None] if form == "column" else ids
    labels = rng.integers(0, 2, scores.shape).astype(np.float32)
    return labels if scores.shape[-1] > 1 or form == "column" else labels[..., 0]


def found_of(spec: LossSpec | MetricSpec, y_true: Array, y_pred: Array) -> Elements | str:
    """The elements, or that Keras' own broadcasting does not allow for these shapes."""
    try:
        with np.errstate(all="ignore"):
            return rows.row_elements(definition_of(spec), y_true, y_pred)
    except ValueError:
        return "shapes do not fit"


@pytest.mark.parametrize("form", ["column", "flat"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{type(spec).__name__}-{spec.name}")
def test_slices_change_nothing(
    spec: LossSpec | MetricSpec, shape: tuple[int, ...], form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = softmax(np.random.default_rng(0).normal(size=shape).astype(np.float32))
    y_true = labels_for(spec.name, scores, form)
    whole = found_of(spec, y_true, scores)

    for module in (layout, rows):
        monkeypatch.setattr(module, "SLICE", 8)
    sliced = found_of(spec, y_true, scores)

    if isinstance(whole, str) or isinstance(sliced, str):
        assert whole == sliced
        return
    for one, other in zip(whole, sliced, strict=True):
        if one is None or other is None:
            assert one is other
        else:
            np.testing.assert_allclose(other, one, rtol=1e-15)
            assert other.shape == one.shape


def test_judgements_are_the_same_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(40, 6)).astype(np.float32)
    ids, bits = rng.integers(0, 6, 40), rng.integers(0, 2, (40, 6))

    def judged() -> list[recompute.Judgement]:
        return [
            recompute.judge(ids, logits, from_logits=True),
            recompute.judge(ids, softmax(logits)),
            recompute.judge(bits, logits, from_logits=True, binary=True),
        ]

    whole = judged()
    monkeypatch.setattr(layout, "SLICE", 16)

    for one, other in zip(whole, judged(), strict=True):
        for side, again in zip(one, other, strict=True):
            np.testing.assert_allclose(again, side, rtol=1e-15)


def peak_of(action: Callable[[], Any]) -> float:
    """MiB that an action allocates beyond its inputs, at most."""
    tracemalloc.start()
    action()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / MIB


def test_a_language_model_head_needs_little_memory() -> None:
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((8, 64, 8192), np.float32)
    logits.flags.writeable = False  # as tensors of TensorFlow that are read in place
    ids = rng.integers(0, 8192, (8, 64))
    loss = LossSpec("sparse_categorical_crossentropy", {"from_logits": True})
    accuracy = MetricSpec("accuracy", "sparse_categorical_accuracy")

    assert peak_of(lambda: recompute.evaluate_loss(loss, ids, logits, mask=ids > 9)) < 3.0
    assert peak_of(lambda: recompute.evaluate_metric(accuracy, ids, logits)) < 3.0
    assert peak_of(lambda: recompute.judge(ids, logits, from_logits=True)) < 3.0
    assert peak_of(lambda: recompute.judge(logits, logits, from_logits=True)) < 3.0


def test_maps_cost_little_more_than_their_losses_and_bounds() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random((4, 256, 256, 1), np.float32)
    labels = (rng.random(scores.shape) < scores).astype(np.float32)
    per_map = scores.size * 8 / MIB

    assert peak_of(
        lambda: recompute.evaluate_loss(LossSpec("binary_crossentropy"), labels, scores)
    ) < (2.0 * per_map + 8.0)
    assert peak_of(
        lambda: recompute.evaluate_metric(MetricSpec("a", "binary_accuracy"), labels, scores)
    ) < (1.5 * per_map + 3.0)
