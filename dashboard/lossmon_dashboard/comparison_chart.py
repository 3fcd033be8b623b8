"""The chart of a comparison that is followed: what is new of it, or all where need be.

As with the chart of one run, the browser says by a mark what it has, and the mark holds all that
the next answer goes on from.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, get_args

from lossmon.analysis import is_misread, misreading
from lossmon.records import Split
from lossmon.store import JointPulse, Store
from lossmon_dashboard import figures
from lossmon_dashboard.documents import read_documents
from lossmon_dashboard.figures.alignment import Axis, aligned, axis_unit, samples_seen
from lossmon_dashboard.figures.overlay import Measure, overlay_points, trace_uid
from lossmon_dashboard.theme import Scheme

Document = Mapping[str, Any]

_COLUMNS = (
    *("epoch", "split", "output", "step", "time", "n", "loss", "recomputed_loss"),
    *("accuracy", "recomputed_accuracy", "intended_accuracy", "reported_accuracy"),
)
_LATE_EPOCHS = 1
"""So many epochs before the last are told again: parts of an epoch may come after its first row."""
_MOST = 2**53


class Compared(NamedTuple):
    """What a chart shows.

    Attributes:
        runs: their ids.
        split: which data the values were measured on.
        axis: what epochs are laid beside one another by.
        apart: whether each run has a pane of its own.
        measure: what is shown of runs that are drawn apart.
        columns: panes in a row.
    """

    runs: tuple[str, ...]
    split: Split = "val"
    axis: Axis = "epoch"
    apart: bool = False
    measure: Measure = "loss"
    columns: int = 3

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Compared:
        """What the browser tells, which was checked."""
        return cls(tuple(told["runs"]), **{key: told[key] for key in told if key != "runs"})

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What is shown."""
        return (self.measure,) if self.apart else get_args(Measure)


class _Known(NamedTuple):
    """What a browser has of a run that may go on.

    Attributes:
        since: the epoch from which on it must be told again.
        samples: how many training samples were seen before that.
        after: the furthest place of the epochs before that; -1 where there are none.
        misread: whether another accuracy was meant than the printed one.
        head: of what else there is to see of it.
    """

    since: int
    samples: float
    after: float
    misread: bool
    head: str

    @classmethod
    def of(cls, told: Sequence[Any]) -> _Known:
        since, samples, after, misread, head = told
        if not 0 <= int(since) < _MOST:
            raise ValueError(f"expected an epoch. Received: {since!r}.")
        return cls(int(since), float(samples), float(after), bool(misread), str(head))


class _Mark(NamedTuple):
    """What a browser has of a chart.

    Attributes:
        news: up to which news of the runs, see `JointPulse`.
        last: the furthest place on the axis.
        goes_on: by id what it has of each run that had not ended.
    """

    news: int
    last: float
    goes_on: Mapping[str, _Known]

    @classmethod
    def of(cls, told: Mapping[str, Any] | None) -> _Mark | None:
        """What the browser tells; None where it has nothing, or nothing that makes sense."""
        try:
            known = {run: _Known.of(one) for run, one in (told or {})["goes_on"].items()}
            return None if told is None else cls(int(told["news"]), float(told["last"]), known)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            return None

    def told(self) -> dict[str, Any]:
        """The same as JSON."""
        return self._asdict() | {"goes_on": {run: [*one] for run, one in self.goes_on.items()}}


def known_news(mark: Mapping[str, Any] | None) -> int:
    """The news up to which a mark is told, as `Store.joint_pulse` takes them."""
    known = _Mark.of(mark)
    return -1 if known is None else known.news


def draw_comparison(store: Store, compared: Compared, scheme: Scheme) -> dict[str, Any]:
    """The chart of some runs, to be told from then on what is new of it.

    Args:
        store: the database of the app that handles this request.
        compared: what is shown.
        scheme: the colour scheme to draw for.

    Returns:
        The "figure", its "mark", and what it is "of". Zoom is kept while runs, split, axis and the
        way they are drawn stay the same.

    Raises:
        RunNotFound: one of the runs is not there.
    """
    # What is written meanwhile is told once more.
    pulse = store.joint_pulse(compared.runs)
    documents = read_documents(compared.runs)
    runs, split, axis, apart, measure, columns = compared
    if apart:
        figure = figures.plot_multiples(
            documents, split, measure, scheme, axis=axis, columns=columns
        )
    else:
        figure = figures.plot_overlay(documents, split, scheme, axis=axis)
    identity = f"{','.join(runs)}/{split}/{axis}/{apart}/{apart and measure}"
    by_id = {document["id"]: document for document in documents}
    mark = _Mark(
        pulse.news,
        _furthest(documents, compared),
        {run: _known(by_id[run], compared) for run in _unended(pulse)},
    )
    return {
        "figure": figure.update_layout(uirevision=identity),
        "mark": mark.told(),
        "of": {"compared": compared._asdict(), "scheme": scheme},
    }


