"""Measures in plain Keras what the rules know of gradients, units and clipped losses."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lossmon.rules import ClippedFacts, GradientFacts, LayerGradient, UnitFacts

CAP = float(-np.log(np.float32(1e-7)))


class Measuring(keras.callbacks.Callback):
    """Takes the place of the monitor in an example; measures on the example's own data."""

    model: Any

    def __init__(self, space: dict[str, Any]) -> None:
        super().__init__()
        self.space = space
        self.gradients: list[GradientFacts] = []
        self.units: list[UnitFacts] = []
        self.clipped: list[ClippedFacts] = []
        self.epoch = self.step = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if self.step % 4 == 0:
            self.gradients.append(self._gradient())
        self.step += 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        x, y = (tf.convert_to_tensor(self.space[name]) for name in "xy")
        layers = [layer for layer in self.model.layers if _rectifies(layer)]
        if layers:
            inner = keras.Model(self.model.inputs, [layer.output for layer in layers])
            for layer, out in zip(layers, keras.tree.flatten(inner(x)), strict=True):
                alive = np.asarray(out).reshape(-1, out.shape[-1]).max(axis=0) > 0
                dead = int(np.sum(~alive))
                self.units.append(UnitFacts(layer.name, epoch, len(x), alive.size, dead))
        if self.model.loss == "sparse_categorical_crossentropy":
            chances = np.asarray(self.model(x))[np.arange(len(x)), np.asarray(y)]
            capped = int(np.sum(chances <= 1e-7))
            self.clipped.append(ClippedFacts(epoch, "train", None, len(x), capped, CAP))

    def _gradient(self) -> GradientFacts:
        x, y = self.space["x"], self.space["y"]
        with tf.GradientTape() as tape:
            loss = self.model.compute_loss(x, y, self.model(x, training=True))
        variables = self.model.trainable_variables
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        kernels = [
            LayerGradient(variable.path, _size(gradient), _size(variable))
            for variable, gradient in zip(variables, gradients, strict=True)
            if variable.name == "kernel"
        ]
        norm = float(tf.linalg.global_norm(gradients))
        clips = self.model.optimizer.clipnorm is not None
        return GradientFacts(self.step, self.epoch, norm, clips, tuple(kernels))


def _rectifies(layer: Any) -> bool:
    return getattr(layer, "activation", None) is keras.activations.relu


def _size(tensor: Any) -> float:
    return float(np.sqrt(np.mean(np.square(np.asarray(tensor)))))
