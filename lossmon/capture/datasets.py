"""What two `tf.data` datasets have in common, by how they were made; none of them is run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras.src.trainers.data_adapters import is_tf_dataset

from lossmon.rules import Sharing

# Without the underscore that most of these classes begin with.
_KEEPING = frozenset({
    "BatchDataset", "CacheDataset", "MapDataset", "OptionsDataset", "PaddedBatchDataset",
    "ParallelBatchDataset", "ParallelMapDataset", "PrefetchDataset", "RebatchDataset",
    "RepeatDataset", "RestructuredDataset", "ShuffleDataset", "UnbatchDataset",
})  # fmt: skip
_MAPPING = frozenset({"MapDataset", "ParallelMapDataset"})
_PARTING = frozenset({"ShardDataset", "SkipDataset", "TakeDataset"})
_SLICES = "TensorSliceDataset"
# Inputs, labels and weights.
_MOST_PARTS = 3
# Of what is shuffled within less than this share of it, parts that follow each other stay apart.
_SHUFFLED = 0.1


def sharing(trained: Any, validated: Any) -> Sharing | None:
    """Tell by what two datasets are made of whether the one holds samples of the other.

    Args:
        trained: the training data.
        validated: the validation data.

    Returns:
        None where they are made of nothing in common, or may be parts of it that have no sample
        in common; where functions of their own may make other samples of it for the validation;
        and of what is no `tf.data.Dataset`.
    """
    ours, theirs = _steps(trained), _steps(validated)
    places = {id(step): place for place, step in enumerate(theirs)}
    first = next((place for place, step in enumerate(ours) if id(step) in places), None)
    if first is None:
        return None
    above, others = ours[:first], theirs[: places[id(ours[first])]]
    if not _functions(others) or _functions(others) == _functions(above):
        if all(_kind(step) in _KEEPING for step in above):
            return "trained_whole"
        if all(_kind(step) in _KEEPING for step in others):
            return "validated_whole"
    parted = all(any(_kind(step) in _PARTING for step in steps) for steps in (above, others))
    return "parted_anew" if parted and _is_drawn_anew(ours[first:]) else None


def sliced_inputs(trained: Any, validated: Any) -> tuple[Any, Any] | None:
    """The arrays that two datasets go through from end to end.

    Args:
        trained: the training data.
        validated: the validation data.

    Returns:
        The inputs of both, arrays nested as they were given to `from_tensor_slices`; all that they
        gave where one function makes the samples of both. None where that is not how they were
        made, leaves something out, or has several functions.
    """
    ours, theirs = _steps(trained), _steps(validated)
    if not all(map(_is_sliced, (ours, theirs))) or _functions(ours) != _functions(theirs):
        return None
    mapped = bool(_functions(ours))
    return _arrays(ours[-1], whole=mapped), _arrays(theirs[-1], whole=mapped)


def _steps(data: Any) -> list[Any]:
    """A dataset, what it is made of, and so on, down to what has no single source."""
    if not is_tf_dataset(data) or not hasattr(data, "_inputs"):
        return []
    sources = data._inputs()
    return [data, *(_steps(sources[0]) if len(sources) == 1 else ())]


def _kind(step: Any) -> str:
    return type(step).__name__.lstrip("_")


def _functions(steps: Sequence[Any]) -> list[int]:
    """The functions that samples are made by, by id; a step that hides its own stands for it."""
    mapped = (step for step in steps if _kind(step) in _MAPPING)
    made = (getattr(getattr(step, "_map_func", None), "_func", step) for step in mapped)
    # `unbatch` brings one of TensorFlow's, which only takes samples apart.
    own = (one for one in made if not getattr(one, "__module__", "").startswith("tensorflow."))
    return [id(one) for one in own]


def _is_drawn_anew(steps: Sequence[Any]) -> bool:
    """Whether each reading shuffles otherwise, and no cache keeps what the first one drew."""
    for step in steps:
        if _kind(step) == "CacheDataset":
            return False
        if _kind(step) == "ShuffleDataset" and getattr(step, "_reshuffle_each_iteration", False):
            return int(step._buffer_size) >= _SHUFFLED * int(step.cardinality())
    return False


def _is_sliced(steps: Sequence[Any]) -> bool:
    """Whether the last one gives plain arrays, sample by sample, and the others all of them."""
    *above, source = steps or [None]
    if _kind(source) != _SLICES or any(_kind(step) not in _KEEPING for step in above):
        return False
    spec, tensors = getattr(source, "element_spec", None), getattr(source, "_tensors", ())
    if isinstance(spec, tuple) and len(spec) > _MOST_PARTS and not _functions(above):
        return False
    dtypes = [tensor.dtype for tensor in tensors]
    plain = all(one.is_floating or one.is_integer or one.is_bool for one in dtypes)
    return plain and len(tensors) == len(keras.tree.flatten(spec)) > 0


def _arrays(source: Any, *, whole: bool) -> Any:
    # What is copied by `numpy()` is only looked at by `asarray`.
    arrays = [np.asarray(tensor) for tensor in source._tensors]
    nested = keras.tree.pack_sequence_as(source.element_spec, arrays)
    return nested if whole else keras.utils.unpack_x_y_sample_weight(nested)[0]
