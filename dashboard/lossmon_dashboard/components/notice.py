"""Whole-page states that are not a page: nothing recorded, nothing found, no database."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc

from lossmon.errors import DatabaseMissing, StoreError
from lossmon_dashboard.components.code import paste_ready
from lossmon_dashboard.links import RUNS, page_link

QUICK_START = """\
import lossmon

model.fit(x, y, validation_data=(x_val, y_val), callbacks=[lossmon.Monitor()])"""


def notice(title: str, words: str, *children: Any) -> dmc.Center:
    """A calm card in the middle of the page that says what is the matter and what to do."""
    return dmc.Center(
        dmc.Paper(
            dmc.Stack([dmc.Title(title, order=1, size="h3"), dmc.Text(words), *children], gap="md"),
            className="lossmon-panel lossmon-notice",
        ),
        py={"base": "md", "sm": 64},
    )


def no_runs_yet() -> dmc.Center:
    """The state before the first run: the one line that makes one."""
    return notice(
        "No runs yet: add this line",
        "Give `fit` the monitor as a callback. The run shows up here with its first batch, "
        "and this page fills itself.",
        paste_ready(QUICK_START),
        dmc.Text("Nothing to train at hand? Try the seven example runs:", size="sm", c="dimmed"),
        paste_ready("lossmon demo"),
    )


def no_database(error: StoreError) -> dmc.Center:
    """The database is missing or cannot be read."""
    missing = isinstance(error, DatabaseMissing)
    return notice(
        "No database yet" if missing else "The database cannot be read",
        str(error),
        dmc.Text("To record a first run:", size="sm", c="dimmed"),
        paste_ready(QUICK_START),
    )


def not_found(message: str) -> dmc.Center:
    """The address names something that is not there."""
    return notice("Nothing here by that name", message, back_to_runs())


def no_such_run(name: str | None) -> dmc.Center:
    """The address names a run that is not there, or what several runs could be."""
    return notice(
        "No such run",
        f"No run has the id or the name “{name}”, or several have an id that begins so. It may "
        "have been deleted, or be in another database.",
        back_to_runs(),
    )


def back_to_runs() -> dcc.Link:
    """The way back to the list of runs, as it was left: `assets/back.js` knows how that was."""
    return dcc.Link("← All runs", href=page_link(RUNS), className="lossmon-link lossmon-back")
