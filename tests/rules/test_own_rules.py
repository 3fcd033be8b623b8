"""Rules of other packages: the example, by a real entry point; and broken ones."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_rule"
PROGRAM = """
import warnings, keras, numpy as np, lossmon
warnings.simplefilter("always")
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
x, y = np.random.rand(200, 3), np.arange(200) % 40 == 0
print([f.code for f in lossmon.check(model, x, y)])
monitor = lossmon.Monitor("runs.db")
before = model.get_weights()
model.fit(x, y, epochs=3, verbose=0, callbacks=[monitor])
run = lossmon.open_store("runs.db").run("latest")
print([f["code"] for f in run["findings"]], run["status"])
for trouble in run["troubles"]:
    print("trouble:", trouble["message"])
"""
CLI = "from lossmon.cli import cli; "
BROKEN = '''"""Broken."""
code, name, severity = "BAD{n}", "broken-{n}", "warning"
def check(facts):
    {body}
'''


def _declare(folder: Path, rules: dict[str, str]) -> None:
    """What an installed package leaves behind."""
    info = folder / "house_rules-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: house-rules\nVersion: 1.0\n")
    lines = "\n".join(f"{name} = {module}" for name, module in rules.items())
    (info / "entry_points.txt").write_text(f"[lossmon.rules]\n{lines}\n")


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    paths = (str(folder), str(EXAMPLE), os.environ.get("PYTHONPATH", ""))
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=True,
    )


def test_the_example_is_found_by_its_entry_point(tmp_path: Path) -> None:
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    _declare(tmp_path, project["entry-points"]["lossmon.rules"])
    page = _run(tmp_path, "-c", f"{CLI}cli(['rules', 'HOUSE101'])").stdout
    assert page.startswith("HOUSE101 accuracy-on-uneven-labels (warning)")
    checked, recorded = _run(tmp_path, "-c", PROGRAM).stdout.splitlines()
    assert "HOUSE101" in checked
    assert "HOUSE101" in recorded


@pytest.mark.slow
def test_broken_rules_never_harm_training_and_are_said_once(tmp_path: Path) -> None:
    bodies = ("import sys; sys.exit(3)", "return 7", "yield 'text'", "raise ValueError(id(facts))")
    names = {f"broken_{n}": body for n, body in enumerate(bodies)}
    for n, (name, body) in enumerate(names.items()):
        (tmp_path / f"{name}.py").write_text(BROKEN.format(n=n, body=body))
    (tmp_path / "unloadable.py").write_text("raise SystemExit(2)")
    (tmp_path / "same_code.py").write_text(BROKEN.format(n=0, body="yield"))
    _declare(tmp_path, {name: name for name in (*names, "unloadable", "same_code")})
    done = _run(tmp_path, "-c", PROGRAM)
    assert "finished" in done.stdout
    troubles = [line for line in done.stdout.splitlines() if line.startswith("trouble:")]
    assert len(troubles) == 6
    for n in range(4):
        assert sum(f"BAD{n}" in trouble for trouble in troubles) >= 1
