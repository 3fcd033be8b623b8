"""What two `tf.data` datasets have in common, by how they were made; none of them is run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
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


def sharing(trained: Any, validated: Any) -> Sharing | None:
    """Tell by what two datasets are made of whether the one holds samples of the other.

    Args:
        trained: the training data.
        validated: the validation data.

    Returns:
        None where they are made of nothing in common, or may be parts of it that have no sample
        in common; and of what is no `tf.data.Dataset`.
    """
    ours, theirs = _steps(trained), _steps(validated)
    places = {id(step): place for place, step in enumerate(theirs)}
    first = next((place for place, step in enumerate(ours) if id(step) in places), None)
    if first is None:
        return None
    above, others = ours[:first], theirs[: places[id(ours[first])]]
    if _is_mapped(above + others) and _are_places(ours[-1]):
        return "parted_anew" if _is_parted_anew(above, others, ours[first:]) else None
    if all(_kind(step) in _KEEPING for step in above):
        return "trained_whole"
    if all(_kind(step) in _KEEPING for step in others):
        return "validated_whole"
    return "parted_anew" if _is_parted_anew(above, others, ours[first:]) else None


def sliced_inputs(trained: Any, validated: Any) -> tuple[Any, Any] | None:
    """The arrays that two datasets go through from end to end.

    Args:
        trained: the training data.
        validated: the validation data.

    Returns:
        The inputs of both, arrays nested as they were given to `from_tensor_slices`. None where
        that is not how they were made, or leave something out.
    """
    ours, theirs = _slices(trained), _slices(validated)
    if ours is None or theirs is None:
        return None
    return ours, theirs


def _steps(data: Any) -> list[Any]:
    """A dataset, what it is made of, and so on, down to what has no single source."""
    if not is_tf_dataset(data) or not hasattr(data, "_inputs"):
        return []
    sources = data._inputs()
    return [data, *(_steps(sources[0]) if len(sources) == 1 else ())]


def _kind(step: Any) -> str:
    return type(step).__name__.lstrip("_")


def _is_mapped(steps: Sequence[Any]) -> bool:
    return any(_kind(step) in _MAPPING for step in steps)


def _are_places(source: Any) -> bool:
    """Whether a source gives numbers, by which functions may look up samples of any data."""
    spec = keras.tree.flatten(getattr(source, "element_spec", None))
    return all(len(getattr(leaf, "shape", ())) == 0 for leaf in spec)


def _is_parted_anew(above: Sequence[Any], others: Sequence[Any], common: Sequence[Any]) -> bool:
    parted = all(any(_kind(step) in _PARTING for step in steps) for steps in (above, others))
    return parted and _is_drawn_anew(common)


def _is_drawn_anew(steps: Sequence[Any]) -> bool:
    """Whether each reading shuffles otherwise, and no cache keeps what the first one drew."""
    for step in steps:
        if _kind(step) == "CacheDataset":
            return False
        if _kind(step) == "ShuffleDataset" and getattr(step, "_reshuffle_each_iteration", False):
            return True
    return False


def _slices(data: Any) -> Any:
    *above, source = _steps(data) or [None]
    if _kind(source) != _SLICES or any(_kind(step) not in _KEEPING for step in above):
        return None
    if _is_mapped(above) and _are_places(source):
        return None
    tensors = getattr(source, "_tensors", None)
    if not tensors or any(tensor.dtype.name == "string" for tensor in tensors):
        return None
    arrays = [tensor.numpy() for tensor in tensors]
    nested = keras.tree.pack_sequence_as(source.element_spec, arrays)
    return keras.utils.unpack_x_y_sample_weight(nested)[0]
