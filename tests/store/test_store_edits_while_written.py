"""Runs that are edited while they are written: neither side fails, nor waits for the other."""

from __future__ import annotations

import threading
from collections.abc import Callable

from lossmon.store import RunWriter, open_store
from lossmon.store.parcel import Records
from tests.store.made import batch, epoch, open_writer

ROUNDS = 150


def test_edits_do_not_get_in_the_way_of_a_training(db: str) -> None:
    writers = [open_writer(db, name=f"run {number}") for number in range(2)]
    store = open_store(db)
    runs = [writer.run_id for writer in writers]
    edits: list[Callable[[int], object]] = [
        lambda number: store.set_notes(runs[0], str(number)),
        lambda number: store.change({run: {"notes": str(number)} for run in runs}),
    ]
    going, errors = threading.Event(), list[Exception]()
    going.set()

    def write(writer: RunWriter) -> None:
        for step in range(ROUNDS):
            epochs = [epoch(step, loss=1.0)] if step % 2 else []
            batches = [] if step % 3 == 1 else [batch(step)]
            writer.deliver(Records(batches, epochs))

    def edit(change: Callable[[int], object]) -> None:
        number = 0
        while going.is_set():
            change(number)
            number += 1

    def attempt(action: Callable[[], object]) -> None:
        try:
            action()
        except Exception as error:
            errors.append(error)

    editing = [threading.Thread(target=attempt, args=(lambda e=e: edit(e),)) for e in edits]
    writing = [threading.Thread(target=attempt, args=(lambda w=w: write(w),)) for w in writers]
    for thread in (*editing, *writing):
        thread.start()
    for thread in writing:
        thread.join()
    going.clear()
    for thread in editing:
        thread.join()
    for writer in writers:
        writer.close()
    assert errors == []
