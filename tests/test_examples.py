"""The examples as scripts: each runs by itself; the whole set is judged in `test_demo`."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lossmon
from lossmon.demo import EXAMPLES, examples_directory

SCRIPTS = sorted(examples_directory().glob("*.py"))


def _run(script: Path, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, script],
        cwd=directory,
        env=os.environ | {"LOSSMON_DB": str(directory / "own.db")},
        capture_output=True,
        text=True,
        check=True,
    )


def test_the_demo_trains_every_example() -> None:
    assert sorted(EXAMPLES) == [script.stem for script in SCRIPTS]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_example_explains_itself_and_records_under_its_own_name(script: Path) -> None:
    source = script.read_text()
    assert ast.get_docstring(ast.parse(source))
    assert f'lossmon.Monitor(run="{script.stem.replace("_", "-")}"' in source
    assert "set_random_seed" in source


def test_logits_example_prints_how_far_off_the_accuracy_is(tmp_path: Path) -> None:
    done = _run(examples_directory() / "breast_cancer_logits.py", tmp_path)
    last = lossmon.open_store(str(tmp_path / "own.db")).epoch_rows("breast-cancer-logits", "val")[
        -1
    ]
    printed, right = map(float, re.findall(r"0\.\d{3}", done.stdout.splitlines()[-1]))
    assert printed == pytest.approx(last["reported_accuracy"], abs=5e-4)
    assert right == pytest.approx(last["intended_accuracy"], abs=5e-4)
    assert done.stderr.count("accuracy-threshold-on-logits") == 1
