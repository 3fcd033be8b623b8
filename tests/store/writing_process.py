"""A training without a model: `python -m tests.store.writing_process DB NAME WRITES ROWS`."""

from __future__ import annotations

import sys

from tests.store.made import batch, open_writer


def main(db: str, name: str, writes: int, rows: int) -> None:
    writer = open_writer(db, name=name)
    for first in range(0, writes * rows, rows):
        writer.write([batch(step, loss=1.0 / (step + 1)) for step in range(first, first + rows)])
        sys.stdout.write(f"{first + rows}\n")
        sys.stdout.flush()
    writer.finish("finished")
    writer.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
