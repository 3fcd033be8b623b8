"""What a finding gives to paste mends it, and leaves all else as it was compiled."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from keras import layers, losses, metrics

import lossmon
from lossmon.capture.resolve import resolve
from lossmon.records import Finding, OutputRecord
from lossmon.rules.compile_call import place_of
from tests.rules.drawn_programs import DrawnProgram
from tests.rules.injected_faults import Fault
from tests.rules.programs import ids, multi_hot, one_hot, reals
from tests.rules.test_random_programs import faulty_programs

SLOW_DRAWS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
SHORT = settings(max_examples=25, deadline=None, suppress_health_check=SLOW_DRAWS)
LONG = settings(SHORT, max_examples=500)

pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning:keras"),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


class Halved(losses.Loss):
    """A loss of the user's own."""

    def __init__(self, secret: float) -> None:
        super().__init__()
        self.secret = secret

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return keras.ops.mean(keras.ops.abs(y_true - y_pred) * self.secret, axis=-1)


def worst(y_true: Any, y_pred: Any) -> Any:
    """A metric of the user's own."""
    return keras.ops.max(keras.ops.abs(y_true - y_pred), axis=-1)


SPACE = {"keras": keras, "np": np, "worst": worst}


def pasted(finding: Finding, model: Any) -> None:
    exec(finding.fix, SPACE | {"model": model})


def as_resolved(model: Any, x: Any, y: Any) -> list[OutputRecord]:
    return [output.record for output in resolve(model, y, model(x, training=False))]


def mended(model: Any, x: Any, y: Any, weight: Any, finding: Finding) -> None:
    """Paste the fix, and demand that the finding is gone and the other outputs are as before."""
    before = as_resolved(model, x, y)
    names = [output.name for output in before]
    pasted(finding, model)
    left = lossmon.check(model, x, y, weight)
    assert (finding.code, finding.output) not in {(f.code, f.output) for f in left}, finding.fix
    for old, new in zip(before, as_resolved(model, x, y), strict=True):
        if old.name != finding.output:
            assert without_counts(new) == without_counts(old), finding.fix
        assert new.loss_weight == old.loss_weight
    assert names == [output.name for output in as_resolved(model, x, y)]


def without_counts(output: OutputRecord) -> OutputRecord:
    """Outputs without names share the keys of metrics: `accuracy_1`, `weighted_accuracy`."""
    plain = tuple(replace(m, key=re.sub(r"^weighted_|_\d+$", "", m.key)) for m in output.metrics)
    return replace(output, metrics=plain, accuracy_metric=None)


def demand_mended(drawn: tuple[DrawnProgram, Fault]) -> None:
    program, _ = drawn
    x, y, weight = program.data()
    model = program.compiled()
    found = [f for f in lossmon.check(model, x, y, weight) if f.fix.startswith("model.compile")]
    assume(found)
    for finding in found:
        mended(program.compiled(), x, y, weight, finding)


@pytest.mark.parametrize(
    "long", [pytest.param(False, id="few"), pytest.param(True, id="many", marks=pytest.mark.slow)]
)
def test_fixes_of_drawn_faults(long: bool) -> None:
    (LONG if long else SHORT)(given(faulty_programs())(demand_mended))()


N = 48
X = np.random.default_rng(0).normal(size=(N, 5)).astype("float32")
SPARSE = "sparse_categorical_crossentropy"
BINARY = "binary_crossentropy"
LOGITS = losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1)

