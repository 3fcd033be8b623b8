"""A training without a model: `python -m tests.store.delivering_process DB NAME SECONDS [FAULT]`.

Hands a batch every two milliseconds to a `Delivery`, together as the recorder does, an epoch every
hundred batches, and prints after each hand-over how many batches there were. FAULT: `clock` sets
the clock forth and back all the time, `files=BYTES` lets no file grow beyond a size for the middle
third of the time, and little be held in memory, `answer=SECONDS` waits no longer for a server.
"""

from __future__ import annotations

import random
import resource
import sys
import time

from lossmon.records import BatchRecord, EpochRecord
from lossmon.store import Delivery, Ending, Records, RunHeader, silence
from lossmon.store import delivery as sending
from tests.store.made import OUTPUT, epoch, run_record

EVERY, TOGETHER = 0.002, 0.08
EPOCH = 100

true_time = time.time


def batch_of(step: int) -> BatchRecord:
    return BatchRecord(
        step,
        step // EPOCH,
        step % EPOCH,
        "train",
        None,
        true_time(),
        n=32,
        loss=1.0 / (step + 1),
        status="verified",
    )


def jump() -> None:
    shift = random.uniform(-7200.0, 7200.0)
    time.time = lambda: true_time() + shift


def limit_files(size: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))


def records_until(step: int, end: int) -> Records:
    epochs: list[EpochRecord] = [
        epoch(last // EPOCH, step=last) for last in range(step, end) if last % EPOCH == EPOCH - 1
    ]
    return Records([batch_of(each) for each in range(step, end)], epochs)


def say(message: str) -> None:
    sys.stderr.write(f"{message}\n")


def main(db: str, name: str, seconds: float, fault: str = "") -> None:
    delivery = Delivery(RunHeader(db, run_record(name=name), [OUTPUT]), say)
    if fault.startswith("answer="):
        silence.LONGEST_ANSWER = float(fault.removeprefix("answer="))
    began, step = time.monotonic(), 0
    while (now := time.monotonic() - began) < seconds:
        if fault == "clock":
            jump()
        if fault.startswith("files="):
            sending.HELD_BATCHES = 100
            most = int(fault.removeprefix("files="))
            limit_files(most if seconds / 3 < now < seconds * 2 / 3 else resource.RLIM_INFINITY)
        end = int(now / EVERY)
        delivery.send(records_until(step, end))
        step = end
        sys.stdout.write(f"{step}\n")
        sys.stdout.flush()
        time.sleep(TOGETHER)
    delivery.finish(Ending("finished", time.time(), time.monotonic() - began))
    sys.stdout.write(f"{step} ended\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), *sys.argv[4:])
