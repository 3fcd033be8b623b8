"""`fit` replaced by a check while a program runs."""

from __future__ import annotations

import inspect
import itertools
import math
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import keras

from lossmon.capture.call_sites import call_site
from lossmon.capture.check import checked, checked_batches
from lossmon.capture.monitor import Monitor
from lossmon.errors import LossmonError
from lossmon.records import Finding, LocatedFinding, Location
from lossmon.rules import RuleRequest, RuleSelection, rule_selection

# What would put an untrained model in the place of a trained one.
_SAVING = ("save", "save_weights", "export")
_SAVING_FUNCTIONS = ("save_model", "save_weights")


@dataclass(slots=True)
class CheckedProgram:
    """What a program showed.

    Attributes:
        located: what was found, each once, with the calls that it is about.
        fits: how many calls of `fit` were checked.
        models: how many models that it returned were checked.
        without_labels: whether a model was checked without any labels.
        failure: what ended the program after its last checked `fit`; None where it ran to its end.
        left_out: lines of a notebook that were not run.
        unsaved: how many times a model was not saved, because it was not trained.
        refusal: why a call of `fit` could not be checked.
    """

    located: list[LocatedFinding] = field(default_factory=list[LocatedFinding])
    fits: int = 0
    models: int = 0
    without_labels: bool = False
    failure: str | None = None
    left_out: list[str] = field(default_factory=list[str])
    unsaved: int = 0
    refusal: LossmonError | None = None

    @property
    def findings(self) -> list[Finding]:
        """What was found, each once."""
        return [located.finding for located in self.located]

    def add(
        self, found: Sequence[Finding], compiled: Location | None, fitted: Location | None
    ) -> None:
        """Take in what one check found."""
        known = self.findings
        new = [finding for finding in found if finding not in known]
        self.located += [LocatedFinding(finding, compiled, fitted) for finding in new]


class _Untrained(dict[str, list[float]]):
    """The values of a training that was none: NaN under whatever name, for each epoch."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self._epochs = epochs

    def __missing__(self, _: str) -> list[float]:
        return [math.nan] * self._epochs


class Checker:
    """Checks models as a program gives them to `fit`.

    Args:
        program: takes what is found.
        asked: the rules that the caller of the check asks for, before all other sources.
    """

    def __init__(self, program: CheckedProgram, asked: RuleRequest | None) -> None:
        self.program = program
        self._asked = asked
        self._compiled: WeakKeyDictionary[Any, Location] = WeakKeyDictionary()
        self._untrained: WeakSet[Any] = WeakSet()

    def check_fit(self, model: Any, arguments: dict[str, Any], place: Location | None) -> None:
        """Check what a call of `fit` was given."""
        try:
            found = self._found(model, arguments)
        except LossmonError as error:
            self.program.refusal = error
            raise
        self.program.add(found, self._compiled.get(model), place)
        self.program.fits += 1
        self._untrained.add(model)

    def _found(self, model: Any, arguments: dict[str, Any]) -> list[Finding]:
        x: Any = arguments.get("x")
        y, weight = arguments.get("y"), arguments.get("sample_weight")
        selection = self._selection(arguments.get("callbacks"))
        if hasattr(x, "__next__"):
            # Nothing is trained here, so what is read of a generator is not missed.
            epoch = itertools.islice(x, arguments.get("steps_per_epoch"))
            return checked_batches(model, epoch, selection, arguments)
        return checked(model, x, y, weight, selection, fit=arguments)

    def check(self, model: Any, data: tuple[Any, Any, Any]) -> None:
        """Check a compiled model with `(x, y, sample_weight)`."""
        found = checked(model, *data, self._selection(None))
        self.program.add(found, self._compiled.get(model), None)

    def _selection(self, callbacks: Any) -> RuleSelection:
        return rule_selection(*_of_monitor(callbacks), ("lossmon check", self._asked))

    def remember_compile(self, model: Any, place: Location | None) -> None:
        """Keep where a model was compiled."""
        if place is not None:
            self._compiled[model] = place

    @contextmanager
    def replacing_fit(self) -> Generator[None]:
        """Check instead of training, save nothing of it, and note where models are compiled."""
        train, compile_ = keras.Model.fit, keras.Model.compile

        def fit(model: Any, *args: Any, **kwargs: Any) -> Any:
            bound = inspect.signature(train).bind(model, *args, **kwargs)
            self.check_fit(model, bound.arguments, call_site())
            return _untrained_history(model, bound.arguments)

        def compile_here(model: Any, *args: Any, **kwargs: Any) -> Any:
            self.remember_compile(model, call_site())
            return compile_(model, *args, **kwargs)

        with ExitStack() as replaced:
            replaced.enter_context(_replaced("fit", fit))
            replaced.enter_context(_replaced("compile", compile_here))
            for name in _SAVING:
                saving = self._saving(getattr(keras.Model, name))
                replaced.enter_context(_replaced(name, saving))
            for name in _SAVING_FUNCTIONS:
                save = getattr(keras.saving, name)
                replaced.enter_context(_replaced_everywhere(name, save, self._saving(save)))
            yield

    def _saving(self, save: Any) -> Any:
        """What saves a model, unless it would be trained by now."""

        def save_unless_untrained(model: Any, *args: Any, **kwargs: Any) -> Any:
            if model not in self._untrained:
                return save(model, *args, **kwargs)
            self.program.unsaved += 1
            return None

        return save_unless_untrained


@contextmanager
def _replaced(name: str, method: Any) -> Generator[None]:
    """Another method in the class of Keras that defines it for its models."""
    owner: Any = next(c for c in keras.Model.__mro__ if name in vars(c))
    before = vars(owner)[name]
    setattr(owner, name, method)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def _replaced_everywhere(name: str, function: Any, other: Any) -> Generator[None]:
    """Another function in each module of Keras that has this one."""
    modules = [m for key, m in [*sys.modules.items()] if key.split(".")[0] == "keras"]
    owners = [module for module in modules if vars(module).get(name) is function]
    for module in owners:
        setattr(module, name, other)
    try:
        yield
    finally:
        for module in owners:
            setattr(module, name, function)


def _untrained_history(model: Any, arguments: dict[str, Any]) -> Any:
    epochs = range(arguments.get("initial_epoch", 0), arguments.get("epochs", 1))
    history = keras.callbacks.History()
    history.set_model(model)
    history.epoch = list(epochs)
    history.history = _Untrained(len(epochs))
    return history


def _of_monitor(callbacks: Any) -> list[tuple[str, Any]]:
    """The rules that the program's own monitor asks for."""
    listed = getattr(callbacks, "callbacks", callbacks)
    given = listed if isinstance(listed, (list, tuple)) else [listed]
    asked = [m.rules_asked for m in given if isinstance(m, Monitor)]
    return [("Monitor(rules=…)", request) for request in asked]
