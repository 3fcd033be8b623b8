"""The menu by which a chart is taken along: as a picture, or as numbers."""

from __future__ import annotations

from typing import Any

from dash import html

from lossmon_dashboard.components.labels import spoken

_FORMS = {
    "png": "Picture (PNG)",
    "svg": "Picture that scales (SVG)",
    "csv": "Numbers that are shown (CSV)",
}


def save_menu(identity: str, label: str, full: str | None = None) -> html.Details:
    """A menu at the corner of a panel; `assets/save.js` does what is chosen.

    Args:
        identity: the id of the chart.
        label: what the chart shows.
        full: the address of the full data; None where there is none.
    """
    choices: list[Any] = [
        html.Button(words, type="button", **_asked(form, identity))
        for form, words in _FORMS.items()
    ]
    if full is not None:
        choices.append(html.A("All numbers behind it (CSV)", href=full, download=""))
    return html.Details(
        [html.Summary("Save", **spoken(f"Save: {label}")), html.Div(choices)],
        className="lossmon-save",
    )


def _asked(form: str, identity: str) -> dict[str, Any]:
    return {"data-save": form, "data-chart": identity}
