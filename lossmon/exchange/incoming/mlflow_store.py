"""Stores of MLflow, read by MLflow itself."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lossmon.errors import InvalidArgument, MissingExtra
from lossmon.exchange.incoming.run import ImportedRun, Point, epoch_records
from lossmon.records import RunStatus
from lossmon.store import without_passwords

PROGRAM = "MLflow"
_STATUS: dict[str, RunStatus] = {"FINISHED": "finished", "FAILED": "failed", "KILLED": "failed"}
_NOTE = "mlflow.note.content"
_PAGE = 1000


def is_mlflow_folder(path: Path) -> bool:
    """Whether a folder is a file store of MLflow: `mlruns`, of experiments with `meta.yaml`."""
    return path.is_dir() and any(path.glob("*/meta.yaml"))


def read_mlflow(uri: str) -> list[ImportedRun]:
    """Read every run of a tracking store that is not deleted.

    Args:
        uri: a tracking URI, such as `sqlite:///mlflow.db`, or the path of an `mlruns` folder.

    Raises:
        InvalidArgument: MLflow cannot read it.
        MissingExtra: MLflow is not installed.
    """
    with _quietly():
        try:
            import mlflow  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtra("mlflow", "Reading a store of MLflow", "mlflow") from error
        try:
            client = mlflow.MlflowClient(tracking_uri=uri)
            experiments = client.search_experiments(max_results=_PAGE)
            return [
                _run(client, run, uri, experiment.name)
                for experiment in experiments
                for run in _runs_of(client, experiment.experiment_id)
            ]
        # Whatever the store's own database or server says.
        except Exception as error:
            raise InvalidArgument(
                "expected a tracking store of MLflow. Received: "
                f"{without_passwords(f'{uri} ({str(error)[:300]})')}. "
                "Fix: name its URI, such as sqlite:///mlflow.db, or the folder mlruns"
            ) from error


@contextmanager
def _quietly() -> Generator[None]:
    """Let MLflow read its older file stores too, and tell nobody that it was used."""
    wanted = {"MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update({name: value for name, value in wanted.items() if before[name] is None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)


def _runs_of(client: Any, experiment: str) -> Iterable[Any]:
    token = None
    while True:
        page = client.search_runs([experiment], max_results=_PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _run(client: Any, run: Any, uri: str, project: str) -> ImportedRun:
    info, data = run.info, run.data
    started = info.start_time / 1000
    ended = started if info.end_time is None else info.end_time / 1000
    values: dict[int, dict[str, float]] = {}
    times: dict[int, float] = {}
    for key in data.metrics:
        for metric in client.get_metric_history(info.run_id, key):
            values.setdefault(metric.step, {})[key] = _restored(metric.value)
            times[metric.step] = max(times.get(metric.step, 0.0), metric.timestamp / 1000)
    points = [
        Point(number, step, values[step], times[step]) for number, step in enumerate(sorted(values))
    ]
    shown = {key: value for key, value in data.tags.items() if not key.startswith("mlflow.")}
    return ImportedRun(
        info.run_name or info.run_id,
        PROGRAM,
        f"{uri}#{info.run_id}",
        epoch_records(points, PROGRAM, started),
        started=started,
        ended=ended,
        status=_STATUS.get(info.status, "interrupted"),
        project=project,
        config=dict(data.params),
        tags=tuple(f"{key}={value}" for key, value in shown.items()),
        notes=data.tags.get(_NOTE),
    )


def _restored(value: float) -> float:
    """MLflow's databases keep the largest float in place of an infinity."""
    return math.copysign(math.inf, value) if abs(value) == sys.float_info.max else value
