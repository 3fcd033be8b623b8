"""Trials of KerasTuner; that a search is recorded trial by trial is shown in `test_programs`."""

from __future__ import annotations

from types import SimpleNamespace as Known

import keras

from lossmon.capture.options import Options
from lossmon.capture.tuning import Trial, of_trial, trial_of

TRIAL = Trial("sizes", "007", {"units": 8, "rate": 0.1})


def test_the_trial_is_known_by_the_callback_that_the_tuner_adds() -> None:
    trial = Known(trial_id="007", hyperparameters=Known(values={"units": 8, "rate": 0.1}))
    added = Known(tuner=Known(project_name="sizes"), trial=trial)
    assert trial_of([keras.callbacks.History(), added]) == TRIAL
    assert trial_of([keras.callbacks.History()]) is None
    assert trial_of([Known(tuner=None, trial=trial), Known(trial="of patience")]) is None


def test_what_the_monitor_is_given_goes_before() -> None:
    plain = of_trial(Options(), TRIAL)
    assert (plain.run, plain.project) == ("sizes-007", "sizes")
    assert plain.config == {"units": 8, "rate": 0.1, "trial": "007"}
    said = of_trial(Options(run="mine", project="own", config={"rate": 0.2}), TRIAL)
    assert (said.run, said.project) == ("mine-007", "own")
    assert said.config == {"units": 8, "rate": 0.2, "trial": "007"}
