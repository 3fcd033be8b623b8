"""The dashboard of lossmon: reads the database, never imports keras or a backend."""

from __future__ import annotations

from lossmon_dashboard.app import create_app
from lossmon_dashboard.server import serve

__all__ = ["create_app", "serve"]
