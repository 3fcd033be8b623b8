"""What the inputs of a model hold, and what its first layers do with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

from lossmon.capture.arrays import to_numpy
from lossmon.capture.facts import first_samples
from lossmon.rules import InputFacts, describe_input

# Values of each input that are looked at.
SEEN_VALUES = 2**18

_LOOKS_UP = (
    "CategoryEncoding", "Discretization", "Embedding", "HashedCrossing", "Hashing",
    "IntegerLookup", "ReversibleEmbedding", "StringLookup", "TextVectorization",
)  # fmt: skip
_SCALES = (
    "BatchNormalization", "GroupNormalization", "LayerNormalization", "Normalization",
    "RMSNormalization", "Rescaling", "UnitNormalization",
)  # fmt: skip
# What neither scales nor weighs its input.
_HANDS_ON = (
    "Add", "AutoContrast", "Average", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D",
    "CenterCrop", "Concatenate", "Cropping1D", "Cropping2D", "Cropping3D", "Dropout", "Flatten",
    "GaussianNoise", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D",
    "GlobalMaxPooling2D", "InputLayer", "Masking", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D",
    "Permute", "RandomCrop", "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom",
    "RepeatVector", "Reshape", "Resizing", "SpatialDropout1D", "SpatialDropout2D", "UpSampling2D",
    "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D",
)  # fmt: skip


def input_facts(model: Any, x: Any) -> tuple[InputFacts, ...] | None:
    """Describe each input of a model.

    Args:
        model: a built model.
        x: a batch of its inputs, or all of them, nested as given to `fit`.

    Returns:
        In the order of the model's inputs; None where they cannot be told apart, or are no numbers.
    """
    pairs, graph = _paired(model, x), _graph(model)
    if pairs is None:
        return None
    found: list[InputFacts] = []
    for symbol, leaf in pairs:
        values = to_numpy(first_samples(leaf, _samples(leaf)))
        if values is None or values.ndim == 0 or values.dtype.kind not in "biuf":
            return None
        fate = None if symbol is None else _fate(graph, symbol)
        name = symbol.name if symbol is not None and len(pairs) > 1 else None
        rescaled = None if fate is None else fate != "weighed"
        embedded = None if fate is None else fate == "looked up"
        found.append(describe_input(values, name=name, rescaled=rescaled, embedded=embedded))
    return tuple(found)


def named_leaves(model: Any, x: Any) -> list[tuple[str | None, Any]] | None:
    """Return each input with its name, None for the only one or where that is not known.

    Args:
        model: a built model.
        x: its inputs, nested as given to `fit`.

    Returns:
        In the order of the model's inputs; None where they cannot be told apart.
    """
    pairs = _paired(model, x)
    if pairs is None or len(pairs) == 1:
        return None if pairs is None else [(None, leaf) for _, leaf in pairs]
    return [(None if symbol is None else symbol.name, leaf) for symbol, leaf in pairs]


def leads_to(model: Any, place: int, position: int) -> bool:
    """Whether an output is made of an input.

    Args:
        model: a built model.
        place: which of its inputs, in their order.
        position: which of its outputs, flattened.

    Returns:
        False, too, where that cannot be told of one of several inputs, and where a layer of the
        user's own is between: it may take labels for a loss of its own.
    """
    graph = _graph(model)
    symbols = keras.tree.flatten(getattr(graph, "inputs", None) or [])
    outputs = keras.tree.flatten(getattr(graph, "outputs", None) or [])
    if len(symbols) == 1 or (not symbols and place == 0):
        return True
    if not hasattr(graph, "_nodes_by_depth") or position >= len(outputs):
        return False
    reached = {id(symbols[place])}
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            own = not type(node.operation).__module__.startswith("keras.")
            if not own and any(id(tensor) in reached for tensor in node.input_tensors):
                reached.update(id(tensor) for tensor in node.outputs)
    return id(outputs[position]) in reached


def _graph(model: Any) -> Any:
    return getattr(model, "_functional", None) or model


def _paired(model: Any, x: Any) -> list[tuple[Any, Any]] | None:
    """The inputs of the graph, None where it has none, with what is given to each."""
    leaves = keras.tree.flatten(x)
    symbols = keras.tree.flatten(getattr(_graph(model), "inputs", None) or [])
    if isinstance(x, dict) and len(leaves) > 1:
        names = [symbol.name for symbol in symbols]
        if not set(names) <= set(x):
            return None
        leaves = [x[name] for name in names]
    if not leaves or (symbols and len(symbols) != len(leaves)):
        return None
    return [*zip(symbols or [None] * len(leaves), leaves, strict=True)]


def _samples(leaf: Any) -> int:
    size = 1
    for length in leaf.shape[1:]:
        size *= int(length or 1)
    return max(1, SEEN_VALUES // max(1, size))


def _fate(graph: Any, symbol: Any) -> str | None:
    """What becomes of an input first: "looked up", "scaled" or "weighed"; None where unknown.

    Of several ways the one that says least against the input counts.
    """
    fates = set(_fates(graph, symbol))
    if len(fates) == 1:
        return fates.pop()
    return None if None in fates or not fates else "scaled"


def _fates(graph: Any, symbol: Any) -> Iterator[str | None]:
    nodes = [node for level in graph._nodes_by_depth.values() for node in level]
    waiting, seen = [symbol], set[int]()
    while waiting:
        tensor = waiting.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        for node in nodes:
            if not any(given is tensor for given in node.input_tensors):
                continue
            fate = _done_by(node)
            if fate == "handed on":
                waiting += node.outputs
            else:
                yield fate


def _done_by(node: Any) -> str | None:
    layer = node.operation
    kind = type(layer).__name__
    if not type(layer).__module__.startswith("keras."):
        return None
    if kind in _LOOKS_UP:
        return "looked up"
    if kind in _SCALES:
        return "scaled"
    if kind in _HANDS_ON:
        return "handed on"
    inner = getattr(layer, "_functional", None) or layer
    if hasattr(inner, "_nodes_by_depth"):
        inputs = keras.tree.flatten(inner.inputs)
        return _fate(inner, inputs[0]) if len(inputs) == 1 else None
    weights = getattr(layer, "weights", ())
    # Frozen weights were made for the inputs as they are.
    return "weighed" if weights and getattr(layer, "trainable_weights", ()) else None
