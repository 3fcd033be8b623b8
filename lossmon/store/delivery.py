"""The sending side of a training: what is handed over reaches the database, sooner or later.

Records are written as they come. While the database does not take them they are kept in a spool
on this machine, from which a courier delivers them when it is back; where the spool takes none
either, in memory, up to a bound, beyond which the oldest batches are dropped and counted.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from sqlalchemy.exc import DBAPIError

from lossmon.errors import RunGone
from lossmon.store.courier import Courier
from lossmon.store.engine import is_busy
from lossmon.store.parcel import BEGUN_ANEW, Ending, Records, RunHeader, Trouble
from lossmon.store.writer import RunWriter

# Seconds to wait for another process that writes: less than what a killed process may lose is
# worth, and more than any transaction of lossmon takes.
PATIENCE = 0.25
# Absences that are shorter, as when a server restarts, are nothing that a person must hear of.
SAID_AFTER = 3.0
# At the end of a run, as long as nothing moves: for whatever it may be, and for a lock that other
# trainings take in turn; and in all.
GRACE, LOCK_GRACE, LONGEST_END = 2.0, 10.0, 45.0
# Some 40 MB.
HELD_BATCHES = 50_000
HELD_EPOCHS = 5_000
HELD_SAMPLES = 100
_REPLACED = (
    "the database was replaced in mid-run by one that knows this run: what was recorded before may "
    "be missing in it"
)


class Delivery:
    """Delivers the records of one run, exactly once, in order.

    **Thread safety**: none. **Errors**: none are raised. **Time**: a call returns within about a
    second, a first one and `finish` excepted, whatever the database does.

    Args:
        header: the run, and where it goes.
        say: told what the user must hear.
    """

    def __init__(self, header: RunHeader, say: Callable[[str], None]) -> None:
        self._header = header
        self._say = say
        self._held = Records()
        self._writer: RunWriter | None = None
        self._courier: Courier | None = None
        self._away_since = 0.0
        self._reason: Exception | None = None
        self._said_away = self._said_dropping = self._gone = False
        self._told_dropped = 0

    def send(self, records: Records) -> None:
        """Store records, or keep them until they can be; none tells that the run is alive.

        Args:
            records: what is new; none at all tells that the run is alive.
        """
        if self._gone:
            return
        self._held.extend(records)
        self._held.time = time.time()
        if self._courier is not None and not self._is_back(self._courier):
            self._keep(self._courier)
            return
        try:
            self._write()
        except RunGone as error:
            self._give_up(error)
        except Exception as error:
            self._go_away(error)

    def finish(self, ending: Ending) -> None:
        """Store the end of the run, and say what could not be delivered.

        Args:
            ending: how the run ended.
        """
        self.send(Records(ending=ending))
        began = moved = time.monotonic()
        delivered = 0
        while (courier := self._courier) is not None:
            now = time.monotonic()
            if courier.delivered != delivered:
                delivered, moved = courier.delivered, now
            if now - moved > self._grace(courier) or now - began > LONGEST_END:
                self._leave(courier)
                return
            courier.hurry()
            time.sleep(0.02)
            self.send(Records())
        if self._writer is not None:
            with contextlib.suppress(Exception):
                self._writer.close()

    def _grace(self, courier: Courier) -> float:
        cause = getattr(courier.error or self._reason, "__cause__", None)
        return LOCK_GRACE if isinstance(cause, DBAPIError) and is_busy(cause) else GRACE

    def _write(self) -> None:
        if self._writer is None:
            self._writer = RunWriter.continued(self._header, patience=PATIENCE)
        if self._held:
            self._writer.deliver(self._held)
        else:
            self._writer.heartbeat()
        self._held = Records(dropped=self._held.dropped)

    def _go_away(self, error: Exception) -> None:
        """Deliver by a courier from here."""
        if self._writer is not None:
            with contextlib.suppress(Exception):
                self._writer.close()
            self._writer = None
        self._away_since, self._reason, self._said_away = time.monotonic(), error, False
        self._courier = Courier(self._header, patience=PATIENCE)
        self._keep(self._courier)

    def _is_back(self, courier: Courier) -> bool:
        if courier.gone is not None:
            courier.stop()
            self._give_up(courier.gone)
            return False
        self._writer = courier.take_writer()
        if self._writer is None:
            return False
        self._courier = None
        if self._writer.moved:
            self._note(
                f"{BEGUN_ANEW}: what was recorded before is not in the one that is there now"
                if self._writer.begun_anew
                else _REPLACED
            )
        if self._said_away:
            away = time.monotonic() - self._away_since
            self._note(f"the database takes records again, after {away:.0f} s")
        self._tell_dropped()
        return True

    def _keep(self, courier: Courier) -> None:
        if not self._said_away and time.monotonic() - self._away_since > SAID_AFTER:
            self._said_away = True
            reason = courier.error or self._reason
            self._note(
                f"the database does not take records, training goes on: {reason} "
                "Until it does, they are kept on this machine."
            )
        if not self._held or self._gone:
            return
        try:
            kept = courier.keep(self._held)
        except Exception as error:
            self._keep_the_rest(courier)
            self._bound_memory(error)
        else:
            if kept:
                self._held = Records(dropped=self._held.dropped)

    def _keep_the_rest(self, courier: Courier) -> None:
        """There may be room for epochs and findings, if not for batches and samples."""
        rest, held = self._held, self._held
        self._held = Records(held.batches, samples=held.samples, dropped=held.dropped)
        rest.batches, rest.samples = [], []
        kept = False
        with contextlib.suppress(Exception):
            kept = not rest or courier.keep(rest)
        if not kept:
            self._held.extend(rest)

    def _bound_memory(self, error: Exception) -> None:
        held = self._held
        batches = max(0, len(held.batches) - HELD_BATCHES)
        epochs = max(0, len(held.epochs) - HELD_EPOCHS)
        samples = max(0, len(held.samples) - HELD_SAMPLES)
        del held.batches[:batches], held.epochs[:epochs], held.samples[:samples]
        held.dropped += batches + epochs + samples
        if batches or epochs or samples:
            self._say_dropping(error)

    def _say_dropping(self, error: Exception) -> None:
        if not self._said_dropping:
            self._said_dropping = True
            self._note(
                "neither the database nor the spool takes records, the oldest are being "
                f"dropped: {self._reason} {error}"
            )

    def _tell_dropped(self) -> None:
        if self._held.dropped > self._told_dropped:
            self._told_dropped = self._held.dropped
            self._note(f"{self._held.dropped} records were dropped")

    def _note(self, message: str) -> None:
        self._say(message)
        self._held.troubles.append(Trouble(time.time(), message))

    def _give_up(self, error: RunGone) -> None:
        self._gone, self._courier, self._held = True, None, Records()
        self._say(f"nothing more of this run is recorded: {error}")

    def _leave(self, courier: Courier) -> None:
        """The run has ended and the database is still away."""
        if self._held.dropped > self._told_dropped:
            self._tell_dropped()
            self._keep(courier)
        waits = courier.stop()
        why = "" if self._said_away else f" {courier.error or self._reason}"
        parts = [f"the database did not take all of run {self._header.run.name!r}:{why}"]
        if lost := _listed(self._held):
            parts.append(f"Lost, because nothing kept them: {lost}.")
        if waits is not None:
            parts.append(f"The rest waits in {waits.path}. When it is back, run `lossmon sync`.")
        self._say(" ".join(parts))


def _listed(records: Records) -> str:
    counts = {
        "batch records": len(records.batches),
        "epoch records": len(records.epochs),
        "sample records": len(records.samples),
        "findings": len(records.findings),
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)
