"""Every colour, line style and font of the dashboard.

Traces use the palette of Okabe and Ito (2008), which stays apart under the common kinds of colour
blindness, and each colour is paired with a line style as a second cue. Everything that is not a
trace takes Mantine's own variables, so that it follows the colour scheme by itself.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import plotly.graph_objects as go

from lossmon.records import Severity, Split

Scheme = Literal["light", "dark"]

FONT = "Inter, ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
MONOSPACE = "ui-monospace, 'SF Mono', 'Cascadia Code', Menlo, Consolas, monospace"

PAGE_WIDTH = 2200
"""The widest a page gets, in pixels."""

MANTINE: Any = {
    "primaryColor": "teal",
    "primaryShade": {"light": 9, "dark": 6},
    "defaultRadius": "md",
    "fontFamily": FONT,
    "fontFamilyMonospace": MONOSPACE,
    "headings": {"fontFamily": FONT, "fontWeight": "650"},
    "cursorType": "pointer",
    "respectReducedMotion": True,
}

SEVERITY_COLOURS: dict[Severity, str] = {"error": "red", "warning": "orange", "info": "blue"}
STATUS_COLOURS = {"running": "blue", "finished": "teal", "failed": "red", "interrupted": "orange"}


class Ink(NamedTuple):
    """The colours of one scheme that a chart needs beside its traces."""

    text: str
    dimmed: str
    grid: str
    surface: str
    border: str
    alarm: str
    palette: tuple[str, ...]


_INKS: dict[Scheme, Ink] = {
    "light": Ink(
        text="#1f2937",
        dimmed="#5b6472",
        grid="#e9ecef",
        surface="#ffffff",
        border="#dee2e6",
        alarm="#c92a2a",
        palette=("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"),
    ),
    "dark": Ink(
        text="#d7dbe0",
        dimmed="#9aa3ad",
        grid="#343a40",
        surface="#242424",
        border="#424242",
        alarm="#ff8787",
        palette=("#56B4E9", "#E69F00", "#12B886", "#CC79A7", "#F0E442", "#D55E00", "#FFFFFF"),
    ),
}

_COLOURS = 7
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def ink(scheme: Scheme) -> Ink:
    """The colours of a scheme."""
    return _INKS[scheme]


def split_colour(split: Split, scheme: Scheme) -> str:
    """The colour that stands for a split on every chart."""
    return ink(scheme).palette[0 if split == "train" else 1]


def faint(colour: str, opacity: float) -> str:
    """A colour of a palette as one that lets through what is behind it."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def run_mark(run: str) -> tuple[int, int]:
    """The places of a run's colour and line style, the same wherever it is drawn.

    Args:
        run: its id.
    """
    digest = zlib.crc32(run.encode("utf-8", "replace"))
    return digest % _COLOURS, digest // _COLOURS % len(DASHES)


def run_styles(runs: Sequence[str], scheme: Scheme) -> list[tuple[str, str]]:
    """Colour and line style of each of some runs that are drawn together.

    Args:
        runs: ids of the runs.
        scheme: the colour scheme to draw for.
    """
    palette = ink(scheme).palette
    return [(palette[colour], DASHES[dash]) for colour, dash in run_places(runs)]


def run_places(runs: Sequence[str]) -> list[tuple[int, int]]:
    """The places of colour and line style of each of some runs that are drawn together.

    Each has its own (`run_mark`), as long as there are colours; of runs whose colour is the same
    the first keeps it. No pair repeats within 42 runs.

    Args:
        runs: ids of the runs.
    """
    places: dict[int, int] = {}
    taken: set[int] = set()
    marks = [run_mark(run) for run in runs]
    for place, (colour, _) in enumerate(marks):
        if colour not in taken:
            places[place] = colour
            taken.add(colour)
    free = [colour for colour in range(_COLOURS) if colour not in taken]
    used: set[tuple[int, int]] = set()
    chosen: list[tuple[int, int]] = []
    for place, (own, dash) in enumerate(marks):
        colour = places[place] if place in places else free.pop(0) if free else own
        options = [
            (shade % _COLOURS, (dash + turn) % len(DASHES))
            for shade in range(colour, colour + _COLOURS)
            for turn in range(len(DASHES))
        ]
        pair = next((one for one in options if one not in used), options[0])
        used.add(pair)
        chosen.append(pair)
    return chosen


def template(scheme: Scheme) -> go.layout.Template:
    """The plotly template of a scheme: no frame, quiet grid, room for every label."""
    colours = ink(scheme)
    axis: dict[str, Any] = {
        "gridcolor": colours.grid,
        "zeroline": False,
        "linecolor": colours.border,
        "tickcolor": colours.border,
        "automargin": True,
        # There is room for them: to look whether they fit would lay out the page for each of them.
        "ticklabeloverflow": "allow",
        "tickangle": 0,
        "title": {"font": {"size": 12, "color": colours.dimmed}, "standoff": 8},
        "tickfont": {"size": 12, "color": colours.dimmed},
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": colours.text},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": list(colours.palette),
            "xaxis": axis,
            "yaxis": axis,
            "margin": {"l": 8, "r": 12, "t": 12, "b": 8},
            "hoverlabel": {
                "bgcolor": colours.surface,
                "bordercolor": colours.border,
                "font": {"family": FONT, "size": 12, "color": colours.text},
                "align": "left",
            },
            "legend": {
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": 1.02,
                "yanchor": "bottom",
                "font": {"size": 12},
            },
            "modebar": {
                "bgcolor": "rgba(0,0,0,0)",
                "color": colours.dimmed,
                "activecolor": colours.text,
            },
        }
    )
