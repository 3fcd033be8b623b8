"""What is new, asked again and again by each page that is seen: `assets/pulse.js`.

No callback is asked while nothing is new but batches: the chart of a run that is followed and the
rows of a list are brought up to date from what is told here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import flask
from plotly.io.json import to_json_plotly

from lossmon.errors import StoreError
from lossmon.store import Pulse, Training
from lossmon_dashboard.clock import viewer_zone
from lossmon_dashboard.components.grid import json_safe
from lossmon_dashboard.figures.history_view import HistoryView
from lossmon_dashboard.links import CHART, NEWS, RUN, split_path
from lossmon_dashboard.questions import fault_of_news
from lossmon_dashboard.run_tabs.following import STALE, added, follow
from lossmon_dashboard.run_tabs.history import Zoom
from lossmon_dashboard.source import current_store
from lossmon_dashboard.theme import Scheme

Part = Mapping[str, Any]


def register(server: flask.Flask) -> None:
    """Answer the questions of what is new, and of a part of a chart."""

    def chart() -> flask.Response | tuple[str, int]:
        return _answer(lambda question: str(to_json_plotly(zoomed(question))))

    def what_is_new() -> flask.Response | tuple[str, int]:
        # Nothing is put into another order: a browser compares marks as texts.
        return _answer(lambda question: json.dumps(news(question), separators=(",", ":")))

    server.add_url_rule(NEWS, "lossmon_news", what_is_new, methods=["POST"])
    server.add_url_rule(CHART, "lossmon_chart", chart, methods=["POST"])


def _answer(tell: Callable[[Part], str]) -> flask.Response | tuple[str, int]:
    try:
        question: Any = flask.request.get_json()
    except RecursionError:
        question = ()
    fault = fault_of_news(question)
    if fault is not None:
        return f"Expected a question of this dashboard. {fault}", 400
    try:
        text = tell(question)
    except StoreError as error:
        return str(error), 503
    return flask.Response(text, mimetype="application/json", headers={"Cache-Control": "no-store"})


def observe(pathname: str | None) -> dict[str, Any]:
    """What pages draw themselves anew by: another one as soon as more is new than batches.

    Args:
        pathname: the page that is shown; on the page of a run only that run counts.

    Returns:
        "path", "token", how many runs are "running", on the page of a run which "run" that is, and
        where the database cannot be read, the "trouble".
    """
    try:
        return _facts(pathname, _pulse(pathname))
    except StoreError as error:
        return {"path": pathname, "token": None, "running": 0, "trouble": str(error)}


def news(question: Part) -> dict[str, Any]:
    """What `observe` says of a page, and what of it moves with each batch.

    Args:
        question: the "place" that is shown, and the "token" that is known of it; of a list the runs
            "shown" as being recorded, and what is there of the line of each; of the chart of a run
            "view", "scheme", "zoom", "mark", and the "step" up to which that is.

    Returns:
        Also "points", what is new of the chart, and "trainings", what is new of the runs shown.
    """
    place = question["place"]
    try:
        pulse = _pulse(place, question.get("shown"))
    except StoreError:
        return observe(place)
    told = _facts(place, pulse)
    if pulse.trainings:
        told["trainings"] = [_row(training) for training in pulse.trainings]
    known = pulse.token == question.get("token")
    if known and question.get("mark") and pulse.step != question.get("step"):
        told["points"] = _points(pulse, question)
    return told


def zoomed(question: Part) -> dict[str, Any]:
    """The chart of a run, as finely as the part of it that is looked at can be shown.

    Args:
        question: the "place" of the run, and "view", "scheme" and "zoom" of the chart.

    Raises:
        StoreError: the run, or the database, is not there.
    """
    pulse = _pulse(question["place"])
    view, scheme, zoom = _of(question)
    store, zone = current_store(), viewer_zone()
    return follow(store, pulse.run or "", view, scheme, zoom=zoom, zone=zone).drawn


def _of(question: Part) -> tuple[HistoryView, Scheme, Zoom | None]:
    view = HistoryView.from_query(question.get("view") or {})
    return view, question.get("scheme") or "light", Zoom.of(question.get("zoom"))


def _pulse(pathname: str | None, shown: Part | None = None) -> Pulse:
    head, argument = split_path(pathname)
    return current_store().pulse(argument if head == RUN else None, shown)


def _facts(pathname: str | None, pulse: Pulse) -> dict[str, Any]:
    run = {} if pulse.run is None else {"run": pulse.run}
    return {"path": pathname, "token": pulse.token, "running": pulse.running, **run}


def _row(training: Training) -> dict[str, Any]:
    line = training.line
    told = None if line is None else {**line._asdict(), "values": json_safe(line.values)}
    return {**training._asdict(), "line": told}


def _points(pulse: Pulse, question: Part) -> Part:
    """What is new of a chart, and up to which step."""
    view, scheme, zoom = _of(question)
    points = added(
        current_store(),
        pulse.run or "",
        view,
        scheme,
        zoom=zoom,
        zone=viewer_zone(),
        told=question["mark"],
        pulse=pulse,
    )
    return STALE if points is None else {**points, "step": pulse.step}
