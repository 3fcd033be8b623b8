"""What a report says, apart from how it is set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lossmon.analysis import (
    MISREAD,
    Divergence,
    Measured,
    SampleReader,
    SampleSource,
    SplitDifference,
    Verdict,
    Weighing,
    all_doubts,
    calibration_values,
    compared_at,
    differing_settings,
    distinct_names,
    explain_divergence,
    explain_splits,
    last_measured,
    left_out_sentences,
    misreading,
    run_settings,
    samples_words,
    verdict,
    weigh,
    weighing_sentences,
    wilson,
)
from lossmon.analysis.words import capitalised
from lossmon.records import SampleRecord
from lossmon.report.words import number, percent, value_text
from lossmon.rules import rule_summaries

Document = Mapping[str, Any]
Facts = tuple[tuple[str, str], ...]


class Table(NamedTuple):
    """A table of texts.

    Attributes:
        head: titles of the columns.
        rows: cells; the first of each names its row.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class RunPart:
    """What is said of one run.

    Attributes:
        name: how the run is called.
        document: the run, as `Store.run` gives it.
        verdict: what it comes to.
        facts: what it is.
        values: its loss and accuracy, best and last.
        findings: what the rules found, the gravest first.
        episodes: where loss and accuracy part ways.
        splits: why training and validation loss differ.
        calibration: how far its confidence can be trusted, last validation epoch.
        settings: config, model and optimiser.
        environment: what it ran on.
    """

    name: str
    document: Document
    verdict: Verdict
    facts: Facts
    values: Table
    findings: tuple[Document, ...]
    episodes: tuple[Divergence, ...]
    splits: tuple[SplitDifference, ...]
    calibration: Facts
    settings: Facts
    environment: Facts


@dataclass(frozen=True)
class Report:
    """What is said of some runs.

    Attributes:
        title: what it is of.
        summary: the whole in a few sentences.
        runs: one by one.
        weighings: against one another; none of one run.
        compared: the sentences of each weighing, under what it was judged on.
        differences: the settings that are not the same.
    """

    title: str
    summary: tuple[str, ...]
    runs: tuple[RunPart, ...]
    weighings: tuple[Weighing, ...]
    compared: tuple[tuple[str, tuple[str, ...]], ...]
    differences: Table | None


def report_of(documents: Sequence[Document], samples: SampleSource | None = None) -> Report:
    """Gather what a report of some runs says.

    Args:
        documents: the runs, as `Store.run` gives them.
        samples: where the samples of a run are found, for comparisons in pairs, and to name those
            that a change of the loss comes from.
    """
    names = distinct_names(documents)
    runs = tuple(
        _part(name, document, _reader(document, samples))
        for name, document in zip(names, documents, strict=True)
    )
    weighings = tuple(weigh(documents, names, samples)) if len(runs) > 1 else ()
    return Report(
        names[0] if len(runs) == 1 else f"{len(runs)} runs compared",
        (*_summary(runs, weighings), *left_out_sentences(documents, names)),
        runs,
        weighings,
        tuple((_judged_on(one), tuple(weighing_sentences(one))) for one in weighings),
        _differences(names, documents) if len(runs) > 1 else None,
    )


def _reader(document: Document, samples: SampleSource | None) -> SampleReader | None:
    if samples is None:
        return None

    def read(output: str | None, epochs: Sequence[int]) -> list[SampleRecord]:
        found = (samples(document["id"], epoch, output) for epoch in sorted(epochs))
        return [record for record in found if record is not None]

    return read


def _part(name: str, document: Document, samples: SampleReader | None) -> RunPart:
    episodes = explain_divergence(document["epochs"], document["outputs"], samples)
    return RunPart(
        name,
        document,
        verdict(document, episodes, rule_summaries()),
        tuple(_facts(document)),
        _values(document),
        tuple(document["findings"]),
        tuple(episodes),
        tuple(explain_splits(document["epochs"], document["outputs"])),
        tuple(_calibration(document)),
        tuple((key, value_text(value)) for key, value in run_settings(document).items()),
        tuple(_environment(document)),
    )