def added_to_comparison(
    store: Store, compared: Compared, told: Mapping[str, Any] | None, pulse: JointPulse
) -> dict[str, Any] | None:
    """What is new of a chart since a mark; None where it is to be drawn anew.

    Args:
        store: the database.
        compared: what is shown.
        told: the mark that the browser tells.
        pulse: `Store.joint_pulse` of the runs, since `known_news` of that.

    Returns:
        "mark", and "new": what to put in the place of the points of each trace from a place on,
        which is "late". Empty where nothing is new.
    """
    mark = _Mark.of(told)
    if mark is None:
        return None
    new = {run: row for run, row in pulse.changed.items() if row["news"] > mark.news}
    if not new:
        return {}
    if not new.keys() <= mark.goes_on.keys():
        return None
    late = store.late_epochs({run: mark.goes_on[run].since for run in new}, _COLUMNS)
    found = store.own_findings([*new])
    documents = {
        run: {
            **row,
            "epochs": late[run],
            "findings": found.get(run, []),
            "samples_before": mark.goes_on[run].samples,
        }
        for run, row in new.items()
    }
    known = {
        run: _known(document, compared, mark.goes_on[run]) for run, document in documents.items()
    }
    last = max(mark.last, _furthest(documents.values(), compared))
    if _unit(compared, last) != _unit(compared, mark.last):
        return None
    if any(one.head != mark.goes_on[run].head for run, one in known.items()):
        return None
    unended = _unended(pulse)
    goes_on = {run: known.get(run, one) for run, one in mark.goes_on.items() if run in unended}
    points = _points(compared, documents, mark, last)
    return {"mark": _Mark(pulse.news, last, goes_on).told(), "new": points, "settled": {}}


def _points(
    compared: Compared, documents: Mapping[str, Document], mark: _Mark, last: float
) -> dict[str, Any]:
    """By the `uid` of each trace what is new of it, and the place from which on it is."""
    runs = {place: run for place, run in enumerate(compared.runs) if run in documents}
    size, apart = _unit(compared, last)[0], compared.apart
    late = {
        place: math.nextafter(mark.goes_on[run].after / size, math.inf)
        for place, run in runs.items()
    }
    late_documents = {place: documents[run] for place, run in runs.items()}
    found: dict[str, Any] = {}
    for measure in compared.measures:
        edges = {trace_uid(measure, place): edge for place, edge in late.items()}
        points = overlay_points(late_documents, compared.split, measure, compared.axis, last)
        # Of runs that are drawn apart no value that is not finite is marked.
        told = {uid: one for uid, one in points.items() if one.x and (uid in edges or not apart)}
        found |= {uid: {**one._asdict(), "late": edges.get(uid)} for uid, one in told.items()}
    return found


def _known(document: Document, compared: Compared, before: _Known | None = None) -> _Known:
    """What is told of a run: all of it, or its last epochs after what was known before."""
    whole = [row for row in document["epochs"] if row["output"] is None]
    since = max(0, max((row["epoch"] for row in whole), default=0) - _LATE_EPOCHS)
    seen = samples_seen(whole, 0 if before is None else before.samples)
    drawn = aligned(document, compared.split)
    rows = zip(drawn.rows, drawn.places[compared.axis], strict=True)
    misread = is_misread(document["epochs"]) or bool(before and before.misread)
    # Of a distributed job what other ranks alone have found is not read again.
    own = misreading(one for one in document["findings"] if "rank" not in one)
    shown = (document["name"], len(document["resumes"]), misread, own)
    return _Known(
        since if before is None else max(since, before.since),
        max(
            (total for epoch, total in seen.items() if epoch < since),
            default=0 if before is None else before.samples,
        ),
        max(
            (place for row, place in rows if row["epoch"] < since),
            default=-1 if before is None else before.after,
        ),
        misread,
        f"{zlib.crc32(repr(shown).encode('utf-8', 'replace')):08x}",
    )


def _unit(compared: Compared, last: float) -> tuple[float, str]:
    return axis_unit(compared.axis, last)


def _furthest(documents: Iterable[Document], compared: Compared) -> float:
    known = (aligned(document, compared.split) for document in documents)
    return max((place for one in known for place in one.places[compared.axis]), default=0.0)


def _unended(pulse: JointPulse) -> set[str]:
    return {run for run, row in pulse.changed.items() if row["status"] == "running"}
