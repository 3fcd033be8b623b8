from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lossmon.store import RunWriter
from tests.store.made import open_writer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lossmon.db"


@pytest.fixture
def writer(path: Path) -> Iterator[RunWriter]:
    writer = open_writer(path)
    yield writer
    writer.close()
