"""`python -m tests.bench [NAME …]`: what lossmon costs.

Without names: a training of each model, with and without callbacks.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from rich.console import Console

from tests.bench import tables
from tests.bench.names import BARE, LABELS
from tests.bench.overhead import FITS, measure
from tests.bench.ratios import Measured
from tests.bench.workloads import WORKLOADS

# Of the module of that name the function `report`. None is imported before it is asked for: they
# bring a backend, whose memory the processes of the trainings would begin with.
_PARTS = ("stacked", "plans", "rules", "analysis", "samples", "episodes", "gap", "slower")
# These record much first.
_ON_RECORDED = {
    "long": ("reading_long", "report"),
    "pages": ("reading_pages", "report"),
    "list": ("reading_list", "report"),
    "beside": ("beside", "report"),
    "beside-live": ("beside", "report_live"),
    "compared-live": ("beside", "report_compared"),
}


def main() -> None:
    """Run what was named."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", choices=[[], *WORKLOADS, *_PARTS, *_ON_RECORDED], default=[]
    )
    parser.add_argument("--markdown", action="store_true", help="print the README's table")
    parser.add_argument(
        "--turns", type=int, metavar="N", help="turns of each fit, where the usual number is long"
    )
    parser.add_argument(
        "--fits",
        type=int,
        metavar="N",
        default=FITS,
        help="of each contender (default: %(default)s)",
    )
    parser.add_argument(
        "--contenders",
        nargs="+",
        metavar="NAME",
        choices=list(LABELS),
        default=list(LABELS),
        help=f"whom to compare with the bare fit, of {', '.join(LABELS)} (default: all)",
    )
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="keep what is recorded there, to use it again"
    )
    given = parser.parse_args()
    for option, number in {"--turns": given.turns, "--fits": given.fits}.items():
        if number is not None and number < 1:
            parser.error(f"{option} must be at least 1. Received: {number}. Fix: leave it out.")
    # For the processes that train.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    names = given.names or list(WORKLOADS)
    trained = [name for name in names if name in WORKLOADS]
    contenders = tuple(dict.fromkeys([BARE, *given.contenders]))
    _trainings(trained, contenders, given.fits, given.turns, as_markdown=given.markdown)
    for name in names:
        if name in _PARTS:
            _part(name, "report")(Console())
        elif name in _ON_RECORDED:
            with _kept(given.folder) as folder:
                _part(*_ON_RECORDED[name])(Console(), folder)


def _part(module: str, function: str) -> Callable[..., None]:
    return getattr(import_module(f"tests.bench.{module}"), function)


@contextmanager
def _kept(folder: Path | None) -> Generator[Path]:
    """The folder, or one that is removed afterwards."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def _trainings(
    names: Sequence[str],
    contenders: Sequence[str],
    fits: int,
    turns: int | None,
    *,
    as_markdown: bool,
) -> None:
    console = Console(stderr=as_markdown)
    results: list[Measured] = []
    for name in names:
        results.append(measure(name, contenders, console, fits, turns))
        console.print(tables.report(results[-1]))
    if as_markdown:
        sys.stdout.write(tables.markdown(results))
    elif results:
        console.print(tables.NOTES)


if __name__ == "__main__":
    main()
