"""On JAX, bring the masks of predictions from where the loss sees them to where values leave.

Keras marks a masked tensor with an attribute. On JAX the step's gradient function returns the
predictions as new tensors, without it: in training the loss is masked, the metrics are not.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import keras
from keras.src.backend import get_keras_mask, set_keras_mask

_WRAPPED = ("compute_loss_and_updates", "_update_metrics_variables")
# Methods that have to be Keras' own, because what passes between them is changed.
_OWN = (*_WRAPPED, "train_step", "test_step", "stateless_compute_loss")


def has_own_step(model: Any) -> bool:
    """Whether a model's step is not Keras' own, so that masks cannot be brought out of it."""
    own, kept = type(model), vars(model)
    return any(getattr(own, name) is not getattr(keras.Model, name) for name in _OWN) or any(
        name in kept and not _is_ours(kept[name]) for name in _OWN
    )


def _is_ours(method: Any) -> bool:
    return type(getattr(method, "__self__", None)).__module__.startswith("lossmon.")


class JaxMasks:
    """Wraps one model for as long as it is installed; does nothing where that cannot be.

    Args:
        model: a compiled model.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._masks: list[Any] = []
        self._shown: list[Any] = []
        self._installed = False

    def install(self) -> None:
        """Wrap the model; before anything else is, which would not be Keras' own."""
        model = self._model
        if keras.backend.backend() == "jax" and not has_own_step(model):
            self._loss, self._metrics = (getattr(model, name) for name in _WRAPPED)
            model.compute_loss_and_updates = self._with_masks
            model._update_metrics_variables = self._take_masks
            self._installed = True

    def remove(self) -> None:
        """Put everything back as it was found."""
        if self._installed:
            for name in _WRAPPED:
                delattr(self._model, name)
        self._installed = False

    def _with_masks(self, *args: Any, **kwargs: Any) -> Any:
        loss, (unscaled, y_pred, *variables) = self._loss(*args, **kwargs)
        masks = [get_keras_mask(leaf) for leaf in keras.tree.flatten(y_pred)]
        return loss, (unscaled, (y_pred, masks), *variables)

    def _take_masks(self, *args: Any) -> Any:
        variables, loss, x, y, (y_pred, self._masks), sample_weight = args
        try:
            return self._metrics(variables, loss, x, y, y_pred, sample_weight)
        finally:
            self._masks = []

    @contextmanager
    def shown(self, y_pred: Any) -> Generator[None]:
        """Within this context, predictions have the masks that the loss alone saw."""
        masked = [
            (leaf, mask)
            for leaf, mask in zip(keras.tree.flatten(y_pred), self._masks, strict=False)
            if mask is not None and get_keras_mask(leaf) is None
        ]
        for leaf, mask in masked:
            set_keras_mask(leaf, mask)
        self._shown = [leaf for leaf, _ in masked]
        try:
            yield
        finally:
            self._shown = []
            for leaf, _ in masked:
                set_keras_mask(leaf, None)

    def shows(self, leaf: Any) -> bool:
        """Whether a prediction has its mask from here, so that Keras' metrics did not see it."""
        return any(leaf is masked for masked in self._shown)
