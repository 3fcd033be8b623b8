"""`python -m tests.store.release`: keep a small database of today's schema as SQL, for later tests.

Run it when a schema is released: it records by the real writer, and dumps what came of it.
"""

from __future__ import annotations

import math
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from lossmon.store import info
from tests.store.made import FINDING, STARTED, batch, epoch, open_writer, sample_record

ODD = {7: math.nan, 8: math.inf, 9: -math.inf, 55: 99.0}
RELEASED = Path(__file__).with_name("released")


def record(path: Path) -> None:
    """Record the run that the tests of the upgrade ask for."""
    writer = open_writer(path, id="aaaa11110000", name="digits", started=STARTED)
    rows = [batch(step, loss=ODD.get(step, 0.5), accuracy=0.75) for step in range(200)]
    rows += [batch(199, batch=place, split="val", loss=0.25) for place in range(8)]
    writer.write(rows, [epoch(0, loss=0.5), epoch(0, "val", loss=math.nan)], [FINDING])
    writer.write(samples=[sample_record(0)])
    writer.trouble("the disk was slow")
    writer.finish("finished")
    writer.close()


def main() -> None:
    """Write the dump, named after the schema."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "released.db"
        record(path)
        with closing(sqlite3.connect(path)) as connection:
            lines = "\n".join(connection.iterdump())
        target = Path(*sys.argv[1:2] or [RELEASED]) / f"{info(path)['schema']}.sql"
        target.write_text(lines + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
