"""Look at the first batches of an iterator without taking them away from training.

Rules must speak before the first step, from real labels and predictions, and the only place where
both can be had for every kind of data (arrays, `tf.data`, generators, `PyDataset`, torch loaders)
is the iterator that `fit` hands to its train function. What is taken from it here is put back in
front, so that training sees the same batches in the same order.
"""

from __future__ import annotations

import itertools
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
    return batches, iter(batches)


def _peek_tensorflow(iterator: Any, count: int) -> tuple[list[Any], Any]:
    import tensorflow as tf

    if isinstance(iterator, tf.distribute.DistributedIterator):
        return [], iterator
    batches = list(itertools.islice(iterator, count))
    if not batches or not isinstance(iterator, tf.data.Iterator):
        return batches, iter(batches)
    try:
        return batches, iter(_dataset(batches, iterator.element_spec))
    except (
        TypeError,
        ValueError,
    ):  # a structure that tf.data cannot rebuild: Keras takes a list too
        return batches, iter(batches)


def _dataset(batches: list[Any], element_spec: Any) -> Any:
    """A dataset of exactly these batches, of the given spec where that can be had.

    With another spec the step would be traced a second time: right, but slow.
    """
    import tensorflow as tf

    sizes = [len(keras.tree.flatten(batch)[0]) for batch in batches]
    if len(set(sizes[:-1])) <= 1 and sizes[-1] <= sizes[0]:
        joined = _join(batches)
        sliced = tf.data.Dataset.from_tensor_slices(joined).batch(sizes[0])
        if sliced.element_spec == element_spec:
            return sliced
    dataset = tf.data.Dataset.from_tensors(batches[0])
    for batch in batches[1:]:
        dataset = dataset.concatenate(tf.data.Dataset.from_tensors(batch))
    return dataset


def _join(batches: list[Any]) -> Any:
    if len(batches) == 1:
        return batches[0]
    return keras.tree.map_structure(lambda *parts: keras.ops.concatenate(parts), *batches)
