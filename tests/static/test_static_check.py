"""`lossmon check --static`: certain or silent, and in agreement with what the values say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lossmon
from lossmon.demo import examples_directory
from lossmon.records import SEVERITIES, LocatedFinding
from lossmon.rules import rule_pages, rule_selection
from lossmon.rules.compile_call import place_of
from lossmon.static import read_sources
from tests.documents import blocks
from tests.static.programs import BINARY, CORRECT, FAULTS, HEADER, MSE, SPELLED, sequential

PROJECT = Path(__file__).parents[2]


def read(path: Path, text: str, **rules: Any) -> list[LocatedFinding]:
    (path / "program.py").write_text(text)
    selection = rule_selection(("here", rules or None), directory=path)
    found = read_sources([str(path / "program.py")], selection)
    assert found.unread == []
    return found.located


def codes(found: list[LocatedFinding]) -> list[str]:
    return [located.finding.code for located in found]


@pytest.mark.parametrize(("head", "arguments", "expected"), FAULTS)
def test_a_certain_fault_is_named_as_its_values_name_it(
    tmp_path: Path, head: str, arguments: str, expected: list[str]
) -> None:
    text = sequential(head, arguments)
    found = read(tmp_path, text)
    assert codes(found) == expected
    assert found[0].compile is not None
    assert text.splitlines()[found[0].compile.line - 1].startswith("model.compile")
    by_value = _values(text, arguments)
    for finding in (located.finding for located in found):
        assert finding.fix
        if finding.code in ("LM301", "LM111"):
            assert finding.severity == "warning"
            assert set(by_value) & {"LM301", "LM111"}
        else:
            assert SEVERITIES.index(finding.severity) >= SEVERITIES.index(by_value[finding.code])


@pytest.mark.parametrize(("head", "arguments", "expected"), FAULTS)
def test_a_call_to_paste_runs_and_mends_the_program(
    tmp_path: Path, head: str, arguments: str, expected: list[str]
) -> None:
    text = sequential(head, arguments)
    for finding in (located.finding for located in read(tmp_path, text)):
        for call in finding.fix.splitlines() if place_of(finding.fix) else ():
            mended = text.replace(f"model.compile({arguments})", call)
            exec(mended.replace("model.fit(x, y)", ""), {})
            assert codes(read(tmp_path, mended)) == []


def test_a_call_to_paste_is_the_program_s_own_but_for_what_is_wrong(tmp_path: Path) -> None:
    text = """
