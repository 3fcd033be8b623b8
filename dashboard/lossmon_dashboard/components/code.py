"""Code that the reader may paste."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import html


def paste_ready(code: str) -> html.Div:
    """A block of code with a button that copies it."""
    return html.Div(
        [
            dmc.Code(code, block=True, className="lossmon-code"),
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
