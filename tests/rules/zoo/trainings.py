"""Trainings as people run them, each right: odd data, schedules, weights and ways to begin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import callbacks, layers, losses, metrics, optimizers
from sklearn.datasets import load_digits

from tests.rules.zoo.making import ACC, BINARY, ROWS, SPARSE, D, over

# Types of keras.ops do not know of the values of a backend.
ops: Any = keras.ops


@dataclass(frozen=True)
class Training:
    """A compiled model, and what `fit` is given."""

    model: Any
    x: Any
    y: Any = None
    more: dict[str, Any] = field(default_factory=dict[str, Any])

    def fit(self, monitor: Any) -> None:
        """Train it under a monitor."""
        more: dict[str, Any] = {"epochs": 12, **self.more}
        watching = [monitor, *more.pop("callbacks", [])]
        self.model.fit(self.x, self.y, verbose=0, callbacks=watching, **more)


Trainings = dict[str, Callable[[np.random.Generator], Training]]
N = 512


def digits(count: int = N) -> tuple[Any, Any]:
    """Pictures of digits, a row each, and their classes."""
    x, y = load_digits(return_X_y=True)
    return (x[:count] / 16).astype("float32"), y[:count]


def normal(rng: np.random.Generator, *shape: int) -> Any:
    return rng.normal(size=shape).astype("float32")


def net(given: int, *stack: Any) -> Any:
    return keras.Sequential([keras.Input((given,)), *stack])


def classifier(optimizer: Any = "adam", loss: Any = SPARSE, *, metric: Any = ACC) -> Any:
    """A classifier of digits."""
    model = net(64, D(32, "relu"), D(10, "softmax"))
    model.compile(optimizer, loss, metrics=metric)
    return model


class Batches(keras.utils.PyDataset):
    """Batches that are made anew each time."""

    def __init__(self, count: int, make: Callable[[], Any]) -> None:
        super().__init__()
        self.count, self.make = count, make

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return self.make()


def restarts(rng: np.random.Generator) -> Training:
    rate: Any = optimizers.schedules.CosineDecayRestarts(0.3, 64)
    return Training(classifier(optimizers.SGD(rate)), *digits(), {"epochs": 24})


def cycles(rng: np.random.Generator) -> Training:
    rates = callbacks.LearningRateScheduler(lambda epoch, rate: 0.2 if epoch % 4 < 2 else 0.02)
    return Training(classifier("sgd"), *digits(), {"epochs": 16, "callbacks": [rates]})


def norms_of_few_batches(rng: np.random.Generator) -> Training:
    """The averages that validation uses lag behind the batches."""
    model = net(64, D(32), layers.BatchNormalization(), layers.ReLU(), D(10, "softmax"))
    model.compile(optimizers.Adam(0.005), SPARSE, metrics=ACC)
    return Training(model, *digits(), {"batch_size": 128, "validation_split": 0.25, "epochs": 20})


def heavy_dropout(rng: np.random.Generator) -> Training:
    stack = [D(48, "relu"), layers.Dropout(0.7), D(48, "relu"), layers.Dropout(0.7)]
    model = net(64, *stack, D(10, "softmax"))
    model.compile("adam", SPARSE, metrics=ACC)
    return Training(model, *digits(), {"validation_split": 0.25, "epochs": 20})


def policy_gradient(rng: np.random.Generator) -> Training:
    """Advantages as weights: half of them are negative, and so may the loss be."""
    states, actions = normal(rng, N, 4), rng.integers(0, 3, N)
    gains = rng.normal(size=N) + (actions == states[:, :3].argmax(axis=1))
    model = net(4, D(16, "relu"), D(3, "softmax"))
    model.compile("adam", SPARSE)
    return Training(model, states, actions, {"sample_weight": gains - gains.mean()})


def pairs_within_the_batch(rng: np.random.Generator) -> Training:
    """Each sample's class is its place in the batch."""
    ends = [keras.Input((6,)), keras.Input((6,))]
    codes = [layers.UnitNormalization()(D(8)(end)) for end in ends]
    scores = over(lambda both: 10 * ops.matmul(both[0], ops.transpose(both[1])))(codes)
    model: Any = keras.Model(ends, scores)
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["sparse_categorical_accuracy"])
    x = normal(rng, N, 6)
    return Training(model, [x, x @ normal(rng, 6, 6)], np.arange(N) % 32, {"shuffle": False})


def noise_of_a_diffusion(rng: np.random.Generator) -> Training:
    """New noise in each batch: the loss levels off high, and never repeats."""
    pictures, _ = digits()

    def batch() -> tuple[Any, Any]:
        share, noise = rng.uniform(0.05, 0.95, (32, 1)), normal(rng, 32, 64)
        clean = pictures[rng.integers(0, N, 32)] * 2 - 1
        seen = np.sqrt(1 - share) * clean + np.sqrt(share) * noise
        return np.concatenate([seen, share], axis=1).astype("float32"), noise

    model = net(65, D(64, "relu"), D(64))
    model.compile("adam", "mse")
    return Training(model, Batches(16, batch), None, {"epochs": 16})


