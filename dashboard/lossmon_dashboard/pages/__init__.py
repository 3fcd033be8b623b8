"""The pages, as an explicit list: each module has `PATH`, `NAME`, `layout` and `register`."""

from __future__ import annotations

from lossmon_dashboard.pages import compare, rules, run, runs

PAGES = (runs, run, compare, rules)

__all__ = ["PAGES"]
