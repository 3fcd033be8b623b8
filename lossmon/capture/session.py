"""One `fit` call, from its begin to its end: connects the tap, the rules and the recorder."""

from __future__ import annotations

import inspect
import itertools
import os
import socket
import time
import warnings
import weakref
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from weakref import WeakKeyDictionary

import keras

from lossmon import recompute
from lossmon.capture.environment import describe_model, environment
from lossmon.capture.facts import PREDICTED_SAMPLES, first_samples, gather_facts
from lossmon.capture.forward import forward, has_fixed_batch
from lossmon.capture.judge import RunJudge
from lossmon.capture.options import Options
from lossmon.capture.override import override
from lossmon.capture.plan import Plan, accuracy_positions
from lossmon.capture.recorder import Beginning, EpochItem, Recorder, StepItem
from lossmon.capture.resolve import resolve
from lossmon.capture.tap import Step, Tap
from lossmon.capture.tapped import scalar_logs
from lossmon.capture.terminal import announce, say
from lossmon.capture.watch import Watch
from lossmon.errors import InvalidArgument, InvalidCombination
from lossmon.records import Finding, RunRecord, RunStatus
from lossmon.rules import Facts, Rule, run_rules
from lossmon.store import new_run_id, new_run_name

P = ParamSpec("P")

_VALUES = {"auto": "bounded", "full": "all", "off": "none"}
_live: WeakKeyDictionary[Any, Session] = WeakKeyDictionary()


