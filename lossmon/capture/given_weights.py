"""On PyTorch, the sample weights as a step was given them.

There Keras applies a mask to float32 weights in place: the loss makes of the weights that were
given those that the metrics see, and the loss asked once more would make others of them again.
"""

from __future__ import annotations

from typing import Any

import keras


class GivenWeights:
    """The weights of one step; does nothing on other backends, whose tensors do not change."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Any]] = {}

    def note(self, arguments: tuple[Any, ...]) -> None:
        """Before a step: keep copies of the weights in its arguments."""
        if keras.backend.backend() != "torch" or not arguments:
            return
        *_, weights = keras.utils.unpack_x_y_sample_weight(arguments[0])
        for leaf in keras.tree.flatten(weights):
            if keras.ops.is_tensor(leaf):
                self._known[id(leaf)] = leaf, keras.ops.copy(leaf)

    def forget(self) -> None:
        """After a step."""
        self._known = {}

    def present(self, weights: Any) -> Any:
        """An output's weights as they are now, which a later step that is given them may change."""
        return weights if self.of(weights) is None else keras.ops.copy(weights)

    def of(self, weights: Any) -> Any:
        """What an output's weights were; None where they are as they were."""
        if weights is None or id(weights) not in self._known:
            return None
        given = self._known[id(weights)][1]
        return None if bool(keras.ops.all(keras.ops.equal(given, weights))) else given

    def copy_of(self, weights: Any) -> Any:
        """An output's weights as they were given, to be changed by whoever takes them."""
        if weights is None or keras.backend.backend() != "torch":
            return weights
        given = self.of(weights)
        return keras.ops.copy(weights if given is None else given)
