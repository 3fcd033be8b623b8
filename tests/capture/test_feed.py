"""The first batches are looked at, and training gets them as if nobody had."""

from __future__ import annotations

import gc
import mmap
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lossmon
from lossmon.capture import feed

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="Keras' other backends feed their steps by Python's iterators",
)

X = np.arange(22, dtype=np.float32).reshape(11, 2)

# Steps whose tensors have 250 KiB: more than M_MMAP_THRESHOLD is, less than glibc makes of it.
_FAULTS_OF_A_STEP = """
import resource, statistics, sys
import keras, numpy as np
import lossmon

class Faults(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.each = []

    def on_train_batch_begin(self, batch, logs=None):
        self.before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    def on_train_batch_end(self, batch, logs=None):
        self.each.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - self.before)

x = np.ones((1000, 64), np.float32)
model = keras.Sequential([keras.Input((64,)), *[keras.layers.Dense(64, "relu") for _ in range(8)]])
model.compile("sgd", "mse")
faults = Faults()
monitors = [lossmon.Monitor(sys.argv[1], verify="off")] if sys.argv[1:] else []
model.fit(x, x, batch_size=1000, epochs=60, verbose=0, callbacks=[*monitors, faults])
print(statistics.median(faults.each[30:]))
"""


def _datasets() -> dict[str, Any]:
    import tensorflow as tf

    slices: Any = tf.data.Dataset.from_tensor_slices
    ragged = tf.ragged.constant([[1, 2], [3], [], [4]])
    return {
        "arrays, the last batch smaller": slices((X, X)).batch(3),
        "dicts": slices(({"a": X, "b": X}, {"c": X})).batch(3),
        "ragged": slices((ragged, X[:4])).batch(3),
        "sparse": slices((tf.sparse.from_dense(X), X)).batch(3),
        "without labels": slices(X).batch(3).map(lambda x: (x, None)),
        "of unknown rank": slices(X).batch(3).map(lambda x: tf.numpy_function(abs, [x], x.dtype)),
        "strings": slices((np.array(["a", "b"]), X[:2])).batch(1),
    }


class _Steps:
    """A compiled step that tells what it got."""

    def __init__(self) -> None:
        import tensorflow as tf

        self.traces = 0
        self._step = tf.function(self._take)

    def _take(self, iterator: Any) -> Any:
        self.traces += 1
        return next(iterator)

    def rest(self, iterator: Any) -> list[str]:
        import tensorflow as tf

        found: list[str] = []
        while True:
            try:
                found.append(repr(self._step(iterator)))
            except tf.errors.OutOfRangeError:
                return found


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", _datasets())
def test_what_is_peeked_at_comes_first_and_no_step_is_traced_again(name: str, count: int) -> None:
    dataset, steps = _datasets()[name], _Steps()
    expected = steps.rest(iter(dataset))
    original = iter(dataset)
    batches, once = feed.peek(original, count)
    first = steps.rest(once)
    assert len(batches) == len(first) == min(count, len(expected))
    assert [*first, *steps.rest(original)] == expected
    assert steps.traces == 1


def test_calls_of_many_steps_are_peeked_at_whole() -> None:
    import tensorflow as tf

    batches, once = feed.peek(iter(tf.data.Dataset.range(301)), 300)
    assert [int(batch) for batch in once] == [int(batch) for batch in batches] == [*range(300)]


@pytest.mark.skipif(sys.platform == "win32", reason="no count of a process' page faults")
def test_steps_map_no_memory_anew_because_of_the_monitor(tmp_path: Path) -> None:
    def faults(*arguments: Path) -> float:
        command = [sys.executable, "-c", _FAULTS_OF_A_STEP, *map(str, arguments)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    of_one_tensor = 250 * 1024 / mmap.PAGESIZE
    assert faults(tmp_path / "runs.db") < faults() + of_one_tensor


class Iterators(keras.callbacks.Callback):
    """Counts the iterators that live when training ends."""

    count = 0

    def on_train_end(self, logs: Any = None) -> None:
        import tensorflow as tf

        gc.collect()
        kind = type(iter(tf.data.Dataset.range(1)))
        self.count = sum(type(one) is kind for one in gc.get_objects())


@pytest.mark.parametrize("audit", [False, True])
def test_no_iterator_of_an_earlier_epoch_lives_on(tmp_path: Path, *, audit: bool) -> None:
    """It has threads and prefetched batches, and `fit` may have to wait for it at its end."""
    y = X[:, :1]
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    bare, monitored = Iterators(), Iterators()
    told: Any = {"epochs": 4, "verbose": 0, "validation_data": (X, y)}
    model.fit(X, y, callbacks=[bare], **told)
    monitor = lossmon.Monitor(tmp_path / "runs.db", audit_train=audit)
    model.fit(X, y, callbacks=[monitor, monitored], **told)
    assert monitored.count == bare.count > 0
