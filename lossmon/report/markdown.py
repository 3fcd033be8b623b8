"""A report as Markdown, for a pull request."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from lossmon.report.content import Facts, Report, RunPart, Table
from lossmon.rules.compile_call import place_of

_SIGNS = re.compile(r"([\\`*_{}\[\]()#+!|~$@])")


def markdown(report: Report, figures: Sequence[tuple[str, str]] = ()) -> str:
    """Return a report as Markdown; names and texts of the runs are only ever text.

    Args:
        report: what was gathered.
        figures: what each figure shows and the path that it is linked by.
    """
    return "\n".join(_lines(report, figures)).rstrip() + "\n"


def inert(text: str) -> str:
    """A text in one line, in which nothing is markup, a link, HTML or a mention."""
    line = " ".join(text.split())
    return html.escape(_SIGNS.sub(r"\\\1", line), quote=False)


def _lines(report: Report, figures: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield from (f"# {inert(report.title)}", "")
    yield from _items(report.summary)
    for shown, path in figures:
        yield from (f"![{inert(shown)}]({path})", "")
    for title, sentences in report.compared:
        yield from ("## More than noise?", "", f"{inert(title)}.", "")
        yield from _items(sentences)
    if report.differences is not None and report.differences.rows:
        yield from ("## Settings that differ", "")
        yield from _grid(report.differences)
    for run in report.runs:
        yield from _run(run)


def _run(run: RunPart) -> Iterator[str]:
    yield from (f"## {inert(run.name)}", "")
    yield from _grid(run.values)
    yield from ("### Findings", "")
    for f in run.findings:
        yield from (
            f"**{f['severity']} {f['code']} {inert(f['rule'])}**: {inert(f['message'])}",
            "",
        )
        # Indented, so that no fence within the code can end it.
        yield from (*(f"    {line}" for line in f["fix"].splitlines()), "")
        if (place := place_of(f["fix"])) is not None:
            yield from (f"(goes {place})", "")
    if not run.findings:
        yield from ("None.", "")
    yield from ("### Where loss and accuracy part ways", "")
    for episode in run.episodes:
        yield from (f"**{inert(episode.summary)}**", "")
        yield from _items([*(cause.sentence for cause in episode.causes), episode.advice])
    if not run.episodes:
        yield from (
            "Nowhere, beyond what noise explains; a loss that rises while the accuracy falls says "
            "the same.",
            "",
        )
    if run.splits:
        yield from ("### Training and validation", "")
        yield from _items(difference.sentence for difference in run.splits)
    for title, facts in (
        ("Calibration, last validation epoch", run.calibration),
        ("The run", run.facts),
        ("Configuration", run.settings),
        ("Environment", run.environment),
    ):
        if facts:
            yield from (f"### {title}", "")
            yield from _grid(Table(("", ""), facts))


def _items(sentences: Iterable[str]) -> Iterator[str]:
    yield from (f"- {inert(sentence)}" for sentence in sentences)
    yield ""


def _grid(table: Table | Facts) -> Iterator[str]:
    head, rows = table if isinstance(table, Table) else (("", ""), table)
    yield from (_row(head), "|" + "---|" * len(head))
    yield from (_row(row) for row in rows)
    yield ""


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(inert(cell) for cell in cells) + " |"
