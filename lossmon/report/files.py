"""The figures of a report as files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lossmon.report import figures
from lossmon.report.content import Report, RunPart, last_validation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def report_figures(report: Report) -> Iterator[tuple[str, str, Figure]]:
    """Each figure that the runs of a report allow, with its key and what it shows.

    Keys hold nothing of a run's name: "run-1-curves", "compare-curves", "compare-pareto"; those of
    single outputs of several are numbered: "run-1-curves-2".
    """
    for place, run in enumerate(report.runs, start=1):
        for key, of, output in _drawn_outputs([run]):
            shown = f"Loss and accuracy of {run.name}{of} by epoch"
            spans = [(e.first_epoch, e.last_epoch) for e in run.episodes if e.output == output]
            drawn = figures.curves([run.document], [run.name], output, spans)
            yield f"run-{place}-{key}", shown, drawn
        for index, output in enumerate(run.document["outputs"]):
            row = last_validation(run.document, output["name"])
            drawn = figures.reliability(row)
            if drawn is not None:
                shown = f"Reliability of {run.name}{_of(output['name'])}, last validation epoch"
                yield f"run-{place}-reliability-{index + 1}", shown, drawn
    if len(report.runs) > 1:
        documents, names = zip(*((r.document, r.name) for r in report.runs), strict=True)
        for key, of, output in _drawn_outputs(report.runs):
            shown = f"Loss and accuracy of the runs{of} by epoch"
            yield f"compare-{key}", shown, figures.curves(documents, names, output)
    for place, weighing in enumerate(report.weighings):
        drawn = figures.pareto(weighing)
        if drawn is not None:
            key = f"compare-pareto{'' if place == 0 else f'-{place + 1}'}"
            yield key, "Loss against accuracy, every epoch", drawn


def curve_keys(runs: Sequence[RunPart]) -> list[str]:
    """The keys of the curves of some runs, without what they begin with."""
    return [key for key, *_ in _drawn_outputs(runs)]


def _drawn_outputs(runs: Sequence[RunPart]) -> Iterator[tuple[str, str, str | None]]:
    """Key, words and name of what has curves: the whole, then each output that all have."""
    yield "curves", "", None
    names = [[output["name"] for output in run.document["outputs"]] for run in runs]
    shared = [name for name in names[0] if name and all(name in others for others in names)]
    for index, name in enumerate(shared, start=1):
        yield f"curves-{index}", _of(name), name


def _of(output: str | None) -> str:
    return "" if output is None else f", output {output}"


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
