"""The HTML document that every page begins with: which scripts browsers load, and how early."""

from __future__ import annotations

import re
from typing import Any

import dash
import flask

from lossmon.errors import StoreError
from lossmon_dashboard import library
from lossmon_dashboard.links import RUN, split_path
from lossmon_dashboard.pages.run import tab_of
from lossmon_dashboard.run_tabs import USUAL
from lossmon_dashboard.source import current_store

_CHARTS = ("/_dash-component-suites/dash/dcc/async-graph.js", library.PATH)
"""What Dash loads once a chart is to be drawn, and then first."""
_POLYFILL = re.compile(r"<script src=\"[^\"]*/polyfill@[^\"]*\"></script>")
_EARLY = "early"
_VIEWER = f"{_EARLY}/viewer.js"
_GENERATORS = f"{_EARLY}/generators.js"
NOT_WITH_THE_OTHERS = [_EARLY]
"""Folders of assets that are not loaded among the others, but before them."""


class Dashboard(dash.Dash):
    """A Dash app whose pages load no more than they need, and that early."""

    def interpolate_index(self, *args: Any, **kwargs: Any) -> str:
        """Return the document.

        Args:
            args: none; Dash names them.
            kwargs: its parts, as Dash made them.
        """
        scripts = _POLYFILL.sub(self._generators(), kwargs["scripts"])
        return super().interpolate_index(
            *args, **kwargs | {"scripts": scripts, "css": self._early() + kwargs["css"]}
        )

    def _generators(self) -> str:
        """What Dash's components need of the polyfills for browsers of 2015 and before.

        To go through all of these takes a browser of today a tenth of a second.
        """
        return self._script(_GENERATORS)

    def _early(self) -> str:
        """What is asked before anything else, and what a page with a chart loads in the end."""
        root = self.config.requests_pathname_prefix.removesuffix("/")
        link = '<link rel="preload" as="script" fetchpriority="low" href="{}">'
        links = [link.format(root + path) for path in _CHARTS if _shows_curves()]
        return "".join([self._script(_VIEWER), *links])

    def _script(self, asset: str) -> str:
        return f'<script src="{self.get_asset_url(asset)}"></script>'


def _shows_curves() -> bool:
    """Whether the page that is asked for has a chart: of what is not used, browsers complain."""
    head, run = split_path(flask.request.path)
    if head != RUN or run is None or tab_of(flask.request.args) != USUAL:
        return False
    try:
        current_store().resolve(run)
    except StoreError:
        return False
    return True
