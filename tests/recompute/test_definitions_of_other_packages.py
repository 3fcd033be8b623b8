from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossmon.recompute import (
    UnknownDefinition,
    definitions,
    evaluate_loss,
    evaluate_metric,
    has_loss,
    has_metric,
)
from lossmon.records import LossSpec, MetricSpec

ZEROS, TWOS = np.zeros((4, 1)), np.full((4, 1), 2.0)
MODULE = """
def fourth_power(y_true, y_pred):
    return ((y_true - y_pred) ** 4).mean(axis=-1)

def within_three(y_true, y_pred):
    return abs(y_true - y_pred) < 3
"""
ENTRY_POINTS = """[lossmon.losses]
fourth_power = other_package:fourth_power
broken = other_package:not_there

[lossmon.metrics]
within_three = other_package:within_three
"""


@pytest.fixture
def other_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed package that offers definitions, one of which cannot be loaded."""
    (tmp_path / "other_package.py").write_text(MODULE)
    info = tmp_path / "other_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    definitions._plugged.cache_clear()
    with pytest.warns(RuntimeWarning, match="other_package:not_there could not be loaded"):
        definitions._plugged(definitions.LOSSES_GROUP)
    yield
    definitions._plugged.cache_clear()
    sys.modules.pop("other_package", None)


@pytest.mark.usefixtures("other_package")
def test_they_are_found_by_name() -> None:
    loss = LossSpec("fourth_power", custom=True)
    metric = MetricSpec("hits", "within_three", custom=True)

    assert evaluate_loss(loss, ZEROS, TWOS).value == 16.0
    assert evaluate_metric(metric, ZEROS, TWOS).value == 1.0
    assert has_loss("fourth_power", custom=True)
    assert has_metric("within_three", custom=True)


@pytest.mark.usefixtures("other_package")
def test_a_loss_is_no_metric() -> None:
    assert not has_metric("fourth_power", custom=True)
    assert not has_loss("within_three", custom=True)
    with pytest.raises(UnknownDefinition, match=r"no independent definition for `broken`"):
        evaluate_loss(LossSpec("broken"), ZEROS, TWOS)


@pytest.mark.usefixtures("other_package")
def test_what_the_caller_passes_wins() -> None:
    def mine(y_true: Any, y_pred: Any) -> Any:
        return 0.0 * y_pred[:, 0] + 7.0

    spec = LossSpec("fourth_power", custom=True)

    assert evaluate_loss(spec, ZEROS, TWOS, extra={"fourth_power": mine}).value == 7.0
