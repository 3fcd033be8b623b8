"""A sentence that stands out of the page: all is well, or mind this."""

from __future__ import annotations

from typing import Any, Literal

import dash_mantine_components as dmc


def callout(
    kind: Literal["good", "warning", "error", "unknown"], title: str, *children: Any, **props: Any
) -> dmc.Paper:
    """A framed remark with a coloured edge.

    Args:
        kind: which edge.
        title: the remark in a few words.
        children: what there is to say beyond it.
        props: further properties of the paper.
    """
    return dmc.Paper(
        [dmc.Text(title, fw=600), *children],
        className=f"lossmon-panel lossmon-finding lossmon-{kind}",
        **props,
    )
