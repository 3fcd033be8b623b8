"""What the rules may know from a model and all the data it is given, arrays or batches."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import keras

from lossmon.capture.answers import answers_among
from lossmon.capture.facts import Look, first_samples, label_facts, look_at, samples_to_predict
from lossmon.capture.first_look import few_labels
from lossmon.capture.forward import forward
from lossmon.capture.inputs import input_facts
from lossmon.capture.pristine import pristine
from lossmon.capture.spoiled import spoiled_inputs
from lossmon.capture.spread import Rows, samples_within, spread_rows, taken
from lossmon.rules import Facts

# Labels of arrays are read up to this many values per array, of batches for this many seconds.
LABEL_VALUES = 2_000_000
LABEL_SECONDS = 0.5


def facts_of_arrays(model: Any, x: Any, y: Any, sample_weight: Any, tables: Any) -> Facts:
    """The facts of a model with arrays.

    Where not all labels can be read, samples from all over the data are: the first ones of sorted
    data are not like the rest.

    Args:
        model: a compiled `keras.Model`.
        x: inputs, nested as given to `fit`; leaves are arrays or tensors.
        y: targets, likewise, or None.
        sample_weight: their weights, likewise, or None.
        tables: the inputs as they were given, tables of pandas among them.
    """
    samples, few = _samples(x), samples_to_predict(model)
    rows = spread_rows(samples, samples_within(LABEL_VALUES, y))
    look = _look(model, x, y, rows if len(rows) == samples else rows[:few])
    if look.masked and len(rows) > few:
        # A mask is known for the samples that were predicted, and no others.
        rows = spread_rows(samples, few)
        look = _look(model, x, y, rows)
    complete = len(rows) == samples
    facts = label_facts(look, taken(y, rows), taken(sample_weight, rows), complete=complete)
    answers = answers_among(model, look.resolved, look.structure, tables, y, whole=True)
    return replace(
        facts, inputs=input_facts(model, x), spoiled=spoiled_inputs(model, x), answers=answers
    )


def facts_of_batches(model: Any, batches: Iterable[Any]) -> Facts | None:
    """The facts of a model with the first batches, as many as can be read in a short time.

    Args:
        model: a compiled `keras.Model`.
        batches: of an epoch; each as `fit` takes it.

    Returns:
        None where there is no batch.
    """
    look: Look | None = None
    facts: Facts | None = None
    end = math.inf
    for batch in batches:
        if time.perf_counter() > end:
            return None if facts is None else replace(facts, more_to_come=few_labels(facts))
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
        if look is None or facts is None:
            look = look_at(model, x, y)
            facts = _with_inputs(label_facts(look, y, sample_weight), look, model, x, y)
            # The model's own first call is not counted.
            end = time.perf_counter() + LABEL_SECONDS
        else:
            facts = facts.merge(label_facts(_with_masks_of(x, look, model), y, sample_weight))
    if facts is None or look is None:
        return None
    if look.masked:
        # Of each batch, the labels of some samples alone.
        return replace(facts, more_to_come=few_labels(facts))
    return replace(facts, complete=True)


def _with_inputs(facts: Facts, look: Look, model: Any, x: Any, y: Any) -> Facts:
    answers = answers_among(model, look.resolved, look.structure, x, y, whole=False)
    return replace(
        facts, inputs=input_facts(model, x), spoiled=spoiled_inputs(model, x), answers=answers
    )


def _with_masks_of(x: Any, look: Look, model: Any) -> Look:
    """The same look with predictions for another batch, where they carry masks."""
    if not look.masked:
        return look
    with pristine(model):
        few = first_samples(x, samples_to_predict(model))
        return replace(look, structure=forward(model, few))


def _look(model: Any, x: Any, y: Any, rows: Rows) -> Look:
    return look_at(model, taken(x, rows), taken(y, rows))


def _samples(x: Any) -> int:
    sizes = (leaf.shape for leaf in keras.tree.flatten(x) if leaf is not None)
    return max((int(size[0]) for size in sizes if len(size)), default=0)
