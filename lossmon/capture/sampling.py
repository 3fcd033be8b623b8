"""When gradients and units are measured, and how they reach the rules.

A handful of times a run: at the beginning of each epoch and after 4, 16, 64, … of its steps, and
units at its end, as far as the time that it takes stays a small share of the steps' own. Where it
cannot be had, nothing is measured, and the rules that would use it are silent.
"""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import keras
import numpy as np

from lossmon.capture.allowance import Allowance
from lossmon.capture.facts import first_samples
from lossmon.capture.forward import has_fixed_batch
from lossmon.capture.gradients import Gradients, Measured, gradient_facts
from lossmon.capture.pristine import pristine
from lossmon.capture.resolve import ResolvedOutput
from lossmon.capture.units import Units
from lossmon.rules import GradientFacts, UnitFacts

# Seconds that measuring may take from every run, so that short ones are measured too; beyond it
# this share of the time of the steps.
ALLOWANCE = 0.2
SHARE = 0.002
# A first measurement is expected to take so many seconds for each layer, and the time of two steps.
_LAYER, _STEPS = 1e-3, 2.0
# So many times the expected time is believed at once: the first call loads what it needs.
_SURPRISE = 5.0

# A pass aside holds all that it computes: no more predictions than are little beside a step's.
GRADIENT_SAMPLES, GRADIENT_VALUES = 64, 2**18
UNIT_SAMPLES = 128
# Copies of the weights of larger models are not to be had cheaply.
MEASURED_PARAMETERS = 20_000_000
# Steps within an epoch between which gradients are measured grow by this factor.
_SPREAD = 4
# Beyond this, older facts say nothing new.
_KEPT = 1024


class _UnitValues(NamedTuple):
    epoch: int
    samples: int
    largest: Mapping[str, Any]
    kernels: Mapping[str, Any]


class Findings(NamedTuple):
    """What has been measured, oldest first."""

    gradients: tuple[GradientFacts, ...]
    units: tuple[UnitFacts, ...]


