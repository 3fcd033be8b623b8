"""The menu by which a chart is taken along: as a picture, or as numbers."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import html

from lossmon_dashboard.components.labels import spoken

_FORMS = {
    "png": "Picture (PNG)",
    "svg": "Picture that scales (SVG)",
    "csv": "Numbers that are shown (CSV)",
}


def save_menu(identity: str, label: str, full: str | None = None) -> html.Div:
    """A menu at the corner of a panel; `assets/save.js` does what is chosen.

    Args:
        identity: the id of the chart.
        label: what the chart shows.
        full: the address of the full data; None where there is none.
    """
    items = [
        dmc.MenuItem(words, **{"data-save": form, "data-chart": identity})
        for form, words in _FORMS.items()
    ]
    if full is not None:
        items.append(dmc.MenuItem("All numbers behind it (CSV)", href=full, target="_blank"))
    button = dmc.Button(
        "Save", variant="subtle", color="gray", size="compact-sm", **spoken(f"Save: {label}")
    )
    menu = dmc.Menu(
        [dmc.MenuTarget(button), dmc.MenuDropdown(items)], position="bottom-end", shadow="md"
    )
    return html.Div(menu, className="lossmon-save")
