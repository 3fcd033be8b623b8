"""What is in the wheel and in the sdist: what they need, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest

PROJECT = Path(__file__).parent.parent
# Files that Python finds by itself, and others that the code reads.
NEEDED = (
    "lossmon/py.typed",
    "lossmon/store/migrations/env.py",
    "lossmon/report/templates/report.html",
    "lossmon/examples/digits_cnn.py",
    "lossmon_dashboard/py.typed",
    "lossmon_dashboard/assets/lossmon.css",
    "lossmon_dashboard/assets/view.js",
)


def test_make_says_that_it_installs_before_it_is_silent() -> None:
    command = ["make", "--dry-run", "--always-make", "demo"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert -1 < done.stdout.find("which takes some minutes once") < done.stdout.find("pip install")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_wheel_holds_what_is_needed_and_nothing_else(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    assert names >= set(NEEDED)
    tops = {PurePosixPath(name).parts[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "lossmon",
        "lossmon_dashboard",
    }
    ours = {
        path.relative_to(root).as_posix()
        for root in (PROJECT, PROJECT / "dashboard")
        for package in ("lossmon", "lossmon_dashboard")
        for path in (root / package).rglob("*.py")
    }
    assert ours <= names
    assert not any("__pycache__" in name or name.endswith((".pyc", ".db")) for name in names)


def test_the_sdist_can_be_tested(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        names = {PurePosixPath(*PurePosixPath(n).parts[1:]).as_posix() for n in sdist.getnames()}
    assert names >= {"Makefile", "LICENSE", "README.md", "constraints.txt", "tests/conftest.py"}
    assert not any(name.startswith((".venv", ".git/")) or name.endswith(".db") for name in names)
