"""Around the step: call the model's train and test functions, and hand on what each call left.

The wrapped functions take the carrier's values out of the logs again before any callback sees
them. The functions that were traced with the carrier are kept for the next `fit` of the model, so
that only the first one traces.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras

from lossmon.capture import feed
from lossmon.capture.bare_form import bare_function
from lossmon.capture.carrier import CARRIER, Carrier
from lossmon.capture.channel import LogsChannel
from lossmon.capture.each_step import each_step_passes_on
from lossmon.errors import InvalidCombination
from lossmon.records import Split

_KEPT = "_lossmon_tapped"


class Call(NamedTuple):
    """One call of the train or test function.

    Attributes:
        split: "train" or "val".
        steps: the steps that it made.
        logs: the logs as Keras made them (tensors).
        tapped: what came out with the logs, step by step; empty where values leave through queues,
            or not at all.
        queued: whether the values wait in the queues of the split's channel.
        started: Unix time at which it began.
        seconds: its wall time.
        recorded: whether it belongs to the run; an `evaluate` in a callback does not.
    """

    split: Split
    steps: int
    logs: Any
    tapped: Sequence[dict[str, Any]]
    queued: bool
    started: float
    seconds: float
    recorded: bool


class Tap:
    """Wraps one model for the time of one `fit`.

    Args:
        model: a compiled model.
        carrier: gathers the values inside the steps, unless an earlier fit's can be used again.
        on_call: called after each call of the train or test function.
        on_first_batch: called once, before the first step, with the batch and the arguments of the
            train function; may raise `InvalidCombination`, nothing else.
        on_error: called with an exception that was kept away from training.
        on_end: called with the exception that ended training inside a step.
        on_compile: called when the model was compiled anew within the fit; steps are recorded from
            their logs from then on.
        on_remake: called when the train function is asked for anew; tells whether that was by
            another `fit`, in which case the tap is gone when it returns.

    Attributes:
        carrier: the one in use.
        recording: the split whose steps are recorded; None between epochs.
        is_aside: whether the steps of the moment are those of a training within a callback.
    """

    def __init__(
        self,
        model: Any,
        carrier: Carrier,
        *,
        on_call: Callable[[Call], None],
        on_first_batch: Callable[[Any, tuple[Any, ...]], None],
        on_error: Callable[[BaseException], None],
        on_end: Callable[[BaseException], None],
        on_compile: Callable[[], None],
        on_remake: Callable[[], bool],
    ) -> None:
        self.model = model
        self.carrier = carrier
        self.recording: Split | None = None
        self.is_aside: Callable[[], bool] = lambda: False
        self._on_call = on_call
        self._on_first_batch = on_first_batch
        self._on_error = on_error
        self._on_end = on_end
        self._on_compile = on_compile
        self._on_remake = on_remake
        self._seen_first = self._remade = False
        self._made: dict[Split, int] = {}
        self._bare: dict[Split, Any] = {}
        self._in_two_forms = False

    def install(self) -> None:
        """Wrap the model."""
        model = self.model
        self._functions = (model.train_function, model.test_function)
        self._make_train, self._make_test = model.make_train_function, model.make_test_function
        self._adopt_kept()
        self.carrier.on_error = self._on_error
        self.carrier.install()
        try:
            if not self._adopted:
                self._make_tapped()
        except Exception:
            self.carrier.remove()
            model.train_function, model.test_function = self._functions
            raise
        model.train_function, model.test_function = self._run_train, self._run_test
        self._found = {n: vars(model)[n] for n in _MAKERS if n in vars(model)}
        model.make_train_function = self._remake_train
        model.make_test_function = self._remake_test

    def _make_tapped(self) -> None:
        model = self.model
        model.train_function = model.test_function = None
        with each_step_passes_on(model, self.carrier, "train"):
            self._make_train()
        with each_step_passes_on(model, self.carrier, "val"):
            self._make_test()
        self._train, self._test = model.train_function, model.test_function

    def _adopt_kept(self) -> None:
        """Use the functions of an earlier fit, if the model was not compiled since.

        They are kept on the model's own train function, which Keras makes anew where one made
        before no longer holds.
        """
        kept: _Kept | None = getattr(self._functions[0], _KEPT, None)
        self._adopted = kept is not None and kept.fits(self._functions[1], self.carrier)
        if kept is not None and self._adopted:
            self.carrier = kept.carrier
            self._train, self._test = kept.functions
            self._bare = kept.bare
            for channel in self.carrier.channels.values():
                channel.carry(float("inf"))
                channel.clear()
        self._made = {s: channel.sent() or 0 for s, channel in self.carrier.channels.items()}

    def choose_form(self, fresh: Callable[[], Carrier], *, jointly: bool) -> None:
        """Choose how values leave the steps, before the first one is made.

        Args:
            fresh: makes a carrier, for steps that are traced anew: those that an earlier fit traced
                let out too much of larger ones.
            jointly: whether all of a step may leave together.
        """
        if jointly and not self._adopted:
            self.carrier.send_jointly()
        elif self.carrier.jointly and not jointly:
            self.carrier.remove()
            self.carrier, self._adopted = fresh(), False
            self.carrier.on_error = self._on_error
            self.carrier.install()
            self._made.clear()
            self._bare = {}
            self._make_tapped()
            self.model.train_function, self.model.test_function = self._run_train, self._run_test

    def keep_large_tensors_in(self) -> None:
        """Run steps whose tensors are not to leave in a form that could not let them out.

        It is traced when the first of them is asked for. Where several steps make up a call each
        decides for itself, as those of JAX do.
        """
        queues = all(channel.queues for channel in self.carrier.channels.values())
        self._in_two_forms = queues and self.model.steps_per_execution == 1

    def forget(self) -> None:
        """Let the next `fit` trace anew."""
        vars(self._functions[0] or self).pop(_KEPT, None)

    def keep(self) -> None:
        """Keep the traced functions for the next `fit`."""
        bare = self._functions[0]
        if hasattr(bare, "__dict__") and not self._remade and self.carrier.is_as_asked:
            functions = self._train, self._test
            kept = _Kept(self._functions[1], self.carrier, functions, self._bare)
            setattr(bare, _KEPT, kept)

    def remove(self) -> None:
        """Put everything back as it was found. Does nothing the second time."""
        model = self.model
        for name, own in zip(_MAKERS, (self._remake_train, self._remake_test), strict=True):
            if vars(model).get(name) != own:
                continue
            delattr(model, name)
            if name in self._found:
                setattr(model, name, self._found[name])
        self.carrier.remove()
        if model.train_function == self._run_train:
            model.train_function = self._functions[0]
        if model.test_function == self._run_test:
            model.test_function = self._functions[1]

    def _remake_train(self, *args: Any, **kwargs: Any) -> Any:
        """Adopt a train function that is made anew while the tap is installed."""
        model = self.model
        if self._on_remake():
            return model.make_train_function(*args, **kwargs)
        self._notice_compile()
        if model.train_function == self._run_train:
            model.train_function = self._train
        with each_step_passes_on(model, self.carrier, "train"):
            made = self._make_train(*args, **kwargs)
        self._train = self._made_anew("train", self._train, model.train_function)
        model.train_function = self._run_train
        return made

    def _remake_test(self, *args: Any, **kwargs: Any) -> Any:
        model = self.model
        self._notice_compile()
        if model.test_function == self._run_test:
            model.test_function = self._test
        with each_step_passes_on(model, self.carrier, "val"):
            made = self._make_test(*args, **kwargs)
        self._test = self._made_anew("val", self._test, model.test_function)
        model.test_function = self._run_test
        return made

    def _made_anew(self, split: Split, before: Any, made: Any) -> Any:
        if made is not before:
            self._remade = True
            self._bare.pop(split, None)
        return made

    def _notice_compile(self) -> None:
        """What was resolved before holds no more."""
        if self.carrier.is_of_another_compile and not self.carrier.silent:
            self.carrier.silent = True
            self._on_compile()

    def _run_train(self, *args: Any) -> Any:
        if not self._seen_first:
            self._seen_first = True
            args = self._look_at_first(args)
        self.carrier.running = "train"
        return self._run(self._form("train", self._train), args)

    def _run_test(self, *args: Any) -> Any:
        self.carrier.running = "val"
        return self._run(self._form("val", self._test), args)

    def _form(self, split: Split, function: Any) -> Any:
        """The function, or its bare form where the next step's tensors are to stay in."""
        if not self._in_two_forms or self.carrier.silent:
            return function
        with self._kept_from_training():
            if self.carrier.channels[split].lets_out():
                return function
            if split not in self._bare:
                self._bare[split] = function  # should the other one not be had
                self._bare[split] = bare_function(self.model, self.carrier, split)
        return self._bare.get(split, function)

    def _look_at_first(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        *state, iterator = args
        batches, iterator = feed.peek(iterator, self.model.steps_per_execution)
        if batches:
            with self._kept_from_training():
                self._on_first_batch(batches[0], tuple(args))
        return (*state, iterator)

    def _run(self, function: Any, args: tuple[Any, ...]) -> Any:
        split = self.carrier.running or "train"
        started, clock = time.time(), time.perf_counter()
        try:
            result = function(*args)
        except BaseException as error:
            self._after(split, None, started, time.perf_counter() - clock, failed=True)
            # An `evaluate` in a callback may fail without ending the training around it.
            if self.recording == split and not _is_end_of_data(error):
                self._on_end(error)
            raise
        finally:
            self.carrier.running = None
        seconds = time.perf_counter() - clock
        logs, *state = result if isinstance(result, tuple) else (result,)
        self._after(split, logs, started, seconds)
        if not isinstance(logs, dict) or CARRIER not in logs:
            return result
        logs = {key: value for key, value in logs.items() if key != CARRIER}
        return (logs, *state) if isinstance(result, tuple) else logs

    def _after(
        self, split: Split, logs: Any, started: float, seconds: float, *, failed: bool = False
    ) -> None:
        # As `_kept_from_training`, which costs more than all of this.
        try:
            self._pass(split, logs, started, seconds, failed=failed)
        except InvalidCombination:
            raise
        except Exception as error:
            self._on_error(error)

    def _pass(
        self, split: Split, logs: Any, started: float, seconds: float, *, failed: bool
    ) -> None:
        channel = self.carrier.channels[split]
        tapped = channel.take_passed() if isinstance(channel, LogsChannel) else []
        if isinstance(logs, dict) and CARRIER in logs:
            tapped.append(logs[CARRIER])
        steps = len(tapped) or self._steps(split, failed=failed)
        recorded = self.recording == split and not self.is_aside()
        queued = channel.queues and not self.carrier.silent
        if not steps or not (recorded or queued):
            return
        self._on_call(Call(split, steps, logs, tapped, queued, started, seconds, recorded))

    def _steps(self, split: Split, *, failed: bool) -> int:
        """How many steps a call made. One that failed may have made some."""
        steps = 0 if failed else self.model.steps_per_execution
        if steps != 1 and not self.carrier.silent:
            sent = self.carrier.channels[split].sent()
            new = None if sent is None else max(0, sent - self._made.get(split, 0))
            steps = steps if new is None else new or steps
        self._made[split] = self._made.get(split, 0) + steps
        return steps

    @contextmanager
    def _kept_from_training(self) -> Generator[None]:
        """An error inside lossmon never ends training; only a refusal before its start may."""
        try:
            yield
        except InvalidCombination:
            raise
        except Exception as error:
            self._on_error(error)


_MAKERS = ("make_train_function", "make_test_function")


@dataclass(frozen=True, slots=True)
class _Kept:
    """Traced functions of an earlier fit, and the test function that the model had then.

    Attributes:
        found: that test function.
        bare: those of the functions that were made in their bare form, too.
    """

    found: Any
    carrier: Carrier
    functions: tuple[Any, Any]
    bare: dict[Split, Any]

    def fits(self, found: Any, carrier: Carrier) -> bool:
        return found is self.found and self.carrier.serves_as(carrier)


def _is_end_of_data(error: BaseException) -> bool:
    if isinstance(error, StopIteration):
        return True
    return keras.backend.backend() == "tensorflow" and type(error).__name__ == "OutOfRangeError"
