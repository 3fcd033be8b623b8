"""What `lossmon.check` costs beyond the model's own first call, and the rules in each batch."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from rich.console import Console

REPEATS = 5
BATCHES = 2_000


def report(console: Console) -> None:
    """Time a check of two models, and what the rules are asked for each batch of a run."""
    import keras

    for name, make in {"MLP 64-128-10": _mlp, "CNN 32×32": _cnn}.items():
        own, checked = zip(*(_check(make) for _ in range(REPEATS)), strict=True)
        beyond = [c - o for o, c in zip(own, checked, strict=True)]
        console.print(
            f"{name}: check {statistics.median(checked) * 1e3:.0f} ms, of which "
            f"{statistics.median(beyond) * 1e3:.0f} ms (largest {max(beyond) * 1e3:.0f}) beyond "
            "the model's own first call"
        )
        keras.backend.clear_session()
    console.print(f"rules: {_batch() * 1e6:.1f} µs a batch on the writer thread")


def _mlp() -> tuple[Any, Any, Any]:
    import keras
    import numpy as np

    model = keras.Sequential(
        [
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    rng = np.random.default_rng(0)
    return model, rng.normal(size=(60_000, 64)).astype("float32"), rng.integers(0, 10, 60_000)


def _cnn() -> tuple[Any, Any, Any]:
    import keras
    import numpy as np

    convolutions = [
        keras.layers.Conv2D(filters, 3, activation="relu", strides=2) for filters in (32, 64, 128)
    ]
    head = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(10)]
    model = keras.Sequential([*convolutions, *head])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    rng = np.random.default_rng(0)
    return model, rng.random((2_000, 32, 32, 3), np.float32), rng.integers(0, 10, 2_000)


def _check(make: Callable[[], tuple[Any, Any, Any]]) -> tuple[float, float]:
    """Seconds of a first call, and of a check of a model that was not called before."""
    import lossmon

    model, x, y = make()
    own = _seconds(lambda: model(x[:64], training=False))
    model, x, y = make()
    return own, _seconds(lambda: lossmon.check(model, x, y))


def _batch() -> float:
    """Seconds that a batch costs the rules, its labels looked at as in a first epoch."""
    import numpy as np

    from lossmon.capture.asking import RuleAsker
    from lossmon.capture.chunk import Chunk, OutputArrays, Place
    from lossmon.capture.facts import gather_facts
    from lossmon.capture.watch import Watch
    from tests.store.made import batch

    model, x, y = _mlp()
    facts = gather_facts(model, x[:32], y[:32])
    ask = RuleAsker(None, lambda _: None)
    watch = Watch(facts, [], ask=ask, announce=lambda _: None, trouble=lambda _: None)
    steps = 64
    arrays = OutputArrays(y[: 32 * steps].reshape(steps, 32), np.zeros((steps, 32, 10)))
    places = [Place(step, step, 0.0, 1e-3) for step in range(1, steps + 1)]
    chunk = Chunk("train", 0, places, {}, {0: arrays})
    rows = [batch(place.step, loss=1.0) for place in places]
    chunks = BATCHES // steps
    return _seconds(lambda: [watch.see(chunk, rows) for _ in range(chunks)]) / (chunks * steps)


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
