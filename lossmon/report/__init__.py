"""Reports: what was recorded of some runs, as one file to hand on.

HTML (self-contained: nothing is loaded from anywhere) or Markdown, and the figures by themselves.
"""

from __future__ import annotations

from lossmon.report.content import Report, report_of
from lossmon.report.files import save_figures
from lossmon.report.markdown import markdown
from lossmon.report.page import html_page

__all__ = ["Report", "html_page", "markdown", "report_of", "save_figures"]
