"""What happened in a run, as events of its time axis and as links to where it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from lossmon.analysis import Divergence
from lossmon_dashboard.components.divergence import episode_target
from lossmon_dashboard.components.findings import finding_target
from lossmon_dashboard.components.labels import goes_to, spoken
from lossmon_dashboard.figures.events import Event
from lossmon_dashboard.wording import capitalised, sentence

Row = Mapping[str, Any]

_KINDS = {
    "loss_rises": "loss rises while accuracy holds",
    "both_rise": "loss and accuracy both rise",
    "both_fall": "loss and accuracy both fall",
}
_EPISODE_TAB = "divergence"


def events_of(
    findings: Sequence[Row],
    episodes: Sequence[Divergence],
    ends: Mapping[int, int],
    output: str | None,
) -> list[Event]:
    """Findings and episodes of a run, by the step in which they set in.

    Args:
        findings: of the run, with `epoch` and `step`.
        episodes: of the run.
        ends: the last step of each epoch.
        output: the output that is looked at: what is said of others is left out; None for the
            model as a whole, to which all findings belong.
    """
    found = [
        _finding(row, ends) for row in findings if output is None or row["output"] in (None, output)
    ]
    found += [
        _episode(episode, ends)
        for episode in episodes
        if episode.output == output and {episode.first_epoch, episode.last_epoch} <= ends.keys()
    ]
    return sorted(found, key=lambda event: event.first or 0)


def _episode(episode: Divergence, ends: Mapping[int, int]) -> Event:
    first, last = episode.first_epoch, episode.last_epoch
    return Event(
        f"Epochs {first + 1}–{last + 1}: {_KINDS[episode.kind]}",
        f"{episode.advice} Click to see why.",
        episode_target(episode.output, first),
        ends[first],
        ends[last],
    )


def _finding(row: Row, ends: Mapping[int, int]) -> Event:
    since, step = (row["evidence"] or {}).get("since_epoch"), row["step"]
    if step is None:
        when = "before the first step"
    elif isinstance(since, int):
        # Rules that wait for several epochs see it later than it set in.
        when, step = f"since epoch {since}", min(step, ends.get(since - 1, step))
    else:
        when = f"seen in epoch {row['epoch'] + 1}"
    return Event(
        f"{sentence(row['rule'])} ({row['code']}), {when}",
        capitalised(row["message"]),
        finding_target(row),
        step,
        severity=row["severity"],
    )


def event_links(events: Sequence[Event]) -> html.Div | None:
    """The same as buttons, for keyboards, fingers and screen readers."""
    if not events:
        return None
    buttons = [
        html.Button(
            [html.Span(className=f"lossmon-event-{event.severity or 'episode'}"), event.title],
            type="button",
            className="lossmon-event",
            **goes_to(event.target, None if event.severity else _EPISODE_TAB),
        )
        for event in events
    ]
    return html.Div(
        [dmc.Text("On the axis:", size="sm", c="dimmed"), *buttons],
        className="lossmon-events",
        role="group",
        **spoken("Findings and episodes on the axis"),
    )
