"""What happened at some point of a training: findings and episodes, in a lane above the curves."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

from lossmon.records import Severity
from lossmon_dashboard.figures.axis import STEPS, TimeAxis
from lossmon_dashboard.figures.saved import saved_as
from lossmon_dashboard.theme import Scheme, ink

_SYMBOLS: dict[Severity, str] = {"error": "x", "warning": "triangle-up", "info": "circle"}
_FINDINGS, _EPISODES = 0.72, 0.24
_PARTS = 40
_EVENT = "event"


class Event(NamedTuple):
    """One event.

    Attributes:
        title: what it is, in a few words.
        words: what is said of it.
        target: the part of the page that tells all of it.
        first: the step in which it sets in; None for before the first.
        last: the step that an episode lasts to; None for what has no length.
        severity: of a finding; None for an episode.
    """

    title: str
    words: str
    target: str
    first: int | None = None
    last: int | None = None
    severity: Severity | None = None


def draw_events(
    figure: go.Figure, events: Sequence[Event], scheme: Scheme, axis: TimeAxis = STEPS
) -> go.Figure:
    """Draw events into the first row of a chart.

    Args:
        figure: panes of which the first is the lane.
        events: what happened.
        scheme: the colour scheme to draw for.
        axis: what the common axis counts.
    """
    for event in events:
        if event.last is not None:
            figure.add_trace(_episode(event, scheme, axis), row=1, col=1)
    # The gravest last, which is the uppermost where several set in at once.
    for severity, symbol in reversed(_SYMBOLS.items()):
        found = [event for event in events if event.severity == severity]
        if found:
            figure.add_trace(_findings(found, symbol, scheme, axis), row=1, col=1)
    figure.update_yaxes(range=[0, 1], fixedrange=True, visible=False, row=1, col=1)
    return figure


def _episode(event: Event, scheme: Scheme, axis: TimeAxis) -> go.Scatter:
    first, last = axis.places_of([event.first or 0, event.last or 0])
    # The pointer finds points, not the line between them.
    places = [first + (last - first) * part / _PARTS for part in range(_PARTS + 1)]
    trace = go.Scatter(
        x=places,
        y=[_EPISODES] * len(places),
        mode="lines",
        line={"color": ink(scheme).palette[3], "width": 9},
        name="loss and accuracy part ways",
        showlegend=False,
        **_told([event] * len(places)),
    )
    return saved_as(trace, measure=_EVENT, mark=True)


def _findings(events: Sequence[Event], symbol: str, scheme: Scheme, axis: TimeAxis) -> go.Scatter:
    colours = ink(scheme)
    colour = {"x": colours.alarm, "triangle-up": colours.palette[1]}.get(symbol, colours.palette[0])
    trace = go.Scatter(
        x=axis.places_of([event.first or 0 for event in events]),
        y=[_FINDINGS] * len(events),
        mode="markers",
        marker={"symbol": symbol, "size": 11, "color": colour},
        name="findings",
        showlegend=False,
        **_told(events),
    )
    return saved_as(trace, line=f"finding, {events[0].severity}", measure=_EVENT, mark=True)


def _told(events: Sequence[Event]) -> dict[str, Any]:
    return {
        "text": [_wrapped(event) for event in events],
        "customdata": [event.target for event in events],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _wrapped(event: Event) -> str:
    lines = textwrap.wrap(event.words, 64)
    more = [*lines[:5], "…"] if len(lines) > 5 else lines
    return "<br>".join(html.escape(line, quote=False) for line in [event.title, *more])
