"""Look at the first batches of an iterator without taking them away from training.

Rules must speak before the first step, from real labels and predictions, and the only place where
both can be had for every kind of data (arrays, `tf.data`, generators, `PyDataset`, torch loaders)
is the iterator that `fit` hands to its train function. What is taken from it here is put back in
front, so that training sees the same batches in the same order.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import keras


def peek(iterator: Any, count: int) -> tuple[list[Any], Any]:
    """Take up to `count` batches from `iterator`, for one call of the train function.

    Args:
        iterator: what `fit` gives to the train function on any backend.
        count: the batches that one call consumes (`steps_per_execution`).

    Returns:
        The batches, and an iterator for that one call which yields exactly them. Later calls must
        be given the original iterator, which continues after them. No batches where the iterator
        cannot be looked into (a distributed one), or where it is exhausted.
    """
    if keras.backend.backend() == "torch":
        return list(iterator), iterator
    if keras.backend.backend() == "tensorflow":
        return _peek_tensorflow(iterator, count)
    batches = list(itertools.islice(iterator, count))
    return batches, iter(batches) if batches else iterator


def _peek_tensorflow(iterator: Any, count: int) -> tuple[list[Any], Any]:
    import tensorflow as tf

    if isinstance(iterator, tf.distribute.DistributedIterator):
        return [], iterator
    batches = list(itertools.islice(iterator, count))
    if not batches:
        return [], iterator
    if not isinstance(iterator, tf.data.Iterator):
        return batches, iter(batches)
    try:
        return batches, iter(_of_batches(batches, iterator.element_spec))
    except (TypeError, ValueError, tf.errors.OpError):
        return batches, iter(batches)  # Keras takes a plain iterator too, at the price of a trace


def _of_batches(batches: Sequence[Any], spec: Any) -> Any:
    """A dataset that yields the batches, of the given spec: no step is traced a second time.

    `Dataset.from_generator` would do, but TensorFlow sets the process' `M_MMAP_THRESHOLD` where
    it is used: from then on each step maps and unmaps its tensors of 128 KiB and more.
    """
    import tensorflow as tf

    joined = _concatenated([tf.data.Dataset.from_tensors(batch) for batch in batches])
    variant = tf.data.experimental.to_variant(joined)
    # What there is to optimise costs a copy of the batches.
    plain: Any = tf.data.Options()
    plain.autotune.enabled = False
    plain.experimental_optimization.apply_default_optimizations = False
    return tf.data.experimental.from_variant(variant, spec).with_options(plain)


def _concatenated(datasets: Sequence[Any]) -> Any:
    """One after the other, by halves: a dataset of a thousand must not be a thousand deep."""
    if len(datasets) == 1:
        return datasets[0]
    half = len(datasets) // 2
    return _concatenated(datasets[:half]).concatenate(_concatenated(datasets[half:]))
