"""`python -m tests.bench [NAME …]`: what lossmon costs.

Without names: a training of each model, with and without callbacks.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from rich.console import Console

from tests.bench import analysis, reading, rules, stacked, tables
from tests.bench.overhead import measure
from tests.bench.ratios import Measured
from tests.bench.workloads import WORKLOADS

_PARTS = {
    "stacked": stacked.report,
    "reading": reading.report,
    "rules": rules.report,
    "analysis": analysis.report,
}


def main() -> None:
    """Run what was named."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *WORKLOADS, *_PARTS], default=[])
    parser.add_argument("--markdown", action="store_true", help="print the README's table")
    given = parser.parse_args()
    # For the processes that train.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    names = given.names or list(WORKLOADS)
    _trainings([name for name in names if name in WORKLOADS], as_markdown=given.markdown)
    for name in names:
        if name in _PARTS:
            _PARTS[name](Console())


def _trainings(names: Sequence[str], *, as_markdown: bool) -> None:
    console = Console(stderr=as_markdown)
    results: list[Measured] = []
    for name in names:
        results.append(measure(name, console))
        console.print(tables.report(results[-1]))
    if as_markdown:
        sys.stdout.write(tables.markdown(results))
    elif results:
        console.print(tables.NOTES)


if __name__ == "__main__":
    main()
