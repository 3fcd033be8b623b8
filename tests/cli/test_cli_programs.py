"""`check` and `rules`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from lossmon.rules import rule_pages
from tests.cli.conftest import Invoke

HEADER = """
import sys
import keras
from sklearn.datasets import load_diabetes

x, y = load_diabetes(return_X_y=True)
y = (y - y.mean()) / y.std()
model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(1)])
"""
COMPILE_SEED = "model.compile(loss='mean_squared_error', optimizer='sgd', metrics=['acc'])\n"
COMPILE_HEALTHY = "model.compile(loss='mean_squared_error', optimizer='sgd', metrics=['mae'])\n"
FIT = "history = model.fit(x, y, epochs=1000)\n"
WEIGHTS_STAY = """
before = model.get_weights()
history = model.fit(x, y, epochs=1000)
print("weights stay:", all((a == b).all() for a, b in zip(before, model.get_weights())))
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return tmp_path / "train_it.py"


def _written(script: Path, *parts: str) -> str:
    script.write_text("".join([HEADER, *parts]))
    return str(script)


def test_check_names_the_seed_case_without_training(invoke: Invoke, script: Path) -> None:
    result = invoke("check", _written(script, COMPILE_SEED, WEIGHTS_STAY))
    assert result.exit_code == 1
    assert "error LM301 accuracy-with-regression" in result.stdout
    assert "weights stay: True" in result.stderr
    assert "1 `fit` call(s) checked" in result.stderr


def test_check_as_json_is_json_whatever_the_program_prints(invoke: Invoke, script: Path) -> None:
    result = invoke("check", "--json", _written(script, "print('hello')\n", COMPILE_SEED, FIT))
    (finding,) = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (finding["code"], finding["rule"]) == ("LM301", "accuracy-with-regression")


def test_check_of_a_healthy_program_is_silent(invoke: Invoke, script: Path) -> None:
    result = invoke("check", _written(script, COMPILE_HEALTHY, FIT))
    assert (result.exit_code, result.stdout.strip()) == (0, "no findings")


def test_check_leaves_keras_and_the_process_as_they_were(invoke: Invoke, script: Path) -> None:
    before = keras.Model.fit, "fit" in vars(keras.Model), sys.argv, sys.path[:]
    invoke("check", _written(script, COMPILE_SEED, FIT))
    assert (keras.Model.fit, "fit" in vars(keras.Model), sys.argv, sys.path) == before


def test_check_looks_at_every_fit(invoke: Invoke, script: Path) -> None:
    result = invoke("check", _written(script, COMPILE_HEALTHY, FIT, COMPILE_SEED, FIT, FIT))
    assert result.exit_code == 1
    assert result.stdout.count("LM301") == 1
    assert "3 `fit` call(s) checked" in result.stderr


def test_check_says_where_the_program_ended_early(invoke: Invoke, script: Path) -> None:
    result = invoke("check", _written(script, COMPILE_HEALTHY, FIT, "history['loss'][0]\n"))
    assert result.exit_code == 0
    assert "after that the program ended with TypeError: 'History' object is" in result.stderr


def test_check_tells_what_it_found_of_a_program_that_reads_its_run_back(
    invoke: Invoke, script: Path, tmp_path: Path
) -> None:
    read = f"import lossmon\nlossmon.open_store({str(tmp_path / 'none.db')!r}).run('latest')\n"
    result = invoke("check", _written(script, COMPILE_SEED, FIT, read))
    assert (result.exit_code, result.stdout.count("LM301")) == (1, 1)
    assert "after that the program ended with DatabaseMissing: expected a" in result.stderr
    result = invoke(
        "check", _written(script, COMPILE_SEED, FIT, "import lossmon\nlossmon.Monitor(runs=1)\n")
    )
    assert (result.exit_code, result.stdout.count("LM301")) == (1, 1)
    assert "after that the program ended with UnknownArgument: expected" in result.stderr
    result = invoke("check", _written(script, read, COMPILE_SEED, FIT))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "expected a database" in result.stderr


# Of Keras, on its way to save weights.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_check_goes_on_behind_a_fit_and_saves_nothing_untrained(
    invoke: Invoke, script: Path, tmp_path: Path
) -> None:
    best, weights = tmp_path / "best.keras", tmp_path / "first.weights.h5"
    best.write_text("trained last night")
    after = (
        f"print(max(history.history['val_loss']), len(history.epoch))\nmodel.save({str(best)!r})\n"
        f"keras.models.save_model(model, {str(best)!r})\n"
        f"keras.saving.save_weights(model, {str(weights)!r}, overwrite=True)\n"
    )
    first = f"model.save_weights({str(weights)!r})\n"
    program = _written(script, COMPILE_HEALTHY, first, FIT, after, COMPILE_SEED, FIT)
    result = invoke("check", program)
    assert (result.exit_code, result.stdout.count("LM301")) == (1, 1)
    assert "2 `fit` call(s) checked" in result.stderr
    assert "3 model(s) not saved, as they were not trained" in result.stderr
    assert "ended with" not in result.stderr
    assert "nan 1000" in result.stderr
    # What is saved before any training is what it would be.
    assert (best.read_text(), weights.exists()) == ("trained last night", True)


