"""Reads programs without running them: `ast` alone, neither keras nor a backend."""

from __future__ import annotations

from lossmon.static.files import ReadSources, read_sources

__all__ = ["ReadSources", "read_sources"]
