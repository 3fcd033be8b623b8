"""Code that the reader may paste."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import html


def paste_ready(code: str) -> html.Div:
    """A block of code with a button that copies it."""
    return html.Div(
        [
            # Where lines are too long they scroll, which takes the focus.
            dmc.Code(code, block=True, className="lossmon-code", tabIndex=0),
            dmc.CopyButton(
                "Copy",
                copiedChildren="Copied",
                value=code,
                size="compact-xs",
                variant="default",
                copiedColor="teal",
                className="lossmon-copy",
            ),
        ],
        className="lossmon-paste",
    )
