"""The options that commands share."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lossmon.cli.words import visible
from lossmon.errors import InvalidArgument

if TYPE_CHECKING:
    from lossmon.analysis import Costs, SampleSource
    from lossmon.store import Store

Command = TypeVar("Command", bound=Callable[..., Any])


def with_db(command: Command) -> Command:
    """`--db`: where the runs are."""
    return click.option(
        "--db",
        metavar="URL_OR_PATH",
        help="Database: a SQLAlchemy URL or a path. Default: $LOSSMON_DB, else lossmon.db here.",
    )(command)


def with_json(command: Command) -> Command:
    """`--json`: data instead of a table."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(
        command
    )


def sample_source(store: Store) -> SampleSource:
    """Where comparisons find the samples of runs."""
    return lambda run, epoch, output: store.samples(run, epoch, output=output)


def costs_of(cost: str | None, threshold: float | None) -> Costs | None:
    """`--cost` and `--threshold`: what decisions are judged by; None where neither is given.

    Raises:
        InvalidArgument: they are not two costs above 0, or no probability.
    """
    if cost is None and threshold is None:
        return None
    from lossmon.analysis import Costs

    parts = (cost or "1,1").split(",")
    try:
        false_positive, false_negative = (float(part) for part in parts)
        return Costs(false_positive, false_negative, threshold).checked()
    except ValueError as error:
        raise InvalidArgument(
            "expected two costs above 0, and a threshold from 0 to 1. "
            f"Received: {cost or 'no costs'}, {threshold}. Fix: --cost 1,10 --threshold 0.2"
        ) from error


def print_json(value: Any) -> None:
    """Print a document; NaN and infinities as the strings "NaN", "Infinity", "-Infinity"."""
    text = json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False)
    # The same JSON, in which no terminal finds anything to obey.
    click.echo(visible(text))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
