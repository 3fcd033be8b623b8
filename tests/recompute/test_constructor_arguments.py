"""Every constructor argument of every built-in loss, at a value that is not its default.

The arguments are read from Keras itself: one that a newer Keras adds fails here until it is named.
Each case takes the way of a compiled program, from a live loss through `loss_spec`.
"""

from __future__ import annotations

import inspect
import itertools
from typing import Any

import keras
import numpy as np
import pytest

from lossmon.capture.specs import loss_spec
from lossmon.recompute import UnknownDefinition, evaluate_loss
from tests.recompute.batches import Array, Batch, sigmoid, softmax

BACKEND: Any = keras.backend.backend()
REDUCTIONS = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None]
SHARED = {"name", "reduction", "dtype"}
ROWS, STEPS, WIDTH = 6, 4, 5

# The kind of batch that each loss is asked about, and values other than the defaults.
LOSSES: dict[str, tuple[str, dict[str, Any]]] = {
    "BinaryCrossentropy": (
        "binary",
        {"from_logits": True, "label_smoothing": 0.2, "axis": 1},
    ),
    "BinaryFocalCrossentropy": (
        "binary",
        {
            "apply_class_balancing": True,
            "alpha": 0.6,
            "gamma": 1.3,
            "from_logits": True,
            "label_smoothing": 0.2,
            "axis": 1,
        },
    ),
    "CTC": ("sequences", {}),
    "CategoricalCrossentropy": (
        "classes",
        {"from_logits": True, "label_smoothing": 0.2, "axis": 1},
    ),
    "CategoricalFocalCrossentropy": (
        "classes",
        {"alpha": 0.6, "gamma": 1.3, "from_logits": True, "label_smoothing": 0.2, "axis": 1},
    ),
    "CategoricalGeneralizedCrossEntropy": ("ids", {"q": 0.8}),
    "CategoricalHinge": ("classes", {}),
    "Circle": ("embeddings", {"gamma": 20.0, "margin": 0.2, "remove_diagonal": False}),
    "CosineSimilarity": ("real", {"axis": 1}),
    "Dice": ("binary", {"axis": [1, 2]}),
    "Hinge": ("binary", {}),
    "Huber": ("real", {"delta": 0.3}),
    "KLDivergence": ("classes", {}),
    "LogCosh": ("real", {}),
    "MeanAbsoluteError": ("real", {}),
    "MeanAbsolutePercentageError": ("real", {}),
    "MeanSquaredError": ("real", {}),
    "MeanSquaredLogarithmicError": ("positive", {}),
    "Poisson": ("positive", {}),
    "SparseCategoricalCrossentropy": (
        "ids",
        {"from_logits": True, "ignore_class": 1, "axis": 1},
    ),
    "SquaredHinge": ("binary", {}),
    "Tversky": ("binary", {"alpha": 0.2, "beta": 0.9, "axis": [1, 2]}),
}
CASES = [
    (name, dict(chosen))
    for name, (_, arguments) in LOSSES.items()
    for size in range(min(len(arguments), 2) + 1)
    for chosen in itertools.combinations(arguments.items(), size)
] + [(name, arguments) for name, (_, arguments) in LOSSES.items() if len(arguments) > 2]


def batch_of(kind: str, config: dict[str, Any], *, weighted: bool, masked: bool) -> Batch:
    """A batch on which the arguments of `config` matter."""
    rng = np.random.default_rng(11)
    scores = rng.normal(size=(ROWS, STEPS, WIDTH)).astype(np.float32)
    axis = int(config.get("axis", -1)) if kind in ("classes", "ids") else -1
    logits = bool(config.get("from_logits"))
    shape: tuple[int, ...] = (ROWS, STEPS)
    y_true: Array = rng.normal(size=scores.shape)
    y_pred: Array = scores
    if kind == "positive":
        y_true, y_pred = np.abs(y_true), np.abs(scores)
    elif kind == "binary":
        y_true = rng.integers(0, 2, scores.shape)
        y_pred = scores if logits else sigmoid(scores)
    elif kind in ("classes", "ids"):
        ids = rng.integers(0, WIDTH, (ROWS, STEPS))
        y_true = ids if kind == "ids" else np.moveaxis(np.eye(WIDTH)[ids], -1, axis)
        y_pred = np.moveaxis(scores if logits else softmax(scores), -1, axis)
    elif kind == "embeddings":
        y_true, shape = rng.integers(0, 2, ROWS), (ROWS,)
        flat = scores[:, 0]
        y_pred = flat / np.linalg.norm(flat, axis=-1, keepdims=True)
    elif kind == "sequences":
        y_true, shape = rng.integers(1, WIDTH, (ROWS, 2)), (ROWS,)
    if config.get("axis") == 1 and kind in ("binary", "real"):
        shape = (ROWS, WIDTH)
    elif config.get("axis") == [1, 2] or kind in ("embeddings", "sequences"):
        shape = (ROWS,)
    weights = rng.gamma(1.0, size=shape).astype(np.float32) if weighted else None
    return Batch(y_true, y_pred, weights, rng.random(shape) < 0.7 if masked else None)


