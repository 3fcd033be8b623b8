"""How far what is recomputed lies from Keras, for every loss and metric with all their arguments.

The batches and arguments are those of the tests. Beside the gap in float32, which Keras computes in
unless told otherwise, stands the one on the same batches in float64: what goes away with more
digits was Keras' rounding. Metrics that count in float32 whatever their dtype keep theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from tests.recompute.batches import Array, Batch

GOAL = 1e-6
COUNTED_BATCHES = 40
# TensorFlow has no float64 for these.
_SINGLE_ONLY = {"CTC", "TopKCategoricalAccuracy", "SparseTopKCategoricalAccuracy"}
_DOUBLE = {"dtype": "float64"}


class Compared(NamedTuple):
    """One value of Keras, or several, beside what is recomputed."""

    theirs: npt.ArrayLike
    ours: npt.ArrayLike
    tolerance: npt.ArrayLike

    def gap(self) -> float:
        """The largest |theirs - ours| / |theirs|."""
        return _largest_ratio(self.theirs, self.ours, np.abs(self.theirs))

    def share(self) -> float:
        """The largest gap as a share of the tolerance."""
        return _largest_ratio(self.theirs, self.ours, self.tolerance)


class Case(NamedTuple):
    """One loss or metric with some arguments on some batches, in float32 and in float64."""

    name: str
    single: Compared
    double: Compared | None


class Counts(NamedTuple):
    """How often one accuracy's unweighted counts were compared.

    Attributes:
        name: as Keras exports it.
        batches: how many were counted.
        differing: batches in which Keras counted another number.
        near_ties: elements that rounding could turn.
    """

    name: str
    batches: int
    differing: int
    near_ties: int


def report(console: Console) -> None:
    """Compare all of them and print."""
    for title, drawn in (("loss", loss_cases()), ("metric", metric_cases())):
        cases = list(drawn)
        console.print(table(title, cases))
        for line in beyond_goal(cases):
            console.print(line)
    counts = list(accuracy_counts())
    for count in counts:
        console.print(f"{count.name}: {count.near_ties} near ties in {count.batches} batches")
    differing = sum(count.differing for count in counts)
    total = sum(count.batches for count in counts)
    console.print(f"counts of accuracies: Keras has another one in {differing} of {total} batches")


def loss_cases(names: Sequence[str] = ()) -> Iterator[Case]:
    """Every loss, or those named: arguments, reductions, weights, masks."""
    from tests.recompute.test_constructor_arguments import CASES, LOSSES, REDUCTIONS, batch_of, both

    def compared(name: str, config: dict[str, Any], batch: Batch) -> Compared:
        theirs, found = both(name, config, batch)
        return Compared(theirs, found.value, found.tolerance)

    for name, config in CASES:
        if (names and name not in names) or _refused(name, config):
            continue
        for weighted in (False, True):
            for masked in (False, True):
                batch = batch_of(LOSSES[name][0], config, weighted=weighted, masked=masked)
                for reduction in REDUCTIONS:
                    given = {**config, "reduction": reduction}
                    yield _both_widths(compared, name, given, batch, batch)


def metric_cases(names: Sequence[str] = ()) -> Iterator[Case]:
    """Every metric, or those named: arguments, weights, masks; three batches each."""
    from tests.recompute.test_metric_arguments import CASES, both, drawn

    def compared(name: str, config: dict[str, Any], batches: list[Batch]) -> Compared:
        theirs, found = both(name, config, batches)
        return Compared(theirs, found.value(), found.tolerance())

    for name, config, weighted, masked in CASES:
        if (names and name not in names) or _refused(name, config):
            continue
        batches = drawn(name, config, weighted=weighted, masked=masked)
        # A metric works in the dtype of the predictions.
        yield _both_widths(compared, name, config, batches, [_wider(batch) for batch in batches])


def accuracy_counts(names: Sequence[str] = (), batches: int = COUNTED_BATCHES) -> Iterator[Counts]:
    """Every accuracy, or those named, batch by batch."""
    from tests.recompute.test_metric_arguments import METRICS

    for name, (kind, needed, other) in METRICS.items():
        if not name.endswith("Accuracy") or (names and name not in names):
            continue
        counted = [
            _counted(name, kind, config, seed)
            for config in (needed, *({**needed, k: v} for k, v in other.items()))
            for seed in range(batches)
        ]
        # Of several labels in a row, each counts as a part of it.
        differing = sum(abs(theirs - ours) > 1e-3 for theirs, ours, _ in counted)
        yield Counts(name, len(counted), differing, sum(ties for _, _, ties in counted))


def _counted(
    name: str, kind: str, config: Mapping[str, Any], seed: int
) -> tuple[float, float, int]:
    import keras

    from lossmon.capture.specs import metric_spec
    from lossmon.recompute import evaluate_metric
    from tests.recompute.test_metric_arguments import BACKEND, batch_of

    batch = batch_of(kind, dict(config), weighted=False, masked=False, seed=seed)
    metric: Any = getattr(keras.metrics, name)(**config)
    metric.update_state(batch.y_true, batch.y_pred)
    spec = metric_spec(metric, name, weighted=False, alias=None)
    found = evaluate_metric(spec, batch.y_true, batch.y_pred, backend=BACKEND)
    return float(metric.total), found.total, found.near_ties


def _both_widths(
    compared: Callable[[str, dict[str, Any], Any], Compared],
    name: str,
    config: dict[str, Any],
    narrow: Any,
    wide: Any,
) -> Case:
    single = compared(name, config, narrow)
    if name in _SINGLE_ONLY:
        return Case(name, single, None)
    return Case(name, single, compared(name, config | _DOUBLE, wide))


def _refused(name: str, config: Mapping[str, Any]) -> bool:
    from tests.recompute.test_metric_arguments import BACKEND, REFUSED_BY_KERAS

    return BACKEND == "tensorflow" and any((name, given) in REFUSED_BY_KERAS for given in config)


def _wider(batch: Batch) -> Batch:
    def cast(side: Array) -> Array:
        return side.astype(np.float64) if side.dtype == np.float32 else side

    weight = batch.sample_weight
    return replace(
        batch,
        y_true=cast(batch.y_true),
        y_pred=cast(batch.y_pred),
        sample_weight=None if weight is None else cast(weight),
    )


def _largest_ratio(theirs: npt.ArrayLike, ours: npt.ArrayLike, unit: npt.ArrayLike) -> float:
    left, right = np.asarray(theirs, dtype=np.float64), np.asarray(ours, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(left == right, 0.0, np.abs(left - right) / unit)
    return float(ratios.max())


def table(title: str, cases: Sequence[Case]) -> Table:
    """Lay out a row for each loss or metric, and one for all."""
    made = Table(title, "cases", "gap", "of tolerance", "in float64", box=None, pad_edge=False)
    for name in sorted({case.name for case in cases}):
        made.add_row(name, *_cells([case for case in cases if case.name == name]))
    made.add_row("all", *_cells(cases))
    return made


def beyond_goal(cases: Sequence[Case]) -> list[str]:
    """Tell of each loss or metric beyond the goal by how much, in its own units too."""
    lines: list[str] = []
    for name in sorted({case.name for case in cases}):
        own = [case.single for case in cases if case.name == name]
        beyond = [single for single in own if single.gap() > GOAL]
        if beyond:
            worst = max(beyond, key=Compared.gap)
            apart = float(np.abs(np.subtract(worst.theirs, worst.ours)).max())
            lines.append(
                f"{name}: {len(beyond)} of {len(own)} beyond {GOAL:g}; "
                f"the worst is {apart:.1e} at {np.abs(worst.theirs).max():.2g}"
            )
    return lines


def _cells(cases: Sequence[Case]) -> tuple[str, ...]:
    doubles = [case.double.gap() for case in cases if case.double is not None]
    return (
        f"{len(cases)}",
        f"{max(case.single.gap() for case in cases):.1e}",
        f"{max(case.single.share() for case in cases):.0%}",
        f"{max(doubles):.1e}" if doubles else "–",
    )