def one_in_a_thousand(rng: np.random.Generator) -> Training:
    x, rare = normal(rng, 10_000, 6), rng.choice(10_000, 10, replace=False)
    y = np.zeros(10_000, int)
    y[rare], x[rare] = 1, x[rare] + 1
    model = net(6, D(8, "relu"), D(1, "sigmoid"))
    model.compile("adam", BINARY, metrics=["accuracy", "AUC"])
    return Training(model, x, y, {"batch_size": 256, "validation_split": 0.3})


def low_rank(rng: np.random.Generator) -> Training:
    """Frozen kernels with small trainable ones beside them."""
    x, y = digits()
    model = classifier()
    model.fit(x, y % 5, epochs=4, verbose=0)
    for layer in model.layers:
        layer.enable_lora(4)
    model.compile(optimizers.Adam(0.01), SPARSE, metrics=ACC)
    return Training(model, x, y)


def fine_tuned(rng: np.random.Generator) -> Training:
    """A trained model that hardly moves any more."""
    x, y = digits()
    model = classifier()
    model.fit(x, y, epochs=15, verbose=0)
    model.compile(optimizers.Adam(1e-5), SPARSE, metrics=ACC)
    return Training(model, x, y, {"validation_split": 0.25})


def other_classes(rng: np.random.Generator) -> Training:
    """Begins far worse than a constant, with classes that it has never seen."""
    x, y = digits(1000)
    model = classifier()
    model.fit(x[y < 5], y[y < 5], epochs=8, verbose=0)
    model.compile("adam", SPARSE, metrics=ACC)
    return Training(model, x[y > 4], y[y > 4])


def mixed_up(rng: np.random.Generator) -> Training:
    """Two samples in one, as mixup makes them, in each batch others."""
    x, y = digits()
    rows = np.eye(10, dtype="float32")[y]

    def batch() -> tuple[Any, Any]:
        a, b = rng.integers(0, N, (2, 32))
        share = rng.beta(0.4, 0.4, (32, 1)).astype("float32")
        return share * x[a] + (1 - share) * x[b], share * rows[a] + (1 - share) * rows[b]

    return Training(classifier(loss=ROWS), Batches(16, batch))


def validated_on_one_class(rng: np.random.Generator) -> Training:
    x = normal(rng, N, 6)
    y = (x[:, 0] + 0.3 * normal(rng, N) > 0).astype(int)
    model = net(6, D(8, "relu"), D(1, "sigmoid"))
    model.compile(optimizers.Adam(0.01), BINARY, metrics=ACC)
    apart = np.flatnonzero(y == 1)[:60]
    rest = np.setdiff1d(np.arange(N), apart)
    return Training(model, x[rest], y[rest], {"validation_data": (x[apart], y[apart])})


def weak_signal(rng: np.random.Generator) -> Training:
    """Sixty of a hundred can be told, and no more."""
    x = normal(rng, 3000, 5)
    y = (rng.random(3000) < 1 / (1 + np.exp(-0.7 * x[:, 0]))).astype(int)
    model = net(5, D(1, "sigmoid"))
    model.compile(optimizers.Adam(0.01), BINARY, metrics=["accuracy", "AUC"])
    return Training(model, x, y, {"validation_split": 0.3, "epochs": 20})


def long_plateau(rng: np.random.Generator) -> Training:
    """A parity of two inputs: no gradient at first, then all of it."""
    x = rng.choice([-1.0, 1.0], (N, 8)).astype("float32")
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    model = net(8, D(32, "relu"), D(1, "sigmoid"))
    model.compile(optimizers.Adam(0.003), BINARY, metrics=ACC)
    return Training(model, x, y, {"epochs": 30})


def four_samples(rng: np.random.Generator) -> Training:
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
    model = net(2, D(8, "tanh"), D(1, "sigmoid"))
    model.compile(optimizers.Adam(0.1), BINARY, metrics=ACC)
    return Training(model, x, np.array([0, 1, 1, 0]), {"epochs": 80})


def by_heart(rng: np.random.Generator) -> Training:
    """Down to losses of a millionth, which then wander by factors."""
    x, y = digits(200)
    model = net(64, D(96, "relu"), D(10, "softmax"))
    model.compile(optimizers.Adam(0.01), SPARSE, metrics=ACC)
    return Training(model, x, y, {"epochs": 60})


def counted(rng: np.random.Generator) -> Training:
    x = normal(rng, N, 4)
    model = net(4, D(16, "relu"), D(1, "exponential"))
    model.compile("adam", "poisson", metrics=["mae", metrics.RootMeanSquaredError()])
    return Training(model, x, rng.poisson(np.exp(0.5 * x[:, 0] + 1)), {"validation_split": 0.2})


TRAININGS: Trainings = {
    "restarts": restarts,
    "cycles": cycles,
    "norms of few batches": norms_of_few_batches,
    "heavy dropout": heavy_dropout,
    "policy gradient": policy_gradient,
    "pairs within the batch": pairs_within_the_batch,
    "noise of a diffusion": noise_of_a_diffusion,
    "one in a thousand": one_in_a_thousand,
    "low rank": low_rank,
    "fine-tuned": fine_tuned,
    "other classes": other_classes,
    "mixed up": mixed_up,
    "validated on one class": validated_on_one_class,
    "weak signal": weak_signal,
    "long plateau": long_plateau,
    "four samples": four_samples,
    "by heart": by_heart,
    "counted": counted,
}
