"""Which units of a model put out nothing, whatever comes in."""

from __future__ import annotations

from typing import Any

import keras

from lossmon.capture.facts import first_samples

_RECTIFIERS = ("relu", "relu6")


class Units:
    """The layers of a model that rectify, seen on a few samples.

    Layers within nested models are not looked into.

    Args:
        model: a built `keras.Sequential` or functional model; nothing of it is changed.
        x: inputs, nested as the model takes them.
        slice_size: samples that are put through the model at once.
    """

    def __init__(self, model: Any, x: Any, slice_size: int) -> None:
        graph = getattr(model, "_functional", None) or model
        self._layers = [layer for layer in graph.layers if _rectifies(layer)]
        self._samples = int(keras.tree.flatten(x)[0].shape[0])
        self._slices = [
            _rows(x, start, slice_size) for start in range(0, self._samples, slice_size)
        ]
        # A name of its own: Keras counts those that it makes up.
        outputs = [layer.output for layer in self._layers]
        self._inner = keras.Model(graph.inputs, outputs, name="lossmon_units") if outputs else None

    @property
    def samples(self) -> int:
        """How many samples are seen."""
        return self._samples

    def largest(self) -> dict[str, Any]:
        """The largest value of each unit over all samples and positions, by layer, as tensors."""
        if self._inner is None:
            return {}
        found: list[Any] = []
        for part in self._slices:
            with keras.StatelessScope():  # seeds and batch statistics stay as they are
                outputs = keras.tree.flatten(self._inner(part, training=True))
            tops = [_top(*pair) for pair in zip(self._layers, outputs, strict=True)]
            both = zip(found, tops, strict=True) if found else ()
            found = [keras.ops.maximum(*pair) for pair in both] or tops
        return dict(zip((layer.name for layer in self._layers), found, strict=True))

    def kernels(self) -> dict[str, Any]:
        """Whether any weight is not 0 in the kernel of each layer that has one, as tensors."""
        return {
            layer.name: keras.ops.any(kernel)
            for layer in self._layers
            if (kernel := getattr(layer, "kernel", None)) is not None
        }


def _rectifies(layer: Any) -> bool:
    if len(layer._inbound_nodes) != 1 or isinstance(layer, keras.layers.RNN):
        return False
    if isinstance(layer, keras.layers.ReLU):
        return not layer.negative_slope and not layer.threshold
    return getattr(getattr(layer, "activation", None), "__name__", None) in _RECTIFIERS


def _top(layer: Any, values: Any) -> Any:
    first = getattr(layer, "data_format", None) == "channels_first" and len(values.shape) > 2
    channels = 1 if first else len(values.shape) - 1
    return keras.ops.max(values, axis=[a for a in range(len(values.shape)) if a != channels])


def _rows(x: Any, start: int, count: int) -> Any:
    rest = keras.tree.map_structure(lambda leaf: leaf[start:], x)
    return first_samples(rest, count)
