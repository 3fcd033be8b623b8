"""Trials of KerasTuner: one run each, of one project, with their hyperparameters as config."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from lossmon.capture.options import Options


class Trial(NamedTuple):
    """One trial of a search.

    Attributes:
        search: the name of the search, as its tuner has it.
        number: the trial's own id.
        hyperparameters: what it tries, by name.
    """

    search: str
    number: str
    hyperparameters: Mapping[str, Any]


def trial_of(callbacks: Iterable[Any]) -> Trial | None:
    """The trial that these callbacks belong to: KerasTuner adds one of its own that knows it."""
    for callback in callbacks:
        tuner, trial = getattr(callback, "tuner", None), getattr(callback, "trial", None)
        values = getattr(getattr(trial, "hyperparameters", None), "values", None)
        if tuner is not None and isinstance(values, Mapping):
            name = getattr(tuner, "project_name", None) or type(tuner).__name__
            return Trial(str(name), str(getattr(trial, "trial_id", "")), dict(values))
    return None


def of_trial(options: Options, trial: Trial) -> Options:
    """The options for the run of a trial; what the user said goes before.

    Args:
        options: of the `Monitor`, which KerasTuner copies for each trial.
        trial: the trial.
    """
    name = f"{options.run or trial.search}-{trial.number}"
    config = {**trial.hyperparameters, **options.config, "trial": trial.number}
    return replace(options, run=name, project=options.project or trial.search, config=config)
