"""Tables of plain text, which may be large."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc

from lossmon_dashboard.wording import breakable


def text_table(titles: Sequence[str], rows: Sequence[Sequence[str]], **props: Any) -> dmc.Table:
    """A table as one component: with a component for each cell, a thousand cells take seconds.

    Long names in it go on in the next line between their parts.

    Args:
        titles: of the columns.
        rows: the texts of each row.
        props: further properties of the table.
    """
    head, *body = ([breakable(cell) for cell in row] for row in (titles, *rows))
    return dmc.Table(data={"head": head, "body": body}, **props)