def both(name: str, settings: dict[str, Any], batch: Batch) -> tuple[float, Any]:
    """What Keras says of a batch, and what is recomputed; unreduced losses are shown as a mean."""
    loss = getattr(keras.losses, name)(**settings)
    predictions: Any = keras.ops.convert_to_tensor(batch.y_pred)
    if batch.mask is not None:
        predictions._keras_mask = keras.ops.convert_to_tensor(batch.mask)
    value = loss(batch.y_true, predictions, sample_weight=batch.sample_weight)
    evaluation = evaluate_loss(
        loss_spec(loss),
        batch.y_true,
        batch.y_pred,
        sample_weight=batch.sample_weight,
        mask=batch.mask,
        backend=BACKEND,
    )
    shown: Array = np.asarray(keras.ops.convert_to_numpy(value))
    return float(shown.mean()), evaluation


def test_every_argument_of_every_loss_is_named_at_another_value() -> None:
    classes = {n: c for n, c in vars(keras.losses).items() if inspect.isclass(c) and n != "Loss"}
    arguments = {
        name: {
            parameter.name: parameter.default
            for parameter in list(inspect.signature(kind.__init__).parameters.values())[1:]
            if parameter.name not in SHARED
        }
        for name, kind in classes.items()
    }

    assert {name: set(given) for name, (_, given) in LOSSES.items()} == {
        name: set(defaults) for name, defaults in arguments.items()
    }
    for name, (_, given) in LOSSES.items():
        assert all(value != arguments[name][argument] for argument, value in given.items()), name


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("name", "config"), CASES)
def test_arguments_and_reductions(
    name: str, config: dict[str, Any], weighted: bool, masked: bool
) -> None:
    batch = batch_of(LOSSES[name][0], config, weighted=weighted, masked=masked)
    if name == "SparseCategoricalCrossentropy" and "axis" in config and BACKEND == "tensorflow":
        with pytest.raises(ValueError, match="Only axis=-1"):
            both(name, config, batch)
        return  # Keras itself has no value for it.
    for reduction in REDUCTIONS:
        expected, evaluation = both(name, {**config, "reduction": reduction}, batch)

        assert evaluation.agrees(expected), (reduction, expected, evaluation.value)
        # Cosines have signs and cancel in their sum: nothing relative holds for that.
        if name != "CosineSimilarity":
            assert evaluation.tolerance <= 1e-4 * abs(expected), reduction


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_more_digits_is_recomputed_or_refused(name: str) -> None:
    batch = batch_of(LOSSES[name][0], {}, weighted=False, masked=False)
    if name == "CTC":
        with pytest.raises(UnknownDefinition, match="`ctc` is defined for the dtypes float32"):
            both(name, {"dtype": "float64"}, batch)
        return

    expected, evaluation = both(name, {"dtype": "float64"}, batch)

    assert evaluation.agrees(expected), (expected, evaluation.value, evaluation.tolerance)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_fewer_digits_is_refused(name: str, dtype: str) -> None:
    batch = batch_of(LOSSES[name][0], {}, weighted=False, masked=False)

    with pytest.raises(UnknownDefinition, match=f"Received: dtype='{dtype}'"):
        both(name, {"dtype": dtype}, batch)


# What an argument needs beside it to matter.
COMPANIONS: dict[tuple[str, str], dict[str, Any]] = {
    ("BinaryFocalCrossentropy", "alpha"): {"apply_class_balancing": True},
    ("Circle", "remove_diagonal"): {"gamma": 1.0},
}


@pytest.mark.parametrize(
    ("name", "argument"),
    # An axis lays out the batch itself.
    [(n, a) for n, (_, given) in LOSSES.items() for a in given if a != "axis"],
)
def test_every_argument_changes_the_value(name: str, argument: str) -> None:
    kind, arguments = LOSSES[name]
    others = COMPANIONS.get((name, argument), {})
    config = {**others, argument: arguments[argument]}
    batch = batch_of(kind, config, weighted=False, masked=False)

    changed, _ = both(name, config, batch)
    usual, _ = both(name, others, batch)

    assert changed != usual