def _facts(document: Document) -> Iterator[tuple[str, str]]:
    yield "run", document["id"]
    yield "status", document["status"]
    yield "started", document["started"][:19].replace("T", " ") + " UTC"
    if document["project"]:
        yield "project", document["project"]
    if document["tags"]:
        yield "tags", ", ".join(document["tags"])
    yield "epochs", str(len({row["epoch"] for row in document["epochs"]}))
    yield "verified", percent(document["verified"])
    for output in document["outputs"]:
        of = "" if output["name"] is None else f" of {output['name']}"
        yield f"loss{of} is", output["loss"] or "–"
        yield f"accuracy{of} is", output["accuracy_metric"] or "–"
    if document["notes"]:
        yield "notes", " ".join(document["notes"].split())


def _values(document: Document) -> Table:
    keys, found = ("loss", "accuracy"), misreading(document["findings"])
    since = f"from epoch {found.since + 1} on " if found and found.since else ""
    accuracy = "accuracy" if found is None else f"accuracy, which {since}{MISREAD}"
    rows = [
        (title, *(number(document[f"{prefix}{key}"]) for key in keys))
        for title, prefix in (
            ("training, last", ""),
            ("training, best", "best_"),
            ("validation, last", "val_"),
            ("validation, best", "best_val_"),
        )
    ]
    outputs = document["outputs"]
    last = None
    if len(outputs) == 1:
        last = last_measured("", document["epochs"], outputs[0], "val")
    if last is not None:
        rows.append(("validation, last, 95 % interval", *_intervals(last)))
    return Table(
        ("", "loss", accuracy), tuple(row for row in rows if any(c != "–" for c in row[1:]))
    )


def _intervals(last: Measured) -> tuple[str, str]:
    loss, hits = "–", "–"
    if last.loss_error is not None:
        reach = 1.96 * last.loss_error
        loss = f"{number(last.loss - reach)} to {number(last.loss + reach)}"
    if last.correct is not None and last.judged:
        hits = " to ".join(number(end) for end in wilson(last.correct, last.judged))
    return loss, hits


def _calibration(document: Document) -> Iterator[tuple[str, str]]:
    """Of each output; its name is told where there are several."""
    for output in document["outputs"]:
        of = "" if output["name"] is None else f"{output['name']}: "
        known = calibration_values(last_validation(document, output["name"]))
        yield from ((of + title, number(value)) for title, value in known)


def last_validation(document: Document, output: str | None = None) -> Document:
    """The last validation epoch of an output; empty where there is none."""
    rows = [r for r in document["epochs"] if r["split"] == "val" and r["output"] == output]
    return rows[-1] if rows else {}


def _environment(document: Document) -> Iterator[tuple[str, str]]:
    environment = dict(document["environment"] or {})
    versions = environment.pop("versions", None) or {}
    yield from ((f"version of {name}", str(value)) for name, value in versions.items())
    yield from ((key, value_text(value)) for key, value in environment.items())


def _summary(runs: Sequence[RunPart], weighings: Sequence[Weighing]) -> Iterator[str]:
    for run in runs:
        yield f"{run.name}: {run.verdict.text}"
    for one in weighings:
        yield from (r.sentence for r in one.recommendations if r.best is not None)
    yield from all_doubts(weighings)


def _judged_on(one: Weighing) -> str:
    output = "" if one.output is None else f" of output {one.output}"
    return f"{capitalised(compared_at(one))}{output}; {samples_words(one)}"


def _differences(names: Sequence[str], documents: Sequence[Document]) -> Table:
    rows = [
        (key, *(value_text(value) for value in values))
        for key, values in differing_settings(documents)
    ]
    return Table(("setting", *names), tuple(rows))
