"""Stores that MLflow and Trackio wrote by themselves."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lossmon.exchange import ImportedRun, imported_runs

# What MLflow says of the way it uses SQLAlchemy is not for us.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")

LOSSES = {"loss": [1.0, 0.5, math.inf], "val_loss": [2.0, 1.0, math.nan], "accuracy": [0.1, 0.2, 1]}


@pytest.fixture(scope="module")
def mlflow_client(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        import mlflow

        yield mlflow.MlflowClient


def logged_by_mlflow(client: Any) -> None:
    experiment = client.create_experiment("digits")
    run = client.create_run(experiment, run_name="one", tags={"team": "a"}).info.run_id
    for key, values in LOSSES.items():
        for step, value in enumerate(values):
            client.log_metric(run, key, value, step=10 * step)
    client.log_param(run, "units", 64)
    client.set_terminated(run)


def check(run: ImportedRun, program: str) -> None:
    assert (run.name, run.program, run.project, run.status) == (
        "one",
        program,
        "digits",
        "finished",
    )
    for split, prefix in (("train", ""), ("val", "val_")):
        records = [record for record in run.epochs if record.split == split]
        assert [record.step for record in records] == [0, 10, 20]
        assert [record.epoch for record in records] == [0, 1, 2]
        assert repr([record.loss for record in records]) == repr(LOSSES[f"{prefix}loss"])
    assert [r.accuracy for r in run.epochs if r.split == "train"] == LOSSES["accuracy"]
    assert str(run.config["units"]) == "64"


@pytest.mark.parametrize("kind", ["sqlite", "folder"])
def test_a_store_of_mlflow_is_read(mlflow_client: Any, tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("mlflow.db" if kind == "sqlite" else "mlruns")
    uri = f"sqlite:///{path}" if kind == "sqlite" else path.as_uri()
    logged_by_mlflow(mlflow_client(tracking_uri=uri))
    for source in (uri, str(path)):
        (run,) = imported_runs(source)
        check(run, "MLflow")
        assert run.tags == ("team=a",)


TRACKIO = f"""
from math import inf, nan
import trackio
losses = {LOSSES!r}
trackio.init(project="digits", name="one", config={{"units": 64}}, embed=False)
for step in range(3):
    trackio.log({{key: values[step] for key, values in losses.items()}}, step=10 * step)
trackio.finish()
"""


def test_a_database_of_trackio_is_read(tmp_path: Path) -> None:
    # A process of its own: Trackio asks where to write only when it is imported.
    surroundings = os.environ | {"TRACKIO_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", TRACKIO], env=surroundings, check=True)
    (run,) = imported_runs(str(tmp_path / "digits.db"))
    check(run, "Trackio")