# Rule, units, activation, loss, metrics and labels of the output that is wrong.
WRONG: list[tuple[str, int, str | None, Any, list[Any], Any]] = [
    ("LM101", 4, None, SPARSE, ["accuracy"], ids(4)),
    ("LM101", 1, None, BINARY, ["acc", "AUC"], ids(2)),
    ("LM102", 1, "sigmoid", LOGITS, ["accuracy"], ids(2)),
    ("LM104", 1, "sigmoid", SPARSE, [], ids(2)),
    ("LM104", 1, None, SPARSE, [], ids(2)),
    ("LM110", 1, None, BINARY, ["acc"], reals(-3, 9)),
    ("LM111", 1, None, "mse", ["acc", "mae"], ids(2)),
    ("LM111", 4, "softmax", "mse", ["accuracy", worst], one_hot(4)),
    ("LM201", 1, None, "poisson", ["mae"], reals(-4, 9)),
    ("LM202", 4, "softmax", "categorical_crossentropy", [], ids(4)),
    ("LM301", 1, None, "huber", ["mse", "accuracy", worst], reals(25, 346)),
    ("LM302", 1, None, LOGITS, [metrics.BinaryAccuracy(name="right"), "acc"], ids(2)),
    ("LM303", 1, None, LOGITS, [metrics.AUC(curve="PR", name="area"), "Precision"], ids(2)),
    ("LM304", 4, "softmax", SPARSE, [metrics.Accuracy(name="exact")], ids(4)),
    ("LM305", 4, "sigmoid", BINARY, ["accuracy", metrics.AUC(name="area")], multi_hot(4)),
    (
        "LM306",
        4,
        "softmax",
        "categorical_crossentropy",
        ["binary_accuracy", metrics.BinaryAccuracy(name="right")],
        one_hot(4),
    ),
]
NESTED = ["list", "dict", "subclassed", "one"]


class Two(keras.Model):
    """Two outputs without names."""

    def __init__(self, ends: list[Any]) -> None:
        super().__init__()
        self.ends = ends

    def call(self, inputs: Any) -> Any:
        return [end(inputs) for end in self.ends]


def compiled(wrong: Any, nested: str) -> tuple[Any, Any]:
    """A model with a wrong output, beside one with all that a user may have written."""
    _, units, activation, loss, metric, labels = wrong
    keras.utils.set_random_seed(2)
    ends = [layers.Dense(2, name="size"), layers.Dense(units, activation, name="kind")]
    given = keras.Input((5,))
    beside = reals(-2, 2, 2)
    if nested == "one":
        model: Any = keras.Sequential([given, ends[1]])
        model.compile("sgd", loss, metrics=metric, weighted_metrics=["mse"], run_eagerly=True)
        return model, labels
    shared = {"run_eagerly": True}
    if nested == "dict":
        model = keras.Model(given, {end.name: end(given) for end in ends})
        model.compile(
            "sgd",
            loss={"size": Halved(0.5), "kind": loss},
            loss_weights={"size": 0.25, "kind": 2.0},
            metrics={"size": ["mae", worst], "kind": metric},
            weighted_metrics={"size": [metrics.MeanSquaredError(name="mine")]},
            **shared,
        )
        return model, {"size": beside, "kind": labels}
    model = Two(ends) if nested == "subclassed" else keras.Model(given, [e(given) for e in ends])
    model.compile(
        "sgd",
        loss=[losses.Huber(delta=0.5), loss],
        loss_weights=[0.25, 2.0],
        metrics=[["mae", worst], metric],
        weighted_metrics=[[metrics.MeanSquaredError(name="mine")], []],
        **shared,
    )
    return model, [beside, labels]


@pytest.mark.parametrize("nested", NESTED)
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong[0])
def test_a_fix_changes_nothing_else(wrong: Any, nested: str) -> None:
    model, y = compiled(wrong, nested)
    before = lossmon.check(model, X, y)
    (finding,) = (f for f in before if f.code == wrong[0])
    mended(model, X, y, None, finding)
    flags = {f.code for f in lossmon.check(model, X, y) if f.severity != "info"}
    assert flags <= {f.code for f in before}, finding.fix
    assert model.run_eagerly


def test_other_metrics_of_the_output_stay() -> None:
    wrong = next(w for w in WRONG if w[0] == "LM301")
    model, y = compiled(wrong, "dict")
    (finding,) = (f for f in lossmon.check(model, X, y) if f.code == "LM301")
    assert finding.fix == (
        'model.compile(optimizer=model.optimizer, metrics={"kind": ["mse", "mae", '
        'worst], "size": ["mae", worst]}, weighted_metrics={"size": '
        '[keras.metrics.MeanSquaredError(name="mine")]}, run_eagerly=True)'
    )


def test_a_loss_that_cannot_be_written_is_taken_from_the_model() -> None:
    model, y = compiled(WRONG[0], "dict")
    (finding,) = (f for f in lossmon.check(model, X, y) if f.code == "LM101")
    assert '"size": model.loss["size"]' in finding.fix.replace("'", '"')
    kept = model.loss["size"]
    pasted(finding, model)
    assert model.loss["size"] is kept


