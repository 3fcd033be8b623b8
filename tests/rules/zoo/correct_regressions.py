"""Correct programs that predict quantities, pictures or codes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, losses, metrics

from tests.rules.zoo.making import (
    BINARY,
    D,
    Made,
    N,
    Programs,
    conv,
    dense,
    ids,
    net,
    over,
    reals,
    rows,
)

# Types of keras.ops do not know of the values of a backend.
ops: Any = keras.ops


def pinball(y_true: Any, y_pred: Any) -> Any:
    error = ops.reshape(ops.cast(y_true, "float32"), (-1, 1)) - y_pred
    share = ops.convert_to_tensor([0.1, 0.5, 0.9])
    return ops.mean(ops.maximum(share * error, (share - 1) * error), axis=-1)


def known_only(y_true: Any, y_pred: Any) -> Any:
    known = ops.logical_not(ops.isnan(y_true))
    error = ops.where(known, y_true, y_pred) - y_pred
    return ops.sum(error**2) / ops.sum(ops.cast(known, "float32"))


def gaussian(y_true: Any, y_pred: Any) -> Any:
    mean, spread = y_pred[:, :1], ops.softplus(y_pred[:, 1:]) + 1e-3
    y = ops.reshape(ops.cast(y_true, "float32"), (-1, 1))
    return ops.mean(ops.log(spread) + ((y - mean) / spread) ** 2, axis=-1)


def partial_hazard(y_true: Any, y_pred: Any) -> Any:
    return -ops.mean(y_true[:, 1:] * (y_pred - ops.logsumexp(y_pred)), axis=-1)


def image_difference(y_true: Any, y_pred: Any) -> Any:
    return 1 - ops.mean(ops.cast(y_true, "float32") * y_pred, axis=(1, 2, 3))


SERIES = (7, 3)


def seen(shape: tuple[int, ...], low: float = 0, high: float = 1) -> np.ndarray:
    return reals(low, high, *shape).astype("float32")


def autoencoder(activation: Any, loss: Any, x: np.ndarray, told: Any = None) -> Made:
    return Made(net(D(3, "relu"), D(x.shape[-1], activation), given=x.shape[1:]), loss, told, x, x)


QUANTITIES: Programs = {
    "flat": lambda: Made(dense(1), "mse", ["mae"], reals(-9, 30)),
    "column": lambda: Made(dense(1), "mse", ["mae", "mape"], reals(1, 30, 1)),
    "flat output": lambda: Made(net(D(1), layers.Reshape(())), "mae", None, reals(-9, 30)),
    "squeezed": lambda: Made(net(D(1), lambda t: ops.squeeze(t, -1)), "huber", None, reals(-9, 9)),
    "ages": lambda: Made(dense(1), "mse", ["mae"], ids(90)),
    "stars": lambda: Made(dense(1), "mse", [metrics.RootMeanSquaredError()], ids(5) + 1),
    "stars, bounded": lambda: Made(
        net(D(1, "sigmoid"), lambda t: 1 + 4 * t), "mse", None, ids(5, 1) + 1.0
    ),
    "relu six": lambda: Made(dense(1, "relu6"), "mse", None, reals(0, 5)),
    "ratings": lambda: Made(dense(1, "sigmoid"), BINARY, None, reals(0, 1)),
    "counts": lambda: Made(dense(1, "exponential"), "poisson", ["mae"], ids(9)),
    "counts, softplus": lambda: Made(dense(1, "softplus"), "poisson", None, ids(9) * 1.0),
    "prices": lambda: Made(
        dense(1, "relu"), "mean_squared_logarithmic_error", ["mae"], reals(0, 900)
    ),
    "log cosh": lambda: Made(dense(1), "log_cosh", ["mse"], reals(-3, 3)),
    "percentages": lambda: Made(dense(1), "mape", ["mae"], reals(1, 100)),
    "relative, R2": lambda: Made(dense(1), "mse", [metrics.R2Score()], reals(-2, 2, 1)),
    "many outputs": lambda: Made(dense(30), losses.Huber(), ["mae"], reals(-1, 1, 30)),
    "landmarks": lambda: Made(dense(8, "sigmoid"), "mse", ["mae"], reals(0, 1, 8)),
    "positive": lambda: Made(dense(1, "relu"), "mse", None, reals(5, 60)),
    "tanh": lambda: Made(dense(2, "tanh"), "mse", ["mse"], reals(-1, 1, 2)),
    "a hair past tanh": lambda: Made(dense(1, "tanh"), "mse", None, reals(-1.001, 1.001, 1)),
    "sine and cosine": lambda: Made(
        net(D(2), layers.UnitNormalization()),
        "mse",
        None,
        np.stack([np.sin(reals(0, 6)), np.cos(reals(0, 6))], -1),
    ),
    "direction": lambda: Made(dense(4), losses.CosineSimilarity(), ["mae"], reals(-1, 1, 4)),
    "quantiles": lambda: Made(dense(3), pinball, None, reals(0, 50)),
    "with spread": lambda: Made(dense(2), gaussian, None, reals(0, 50)),
    "survival": lambda: Made(
        dense(1), partial_hazard, None, np.stack([reals(0, 9), ids(2)], -1).astype("float32")
    ),
    "residuals": lambda: Made(dense(1), "mse", None, np.zeros((N, 1))),
    "gaps, own loss": lambda: Made(
        dense(1), known_only, None, np.where(ids(5, 1) == 0, np.nan, reals(0, 9, 1))
    ),
    "sample weights": lambda: Made(dense(1), "mse", ["mae"], reals(0, 9), weight=reals(0, 2)),
    "scores of actions": lambda: Made(dense(4), losses.Huber(), None, reals(-5, 50, 4)),
    "logits of a teacher": lambda: Made(dense(5), "mse", None, reals(-9, 9, 5)),
    "soft targets of a teacher": lambda: Made(
        dense(5, "softmax"), "kl_divergence", None, np.random.default_rng(0).dirichlet([1] * 5, N)
    ),
    "shares": lambda: Made(
        dense(5, "softmax"), "mse", ["mae"], np.random.default_rng(0).dirichlet([1] * 5, N)
    ),
    "shares, cross-entropy": lambda: Made(
        dense(5, "softmax"),
        "categorical_crossentropy",
        None,
        np.random.default_rng(0).dirichlet([1] * 5, N).astype("float32"),
    ),
    "dot product of tastes": lambda: Made(
        net(
            layers.Embedding(20, 4),
            lambda t: ops.sum(t[:, 0] * t[:, 1], -1, keepdims=True),
            given=(2,),
            dtype="int32",
        ),
        "mse",
        [metrics.RootMeanSquaredError()],
        ids(5) + 1,
    ),
    "subclassed": lambda: Made(Linear(), "mse", ["mae"], reals(0, 9, 1), x=reals(-1, 1, 5)),
    "losses passed through": lambda: Made(
        net(D(3), lambda t: ops.mean(t**2, axis=-1)), lambda y, p: p, None, np.zeros(N)
    ),
    "noise on top": lambda: Made(net(D(1), layers.GaussianNoise(0.1)), "mse", None, reals(-1, 1)),
}
SERIES_AND_PICTURES: Programs = {
    "next value": lambda: Made(
        net(layers.LSTM(4), D(1), given=SERIES), "mse", ["mae"], reals(-2, 3)
    ),
    "horizon": lambda: Made(net(layers.GRU(4), D(14), given=SERIES), "mae", None, reals(0, 9, 14)),
    "horizon of one feature": lambda: Made(
        net(layers.GRU(4), D(14), given=SERIES), "mae", None, reals(0, 9, 14, 1)
    ),
    "every step": lambda: Made(
        net(layers.GRU(4, return_sequences=True), D(1), given=SERIES), "mse", None, reals(0, 9, 7)
    ),
    "every step, column": lambda: Made(
        net(layers.GRU(4, return_sequences=True), D(1), given=SERIES),
        "mse",
        None,
        reals(0, 9, 7, 1),
    ),
    "last state": lambda: Made(net(layers.LSTM(2), given=SERIES), "mse", None, reals(-1, 1, 2)),
    "next frame": lambda: Made(
        net(layers.Conv3D(1, 3, padding="same", activation="sigmoid"), given=(3, 6, 6, 1)),
        BINARY,
        None,
        reals(0, 1, 3, 6, 6, 1),
    ),
    "depth": lambda: Made(conv(1), "mae", None, reals(0, 80, 6, 6, 1)),
    "flow": lambda: Made(conv(2), "huber", ["mae"], reals(-9, 9, 6, 6, 2)),
    "noise of a diffusion": lambda: Made(
        conv(3), "mse", None, np.random.default_rng(0).normal(size=(N, 6, 6, 3))
    ),
    "generator of pix2pix": lambda: Made(conv(3, "tanh"), "mae", None, reals(-1, 1, 6, 6, 3)),
    "super-resolution": lambda: Made(conv(3, "sigmoid"), "mse", ["mae"], reals(0, 1, 6, 6, 3)),
    "raw pixels": lambda: Made(conv(3), "mse", None, np.floor(reals(0, 256, 6, 6, 3))),
    "raw pixels, relu": lambda: Made(
        conv(3, "relu"), "mse", None, np.floor(reals(0, 256, 6, 6, 3)).astype("uint8")
    ),
    "own image loss": lambda: Made(
        conv(3, "sigmoid"), image_difference, None, reals(0, 1, 6, 6, 3)
    ),
    "volume": lambda: Made(
        net(layers.Conv3D(2, 3, padding="same"), given=(4, 4, 4, 1)),
        "mse",
        None,
        reals(-1, 1, 4, 4, 4, 2),
    ),
}
CODES: Programs = {
    "pixels": lambda: autoencoder("sigmoid", BINARY, seen((16,))),
    "pixels with mse": lambda: autoencoder("sigmoid", "mse", seen((16,)), ["mae"]),
    "black and white": lambda: autoencoder(
        "sigmoid", BINARY, (seen((16,)) > 0.5).astype("float32"), ["binary_accuracy"]
    ),
    "standardised": lambda: autoencoder(None, "mse", seen((16,), -2, 2)),
    "one-hot features": lambda: autoencoder("sigmoid", BINARY, rows(6), ["binary_accuracy"]),
    "one-hot features, mse": lambda: autoencoder("sigmoid", "mse", rows(6)),
    "pixel logits": lambda: autoencoder(
        None, losses.BinaryCrossentropy(from_logits=True), seen((16,))
    ),
    "with a penalty": lambda: Made(
        net(D(3), layers.ActivityRegularization(l1=1e-3), D(16, "sigmoid"), given=(16,)),
        BINARY,
        None,
        seen((16,)),
        seen((16,)),
    ),
    "denoising": lambda: Made(
        net(D(3, "relu"), D(16, "sigmoid"), given=(16,)),
        BINARY,
        None,
        seen((16,)),
        seen((16,)) + 0.1,
    ),
    "categories of pixels": lambda: Made(
        net(layers.Embedding(8, 4), layers.Conv2D(8, 1), given=(6, 6), dtype="int32"),
        losses.SparseCategoricalCrossentropy(from_logits=True),
        ["accuracy"],
        ids(8, 6, 6),
        ids(8, 6, 6),
    ),
    "lone penalty": lambda: Made(net(D(3), Penalty()), None, None, None),
    "variational": lambda: Made(
        net(D(3), Penalty(), D(16, "sigmoid"), given=(16,)), "mse", None, seen((16,)), seen((16,))
    ),
    "embedding by pull and push": lambda: Made(
        net(D(8), layers.UnitNormalization()), pull, None, ids(5)
    ),
    "embedding, relu": lambda: Made(dense(32, "relu"), pull, ["mae"], ids(10)),
    "circle": lambda: Made(net(D(8), layers.UnitNormalization()), losses.Circle(), None, ids(5)),
    "dummy labels": lambda: Made(dense(4), lambda y, p: ops.mean(p**2, -1), None, np.zeros(N)),
    "hidden sigmoid for pixels": lambda: Made(
        net(D(16), over(ops.sigmoid), given=(16,)), BINARY, None, seen((16,)), seen((16,))
    ),
}


class Linear(keras.Model):
    """A regression without a graph."""

    def __init__(self) -> None:
        super().__init__()
        self.head = D(1)

    def call(self, inputs: Any) -> Any:
        return self.head(inputs)


class Penalty(layers.Layer):
    """Adds a penalty on what passes through."""

    def call(self, inputs: Any) -> Any:
        self.add_loss(1e-3 * ops.mean(ops.square(inputs)))
        return inputs


def pull(y_true: Any, y_pred: Any) -> Any:
    near = ops.matmul(y_pred, ops.transpose(y_pred))
    same = ops.cast(ops.reshape(y_true, (-1, 1)) == ops.reshape(y_true, (1, -1)), "float32")
    return ops.mean((1 - same) * near**2 - same * near, axis=-1)
