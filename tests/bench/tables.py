"""What was measured, for the terminal and for the README."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from tests.bench.amounts import UNKNOWN, added, duration, finer_ratio, finer_share, ratio, share
from tests.bench.names import LABELS, MONITORED
from tests.bench.ratios import Cost, Measured
from tests.bench.workloads import WORKLOADS

NOTES = (
    "Median and quartiles of comparisons with the bare fit in the same round of turns. Mean: of "
    "the medians of fits, with its 95 % confidence interval (four fits or more). CPU: of all "
    "threads, with what a callback works off afterwards. Share: of the CPU time that TensorBoard "
    "adds. Hooks: median time a batch that the training thread is inside lossmon around a step. "
    "Writer: CPU of lossmon's own threads. Of a step: hooks and writer together, of a bare step's "
    "wall time. First epoch, end of fit: seconds more. Memory: peak of the process. Coverage: "
    "share of the samples that were recomputed. Bytes: growth of the database, indexes and all "
    "else included, for each value in the rows of `batches` that is not NULL; coordinates (run, "
    "step, epoch, batch, split, output, time, n) and verdicts (status, reason) are not counted."
)


def report(measured: Measured) -> Group:
    """One workload: times, lossmon's own share of them, and what else there is, a table each."""
    time = _table("wall", "mean", "CPU a batch", "share")
    own = _table("hooks", "writer", "share", "of a step")
    rest = _table("first epoch", "end of fit", "memory", "coverage", "bytes")
    for name, cost in measured.costs.items():
        label = escape(LABELS[name])
        time.add_row(
            *(label, ratio(cost.wall), _slower(cost) or UNKNOWN),
            *(added(cost.cpu), share(cost.cpu_share)),
        )
        if name in MONITORED:
            told = [one or UNKNOWN for one in (_hooks(cost), _writer(cost))]
            own.add_row(label, *told, share(cost.own_share), _of_step(cost) or UNKNOWN)
        rest.add_row(
            *(label, _first(cost), f"{cost.end:+.2f} s"),
            *(_memory(cost), share(cost.coverage), _bytes(cost) or UNKNOWN),
        )
    return Group(heading(measured), "", time, "", own, "", rest, "")


def _table(*columns: str) -> Table:
    made = Table("contender", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, justify="right")
    return made


def heading(measured: Measured) -> str:
    """The workload, what a bare step takes, and how often it was tried."""
    wall, cpu = duration(measured.wall), duration(measured.cpu)
    label = WORKLOADS[measured.name].label
    memory = f"{measured.memory / 2**20:,.0f} MiB at its peak"
    return f"{label}: bare {wall} a step, {cpu} of CPU, {memory}; {measured.rounds} rounds"


def _slower(cost: Cost) -> str | None:
    return None if cost.slower is None else finer_ratio(cost.slower)


def _of_step(cost: Cost) -> str | None:
    return None if cost.of_step is None else finer_share(cost.of_step)


def _hooks(cost: Cost) -> str | None:
    return None if cost.hooks is None else duration(cost.hooks)


def _writer(cost: Cost) -> str | None:
    return None if cost.writer is None else duration(cost.writer)


def _first(cost: Cost) -> str:
    return f"{cost.first:+.2f} s"


def _memory(cost: Cost) -> str:
    return f"×{cost.memory:.2f}"


def _bytes(cost: Cost) -> str | None:
    return None if cost.bytes is None else f"{cost.bytes:.1f}"


def markdown(results: Sequence[Measured]) -> str:
    """The README's table, and below it what does not fit in."""
    rows = [
        f"| {WORKLOADS[measured.name].label} | {LABELS[name]} | {ratio(cost.wall)} "
        f"| {added(cost.cpu)} | {share(cost.coverage)} |"
        for measured in results
        for name, cost in measured.costs.items()
    ]
    lines = [f"- {heading(measured)}." for measured in results]
    lines += [
        _line("CPU added, of what TensorBoard adds", results, lambda cost: share(cost.cpu_share)),
        _line("Hooks on the training thread, a batch", results, _hooks),
        _line("CPU of its own threads, a batch", results, _writer),
        _line(
            "Both together, of what TensorBoard adds", results, lambda cost: share(cost.own_share)
        ),
        _line("Both together, of the wall time of a bare step", results, _of_step),
        _line("Wall time, mean and 95 % confidence interval (four fits or more)", results, _slower),
        _line("First epoch, in which the step is traced", results, _first),
        _line("Peak memory of the process", results, _memory),
        _line("Bytes on disk, a value (long runs only)", results, _bytes),
    ]
    head = ["| model | contender | wall | CPU a batch | coverage |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows, "", *lines, "", NOTES, ""])


def _line(title: str, results: Sequence[Measured], cell: Callable[[Cost], str | None]) -> str:
    """One value of each lossmon contender on each workload."""
    told = [
        f"{measured.name} "
        + ", ".join(
            f"{name} {cell(cost) or UNKNOWN}"
            for name, cost in measured.costs.items()
            if name in MONITORED
        )
        for measured in results
    ]
    return f"- {title}: {'; '.join(told)}."
