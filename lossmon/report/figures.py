"""The figures of a report, drawn by matplotlib: no browser is needed, and SVG stays sharp in print.

Names are drawn as they are: neither as mathematics nor as markup.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from lossmon.analysis import Weighing, epoch_accuracy, is_about_accuracy, is_misread, misreading
from lossmon.errors import MissingExtra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Format = Literal["svg", "png"]
Document = Mapping[str, Any]

# The palette of Okabe and Ito, paired with line styles as a second cue.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#4D4D4D")
_DASHES = ("-", "--", ":", "-.", (0, (8, 2)), (0, (8, 2, 1, 2)))
INK, GRID, SURFACE = "#1f2937", "#e3e6ea", "#fffffe"
"""Colours that a page may replace by its own."""
_WIDTH = 7.2
_LONGEST_NAME = 40


def curves(
    documents: Sequence[Document],
    names: Sequence[str],
    output: str | None = None,
    spans: Sequence[tuple[int, int]] = (),
) -> Figure:
    """Loss and accuracy by epoch: of one run training and validation, of several validation.

    Args:
        documents: the runs.
        names: how they are called.
        output: of which output; None for the only one, or the model as a whole.
        spans: first and last epoch of each span to shade, in which the two part ways.
    """
    with _drawing() as new:
        lines = list(_curves(documents, names, output))
        shown = [
            m for m in ("loss", "accuracy") if any(values for k, *_, values in lines if k == m)
        ]
        figure = new(2.4 * max(len(shown), 1))
        axes = figure.subplots(max(len(shown), 1), 1, sharex=True, squeeze=False)[:, 0]
        for measure, pane in zip(shown, axes, strict=False):
            for kind, label, style, values in lines:
                if kind == measure and values:
                    pane.plot(*zip(*values, strict=True), label=label, **style)
            pane.set_ylabel(measure)
            if measure == "accuracy":
                pane.set_ylabel(_accuracy_title(documents, output))
        _shade(axes, spans)
        axes[-1].set_xlabel("epoch")
        axes[-1].xaxis.get_major_locator().set_params(integer=True)
        _legend(axes[0])
        return figure


def _curves(
    documents: Sequence[Document], names: Sequence[str], output: str | None
) -> Iterable[tuple[str, str | None, dict[str, Any], list[tuple[int, float]]]]:
    several = len(documents) > 1
    for place, (document, name) in enumerate(zip(documents, names, strict=True)):
        rows = [row for row in document["epochs"] if row["output"] == output]
        known = {row["split"] for row in rows}
        for split in ("train", "val"):
            if several and split != ("val" if "val" in known else "train"):
                continue
            index = place if several else int(split == "val")
            label = inert(name) if several else {"train": "training", "val": "validation"}[split]
            marker = "o" if len(document["epochs"]) < 60 else ""
            style = _style(index) | {"marker": marker, "markersize": 3}
            yield "loss", label, style, _values(rows, split, "loss")
            lost, hits = _meaningless_from(document, output), _values(rows, split, "accuracy")
            sound = [(epoch, value) for epoch, value in hits if epoch <= lost]
            yield "accuracy", label, style, sound
            # One name in the legend is enough for both parts.
            again = None if sound else label
            yield "accuracy", again, style | {"alpha": 0.3}, hits[len(sound) :]


def _accuracy_title(documents: Sequence[Document], output: str | None) -> str:
    meant = "accuracy, as meant" if any(is_misread(d["epochs"]) for d in documents) else "accuracy"
    if any(math.isfinite(_meaningless_from(document, output)) for document in documents):
        return f"{meant}\n(pale: does not mean\nwhat it says)"
    return meant


def _meaningless_from(document: Document, output: str | None) -> float:
    """The first epoch, from 0, whose accuracy is misread and not known as meant; else infinite."""
    about = (f for f in document["findings"] if f["output"] == output and f["severity"] != "info")
    found = misreading(finding for finding in about if is_about_accuracy(finding, document))
    known = is_misread(row for row in document["epochs"] if row["output"] == output)
    return math.inf if found is None or known else found.since


def _values(rows: Sequence[Document], split: str, measure: str) -> list[tuple[int, float]]:
    values = [(r["epoch"] + 1, _best_known(r, measure)) for r in rows if r["split"] == split]
    return [(epoch, value) for epoch, value in values if value is not None and math.isfinite(value)]


def _best_known(row: Document, measure: str) -> float | None:
    if measure == "accuracy":
        return epoch_accuracy(row)
    own = row[f"recomputed_{measure}"]
    return row[measure] if own is None else own


def _shade(axes: Iterable[Axes], spans: Sequence[tuple[int, int]]) -> None:
    for place, (first, last) in enumerate(spans):
        for pane in axes:
            label = "loss and accuracy part ways" if place == 0 else None
            pane.axvspan(first + 1, last + 1, color=COLOURS[3], alpha=0.15, lw=0, label=label)


def reliability(row: Document) -> Figure | None:
    """Share right by confidence, of one epoch; None where it was not recorded."""
    bands = [band for band in row.get("reliability") or [] if band["count"]]
    if not bands:
        return None
    with _drawing() as new:
        figure = new(3.0, width=3.6)
        pane = figure.subplots()
        pane.plot([0, 1], [0, 1], color=INK, lw=1, ls="--", label="calibrated")
        lefts, widths = zip(*((b["low"], b["high"] - b["low"]) for b in bands), strict=True)
        shares = [band["accuracy"] for band in bands]
        pane.bar(lefts, shares, widths, align="edge", color=COLOURS[0], alpha=0.75, ec=SURFACE)
        pane.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="share right")
        _legend(pane)
        return figure


def pareto(weighing: Weighing) -> Figure | None:
    """Loss against accuracy of every epoch of every run; None of runs without an accuracy."""
    if not any(p.accuracy is not None and math.isfinite(p.loss) for p in weighing.epochs):
        return None
    with _drawing() as new:
        figure = new(3.4)
        pane = figure.subplots()
        for place, run in enumerate(weighing.runs):
            points = [(p.loss, p.accuracy or 0.0) for p in weighing.epochs if p.name == run.name]
            colour = _style(place)["color"]
            label = f"{inert(run.name)}, last"
            pane.scatter(*zip(*points, strict=True), s=10, color=colour, alpha=0.35)
            pane.scatter([run.loss], [run.accuracy or 0.0], s=55, color=colour, label=label)
        if weighing.front:
            front = sorted((p.loss, p.accuracy or 0.0) for p in weighing.front)
            label = "not beaten in both"
            pane.plot(*zip(*front, strict=True), color=INK, lw=1.2, ls=":", label=label)
        pane.set(xlabel=f"{weighing.split} loss", ylabel=f"{weighing.split} accuracy")
        _legend(pane)
        return figure


def rendered(figure: Figure, form: Format) -> bytes:
    """A figure as the bytes of a file, the same for the same figure."""
    out = io.BytesIO()
    metadata: dict[str, Any] = {"Date": None} if form == "svg" else {}
    with _style_context(), warnings.catch_warnings():
        # Names may have signs that the font has not.
        warnings.simplefilter("ignore", UserWarning)
        figure.savefig(out, format=form, dpi=200, metadata=metadata, transparent=form == "svg")
    return out.getvalue()


def inert(name: str) -> str:
    """A name that a legend shows: cut, and not left out for beginning with `_`."""
    cut = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
    return f"\u200b{cut}" if cut.startswith("_") else cut


def _style(place: int) -> dict[str, Any]:
    colour, dash = COLOURS[place % len(COLOURS)], _DASHES[place % len(_DASHES)]
    return {"color": colour, "ls": dash, "lw": 1.6}


def _legend(pane: Axes) -> None:
    if pane.get_legend_handles_labels()[1]:
        pane.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, frameon=False, fontsize=8)


@contextmanager
def _drawing() -> Generator[Callable[..., Figure]]:
    """Gives what makes an empty figure of a height; drawing happens in the report's style."""
    with _style_context():
        from matplotlib.figure import Figure as Made

        def new(height: float, *, width: float = _WIDTH) -> Figure:
            return Made(figsize=(width, height), layout="constrained")

        yield new


@contextmanager
def _style_context() -> Generator[None]:
    try:
        import matplotlib as mpl
    except ModuleNotFoundError as error:
        raise MissingExtra("matplotlib", "a report", "report") from error
    style: Any = {
        "text.parse_math": False,
        "svg.fonttype": "none",
        "svg.hashsalt": "lossmon",
        "font.family": "sans-serif",
        "font.size": 9,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": GRID,
        "axes.facecolor": "none",
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "xtick.color": GRID,
        "ytick.color": GRID,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "figure.facecolor": "white",
    }
    with mpl.rc_context(style):
        yield
