"""One `fit` call, from its begin to its end: connects the tap, the rules and the recorder."""

from __future__ import annotations

import re
import time
import weakref
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import keras

from lossmon.capture.audit import Audit
from lossmon.capture.callback_list import FitOwner, callback_list
from lossmon.capture.chunk import CallItem
from lossmon.capture.environment import describe_model
from lossmon.capture.extended_logs import AwaitedLogs
from lossmon.capture.first_look import FirstLook
from lossmon.capture.forward import give_back
from lossmon.capture.last_words import last_words
from lossmon.capture.never_harming import never_harming
from lossmon.capture.opening import Opening
from lossmon.capture.options import Options
from lossmon.capture.reader import Reader, scalar_logs
from lossmon.capture.recorder import EpochItem, Recorder
from lossmon.capture.run_identity import RunIdentity
from lossmon.capture.sampling import Sampler
from lossmon.capture.tap import Call, Tap
from lossmon.capture.terminal import announce, say
from lossmon.capture.tuning import of_trial, trial_of
from lossmon.capture.visibility import Visibility
from lossmon.errors import CannotResume, InvalidCombination
from lossmon.records import Finding, RunStatus
from lossmon.store import ENDED_WITH, database_name, missing_part

# What a database is named by, and the name of a run hardly has.
_PATH = re.compile(r"[/\\:]|\.[A-Za-z]\w*$")
_live: WeakKeyDictionary[Any, Session] = WeakKeyDictionary()


