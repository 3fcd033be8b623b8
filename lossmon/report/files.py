"""The figures of a report as files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lossmon.report import figures
from lossmon.report.content import Report, last_validation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def report_figures(report: Report) -> Iterator[tuple[str, str, Figure]]:
    """Each figure that the runs of a report allow, with its key and what it shows.

    Keys hold nothing of a run's name: "run-1-curves", "compare-curves", "compare-pareto".
    """
    for place, run in enumerate(report.runs, start=1):
        shown = f"Loss and accuracy of {run.name} by epoch"
        yield f"run-{place}-curves", shown, figures.curves([run.document], [run.name])
        for index, output in enumerate(run.document["outputs"]):
            row = last_validation(run.document, output["name"])
            drawn = figures.reliability(row)
            if drawn is not None:
                of = "" if output["name"] is None else f", output {output['name']}"
                shown = f"Reliability of {run.name}{of}, last validation epoch"
                yield f"run-{place}-reliability-{index + 1}", shown, drawn
    if len(report.runs) > 1:
        documents, names = zip(*((r.document, r.name) for r in report.runs), strict=True)
        shown = "Loss and accuracy of the runs by epoch"
        yield "compare-curves", shown, figures.curves(documents, names)
    for place, weighing in enumerate(report.weighings):
        drawn = figures.pareto(weighing)
        if drawn is not None:
            key = f"compare-pareto{'' if place == 0 else f'-{place + 1}'}"
            yield key, "Loss against accuracy, every epoch", drawn


def save_figures(report: Report, directory: Path, forms: tuple[figures.Format, ...]) -> list[Path]:
    """Write every figure of a report.

    Args:
        report: what was gathered.
        directory: made where it is not there.
        forms: "svg", "png" or both.

    Returns:
        The files.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for key, _, figure in report_figures(report):
        for form in forms:
            path = directory / f"{key}.{form}"
            path.write_bytes(figures.rendered(figure, form))
            written.append(path)
    return written
