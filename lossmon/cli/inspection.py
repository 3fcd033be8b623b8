"""Commands that read runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from lossmon.cli.finding_text import print_findings
from lossmon.cli.options import costs_of, print_json, sample_source, with_db, with_json
from lossmon.cli.tables import print_run, print_runs
from lossmon.cli.watching import watch
from lossmon.cli.words import visible
from lossmon.rules import rule_summaries
from lossmon.store import open_store

if TYPE_CHECKING:
    from lossmon.store import Store

_watching = click.option(
    "--watch", "watching", is_flag=True, help="Draw again as it goes on, until Ctrl-C."
)


def _demand_table(*, watching: bool, as_json: bool) -> None:
    if watching and as_json:
        raise click.UsageError(
            "--watch draws a table. Received: --json with it. Fix: leave out one of them"
        )


@click.command()
@click.option("--archived", is_flag=True, help="Also those that were archived.")
@_watching
@with_db
@with_json
def runs(*, archived: bool, watching: bool, db: str | None, as_json: bool) -> None:
    """All runs, newest first, but for archived ones."""
    _demand_table(watching=watching, as_json=as_json)
    store = open_store(db)
    if as_json:
        print_json(store.run_rows(archived=archived))
        return

    def draw(console: Console) -> bool:
        print_runs(console, visible(store.run_rows(archived=archived)))
        return watching

    if watching:
        watch(draw, store.revision)
    else:
        draw(Console())


@click.command()
@click.argument("run")
@click.option("--samples", is_flag=True, help="Also the validation samples: turned and worst ones.")
@click.option(
    "--between",
    nargs=2,
    type=click.IntRange(min=1),
    metavar="EPOCH EPOCH",
    help="Epochs to compare samples of. Default: that of the least loss, and the last one.",
)
@click.option("--every-epoch", is_flag=True, help="Also those of a long run that tell little.")
@_watching
@with_db
@with_json
def show(
    *,
    run: str,
    samples: bool,
    between: tuple[int, int] | None,
    every_epoch: bool,
    watching: bool,
    db: str | None,
    as_json: bool,
) -> None:
    """One run: what it comes to, each epoch's values, where and why loss and accuracy part ways."""
    _demand_table(watching=watching, as_json=as_json)
    from lossmon.cli.sample_text import print_samples

    store = open_store(db)
    # The same one to the end, though another may come to bear its name.
    run_id = store.resolve(run)
    if as_json:
        print_json(_document(store, run_id, samples=samples, between=between))
        return

    def draw(console: Console) -> bool:
        document = visible(_document(store, run_id, samples=samples, between=between))
        print_run(console, document, every_epoch=every_epoch)
        if "samples" in document:
            print_samples(console, document["samples"])
        return document["status"] == "running"

    if watching:
        watch(draw, lambda: store.revision(run_id))
    else:
        draw(Console())


def _document(
    store: Store, run_id: str, *, samples: bool, between: tuple[int, int] | None
) -> dict[str, Any]:
    """All there is to show of a run."""
    from lossmon.analysis import explain_divergence, explain_splits, verdict
    from lossmon.cli.sample_text import sample_rows

    document = store.run_document(run_id)
    reader = store.sample_reader(document["id"])
    episodes = explain_divergence(document["epochs"], document["outputs"], reader)
    document["divergence"] = [episode.document() for episode in episodes]
    document["verdict"] = verdict(document, episodes, rule_summaries()).document()
    differences = explain_splits(document["epochs"], document["outputs"])
    document["splits"] = [difference.document() for difference in differences]
    if samples or between:
        epochs = None if between is None else (between[0] - 1, between[1] - 1)
        document["samples"] = sample_rows(store, document, epochs)
    return document


@click.command()
@click.argument("run")
@with_db
@with_json
def findings(run: str, db: str | None, as_json: bool) -> None:
    """What the rules found in one run; exit code 1 where an error or a warning stands."""
    rows = open_store(db).finding_rows(run)
    if as_json:
        print_json(rows)
    else:
        print_findings(Console(), visible(rows))
    sys.exit(1 if any(row["severity"] != "info" for row in rows) else 0)


@click.command()
@click.argument("run", nargs=-1, required=True)
@click.option(
    "--need",
    type=click.Choice(["ranking", "decisions", "probabilities"]),
    help="What the model is for. Default: each that something can be said of.",
)
@click.option(
    "--cost",
    metavar="FP,FN",
    help="What a wrong 1 and a wrong 0 cost: decisions between two classes are judged by it.",
)
@click.option(
    "--threshold",
    type=float,
    help="Probability from which on class 1 is decided for. Default: FP / (FP + FN).",
)
@click.option(
    "--group-by",
    metavar="KEY",
    help="Runs with the same setting KEY, as printed, are repeats (or project, tags). Default: all "
    "but the seed.",
)
@with_db
@with_json
def compare(
    run: tuple[str, ...],
    *,
    need: Any,
    cost: str | None,
    threshold: float | None,
    group_by: str | None,
    db: str | None,
    as_json: bool,
) -> None:
    """Two or more runs: last values, where settings differ, and whether it is more than noise."""
    if len(run) < 2:
        raise click.UsageError(f"compare needs two or more runs. Received: {' '.join(run)}")
    from lossmon.analysis import (
        distinct_names,
        doubts,
        left_out_sentences,
        misjudged_sentences,
        weigh,
    )
    from lossmon.cli.comparison import print_comparison
    from lossmon.cli.difference_text import difference_rows, print_answer, print_weighings

    store = open_store(db)
    documents = [store.run_document(name) for name in run]
    if len({document["id"] for document in documents}) < len(documents):
        raise click.UsageError(
            f"compare needs two or more runs, each once. Received: {visible(' '.join(run))}, of "
            "which some are one run. Fix: `lossmon runs` lists all"
        )
    if not as_json:
        documents = visible(documents)
    names = distinct_names(documents)
    costs = costs_of(cost, threshold)
    found = weigh(documents, names, sample_source(store), need=need, costs=costs, group_by=group_by)
    left_out = left_out_sentences(documents, names)
    if as_json:
        comparisons = [{**one.document(), "doubts": [*doubts(one)]} for one in found]
        for name, document in zip(names, documents, strict=True):
            document["differences"] = difference_rows(found, name)
            document["comparisons"] = comparisons
            document["not_compared"] = left_out
        print_json(documents)
    else:
        console = Console()
        print_answer(console, found, misjudged_sentences(documents, names))
        print_comparison(console, documents)
        print_weighings(console, found, left_out)