def test_check_reads_the_first_batch_of_a_generator(invoke: Invoke, script: Path) -> None:
    fit = "model.fit((pair for pair in [(x[:32], y[:32])]), steps_per_epoch=1)\n"
    result = invoke("check", _written(script, COMPILE_SEED, fit))
    assert result.exit_code == 1
    assert "LM301" in result.stdout


MULTI_LABEL = """
import numpy as np

kinds = np.eye(4, dtype="float32")[np.arange(32) % 4]
model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(4, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["binary_accuracy"])


def batches():
    for number in range(100):
        several = kinds if number == 0 else np.maximum(kinds, kinds[::-1])
        yield x[:32], several


data = batches()
model.fit(data, steps_per_epoch=STEPS)
print("left:", sum(1 for _ in data))
"""


@pytest.mark.parametrize(
    ("steps", "rules"), [(20, []), (1, ["LM108", "LM306"])], ids=["an epoch", "a batch"]
)
def test_check_reads_of_a_generator_what_its_first_epoch_would(
    invoke: Invoke, script: Path, steps: int, rules: list[str]
) -> None:
    result = invoke("check", "--json", _written(script, f"STEPS = {steps}\n", MULTI_LABEL))
    assert [finding["code"] for finding in json.loads(result.stdout)] == rules
    assert f"left: {100 - steps}" in result.stderr


def test_check_hands_the_program_its_arguments(invoke: Invoke, script: Path) -> None:
    program = _written(script, "assert sys.argv[1:] == ['--rate', '3']\n", COMPILE_HEALTHY, FIT)
    assert invoke("check", program, "--", "--rate", "3").exit_code == 0


def test_check_takes_a_module_of_the_working_directory(
    invoke: Invoke, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _written(script, COMPILE_SEED, FIT)
    monkeypatch.chdir(script.parent)
    assert invoke("check", script.stem).exit_code == 1


@pytest.mark.parametrize("program", ["no_such_script.py", "no.such.module", "./nowhere", ""])
def test_check_of_what_is_no_program_is_wrong_usage(invoke: Invoke, program: str) -> None:
    result = invoke("check", program)
    assert result.exit_code == 2
    assert f"Received: {program!r}, which is neither" in result.stderr
    assert result.stderr.startswith("lossmon: a path to a Python file")


def test_that_there_is_no_program_is_said_first_and_alone(tmp_path: Path) -> None:
    script = """
import atexit, sys
from lossmon.cli import cli
atexit.register(lambda: print("keras" in sys.modules))
cli(["check", "no_such_script.py"])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    (said,) = done.stderr.splitlines()
    assert said.startswith("lossmon: a path to a Python file")
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("ending", "named"),
    [
        ("", "its end"),
        ("sys.exit(0)\n", "SystemExit: 0"),
        ("raise RuntimeError('no data')\n", "RuntimeError: no data"),
    ],
)
def test_check_of_a_program_without_fit_is_wrong_usage(
    invoke: Invoke, script: Path, ending: str, named: str
) -> None:
    result = invoke("check", _written(script, COMPILE_SEED, ending))
    assert result.exit_code == 2
    assert f"came to {named} before any `fit`" in result.stderr


def test_check_of_an_uncompiled_model_is_wrong_usage(invoke: Invoke, script: Path) -> None:
    result = invoke("check", _written(script, FIT))
    assert result.exit_code == 2
    assert "expected a compiled keras.Model" in result.stderr


@pytest.mark.parametrize("columns", [80, 120])
def test_rules_lists_each_rule_with_its_whole_name(invoke: Invoke, columns: int) -> None:
    text = invoke("rules", columns=columns).stdout
    for page in rule_pages():
        assert page.code in text
        assert page.name in text
        assert page.summary.split()[0] in text


def test_rules_as_json(invoke: Invoke) -> None:
    pages = json.loads(invoke("rules", "--json").stdout)
    assert [page["code"] for page in pages] == [page.code for page in rule_pages()]
    assert pages[0].keys() >= {"code", "name", "severity", "summary", "sections"}


@pytest.mark.parametrize("given", ["LM301", "lm301", "accuracy-with-regression"])
def test_rules_prints_one_page(invoke: Invoke, given: str) -> None:
    text = invoke("rules", given).stdout
    assert text.startswith("LM301 accuracy-with-regression (error)")
    for heading in ("What it does", "Why is this bad", "Example", "Use instead", "References"):
        assert f"\n{heading}\n" in text
    assert "```" not in text


def test_unknown_rule_is_wrong_usage_with_near_misses(invoke: Invoke) -> None:
    result = invoke("rules", "LM399")
    assert result.exit_code == 2
    assert "Received: 'LM399'. Fix: did you mean LM" in result.stderr
