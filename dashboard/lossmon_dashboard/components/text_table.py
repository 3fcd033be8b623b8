"""Tables of plain text, which may be large."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc


def text_table(titles: Sequence[str], rows: Sequence[Sequence[str]], **props: Any) -> dmc.Table:
    """A table as one component: with a component for each cell, a thousand cells take seconds.

    Args:
        titles: of the columns.
        rows: the texts of each row.
        props: further properties of the table.
    """
    return dmc.Table(data={"head": [*titles], "body": [[*row] for row in rows]}, **props)