losses_of = losses.BinaryCrossentropy(label_smoothing=0.1)
net = keras.Sequential([given, layers.Dense(1)])
net.compile(
    keras.optimizers.Adam(1e-3, clipnorm=1.0),
    losses_of,
    None,
    ["acc", metrics.AUC(name="area"), mine],
    weighted_metrics=[metrics.BinaryAccuracy(
        name="weighted", threshold=0.5)],
    **options,
)
"""
    (located,) = read(tmp_path, HEADER + text)
    assert located.finding.code == "LM101"
    assert located.finding.fix == (
        "net.compile(optimizer=keras.optimizers.Adam(1e-3, clipnorm=1.0), "
        "loss=losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1), "
        'loss_weights=None, metrics=[keras.metrics.BinaryAccuracy(threshold=0.0, name="acc"), '
        'metrics.AUC(name="area"), mine], weighted_metrics=[metrics.BinaryAccuracy('
        'threshold=0.0, name="weighted")], **options)'
    )
    assert place_of(located.finding.fix) == "in place of your compile call"


def _values(text: str, arguments: str) -> dict[str, Any]:
    """What the rules say of the same program with data that fit it."""
    space: dict[str, Any] = {}
    exec(text.replace("model.fit(x, y)", ""), space)
    model, x = space["model"], np.random.default_rng(0).normal(size=(64, 5))
    units = model.output_shape[-1]
    y: Any = np.arange(64) % max(2, units)
    if "'categorical" in arguments or '"categorical' in arguments:
        y = np.eye(units)[y]
    found = lossmon.check(model, x.astype("float32"), y, rules={"ignore": ["LM5"]})
    return {finding.code: finding.severity for finding in found}


@pytest.mark.parametrize("text", CORRECT)
def test_what_is_correct_or_not_certain_stays_silent(tmp_path: Path, text: str) -> None:
    assert codes(read(tmp_path, text)) == []


def test_correct_programs_are_many() -> None:
    assert len(CORRECT) >= 55


@pytest.mark.parametrize("text", SPELLED)
def test_a_fault_is_seen_however_it_is_spelled(tmp_path: Path, text: str) -> None:
    assert codes(read(tmp_path, HEADER + text)) == ["LM103"]


def test_a_regression_with_accuracy_is_either_of_two_rules(tmp_path: Path) -> None:
    text = sequential("layers.Dense(1)", MSE)
    (located,) = read(tmp_path, text)
    assert "LM301" in located.finding.message
    assert "LM111" in located.finding.message
    for ignored in ("LM301", "LM111"):
        assert read(tmp_path, text, ignore=[ignored]) == []
    (located,) = read(tmp_path, text, severity={"LM301": "info"})
    assert located.finding.severity == "info"


def test_the_project_s_own_examples_are_judged_as_the_demo_judges_them() -> None:
    found = read_sources([str(examples_directory())], rule_selection()).located
    assert {(Path(f.compile.path).stem, f.finding.code) for f in found if f.compile} == {
        ("breast_cancer_softmax", "LM103"),
        ("breast_cancer_logits", "LM302"),
        ("diabetes_accuracy", "LM301"),
    }


@pytest.mark.parametrize("page", rule_pages(), ids=lambda page: page.code)
def test_examples_of_the_rules(tmp_path: Path, page: Any) -> None:
    def found(section: str) -> set[str]:
        _, _, code = page.sections[section].partition("```python\n")
        return set(codes(read(tmp_path, f"import keras\n{code.partition('```')[0]}")))

    # Which of two rules it is, the targets would tell.
    either = {"LM301": {"LM111"}, "LM111": {"LM301"}, "LM110": {"LM101"}}
    assert found("Example") <= {page.code} | either.get(page.code, set())
    assert found("Use instead") == set()


def test_the_programs_of_readme_and_docs(tmp_path: Path) -> None:
    found = read(tmp_path, "\n".join(blocks("python")))
    assert codes(found) == ["LM301"]  # the one that shows what happens when something is wrong


def test_notebooks_are_read_cell_by_cell(tmp_path: Path) -> None:
    cells = ["%matplotlib inline\n" + HEADER, "m = keras.Sequential()", "!pip install x"]
    cells += ["m.add(layers.Dense(1))\n%time m.add(layers.Softmax())\n\n" + f"m.compile({BINARY})"]
    document = {"cells": [{"cell_type": "code", "source": [cell]} for cell in cells]}
    document["cells"].insert(0, {"cell_type": "markdown", "source": ["# Title"]})
    (tmp_path / "work.ipynb").write_text(json.dumps(document | {"nbformat": 4}))
    (located,) = read_sources([str(tmp_path)], rule_selection(directory=tmp_path)).located
    assert located.finding.code == "LM103"
    assert str(located.compile).endswith("work.ipynb, cell 5, line 4")


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text("print 'compile'")
    (tmp_path / "broken.ipynb").write_text("{")
    found = read_sources([str(tmp_path)], rule_selection(directory=tmp_path))
    assert (found.located, found.files, len(found.unread)) == ([], 2, 2)
    with pytest.raises(lossmon.InvalidArgument, match="file or directory"):
        read_sources([str(tmp_path / "none")], rule_selection())


def test_nothing_is_run_or_imported(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(f"raise SystemExit('run')\n{sequential('layers.Dense(1)', BINARY)}")
    code = (
        "import sys; from lossmon.cli import cli\n"
        f"try: cli(['check', '--static', {str(program)!r}])\n"
        "except SystemExit as end: print(end.code, "
        "[m for m in ('keras', 'tensorflow', 'jax', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "LM101" in done.stdout
    assert done.stdout.splitlines()[-1] == "1 []"


def test_words_are_those_of_keras() -> None:
    from lossmon.static.vocabulary import LOSS_CLASSES, LOSS_WORDS, METRIC_CLASSES, METRIC_WORDS

    for word, name in LOSS_WORDS.items():
        assert getattr(keras.losses.get(word), "__name__", None) == name
    assert all(hasattr(keras.losses, name) for name in LOSS_CLASSES)
    assert all(hasattr(keras.metrics, name) for name in METRIC_CLASSES)
    assert all(keras.metrics.get(word) is not None for word in METRIC_WORDS)
