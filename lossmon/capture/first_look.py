"""What the first batch shows of a model, before its first step."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import keras
from keras.src.backend import compute_output_spec, get_keras_mask

from lossmon.capture.answers import answers_among
from lossmon.capture.audit_data import reads_arrays
from lossmon.capture.facts import (
    first_samples,
    gather_facts,
    rows_of,
    samples_to_predict,
    with_all_labels,
)
from lossmon.capture.forward import forward, has_fixed_batch
from lossmon.capture.inputs import input_facts
from lossmon.capture.jax_masks import has_own_step
from lossmon.capture.pristine import counters_kept, pristine
from lossmon.capture.processes import own_part, why_processes_hide
from lossmon.capture.resolve import ResolvedOutput, resolve, split_outputs
from lossmon.capture.spoiled import spoiled_inputs
from lossmon.capture.validation_facts import with_validation
from lossmon.rules import Facts

# Samples whose labels must have been seen before rules speak of what none of them is.
CERTAIN_SAMPLES = 512


class FirstLook(NamedTuple):
    """What is known of a model that is about to train.

    Attributes:
        outputs: its outputs with the losses and metrics that act on them.
        facts: what the rules may know.
        values: how many numbers the model predicts in one step, all outputs together.
        hidden: why its steps cannot be looked into, None where they can.
        labels_known: whether the facts are of the labels of the whole data, not of the batch's.
    """

    outputs: list[ResolvedOutput]
    facts: Facts
    values: int
    hidden: str | None
    labels_known: bool


def first_look(
    model: Any,
    batch: Any,
    state: Any = None,
    *,
    fit: Mapping[str, Any],
) -> FirstLook:
    """Look at a model and its first batch, changing neither.

    Args:
        model: a compiled model inside `fit`.
        batch: what its train step will be given.
        state: on JAX, the state that the train function was given.
        fit: the arguments of `fit`, after `validation_split` took its part; empty where unknown.
            Where they are arrays, more is seen than of a batch, and no other thread may be
            preparing the next ones.
    """
    arrays = reads_arrays(fit)
    batch, state = own_part(batch), own_part(state)
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
    whole = x
    if not has_fixed_batch(model):
        x = first_samples(x, samples_to_predict(model))
    with warnings.catch_warnings():
        # Keras says the same again when it trains; said here, it would come twice.
        warnings.simplefilter("ignore")
        if not model.built:
            # The model alone: the optimiser is left to the first trace, as without lossmon. What
            # it draws for its weights is drawn once, here or there.
            with counters_kept(model):
                compute_output_spec(model, whole, training=False)
    with warnings.catch_warnings(), pristine(model, alone=arrays):
        warnings.simplefilter("ignore")
        y_pred = forward(model, x, state)
        outputs = resolve(model, y, y_pred)
        facts = gather_facts(model, x, y, sample_weight, y_pred, state=state)
        seen, labels = (fit["x"], fit.get("y")) if arrays else (whole, y)
        spoiled = spoiled_inputs(model, seen, state=state)
        answers = answers_among(model, outputs, y_pred, seen, labels, whole=arrays)
        facts = replace(facts, inputs=input_facts(model, seen), spoiled=spoiled, answers=answers)
        facts = _beside_validation(facts, model, fit, state)
        known = _all_labels(facts, outputs, y_pred, fit) if arrays else None
    predictions = (pred for _, pred, _ in split_outputs(outputs, y, y_pred, None))
    samples = next(
        size for leaf in keras.tree.flatten(whole) if (size := rows_of(leaf)) is not None
    )
    values = samples * sum(math.prod(pred.shape[1:]) for pred in predictions)
    if known is None:
        facts = replace(facts, more_to_come=few_labels(facts))
    hidden = _why_hidden(model, y_pred)
    return FirstLook(outputs, known or facts, values, hidden, known is not None)


def _beside_validation(facts: Facts, model: Any, fit: Mapping[str, Any], state: Any) -> Facts:
    try:
        return with_validation(facts, model, fit, state)
    except Exception:
        # They may be of anyone's own making, and this is no reason not to judge the rest.
        return facts


def few_labels(facts: Facts) -> bool:
    """Whether too few labels were seen to speak of what none of them is."""
    known = [output.labels.samples for output in facts.outputs if output.labels is not None]
    return min(known, default=0) < CERTAIN_SAMPLES


def _all_labels(
    facts: Facts, outputs: list[ResolvedOutput], y_pred: Any, fit: Mapping[str, Any]
) -> Facts | None:
    # Class weights may leave labels out.
    if fit.get("y") is None or fit.get("class_weight") is not None:
        return None
    try:
        return with_all_labels(facts, outputs, y_pred, fit["y"], fit.get("sample_weight"))
    except Exception:
        # Keras takes more kinds of arrays than are known here; the batch shows enough.
        return None


def why_replicas_hide(model: Any) -> str | None:
    """Why nothing but the logs can be had of a distributed model's steps; None of any other."""
    if keras.backend.backend() != "tensorflow":
        return why_processes_hide()
    replicas = int(model.distribute_strategy.num_replicas_in_sync)
    if replicas == 1:
        return None
    return (
        f"{replicas} replicas: labels and predictions of the first one's part of a batch alone "
        "come out of a step; Keras' own values, which are those of all replicas, are recorded"
    )


def _why_hidden(model: Any, y_pred: Any) -> str | None:
    if keras.backend.backend() != "jax" or not has_own_step(model):
        return None
    if all(get_keras_mask(leaf) is None for leaf in keras.tree.flatten(y_pred)):
        return None
    return "on JAX a Keras mask reaches the loss, but not an overridden train_step or test_step"
