"""From what each fit took to what a contender costs, compared within each round."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from scipy import stats

from tests.bench.names import BARE, TENSORBOARD

# Of fewer fits than that an interval says next to nothing.
_FITS_FOR_AN_INTERVAL = 4


class Turn(NamedTuple):
    """What one turn of one contender took.

    Attributes:
        wall: seconds of a batch.
        cpu: CPU seconds of a batch, of all threads, until nothing is left to be worked off.
        hooks: median seconds that the training thread was inside lossmon around a batch; None
            without lossmon.
        writer: CPU seconds of a batch that lossmon's own threads used; None without it.
    """

    wall: float
    cpu: float
    hooks: float | None = None
    writer: float | None = None


Rounds: TypeAlias = Sequence[Mapping[str, Turn]]


class Fit(NamedTuple):
    """What is known once for each fit of one contender.

    Attributes:
        first: seconds from the call of `fit` to the end of its first epoch.
        end: seconds from the end of the last epoch to the return of `fit`.
        memory: peak of the process, in bytes.
        coverage: share of the samples after the first epoch that were recomputed.
        bytes: growth of the database for each measured value; None where it was new or
            the values are few.
    """

    first: float
    end: float
    memory: float
    coverage: float | None = None
    bytes: float | None = None


class Spread(NamedTuple):
    """The median of several values, and the quartiles around it."""

    low: float
    median: float
    high: float


class Cost(NamedTuple):
    """What one contender costs; each comparison is with the bare fit in the same round of turns.

    Attributes:
        wall: wall time of a batch, as a ratio.
        slower: the same, as a mean of the medians of all fits between the ends of its 95 %
            confidence interval (Student's t: fits are independent, rounds of one are not); None
            of few fits.
        cpu: CPU seconds of a batch, as a difference.
        cpu_share: `cpu` as a share of what TensorBoard adds; None where that is lost in noise.
        first: seconds that the first epoch takes longer.
        end: seconds that `fit` takes longer to return after its last epoch.
        memory: peak of the process, as a ratio.
        hooks, writer, coverage, bytes: medians; see `Turn` and `Fit`.
        own_share: `hooks` and `writer` together, as a share likewise: what else may be added, in
            the step itself, is in `cpu` alone, and the noise of other threads too.
        of_step: `hooks` and `writer` together, as a share of a bare step's wall time: how much
            slower they could make it if all that the writer uses were taken from training.
    """

    wall: Spread
    slower: Spread | None
    cpu: Spread
    cpu_share: float | None
    first: float
    end: float
    memory: float
    hooks: float | None
    writer: float | None
    own_share: float | None
    of_step: float | None
    coverage: float | None
    bytes: float | None


class Measured(NamedTuple):
    """One workload.

    Attributes:
        name: see `WORKLOADS`.
        rounds: how often each contender had its turn.
        wall, cpu: seconds of a batch of the bare fit, medians.
        memory: bytes of the bare fit's process at its peak, median.
        costs: of each other contender.
    """

    name: str
    rounds: int
    wall: float
    cpu: float
    memory: float
    costs: Mapping[str, Cost]


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles, interpolated between the values."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    return Spread(*statistics.quantiles(values, n=4, method="inclusive"))


def mean_with_interval(values: Sequence[float]) -> Spread | None:
    """Mean between the ends of its 95 % confidence interval; None of few values."""
    if len(values) < _FITS_FOR_AN_INTERVAL:
        return None
    mean = statistics.fmean(values)
    error = statistics.stdev(values) / len(values) ** 0.5
    reach = float(stats.t.ppf(0.975, len(values) - 1)) * error
    return Spread(mean - reach, mean, mean + reach)


def measured(
    name: str, rounds_of_fits: Sequence[Rounds], fits: Sequence[Mapping[str, Fit]]
) -> Measured:
    """Summarise one workload.

    Args:
        name: of the workload.
        rounds_of_fits: for each fit its rounds, each a turn of each contender, by name; one of
            them is bare.
        fits: a fit of each contender, by name.
    """
    rounds = [turns for one in rounds_of_fits for turns in one]
    return Measured(
        name,
        len(rounds),
        wall=statistics.median(turns[BARE].wall for turns in rounds),
        cpu=statistics.median(turns[BARE].cpu for turns in rounds),
        memory=statistics.median(fit[BARE].memory for fit in fits),
        costs={other: _cost(other, rounds_of_fits, fits) for other in rounds[0] if other != BARE},
    )


def _cost(name: str, rounds_of_fits: Sequence[Rounds], fits: Sequence[Mapping[str, Fit]]) -> Cost:
    rounds = [turns for one in rounds_of_fits for turns in one]
    walls = [[turns[name].wall / turns[BARE].wall for turns in one] for one in rounds_of_fits]
    bare = statistics.median(turns[BARE].wall for turns in rounds)
    cpu = _added_cpu(name, rounds)
    board = _added_cpu(TENSORBOARD, rounds) if TENSORBOARD in rounds[0] else None
    # Of medians: in a single round the divisor may be near zero.
    divisor = board.median if board is not None and board.low > 0 else None
    hooks = _median(turns[name].hooks for turns in rounds)
    writer = _median(turns[name].writer for turns in rounds)
    own = None if hooks is None or writer is None else hooks + writer
    return Cost(
        wall=spread([ratio for one in walls for ratio in one]),
        slower=mean_with_interval([statistics.median(one) for one in walls]),
        cpu=cpu,
        cpu_share=None if divisor is None else cpu.median / divisor,
        first=statistics.median(fit[name].first - fit[BARE].first for fit in fits),
        end=statistics.median(fit[name].end - fit[BARE].end for fit in fits),
        memory=statistics.median(fit[name].memory / fit[BARE].memory for fit in fits),
        hooks=hooks,
        writer=writer,
        own_share=None if divisor is None or own is None else own / divisor,
        of_step=None if own is None else own / bare,
        coverage=_median(fit[name].coverage for fit in fits),
        bytes=_median(fit[name].bytes for fit in fits),
    )


def _added_cpu(name: str, rounds: Rounds) -> Spread:
    return spread([turns[name].cpu - turns[BARE].cpu for turns in rounds])


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
