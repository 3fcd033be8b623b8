"""What is new, asked again and again by each page that is seen: `assets/pulse.js`.

No callback is asked for what is new of a chart or of a list: these are brought up to date from what
is told here. What takes more, pages ask for at most every few seconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, tzinfo
from typing import Any

import flask
from plotly.io.json import to_json_plotly

from lossmon.errors import RunNotFound, StoreError
from lossmon.store import JointPulse, Pulse, Training
from lossmon_dashboard.clock import viewer_zone
from lossmon_dashboard.comparison_chart import (
    Compared,
    added_to_comparison,
    draw_comparison,
    known_news,
)
from lossmon_dashboard.components.events import event_links
from lossmon_dashboard.components.grid import json_safe
from lossmon_dashboard.direct import NO_STORE, Answer
from lossmon_dashboard.figures.history_view import HistoryView
from lossmon_dashboard.links import CHART, COMPARE, MOST_COMPARED, NEWS, RUN, read_query, split_path
from lossmon_dashboard.questions import fault_of_news
from lossmon_dashboard.run_tabs.following import added, follow, is_marked_alike
from lossmon_dashboard.run_tabs.history import Zoom
from lossmon_dashboard.source import current_store
from lossmon_dashboard.theme import Scheme

Part = Mapping[str, Any]
_NO_RUN = "expected the address of a run. Received: {!r}. Fix: ask at /run/NAME."
_FAULT = "Expected a question of this dashboard. {} Fix: open the page anew."


def register(server: flask.Flask) -> None:
    """Answer the questions of what is new, and of a part of a chart."""

    def answered(answer: Answer) -> Callable[[], flask.Response]:
        def view() -> flask.Response:
            text, status = answer(flask.request.get_data())
            return flask.Response(text, status, NO_STORE, mimetype="application/json")

        return view

    server.add_url_rule(NEWS, "lossmon_news", answered(what_is_new), methods=["POST"])
    server.add_url_rule(CHART, "lossmon_chart", answered(part_of_chart), methods=["POST"])


def what_is_new(body: bytes) -> tuple[str, int]:
    """The answer to a question of what is new, as JSON, and its status."""
    return _answer(body, lambda question: _told(news(question)))


def part_of_chart(body: bytes) -> tuple[str, int]:
    """The answer to a question of a part of a chart, likewise."""
    return _answer(body, lambda question: str(to_json_plotly(zoomed(question))))


def _answer(body: bytes, tell: Callable[[Part], str]) -> tuple[str, int]:
    """What is asked for, or `{"error": …}` that says what is wrong."""
    try:
        question: Any = json.loads(body)
    except (ValueError, RecursionError):
        question = None
    fault = fault_of_news(question)
    if fault is not None:
        return json.dumps({"error": _FAULT.format(fault)}), 400
    try:
        return tell(question), 200
    except StoreError as error:
        return json.dumps({"error": str(error)}), 404 if isinstance(error, RunNotFound) else 503


def observe(pathname: str | None, search: str | None = None) -> dict[str, Any]:
    """What pages draw themselves anew by: another one as soon as more is new than batches.

    Args:
        pathname: the page that is shown; on the page of a run only that run counts.
        search: its query; of a comparison only the runs that it names do.

    Returns:
        "path", "token", how many runs are "running", on the page of a run which "run" that is and
        whether it is "alive", of a comparison by another text which of its runs are, and where the
        database cannot be read, the "trouble".
    """
    try:
        if split_path(pathname)[0] == COMPARE:
            runs = read_query(search).get("runs", "").split(",")[:MOST_COMPARED]
            return _facts(pathname, current_store().joint_pulse(runs))
        return _facts(pathname, _pulse(pathname))
    except StoreError as error:
        return {"path": pathname, "token": None, "running": 0, "trouble": str(error)}


def news(question: Part) -> dict[str, Any]:
    """What `observe` says of a page, and what is new of what it shows.

    Args:
        question: the "place" that is shown; of a list the runs "shown" as being recorded, and what
            is there of the line of each; of the chart of a run "view", "scheme" and "zoom", the
            "mark" that was told last, None for the whole chart, the "step" and the "heard" token up
            to which it is told, and whether what stands on it is to be looked at too: "whole"; of
            a comparison what is "compared", and "scheme" and "mark" likewise.

    Returns:
        Also "points", what is new of the chart, and "trainings", what is new of the runs shown.
    """
    place = question["place"]
    try:
        store = current_store()
        with store.at_once():
            if question.get("compared") is not None:
                return _news_of_comparison(question)
            pulse = _pulse(place, question.get("shown"))
            told = _facts(place, pulse)
            if pulse.trainings:
                told["trainings"] = [_row(training) for training in pulse.trainings]
            if pulse.run is not None and question.get("view") is not None:
                told |= _points(pulse, question)
    except StoreError:
        return observe(place)
    return told


def _news_of_comparison(question: Part) -> dict[str, Any]:
    store, mark = current_store(), question.get("mark")
    compared = Compared.of(question["compared"])
    pulse = store.joint_pulse(compared.runs, known_news(mark))
    new = added_to_comparison(store, compared, mark, pulse)
    if new is None:
        new = draw_comparison(store, compared, question.get("scheme") or "light")
    return _facts(question["place"], pulse) | ({"points": new} if new else {})


def zoomed(question: Part) -> dict[str, Any]:
    """The chart of a run, as finely as the part of it that is looked at can be shown.

    Args:
        question: the "place" of the run, and "view", "scheme" and "zoom" of the chart.

    Raises:
        StoreError: the run, or the database, is not there.
    """
    with current_store().at_once():
        pulse = _pulse(question["place"])
        if pulse.run is None:
            raise RunNotFound(_NO_RUN.format(question["place"]))
        return {**_whole(pulse, *_of(question)), "step": pulse.step, "heard": pulse.token}


def _of(question: Part) -> tuple[HistoryView, Scheme, Zoom | None]:
    view = HistoryView.from_query(question.get("view") or {})
    return view, question.get("scheme") or "light", Zoom.of(question.get("zoom"))


def _pulse(pathname: str | None, shown: Part | None = None) -> Pulse:
    head, argument = split_path(pathname)
    return current_store().pulse(argument if head == RUN else None, shown)


def _facts(pathname: str | None, pulse: Pulse | JointPulse) -> dict[str, Any]:
    told: dict[str, Any] = {"path": pathname, "token": pulse.token, "running": pulse.running}
    if isinstance(pulse, JointPulse):
        return told | {"alive": pulse.alive}
    return told if pulse.run is None else told | {"run": pulse.run, "alive": pulse.alive}


def _row(training: Training) -> dict[str, Any]:
    line = training.line
    told = None if line is None else {**line._asdict(), "values": json_safe(line.values)}
    return {**training._asdict(), "line": told}


def _points(pulse: Pulse, question: Part) -> Part:
    """What is new of a chart, or all of it where that does not fit, and up to which step."""
    view, scheme, zoom = _of(question)
    mark, store = question.get("mark"), current_store()
    if mark is not None:
        looked = question.get("whole") and not is_marked_alike(
            store, pulse.run or "", view, mark, pulse
        )
        if not looked:
            if (pulse.step, pulse.token) == (question.get("step"), question.get("heard")):
                return {}
            new = added(store, view, scheme, mark, pulse, zoom=zoom, zone=_zone(view))
            if new is not None:
                return {"points": {**new, "step": pulse.step}}
    return {"points": {**_whole(pulse, view, scheme, zoom), "step": pulse.step}}


def _whole(pulse: Pulse, view: HistoryView, scheme: Scheme, zoom: Zoom | None) -> dict[str, Any]:
    store, zone = current_store(), _zone(view)
    answer = follow(store, pulse.run or "", view, scheme, zoom=zoom, zone=zone, pulse=pulse)
    return {**answer.drawn, "events": event_links(answer.events)}


def _zone(view: HistoryView) -> tzinfo:
    """That of the time on the axis, if it is there."""
    return viewer_zone() if view.axis == "time" else UTC


def _told(news: Part) -> str:
    """As JSON, by what takes least."""
    if "figure" in news.get("points", ()):
        return str(to_json_plotly(news))
    return json.dumps(news, separators=(",", ":"))