OPTIMIZERS = {
    '"adam"': lambda: "adam",
    '"rmsprop"': keras.optimizers.RMSprop,
    "keras.optimizers.Adam(learning_rate=0.003, clipnorm=1.0)": lambda: keras.optimizers.Adam(
        0.003, clipnorm=1.0
    ),
}


def small(optimizer: Any, metric: list[Any], loss: Any = "mse") -> Any:
    model: Any = keras.Sequential([keras.Input((5,)), layers.Dense(4, "softmax")])
    model.compile(optimizer, loss, metrics=metric)
    return model


def regression_loss(model: Any, y: Any) -> str:
    return next(f.fix for f in lossmon.check(model, X, y) if f.code == "LM111")


@pytest.mark.parametrize("code", OPTIMIZERS)
def test_a_fix_takes_the_place_of_the_own_call(code: str) -> None:
    y = one_hot(4)
    fix = regression_loss(small(OPTIMIZERS[code](), ["accuracy", metrics.AUC(name="area")]), y)
    assert fix.startswith(f'model.compile(optimizer={code}, loss="categorical_crossentropy", ')
    assert place_of(fix) == "in place of your compile call"
    model: Any = keras.Sequential([keras.Input((5,)), layers.Dense(4, "softmax")])
    exec(fix, SPACE | {"model": model})
    assert lossmon.check(model, X, y) == []
    given = keras.optimizers.get(OPTIMIZERS[code]())
    # Keras counts the names of what it makes.
    assert model.optimizer.get_config() | {"name": ""} == given.get_config() | {"name": ""}
    assert [metric.name for metric in model._compile_metrics._user_metrics[1:]] == ["area"]


def test_what_cannot_be_told_is_kept_by_a_call_after_the_own() -> None:
    falling: Any = keras.optimizers.schedules.CosineDecay(0.1, 9)
    schedule = keras.optimizers.SGD(falling)
    trained = small("sgd", ["accuracy"])
    trained.fit(X, one_hot(4), verbose=0)
    for model in (small(schedule, ["accuracy"]), trained):
        optimizer = model.optimizer
        fix = regression_loss(model, one_hot(4))
        assert place_of(fix) == "after your compile call"
        exec(fix, SPACE | {"model": model})
        assert model.optimizer is optimizer
    assert place_of("keras.layers.Dense(1)") is None


@pytest.mark.parametrize("nested", ["list", "dict"])
def test_training_gives_the_same_fix(nested: str, tmp_path: Path) -> None:
    model, y = compiled(WRONG[0], nested)
    found = {f.code: f.fix for f in lossmon.check(model, X, y)}
    model, y = compiled(WRONG[0], nested)
    db = tmp_path / "runs.db"
    model.fit(X, y, verbose=0, callbacks=[lossmon.Monitor(db)])
    told = {f["code"]: f["fix"] for f in lossmon.open_store(db).run_document("latest")["findings"]}
    assert told["LM101"] == found["LM101"]


def test_samples_without_a_label_are_left_out() -> None:
    y = reals(-2, 9, 2)
    y[7, 1] = np.nan
    model: Any = keras.Sequential([keras.Input((5,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    (finding,) = (f for f in lossmon.check(model, X, y) if f.code == "LM201")
    assert finding.evidence["nonfinite"] == 1
    space: dict[str, Any] = {"np": np, "x": X, "y": y}
    exec(finding.fix, space)
    assert len(space["x"]) == len(space["y"]) == N - 1
    assert lossmon.check(model, space["x"], space["y"]) == []


def test_a_fix_of_an_output_whose_name_is_another_ones_keeps_the_names_of_metrics() -> None:
    left, right = keras.Input((5,)), keras.Input((5,))
    head = layers.Dense(1, name="head")
    model: Any = keras.Model([left, right], [head(left), head(right)])
    loss = losses.BinaryCrossentropy(from_logits=True)
    model.compile(loss=[loss] * 2, metrics=[["acc"]] * 2)
    x, y = [X * 3.0, X[::-1] * 3.0], [ids(2), ids(2)]
    found = [f for f in lossmon.check(model, x, y) if f.code == "LM302"]
    assert [finding.output for finding in found] == ["head", "head_1"]
    for finding in found:
        assert 'name="acc"' in finding.fix
        model.compile(loss=[loss] * 2, metrics=[["acc"]] * 2)
        mended(model, x, y, None, finding)
