"""The opening of a run: its first batch is looked at, the rules are asked, its recorder begins."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from lossmon.capture.asking import RuleAsker
from lossmon.capture.audit import arguments_of_fit
from lossmon.capture.audit_data import reads_arrays
from lossmon.capture.budget import LARGE_SHARE, SHARE, Budget
from lossmon.capture.environment import environment, set_seed
from lossmon.capture.first_look import FirstLook, first_look
from lossmon.capture.judge import RunJudge
from lossmon.capture.letting_out import LettingOut, leaves_jointly, let_out
from lossmon.capture.options import Options
from lossmon.capture.plan import Plan
from lossmon.capture.planning import make_plan
from lossmon.capture.reader import Reader
from lossmon.capture.recorder import FIRST_STEP_BYTES, Beginning, Recorder, bytes_of
from lossmon.capture.run_identity import RunIdentity
from lossmon.capture.samples import sample_gathering
from lossmon.capture.sampling import Sampler, sampler
from lossmon.capture.tap import Tap
from lossmon.capture.terminal import say
from lossmon.capture.visibility import Visibility
from lossmon.capture.watch import Watch
from lossmon.records import Finding, RunRecord
from lossmon.rules import Facts
from lossmon.trackers import Tracker, open_trackers

_REPEATED = (
    "a step calls compute_metrics more than once: what Keras prints is of all these calls together"
)


class Opened(NamedTuple):
    """A run that is being recorded from here on.

    Attributes:
        recorder: takes its steps and epochs.
        step: the number of its first step.
        findings: what the rules said of its first batch.
    """

    recorder: Recorder
    step: int
    findings: list[Finding]


class Opening:
    """Opens the run of one `fit`.

    Where an error breaks off the look at the first batch, what it chose until then holds.

    Args:
        model: the model that is being fitted.
        identity: the run that it is recorded as.
        visibility: what can be seen of its steps.
        tap: lies around them.
        announce: tells the user of findings.
        retract: tells the user of those that no longer stand.
        tell: told what the user must hear.
    """

    def __init__(
        self,
        model: Any,
        identity: RunIdentity,
        visibility: Visibility,
        tap: Tap,
        *,
        announce: Callable[[Sequence[Finding]], None],
        retract: Callable[[str], None],
        tell: Callable[[str], None],
    ) -> None:
        self._model = model
        self._identity = identity
        self._visibility = visibility
        self._tap = tap
        self._announce = announce
        self._retract = retract
        self._tell = tell
        self._letting_out = LettingOut()
        self._values = 0
        self._validated: Any = None

    def look(self, options: Options, batch: Any, state: Any) -> tuple[FirstLook, Sampler | None]:
        """Look at the first batch, and choose how values leave the steps.

        Args:
            options: what the user asked for.
            batch: what the first step will be given.
            state: on JAX, the state that the train function was given.

        Returns:
            What the batch showed, and what measures gradients and units, if they can be had.
        """
        fit = arguments_of_fit(self._model)
        alone = reads_arrays(fit)
        self._validated = fit.get("val_x")
        look = first_look(self._model, batch, state, fit=fit)
        self._values = look.values
        self._choose_way_out(options.verify, look)
        if not self._visibility.is_whole:
            return look, None
        return look, sampler(self._model, batch, look.outputs, fit, alone=alone, values=look.values)

    def _choose_way_out(self, verify: str, look: FirstLook) -> None:
        jointly = leaves_jointly(verify, look.values)
        self._tap.choose_form(self._visibility.make_carrier, jointly=jointly)
        carrier = self._tap.carrier
        carrier.outputs = look.outputs
        if look.hidden is not None:
            self._visibility.hidden, carrier.silent = look.hidden, True
        self._letting_out = let_out(verify, tuple(carrier.channels.values()), look.values)
        if self._letting_out.one_by_one:
            self._tap.keep_large_tensors_in()

    def open(
        self, options: Options, *, epoch: int, look: FirstLook | None, sampler: Sampler | None
    ) -> Opened:
        """Ask the rules, and begin to record.

        Args:
            options: what the user asked for.
            epoch: the epoch that begins.
            look: what the first batch showed; None where that could not be seen.
            sampler: measures gradients and units, if they can be had.
        """
        ask = RuleAsker(options.rules, self._tell)
        facts = None if look is None else look.facts
        findings = [] if facts is None else ask(facts)
        plan = self._plan(options, facts)
        watch = Watch(
            facts,
            findings,
            ask=ask,
            announce=self._announce,
            trouble=self._tell,
            sampler=sampler,
            mistaken=plan.meant.__setitem__,
            retract=self._retract,
            labels_known=look is not None and look.labels_known,
        )
        step, header = self._identity.header(options, list(plan.outputs), epoch=epoch)
        full, carrier = options.verify == "full", self._tap.carrier
        judge = RunJudge(
            plan,
            watch,
            Reader(carrier.layouts, carrier.channels),
            Budget(self._share(options.verify)),
            samples=sample_gathering(plan, options, self._validated, self._tell),
            resolved=lambda: carrier.outputs,
        )
        recorder = Recorder(
            Beginning(
                header=header,
                findings=findings,
                judge=judge,
                environment=partial(environment, set_seed(), self._compared(facts)),
                channels=() if self._letting_out.at_once else tuple(carrier.channels.values()),
                wait_when_full=full,
                # With extended logs training waits at each epoch's end for all that is not judged.
                puts_off=not full and not options.extend_logs,
                trackers=self._open_trackers(options, header.run),
                step_bytes=self._step_bytes(options.verify),
            ),
            say,
        )
        self._validated = None
        return Opened(recorder, step, findings)

    def _compared(self, facts: Facts | None) -> bool | None:
        """Whether validation samples were looked up among the training samples; None without."""
        if self._validated is None:
            return None
        return facts is not None and (facts.repeated is not None or facts.shared is not None)

    def _share(self, verify: str) -> float:
        """Of the time of the steps, for recomputing them."""
        if verify == "full":
            return math.inf
        return LARGE_SHARE if self._letting_out.one_by_one else SHARE

    def _step_bytes(self, verify: str) -> int:
        """About the size of a step's tensors where those of all steps leave, 0 elsewhere."""
        if verify == "off" or self._letting_out.at_once:
            return 0
        return bytes_of(self._values) or FIRST_STEP_BYTES

    def _plan(self, options: Options, facts: Facts | None) -> Plan:
        return make_plan(
            self._model,
            options,
            self._tap.carrier.outputs or [],
            facts,
            override=self._visibility.override,
            why_unseen=self._why_unseen,
            letting_out=self._letting_out,
        )

    def _why_unseen(self) -> str | None:
        repeated = _REPEATED if self._tap.carrier.repeats else None
        return self._visibility.why_unseen() or repeated

    def _open_trackers(self, options: Options, run: RunRecord) -> list[Tracker]:
        if self._identity.others_speak:
            return []
        return open_trackers(options.also, run, self._tell)
