"""A new user's path: a fresh environment, the wheel alone, and every step of README and docs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from playwright.sync_api import expect

from lossmon.cli import cli
from tests.browser.conftest import OpenPage
from tests.documents import PROJECT, blocks
from tests.started import saying_where

pytestmark = pytest.mark.slow

PASSED_ON = ("HOME", "PATH", "LANG", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "OPENBLAS_CORETYPE")

# A script as somebody has it, which knows nothing of lossmon.
SCRIPT = """
import keras
import numpy as np

rng = np.random.default_rng(0)
x = rng.normal(size=(600, 8)).astype("float32")
y = (x[:, 0] + 0.5 * rng.normal(size=600) > 0).astype("float32")


def build():
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model, x, y


if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    model, x, y = build()
    log = keras.callbacks.CSVLogger("training.csv")
    model.fit(x, y, validation_split=0.3, epochs=3, callbacks=[log])
"""
# Runs that other programs recorded.
ELSEWHERE = """
import json

import keras
import mlflow
import trackio
from train import build

model, x, y = build()
events = keras.callbacks.TensorBoard("logs")
history = model.fit(x, y, validation_split=0.3, callbacks=[events]).history
with open("history.json", "w") as file:
    json.dump(history, file)
for uri in ("mlruns", "sqlite:///mlflow.db"):
    client = mlflow.MlflowClient(tracking_uri=uri)
    run = client.create_run(client.create_experiment("digits"), run_name=uri[:6]).info.run_id
    client.log_metric(run, "loss", 0.5, step=1)
    client.set_terminated(run)
trackio.init(project="digits", name="one", embed=False)
trackio.log({"loss": 0.5}, step=1)
trackio.finish()
"""
# Each command that the lines of README and docs leave out, and each way to print.
FURTHER = (
    *("runs", "runs --json", "runs --archived", "show latest --samples", "show latest --json"),
    *("compare old new --json", "findings breast-cancer", "rules", "rules LM301", "rules --json"),
    *("completion bash", "completion zsh", "completion fish"),
    *("export breast-cancer --table epochs", "db info", "db info --json", "db upgrade"),
    *("db check", "db vacuum", "archive old --yes", "unarchive old", "rm old --yes"),
    "demo --no-dashboard --db demo.db",
)


class Home(NamedTuple):
    """A folder, and an environment that knows of nothing else."""

    folder: Path
    programs: Path
    wheel: Path

    @property
    def surroundings(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        return kept | {
            "PATH": f"{self.programs}{os.pathsep}{kept['PATH']}",
            "LOSSMON_SPOOL": str(self.folder.parent / "spool"),
            "TRACKIO_DIR": str(self.folder),
            "MLFLOW_ALLOW_FILE_STORE": "true",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }

    def run(self, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        """What a command prints; a traceback is never an answer."""
        command = [str(self.programs / words[0]), *words[1:]]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.surroundings,
            capture_output=True,
            text=True,
            check=False,
        )
        said = f"{shlex.join(words)}\n{done.stdout}{done.stderr}"
        assert done.returncode in codes, said
        assert "Traceback" not in said, said
        return said

    def install(self, line: list[str]) -> None:
        """One of their lines, with the wheel in the place of the clone."""
        program, *arguments = line
        self.run(program, *(re.sub(r"^\.(?=\[|$)", str(self.wheel), word) for word in arguments))


def _lines(program: str) -> Iterator[list[str]]:
    for line in "\n".join(blocks("sh")).splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == [program]:
            yield words


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """What the README's first line installs: the newest of everything, as a new user gets it."""
    root = tmp_path_factory.mktemp("new-user")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(root)]
    subprocess.run(build, cwd=PROJECT, check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", str(root / "venv")], check=True)
    (root / "empty").mkdir()
    home = Home(root / "empty", root / "venv" / "bin", next(root.glob("*.whl")))
    home.install(next(_lines("pip")))
    return home


@pytest.fixture(scope="module")
def dashboard(home: Home) -> Generator[str]:
    """Its address; it may open before there is anything to show."""
    command = [str(home.programs / "lossmon"), "dashboard", "--no-browser", "--port", "0"]
    with saying_where(command, cwd=home.folder, env=home.surroundings) as started:
        yield started.address


def _train(home: Home, run: str) -> None:
    """The script with the line in it."""
    line = f'lossmon.Monitor(run="{run}", config={{"model": "{run}"}}), '
    program = "import lossmon" + SCRIPT.replace("callbacks=[", f"callbacks=[{line}")
    (home.folder / "train.py").write_text(program)
    home.run("python", "train.py")


def test_a_line_is_added_to_a_script_and_looked_at(
    home: Home, dashboard: str, open_page: OpenPage
) -> None:
    _train(home, "first")
    assert "100%" in home.run("lossmon", "runs")
    assert "verified" in home.run("lossmon", "show", "latest")
    page = open_page(dashboard)
    page.get_by_role("link", name="first", exact=True).click()
    expect(page.get_by_role("heading", name="first")).to_be_visible(timeout=20_000)
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible(timeout=20_000)
    for path in ("/rules", "/compare"):
        open_page(dashboard + path)


@pytest.fixture(scope="module")
def everything(home: Home) -> Home:
    """What the lines of README and docs are about: extras, its own program, and others' records."""
    home.install(next(words for words in _lines("pip") if "all" in words[-1]))
    for name in ("old", "new"):
        _train(home, name)
    (home.folder / "readme.py").write_text("\n".join(blocks("python")))
    home.run("python", "readme.py")
    (home.folder / "elsewhere.py").write_text(ELSEWHERE)
    home.run("python", "elsewhere.py")
    for folder in ("package", "src", "notebooks"):
        (home.folder / folder).mkdir()
        shutil.copy(home.folder / "train.py", home.folder / folder)
    for copy in ("work.ipynb", "notebooks/work.ipynb"):
        shutil.copy(PROJECT / "examples/programs/notebook.ipynb", home.folder / copy)
    return home


def test_every_line_does_what_it_says(everything: Home) -> None:
    lines = [words for words in _lines("lossmon") if words[1] != "dashboard"]
    for words in [*lines, *(["lossmon", *line.split()] for line in FURTHER)]:
        found = 1 if words[1] == "findings" else 0
        everything.run(*words, codes=(0, found))
    walked = {words[1] for words in lines} | {line.split()[0] for line in FURTHER}
    assert walked | {"dashboard"} == {*cli.commands}
    group = cli.commands["db"]
    assert isinstance(group, click.Group)
    assert {line.split()[1] for line in FURTHER if line.startswith("db ")} == {*group.commands}