def _never_harming(
    method: Callable[Concatenate[Session, P], None],
) -> Callable[Concatenate[Session, P], None]:
    """Keep an error inside lossmon away from training."""

    @wraps(method)
    def guarded(self: Session, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            method(self, *args, **kwargs)
        except InvalidCombination:
            raise
        except Exception as error:
            self.trouble(error)

    return guarded


class Session:
    """The recording of one `fit` call.

    Nothing here raises into training, except `InvalidCombination` before the first step where the
    user asked for `strict=True`.

    Args:
        model: the model that is being fitted.
        options: what the user asked for.
        params: what Keras tells callbacks of the `fit` (`epochs`, `steps`).
    """

    def __init__(self, model: Any, options: Options, params: dict[str, Any]) -> None:
        self.run_id = new_run_id()
        self._model = model
        self._options = options
        self._params = params
        self._started = time.time()
        self._recorder: Recorder | None = None
        self._troubles: list[str] = []
        self._ended = False
        self._description: dict[str, Any] = {}
        self._owner: weakref.ref[Any] | None = None
        self._watch: weakref.finalize[..., Any] | None = None
        self._replicas = _replicas(model)
        self._epoch = 0
        self._step = 0
        self._batch = {"train": 0, "val": 0}
        self._tap = Tap(
            model,
            on_step=self._on_step,
            on_first_batch=self._on_first_batch,
            on_error=self.trouble,
            on_end=self._on_broken_off,
            values="logs" if self._replicas > 1 else _VALUES[options.verify],
        )

    @classmethod
    def start(cls, model: Any, options: Options, params: dict[str, Any] | None) -> Session:
        """Begin to record a `fit` that is about to make its first step."""
        session = cls(model, options, params or {})
        session._begin()
        return session

    @_never_harming
    def _begin(self) -> None:
        owner = _callback_list() or self._model
        previous = _live.get(self._model)
        if previous is not None and previous.is_of(owner):
            self._ended = True
            raise InvalidArgument(
                "one lossmon.Monitor per `fit` was expected. Received: several. "
                "Only the first records. Fix: leave out the others."
            )
        if previous is not None:
            previous.end("interrupted")
        self._owner = weakref.ref(owner)
        # When training is broken off outside of a step, Keras tells no callback; the end shows in
        # that the list of callbacks goes away, at the latest with the interpreter.
        self._watch = weakref.finalize(owner, _abandoned, weakref.ref(self))
        _live[self._model] = self
        self._description = describe_model(self._model)
        self._tap.install()

    def is_of(self, owner: Any) -> bool:
        """Whether this is a session of the `fit` that has this list of callbacks."""
        return self._owner is not None and self._owner() is owner

    @_never_harming
    def begin_epoch(self, epoch: int) -> None:
        """Record training steps from here, as those of `epoch`."""
        self._epoch = epoch
        self._batch = {"train": 0, "val": 0}
        self._tap.recording = "train"

    @_never_harming
    def begin_validation(self) -> None:
        """Record test steps from here."""
        if self._tap.recording is not None:
            self._tap.recording = "val"

    @_never_harming
    def end_validation(self) -> None:
        """Record training steps again."""
        if self._tap.recording is not None:
            self._tap.recording = "train"

    @_never_harming
    def end_epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        """Close an epoch with what Keras printed for it."""
        self._tap.recording = None
        if self._recorder is not None:
            last = max(0, self._step - 1)
            self._recorder.put(EpochItem(epoch, last, scalar_logs(logs), time.time()))

    @_never_harming
    def end(self, status: RunStatus) -> None:
        """Leave the model as it was found, and give the run its end. Once."""
        if self._ended:
            return
        self._ended = True
        if self._watch is not None:
            self._watch.detach()
        if _live.get(self._model) is self:
            del _live[self._model]
        self._tap.remove()
        if self._recorder is not None:
            self._recorder.stop(status)

    def trouble(self, error: BaseException) -> None:
        """Say once and store with the run that something went wrong inside lossmon."""
        self._tell(f"an error inside lossmon was kept away from training: {error!r}")

    def _tell(self, message: str) -> None:
        if self._recorder is not None:
            self._recorder.trouble(message)
        elif message not in self._troubles:
            self._troubles.append(message)
            say(message)

    def _on_broken_off(self, error: BaseException) -> None:
        if self._recorder is not None:
            message = f"training ended with {type(error).__name__}: {error}"[:2000]
            self._recorder.trouble(message, aloud=False)
        self.end("interrupted" if isinstance(error, KeyboardInterrupt) else "failed")

    def _on_step(self, step: Step) -> None:
        if self._recorder is None:
            self._open([], None)
        assert self._recorder is not None
        calls = self._model.steps_per_execution
        batch = self._batch[step.split]
        self._batch[step.split] = batch + calls
        place = self._step if step.split == "train" else max(0, self._step - 1)
        if step.split == "train":
            self._step += calls
        self._recorder.put(StepItem(place, self._epoch, batch, step))

    def _on_first_batch(self, batch: Any, arguments: tuple[Any, ...]) -> None:
        findings: list[Finding] = []
        facts = None
        try:
            facts = self._facts(batch, arguments)
            findings = run_rules(facts, self._options.rules, on_error=self._rule_failed)
        finally:
            self._open(findings, facts)
        announce(findings)
        errors = [finding for finding in findings if finding.severity == "error"]
        if self._options.strict and errors:
            self.end("failed")
            raise InvalidCombination(errors)

    def _rule_failed(self, rule: Rule, error: Exception) -> None:
        self._tell(f"rule {rule.code} {rule.name} failed: {error!r}")

    def _facts(self, batch: Any, arguments: tuple[Any, ...]) -> Facts:
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(batch)
        if not has_fixed_batch(self._model):
            x = first_samples(x, PREDICTED_SAMPLES)
        state = arguments[0] if keras.backend.backend() == "jax" else None
        with warnings.catch_warnings():
            # Keras says the same again when it trains; said here, it would come twice.
            warnings.simplefilter("ignore")
            y_pred = forward(self._model, x, state)
            _build_metrics(self._model, y, y_pred)
            self._tap.outputs = resolve(self._model, y, y_pred)
            return gather_facts(self._model, x, y, sample_weight, y_pred)

    def _open(self, findings: list[Finding], facts: Facts | None) -> None:
        if self._recorder is not None:
            return
        plan = self._plan(facts)
        watch = Watch(
            facts,
            findings,
            select=self._options.rules,
            announce=announce,
            trouble=self._tell,
        )
        self._recorder = Recorder(
            Beginning(
                db=self._options.db,
                run=self._run_record(),
                outputs=plan.outputs,
                findings=findings,
                judge=RunJudge(plan, watch),
                environment=environment,
                wait_when_full=self._options.verify == "full",
            ),
            say,
        )
        for message in self._troubles:
            self._recorder.trouble(message, aloud=False)

    def _plan(self, facts: Facts | None) -> Plan:
        outputs = self._tap.outputs or []
        intended = [] if facts is None else [o.record.intended_metric for o in facts.outputs]
        return Plan(
            outputs=tuple(
                replace(output.record, intended_metric=metric)
                for output, metric in itertools.zip_longest(outputs, intended)
            ),
            loss_keys=tuple(output.loss_key or "loss" for output in outputs),
            accuracy_positions=accuracy_positions(outputs),
            override=override(self._model),
            backend=cast("recompute.Backend", keras.backend.backend()),
            why_unseen=self._why_unseen,
            steps_per_call=self._model.steps_per_execution,
            losses=self._options.losses,
            metrics=self._options.metrics,
        )

    def _why_unseen(self) -> str | None:
        if self._replicas > 1:
            return f"{self._replicas} replicas: only the first one's part of a batch comes out"
        return 'verify="off"' if self._options.verify == "off" else self._tap.left_out

    def _run_record(self) -> RunRecord:
        options = self._options
        return RunRecord(
            id=self.run_id,
            name=options.run or new_run_name(),
            project=options.project,
            started=self._started,
            host=socket.gethostname(),
            pid=os.getpid(),
            tags=options.tags,
            notes=options.notes,
            config=options.config,
            model=self._description,
            epochs_planned=self._params.get("epochs"),
            steps_planned=self._params.get("steps"),
            verify=options.verify,
        )


def _build_metrics(model: Any, y: Any, y_pred: Any) -> None:
    """Let Keras make its metric objects now.

    On TensorFlow it would do so while it traces the step, too late for the tap to read their state
    before the step adds to it.
    """
    metrics = model._compile_metrics
    if metrics is not None and not metrics.built and y is not None:
        metrics.build(y, y_pred)


def _replicas(model: Any) -> int:
    """How many copies of the model train side by side under `tf.distribute`."""
    if keras.backend.backend() != "tensorflow":
        return 1
    return int(model.distribute_strategy.num_replicas_in_sync)


def _abandoned(reference: weakref.ref[Session]) -> None:
    session = reference()
    if session is not None:
        session.end("interrupted")


def _callback_list() -> Any:
    """The list of callbacks of the running `fit`: it goes away when that ends, however it ends."""
    frame = inspect.currentframe()
    while frame is not None:
        owner = frame.f_locals.get("self")
        if isinstance(owner, keras.callbacks.CallbackList):
            return owner
        frame = frame.f_back
    return None
