"""The catalogue agrees with itself, and every rule's own examples run as real Keras programs."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import lossmon
from lossmon.capture import sampling
from lossmon.records import SEVERITIES, Finding
from lossmon.rules import RulePage, all_rules, catalogue, evidence_terms, rule_pages
from lossmon.rules.evidence import NAMES

SECTIONS = ["What it does", "Why is this bad", "Example", "Use instead", "References"]
PAGES = {page.code: page for page in rule_pages()}


# An exploding gradient shows in the loss as well, and units that died in what is predicted. What
# learns too slowly ends where a constant does better.
COMPANIONS = {
    "LM401": ("LM413",),
    "LM403": ("LM414",),
    "LM409": ("LM413",),
    "LM411": ("LM404",),
    "LM413": ("LM409",),
}


def run_example(
    text: str,
    space: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    path: Path,
    *,
    seed: int = 3,
) -> list[Finding]:
    """Execute the code of a section; the findings of its run, or of a check where it has none."""
    (source,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    np.random.seed(seed)
    keras.utils.set_random_seed(seed)
    space |= {"keras": keras, "np": np, "lossmon": lossmon}
    if "lossmon.Monitor" in source:
        return run_monitored(source, space, f"sqlite:///{path / 'runs.db'}", monkeypatch)
    exec(source, space)
    return lossmon.check(space["model"], space["x"], space["y"], space.get("sample_weight"))


def run_monitored(
    source: str, space: dict[str, Any], database: str, monkeypatch: pytest.MonkeyPatch
) -> list[Finding]:
    monkeypatch.setenv("LOSSMON_DB", database)
    # A machine that is busy must not keep gradients from being measured.
    monkeypatch.setattr(sampling, "ALLOWANCE", 60.0)
    exec(source, space)
    document = lossmon.open_store(database).run_document("latest")
    names = [field.name for field in fields(Finding)]
    return [Finding(**{n: found[n] for n in names}) for found in document["findings"]]


# What people write themselves, and say to one another: names of Keras, and of their own layers.
WRITTEN = ("loss", "metric", "metrics", "resolved", "arguments", "activation", "layers", "reason")


def raw_terms(evidence: Mapping[str, Any]) -> list[str]:
    """What of the evidence reads like code instead of words and numbers."""
    terms = [term for key in evidence for term in evidence_terms({key: evidence[key]})]
    names = [term.name for term in terms if "_" in term.name]
    unnamed = [key for key in evidence if key not in NAMES]
    own = {NAMES[key] for key in WRITTEN}
    code = re.compile(r"[\[\]{}]|\b(None|True|False|null)\b")
    values = [term.value for term in terms if code.search(term.value)]
    keys = [term.value for term in terms if "_" in term.value and term.name not in own]
    return names + unnamed + values + keys


def test_evidence_is_told_in_words() -> None:
    evidence = {
        "since_epoch": 9,
        "until_epoch": 27,
        "kind": "loss_rises",
        "split": "val",
        "val_loss": [0.24899, 0.4435],
        "label_shape": [None, 1],
        "range": [0.0, None],
        "p_value": 4.7e-14,
        "from_logits": False,
        "learning_rate": None,
        "layers": {"dense": {"dead": 3, "units": 1024}},
        "arguments": {"label_smoothing": 0.1},
        "label_min": 1.0,
        "label_max": 1.0,
        "constant": list(range(20)),
        "of_another_package": 4096,
        "standard_errors": 6.2,
        "standard_errors_needed": 3.4,
        "standard_error": 0.012,
        "summary": "for those who read no more",
    }
    assert [f"{term.name}: {term.value}" for term in evidence_terms(evidence)] == [
        "epochs: 9 to 27",
        "what happened: loss rose, accuracy held",
        "data: validation",
        "validation loss: 0.249 → 0.4435",
        "shape of the labels: batch × 1",
        "range of the output: 0 and above",
        "chance of this in noise alone: less than 0.001",
        "told that it gets logits: no",
        "layers: dense: 3 of 1,024 units",
        "arguments of the loss: label_smoothing=0.1",
        "labels: 1",
        "columns that never vary: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 8 more",
        "of another package: 4,096",
        "rise, against its noise: 6.2 times",
        "more than noise from: 3.4 times",
        "noise moves it by about: 0.012",
    ]


def test_every_key_of_the_evidence_has_a_name() -> None:
    # A dictionary with two known keys is evidence, or a part of it.
    for path in sorted(Path(catalogue.__path__[0]).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict):
                keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
                unnamed = keys - NAMES.keys() - {"dead"}
                assert len(keys & NAMES.keys()) < 2 or not unnamed, (path.name, unnamed)


def test_files_tuple_and_names_agree() -> None:
    folder = Path(catalogue.__path__[0])
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    modules = {rule.__name__.rpartition(".")[2] for rule in catalogue.RULES}
    assert files == modules
    assert {rule.name.replace("-", "_") for rule in catalogue.RULES} == modules


def test_codes_are_unique_well_formed_and_in_order() -> None:
    codes = [rule.code for rule in catalogue.RULES]
    assert codes == sorted(set(codes))
    assert all(re.fullmatch(r"LM[1-5]\d\d", code) for code in codes)
    assert all(rule.severity in SEVERITIES for rule in all_rules())


def test_codes_stay_with_their_names() -> None:
    # Codes are never reused: scripts and suppressions rely on them.
    known = {page.code: page.name for page in PAGES.values()}
    assert known["LM101"] == "missing-output-activation"
    assert known["LM111"] == "regression-loss-for-classification"
    assert known["LM201"] == "labels-out-of-range"
    assert known["LM301"] == "accuracy-with-regression"
    assert known["LM302"] == "accuracy-threshold-on-logits"
    assert known["LM305"] == "accuracy-alias-mismatch"
    assert known["LM309"] == "logit-metric-on-probabilities"
    assert known["LM310"] == "misnamed-accuracy"
    assert known["LM401"] == "nonfinite-loss"
    assert known["LM402"] == "reported-value-mismatch"
    assert known["LM404"] == "no-better-than-baseline"
    assert known["LM408"] == "overfitting"
    assert known["LM415"] == "learning-rate-out-of-range"
    assert known["LM507"] == "target-among-inputs"
    assert known["LM416"] == "class-never-predicted"
    assert known["LM504"] == "unscaled-targets"


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_every_rule_is_documented(page: RulePage) -> None:
    assert list(page.sections) == SECTIONS
    assert all(page.sections.values())
    assert page.summary.endswith(".")


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_the_bad_example_fires(
    page: RulePage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    space: dict[str, Any] = {}
    findings = run_example(page.sections["Example"], space, monkeypatch, tmp_path)
    mine = [finding for finding in findings if finding.code == page.code]
    assert [(f.rule, f.severity) for f in mine] == [(page.name, page.severity)]
    evidence = json.dumps(dict(mine[0].evidence), allow_nan=False)
    assert re.search(r"\d", evidence), "numbers prove it"
    assert not raw_terms(mine[0].evidence)
    assert mine[0].message
    # What mends a run, or its data, runs where the program stands.
    if page.code >= "LM4":
        x, y = space["x"], space["y"]
        fix = re.sub(r"\bepochs=\d+", "epochs=2", mine[0].fix)
        eval_or_exec(fix, {"x_val": x, "y_val": y} | space)
    expected = (page.code, *COMPANIONS.get(page.code, ()))
    flags = [f for f in findings if f.severity != "info" and f.code not in expected]
    assert flags == [], "an example shows one fault"


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_the_good_example_is_silent(
    page: RulePage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    findings = run_example(page.sections["Use instead"], {}, monkeypatch, tmp_path)
    assert [f for f in findings if f.severity != "info" or f.code == page.code] == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 16))
@pytest.mark.parametrize("code", [code for code in PAGES if code.startswith("LM4")])
def test_the_good_example_of_a_run_is_silent_with_many_seeds(
    code: str, seed: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = PAGES[code].sections["Use instead"]
    findings = run_example(text, {}, monkeypatch, tmp_path, seed=seed)
    assert [f for f in findings if f.severity != "info" or f.code == code] == []


@pytest.mark.parametrize("code", [code for code in PAGES if code < "LM4"])
def test_the_fix_of_the_bad_example_runs(
    code: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A fix that recompiles or changes labels leaves nothing of the finding; one layer is built."""
    space = example_space(PAGES[code].sections["Example"])
    (finding,) = (f for f in check_space(space) if f.code == code)
    made = eval_or_exec(finding.fix, space)
    if isinstance(made, keras.layers.Layer) or code == "LM204":
        return
    assert code not in {f.code for f in check_space(space)}


def example_space(text: str) -> dict[str, Any]:
    (source,) = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    keras.utils.set_random_seed(3)
    space: dict[str, Any] = {"keras": keras, "np": np}
    exec(source, space)
    return space


def check_space(space: dict[str, Any]) -> list[Finding]:
    return lossmon.check(space["model"], space["x"], space["y"], space.get("sample_weight"))


def eval_or_exec(fix: str, space: dict[str, Any]) -> Any:
    try:
        return eval(fix, space)
    except SyntaxError:
        exec(fix, space)
        return None
