"""Controls that choose an epoch, counted from 1 as Keras prints them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html, no_update

# Written by `assets/run.js`.
_LABEL: Any = {"function": "epochLabel"}


def epoch_slider(
    identity: str, label: str, epochs: Sequence[int], chosen: str | None = None
) -> html.Div:
    """A slider over the epochs of a run, at the last one unless another is chosen.

    Args:
        identity: the id of the slider, whose `value` is the epoch from 1.
        label: what is chosen.
        epochs: those there are, ascending from 0.
        chosen: the epoch that an address names, from 1.
    """
    last = max(epochs, default=0) + 1
    value = int(chosen) if chosen and chosen.isdecimal() and int(chosen) <= last else last
    slider = dmc.Slider(
        id=identity,
        min=1,
        max=max(last, 2),
        value=max(value, 1),
        marks=marks(last),
        label=_LABEL,
        thumbLabel=label,
        disabled=last < 2,
        updatemode="mouseup",
    )
    text = dmc.Text(label, size="sm", c="dimmed")
    return html.Div([text, slider], className="lossmon-slider")


def marks(last: int) -> list[Any]:
    """Up to six round numbers from 1 to the last."""
    if last < 2:
        return [{"value": 1, "label": "1"}]
    between = [round(1 + (last - 1) * part / 5) for part in range(6)]
    return [{"value": value, "label": f"{value:,}"} for value in sorted({*between})]


def followed(epochs: Sequence[int], last: int | None, at: int | None) -> tuple[Any, Any, Any, Any]:
    """What a slider becomes when epochs are added: one that is at the last follows it.

    Args:
        epochs: those there are now.
        last: the greatest value so far.
        at: what the slider stands at.

    Returns:
        Greatest value, marks, value, and whether there is nothing to choose.
    """
    now = max(epochs, default=0) + 1
    if now == last:
        return no_update, no_update, no_update, no_update
    stays = last and at and at < min(last, now + 1)
    return max(now, 2), marks(now), no_update if stays else now, now < 2


def epoch_pair(
    identity: str, epochs: Sequence[int], chosen: str | None = None, *, earlier: int = 1
) -> html.Div:
    """A slider with two thumbs: an earlier and a later epoch, which is the last unless chosen.

    Args:
        identity: the id of the slider, whose `value` is both epochs from 1.
        epochs: those there are, ascending from 0.
        chosen: what an address names: `3-12`.
        earlier: the earlier one unless chosen, from 1.
    """
    last = max(epochs, default=0) + 1
    slider = dmc.RangeSlider(
        id=identity,
        min=1,
        max=max(last, 2),
        minRange=0,
        value=_pair(chosen, [min(earlier, last), last]),
        marks=marks(last),
        label=_LABEL,
        thumbFromLabel="Earlier epoch",
        thumbToLabel="Later epoch",
        disabled=last < 2,
        updatemode="mouseup",
    )
    return html.Div(slider, className="lossmon-slider")


def _pair(chosen: str | None, usual: list[int]) -> list[int]:
    parts = (chosen or "").split("-")
    known = [int(part) for part in parts if part.isdecimal() and 1 <= int(part) <= usual[1]]
    return sorted(known) if len(known) == len(parts) == 2 else usual


def pair_followed(
    epochs: Sequence[int], last: int | None, at: Sequence[int] | None
) -> tuple[Any, Any, Any, Any]:
    """The same as `followed` for the later of two epochs."""
    now = max(epochs, default=0) + 1
    if now == last:
        return no_update, no_update, no_update, no_update
    first, second = at or (1, now)
    stays = last and second < min(last, now + 1)
    return max(now, 2), marks(now), no_update if stays else [min(first, now), now], now < 2
