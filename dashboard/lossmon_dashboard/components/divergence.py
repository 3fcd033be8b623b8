"""Where loss and accuracy part ways, and why, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import dash_mantine_components as dmc
from dash import html

from lossmon.analysis import Divergence, SplitDifference
from lossmon_dashboard.components.labels import target
from lossmon_dashboard.components.prose import with_code

NOTHING = (
    "beyond what noise explains. (Only classifiers that predict probabilities are looked at, from "
    "six epochs on. Where the loss rises and the accuracy falls, both say the same.)"
)


def divergence_panel(
    episodes: Sequence[Divergence], splits: Sequence[SplitDifference] = (), *, ended: bool
) -> dmc.Stack:
    """Each episode with what the evidence says of its cause; a quiet line where there are none.

    Args:
        episodes: where loss and accuracy part ways.
        splits: why training and validation loss differ.
        ended: whether no more epochs will come.
    """
    nowhere = f"{'Nowhere' if ended else 'Nowhere so far'}, {NOTHING}"
    told = [_episode(episode) for episode in episodes] or [dmc.Text(nowhere, size="sm")]
    return dmc.Stack([*told, *(_difference(one) for one in splits)], gap="md")


def _difference(one: SplitDifference) -> dmc.Text:
    output = [] if one.output is None else ["Output ", dmc.Code(one.output), ". "]
    return dmc.Text([*output, one.sentence], size="sm")


def _episode(episode: Divergence) -> html.Div:
    output = [] if episode.output is None else ["Output ", dmc.Code(episode.output), ". "]
    causes = [dmc.ListItem(with_code(cause.sentence)) for cause in episode.causes]
    return html.Div(
        [
            dmc.Text([*output, episode.summary], fw=600),
            *([dmc.List(causes, mt=6, spacing=4, size="sm")] if causes else []),
            dmc.Text(episode.advice, mt=6),
        ],
        className="lossmon-episode",
        **target(episode_target(episode.output, episode.first_epoch)),
    )


def episode_target(output: str | None, first_epoch: int) -> str:
    """By which the passage on an episode is found on the page."""
    return f"episode:{output or ''}:{first_epoch}"
