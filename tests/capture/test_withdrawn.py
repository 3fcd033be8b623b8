"""A warning that was said while training and no longer stands is taken back where it was said."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from lossmon_dashboard.components.findings import finding_panel

from lossmon.capture import watch
from lossmon.cli import cli


def test_a_warning_that_passed_is_taken_back_and_kept(
    record: Any, db: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watch, "ASKED_AGAIN", 0.0)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(1, activation="sigmoid", bias_initializer=constant(-60.0)),
            # Behind it TensorFlow sees no logits, for which there is no cap.
            keras.layers.Reshape((1,)),
        ]
    )
    model.compile("sgd", "binary_crossentropy")
    labels = np.arange(256) % 2
    features = np.random.default_rng(0).normal(size=(256, 4)).astype("float32")
    freed = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, _: epoch == 1 and model.layers[0].bias.assign([0.0])
    )
    run = record(model, features, labels, callbacks=[freed], epochs=4, monitor={"verify": "full"})
    assert "LM405" not in {finding["code"] for finding in run.document["findings"]}
    (kept,) = run.document["withdrawn"]
    assert kept["message"].startswith("LM405 loss-clipped, in epoch ")
    assert run.document["troubles"] == []
    told = " ".join(capsys.readouterr().err.split())
    assert told.count("lossmon warning LM405") == 1
    # On the terminal it is not said again: it stands there already.
    line, had_said = kept["message"].split(" It had said: ")
    assert told.endswith(f"lossmon: withdrawn: {line}")
    assert had_said.startswith("128 of 256 training losses sit at the cap")
    shown = CliRunner().invoke(cli, ["show", "latest", "--db", db]).stdout
    assert f"withdrawn: {kept['message']}" in " ".join(shown.split())
    panel = finding_panel(run.document["findings"], [], run.document["withdrawn"])
    assert f"Withdrawn: {kept['message']}" in str(panel)


def constant(value: float) -> Any:
    return keras.initializers.Constant(value)