class Session:
    """The recording of one `fit` call.

    Nothing here raises into training, except before its first step: `InvalidCombination` where the
    user asked for `strict=True`, and with `resume=True` the errors that `Resumption` names.

    Args:
        model: the model that is being fitted.
        options: what the user asked for.
        params: what Keras tells callbacks of the `fit` (`epochs`, `steps`).
    """

    def __init__(self, model: Any, options: Options, params: dict[str, Any]) -> None:
        self._identity = RunIdentity(params)
        self._model = model
        self._options = options
        self._recorder: Recorder | None = None
        self._audit: Audit | None = None
        self._sampler: Sampler | None = None
        self._troubles: list[str] = []
        self._ended = False
        self._owner: FitOwner | None = None
        self._epoch = 0
        self._step = 0
        self._batch = {"train": 0, "val": 0}
        self._visibility = Visibility(model, options.verify)
        self._tap = Tap(
            model,
            self._visibility.make_carrier(),
            on_call=self._on_call,
            on_first_batch=self._on_first_batch,
            on_error=self.trouble,
            on_end=self._on_broken_off,
            on_compile=self._on_compile,
            on_remake=self._on_remake,
        )
        self._opening = Opening(
            model,
            self._identity,
            self._visibility,
            self._tap,
            announce=self._announce,
            retract=self._retract,
            tell=self._tell,
        )

    @classmethod
    def start(cls, model: Any, options: Options, params: dict[str, Any] | None) -> Session:
        """Begin to record a `fit` that is about to make its first step."""
        session = cls(model, options, params or {})
        session._identify()
        session._begin()
        return session

    def _identify(self) -> None:
        self._identity.find_rank(self._tell)
        if self._options.resume:
            _end_broken_off()
            model = describe_model(self._model)
            self._identity.find_resumed(self._options, model, self._tell)

    def _announce(self, findings: Sequence[Finding]) -> None:
        if not self._identity.others_speak:
            announce(findings)

    def _retract(self, message: str) -> None:
        if not self._identity.others_speak:
            say(message)

    @property
    def run_id(self) -> str:
        """Id of the run that it is recorded as."""
        return self._identity.run_id

    @never_harming
    def _begin(self) -> None:
        owner = callback_list() or self._model
        previous = _live.get(self._model)
        if previous is not None and previous.is_of(owner):
            self._ended = True
            previous._tell_second(self)
            return
        if previous is not None:
            previous.end("interrupted")
        self._owner = FitOwner(owner, _abandoned, weakref.ref(self))
        _live[self._model] = self
        trial = trial_of(getattr(owner, "callbacks", ()))
        self._options = self._options if trial is None else of_trial(self._options, trial)
        self._identity.model = describe_model(self._model)
        self._tell_new_place()
        self._tap.install()
        if self._options.audit_train is not False:
            self._audit = Audit(self._model, self._options.audit_train, self._tell)

    def _tell_second(self, other: Session) -> None:
        """Say that another Monitor of the same `fit` records nothing, and keep it with the run."""
        first, second = (_named(one._options.run) for one in (self, other))
        self._tell(
            f"a `fit` expected one lossmon.Monitor. Received: several. The first{first} records "
            f"all of it, the other{second} nothing. Fix: leave out all but one."
        )

    def _tell_new_place(self) -> None:
        """Say where it records if even the folder is new, or where that looks like a slip."""
        db = self._options.db
        missing = None if self._identity.others_speak else missing_part(db)
        if missing == "folder":
            say(f"records into {database_name(db)}, in a folder that is made for it.")
        elif missing == "file" and isinstance(db, str) and not _PATH.search(db):
            named = "" if self._options.run else f" A run of that name: run={db!r}."
            say(f"records into a new database {database_name(db)}.{named}")

    def is_of(self, owner: Any) -> bool:
        """Whether this is a session of the `fit` that has this list of callbacks."""
        return self._owner is not None and self._owner.is_(owner)

    @property
    def is_broken_off(self) -> bool:
        """Whether its `fit` is over though nothing said so."""
        return self._owner is None or self._owner.is_over

    @property
    def ended(self) -> bool:
        """Whether it records no more, or never did."""
        return self._ended

    @never_harming
    def begin_epoch(self, epoch: int) -> None:
        """Record training steps from here, as those of `epoch`."""
        if self._recorder is None:
            self._check_resumed(epoch)
        self._epoch = epoch
        self._batch = {"train": 0, "val": 0}
        self._tap.recording = "train"
        if self._sampler is not None:
            self._sampler.begin_epoch(epoch, self._step)

    def _check_resumed(self, epoch: int) -> None:
        try:
            self._identity.check_epoch(epoch)
        except CannotResume:
            self.end("failed")
            raise

    @never_harming
    def begin_validation(self) -> None:
        """Record test steps from here."""
        if self._tap.recording is not None:
            self._tap.recording = "val"

    @never_harming
    def end_validation(self) -> None:
        """Record training steps again."""
        if self._tap.recording is not None:
            self._tap.recording = "train"

    @never_harming
    def end_epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        """Close an epoch with what Keras printed for it."""
        self._tap.recording = None
        if self._recorder is not None:
            last, ended = max(0, self._step - 1), time.time()
            if self._sampler is not None:
                self._sampler.end_epoch(epoch)
            audited = {} if self._audit is None else self._audit.values()
            awaited = AwaitedLogs() if self._options.extend_logs else None
            self._recorder.put(EpochItem(epoch, last, scalar_logs(logs), ended, audited, awaited))
            if awaited is not None:
                awaited.extend(logs, self._tell)

    @never_harming
    def end(self, status: RunStatus) -> None:
        """Leave the model as it was found, and give the run its end. Once."""
        if self._ended:
            return
        self._ended, self._audit, self._sampler = True, None, None
        if self._owner is not None:
            self._owner.leave()
        if _live.get(self._model) is self:
            del _live[self._model]
        self._tap.remove()
        ended = self._recorder is None or self._recorder.stop(status)
        if not ended:
            self._tap.forget()  # the writer still reads from its queues
        elif status == "finished":
            self._tap.keep()

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
            self._recorder.trouble(ENDED_WITH + last_words(error), aloud=False)
        self.end("interrupted" if isinstance(error, KeyboardInterrupt) else "failed")

    def _on_compile(self) -> None:
        self._visibility.hidden = "the model was compiled anew within the fit"
        self._sampler = None

    def _on_remake(self) -> bool:
        """Another `fit` begins while this session lives: its own was broken off, unnoticed."""
        if self._owner is None:
            return False
        if self._owner.is_called:
            # A callback of this `fit` trains the model by itself.
            self._tap.is_aside = lambda: self._owner is not None and self._owner.is_called
            return False
        self.end("interrupted")
        return True

    def _on_call(self, call: Call) -> None:
        if self._recorder is None and not call.recorded:
            # Nobody else takes it out of the queues.
            carrier = self._tap.carrier
            item = CallItem(0, 0, 0, call)
            for _ in Reader(carrier.layouts, carrier.channels).read([item]):
                pass
            return
        if self._recorder is None:
            self._open()
        assert self._recorder is not None
        batch, trains = self._batch[call.split], call.split == "train"
        place = self._step if trains else max(0, self._step - 1)
        if call.recorded:
            self._batch[call.split] = batch + call.steps
            self._step += call.steps if trains else 0
        self._recorder.put(CallItem(place, self._epoch, batch, call))
        if self._sampler is not None and trains and call.recorded:
            place = self._epoch, self._step, self._batch["train"]
            self._sampler.after_call(*place, steps=call.steps, seconds=call.seconds)

    def _on_first_batch(self, batch: Any, arguments: tuple[Any, ...]) -> None:
        state = arguments[0] if keras.backend.backend() == "jax" else None
        look = self._look(batch, state)
        findings = [] if look is None else self._open(look)
        self._announce(findings)
        errors = [finding for finding in findings if finding.severity == "error"]
        if self._options.strict and errors:
            self.end("failed")
            if state is not None:
                give_back(self._model, state)
            raise InvalidCombination(errors)

    def _look(self, batch: Any, state: Any) -> FirstLook | None:
        """What the first batch shows; None of a step of the user's own that takes it otherwise."""
        try:
            look, self._sampler = self._opening.look(self._options, batch, state)
        except Exception:
            if self._visibility.has_own_step:
                return None
            raise
        return look

    def _open(self, look: FirstLook | None = None) -> Sequence[Finding]:
        opened = self._opening.open(
            self._options, epoch=self._epoch, look=look, sampler=self._sampler
        )
        self._recorder, self._step = opened.recorder, opened.step
        for message in self._troubles:
            self._recorder.trouble(message, aloud=False)
        return opened.findings


def _named(run: str | None) -> str:
    return "" if run is None else f" (run {run!r})"


def _end_broken_off() -> None:
    """End what is recorded of trainings that an error broke off, though the error is still kept."""
    for session in list(_live.values()):
        if session.is_broken_off:
            session.end("interrupted")


def _abandoned(reference: weakref.ref[Session]) -> None:
    session = reference()
    if session is not None:
        session.end("interrupted")