class Sampler:
    """Measures one model during one `fit`, on the training thread.

    Thread safety: `read` belongs to one other thread.

    Args:
        gradients, units: what to measure.
        alone: whether no other thread draws random numbers meanwhile.
        expected: seconds that a first measurement takes beside the arithmetic of a step.
    """

    def __init__(
        self, gradients: Gradients, units: Callable[[], Units], *, alone: bool, expected: float
    ) -> None:
        self._gradients = gradients
        self._make_units = units
        self._units: Units | None = None
        self._alone = alone
        self._time = Allowance(SHARE, ALLOWANCE)
        self._expected = self._of_layers = expected
        self._broken = self._measured = False
        self._next = 1
        self._pending: Measured | None = None
        self._pending_steps = 0
        self._waiting: deque[Measured | _UnitValues] = deque()
        self._known: deque[GradientFacts | UnitFacts] = deque(maxlen=_KEPT)

    def begin_epoch(self, epoch: int, step: int) -> None:
        """Before the first step of an epoch."""
        self._pending, self._next = None, 0
        self._before(epoch, step, 0)

    def after_call(self, epoch: int, step: int, batch: int, *, steps: int, seconds: float) -> None:
        """After a call of the train function.

        Args:
            epoch: the epoch.
            step: optimiser steps made in the run.
            batch: those of them in this epoch.
            steps: the steps of the call.
            seconds: its time.
        """
        self._time.earn(seconds)
        if not self._measured:
            self._expected = self._of_layers + _STEPS * seconds / steps
        if self._pending is not None:
            self._pending_steps += steps
            if self._pending_steps < self._gradients.steps_an_update:
                return
            pending, self._pending = self._pending, None
            with self._kept_from_training():
                self._waiting.append(self._gradients.with_update(pending))
        if batch >= self._next:
            self._before(epoch, step, batch)

    def end_epoch(self, epoch: int) -> None:
        """After the last step of an epoch."""
        self._pending = None
        if not self._affords():
            return
        with self._measuring():
            if self._units is None:
                self._units = self._make_units()
            largest = self._units.largest()
            if largest:
                values = self._units.samples, largest, self._units.kernels()
                self._waiting.append(_UnitValues(epoch, *values))

    def _before(self, epoch: int, step: int, batch: int) -> None:
        if not self._affords():
            return
        with self._measuring():
            self._pending = self._gradients.measure(step, epoch)
            self._pending_steps = 0
        self._next = max(_SPREAD, _SPREAD * batch)

    def _affords(self) -> bool:
        return not self._broken and self._time.left >= self._expected

    @contextmanager
    def _measuring(self) -> Generator[None]:
        began = time.perf_counter()
        with self._kept_from_training(), pristine(self._gradients.model, alone=self._alone):
            yield
        spent = min(time.perf_counter() - began, _SURPRISE * self._expected)
        self._time.spend(spent)
        self._measured = True
        self._expected += 0.5 * (spent - self._expected)

    @contextmanager
    def _kept_from_training(self) -> Generator[None]:
        """What cannot be measured is not known: no word about it."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except Exception:
            self._broken, self._pending = True, None

    def read(self) -> None:
        """Sum up what was measured since, so that no tensor waits for long."""
        while self._waiting:
            found = self._waiting.popleft()
            if isinstance(found, Measured):
                facts = gradient_facts(found)
                self._known.extend([] if facts is None else [facts])
            else:
                self._known.extend(_unit_facts(found))

    def findings(self, epoch: int) -> Findings:
        """What is known up to the end of an epoch."""
        self.read()
        known = [facts for facts in self._known if facts.epoch <= epoch]
        return Findings(
            tuple(facts for facts in known if isinstance(facts, GradientFacts)),
            tuple(facts for facts in known if isinstance(facts, UnitFacts)),
        )


def _unit_facts(values: _UnitValues) -> list[UnitFacts]:
    tops = {layer: np.asarray(largest) for layer, largest in values.largest.items()}
    zero = {layer: not np.asarray(kernel) for layer, kernel in values.kernels.items()}
    return [
        UnitFacts(
            layer, values.epoch, values.samples, top.size, int(np.sum(top == 0)), zero.get(layer)
        )
        for layer, top in tops.items()
    ]


def sampler(
    model: Any,
    batch: Any,
    outputs: list[ResolvedOutput],
    fit: Mapping[str, Any],
    *,
    alone: bool,
    values: int = 0,
) -> Sampler | None:
    """What measures a model that is about to train.

    Args:
        model: a compiled model inside `fit`.
        batch: its first batch, of which some samples are kept.
        outputs: as they were resolved; that nothing overrides how the loss is made is known.
        fit: the arguments of `fit`; of arrays more samples are kept.
        alone: whether `fit` was given arrays, which no thread of Python reads ahead.
        values: how many numbers the model predicts for the batch, 0 where that is not known.

    Returns:
        None where gradients cannot be had cheaply and without a trace: on other backends than
        TensorFlow, of large models, and wherever code of the user's own would run once more.
    """
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
    if keras.backend.backend() != "tensorflow" or y is None or not _is_plain(model, outputs):
        return None
    size = int(keras.tree.flatten(x)[0].shape[0])
    kept = (x, y, sample_weight)
    many = x if not alone else fit.get("x", x)
    if not has_fixed_batch(model):
        few = size * GRADIENT_VALUES // values if values else GRADIENT_SAMPLES
        kept = first_samples(kept, min(GRADIENT_SAMPLES, max(1, few)))
        many = first_samples(many, UNIT_SAMPLES)
    layers = len(model._flatten_layers())
    return Sampler(
        Gradients(model, *kept),
        lambda: Units(model, many, size),
        alone=alone,
        expected=_LAYER * layers,
    )


def _is_plain(model: Any, outputs: list[ResolvedOutput]) -> bool:
    """Whether nothing but Keras' own code runs in a pass through model and loss."""
    layers = model._flatten_layers()
    own = all(type(layer).__module__.startswith("keras.") for layer in layers)
    asks = any(isinstance(layer, keras.layers.Lambda) for layer in layers)
    losses = [output.record.loss for output in outputs if output.record.loss is not None]
    return (
        own
        and not asks
        and bool(losses)
        and not any(loss.custom for loss in losses)
        and model.count_params() <= MEASURED_PARAMETERS
    )
