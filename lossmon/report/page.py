"""A report as one HTML file that loads nothing from anywhere."""

from __future__ import annotations

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from lossmon.report import figures
from lossmon.report.content import Report
from lossmon.report.files import curve_keys, report_figures
from lossmon.report.words import number
from lossmon.rules import evidence_terms
from lossmon.rules.compile_call import place_of

# Colours of a figure that follow the reader's colour scheme.
_THEMED = {figures.INK: "var(--ink)", figures.GRID: "var(--grid)", figures.SURFACE: "var(--page)"}

_TAG = re.compile(r"<[^>]+>")


def html_page(report: Report) -> str:
    """Return a report as HTML; every text of it is escaped, figures are SVG inside.

    Args:
        report: what `report_of` gathered.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    environment = Environment(
        loader=PackageLoader("lossmon.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    drawn = {key: (shown, _inline(key, figure)) for key, shown, figure in report_figures(report)}
    template = environment.get_template("report.html")
    return template.render(
        report=report, figures=drawn, curve_keys=curve_keys, terms=evidence_terms, place_of=place_of
    )


def _inline(key: str, figure: object) -> Markup:
    """A figure as an element of the page, its ids its own, its colours the page's."""
    svg = figures.rendered(figure, "svg").decode()  # pyright: ignore[reportArgumentType]
    svg = svg[svg.index("<svg") :]
    # The page names the figure; its own description of itself is of no use there.
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # matplotlib escapes what names bring into an SVG; they are left as they are.
    return Markup(_TAG.sub(lambda tag: _own(key, tag[0]), svg))


def _own(key: str, tag: str) -> str:
    """A tag with ids of its own figure and the page's colours."""
    tag = re.sub(r'\bid="([^"]+)"', rf'id="{key}-\1"', tag)
    tag = re.sub(r'(href="#|url\(#)([^")]+)', rf"\1{key}-\2", tag)
    for colour, variable in _THEMED.items():
        tag = tag.replace(colour, variable)
    return tag
