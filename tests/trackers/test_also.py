"""One training, shown to all trackers beside the database; each is then read by its own library."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

import lossmon
from lossmon.exchange import imported_runs
from lossmon.store import open_store

# What MLflow and W&B say of the way they use other libraries is not for us.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
EPOCHS = 2


class Shown(NamedTuple):
    folder: Path
    rows: list[dict[str, Any]]
    run: str
    summary: dict[str, Any]


class Own:
    """What a user may bring: anything that logs."""

    def __init__(self) -> None:
        self.logged: list[tuple[int, dict[str, float]]] = []

    def log(self, values: dict[str, float], step: int) -> None:
        self.logged.append((step, values))


def train(db: Path, **arguments: Any) -> lossmon.Monitor:
    """Accuracy beside MSE on one unit: the seed case."""
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["accuracy"])
    watch = lossmon.Monitor(db, run="watched", project="seed", **arguments)
    model.fit(x, x[:, :1], epochs=EPOCHS, validation_split=0.5, callbacks=[watch], verbose="0")
    return watch


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    folder = tmp_path_factory.mktemp("trackers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        patch.setenv("TRACKIO_DIR", str(folder / "trackio"))
        patch.setenv("WANDB_MODE", "offline")
        patch.setenv("WANDB_DIR", str(folder))
        patch.setenv("WANDB_SILENT", "true")
        import wandb

        run = wandb.init(project="seed", settings=wandb.Settings(silent=True))
        also = ["mlflow", "wandb", "trackio", f"tensorboard:{folder / 'events'}"]
        watch = train(folder / "runs.db", also=also)
        summary = {key: run.summary[key] for key in run.summary.keys()}  # noqa: SIM118
        run.finish()
    store = open_store(folder / "runs.db")
    assert watch.run_id is not None
    assert store.run_document(watch.run_id)["troubles"] == []
    rows = store.epoch_rows(watch.run_id, output=None)
    return Shown(folder, rows, watch.run_id, summary)


def expected(rows: list[dict[str, Any]], measure: str) -> dict[str, list[float]]:
    return {
        f"lossmon/{prefix}{measure}": [
            row[f"recomputed_{measure}"] for row in rows if row["split"] == split
        ]
        for split, prefix in (("train", ""), ("val", "val_"))
    }


def test_mlflow_has_values_and_findings(shown: Shown) -> None:
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{shown.folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("seed")
    (run,) = client.search_runs([experiment.experiment_id])
    for key, values in expected(shown.rows, "loss").items():
        history = client.get_metric_history(run.info.run_id, key)
        assert [metric.value for metric in history] == values
        assert [metric.step for metric in history] == list(range(EPOCHS))
    assert "LM301" in run.data.tags["lossmon.findings"]
    assert run.data.tags["lossmon.run"] == shown.run
    assert run.info.status == "FINISHED"


def test_wandb_has_values_and_findings(shown: Shown) -> None:
    for key, values in expected(shown.rows, "loss").items():
        assert shown.summary[key] == values[-1]
    assert "LM301" in shown.summary["lossmon/findings"]
    assert shown.summary["lossmon/errors"] == 1
    assert shown.summary["lossmon/epoch"] == EPOCHS - 1


def test_trackio_has_values(shown: Shown) -> None:
    (run,) = imported_runs(str(shown.folder / "trackio" / "seed.db"))
    for key, values in expected(shown.rows, "loss").items():
        assert [r.reported[key] for r in run.epochs if key in r.reported] == values


def test_tensorboard_has_values_and_findings(shown: Shown) -> None:
    events = EventAccumulator(str(shown.folder / "events")).Reload()
    for key, values in expected(shown.rows, "loss").items():
        assert [event.value for event in events.Scalars(key)] == pytest.approx(values, rel=1e-6)
    text: Any = make_ndarray(events.Tensors("lossmon/findings")[-1].tensor_proto).item()
    assert "LM301" in text.decode()


def test_an_object_that_logs_is_shown_the_same(tmp_path: Path) -> None:
    own = Own()
    train(tmp_path / "runs.db", also=[own])
    rows = open_store(tmp_path / "runs.db").epoch_rows("latest", output=None)
    logged = {key: [v[key] for _, v in own.logged if key in v] for key in expected(rows, "loss")}
    assert logged == expected(rows, "loss")
    assert {"lossmon/errors": 1.0, "lossmon/warnings": 0.0} in [v for _, v in own.logged]


class Broken(Own):
    def log(self, values: dict[str, float], step: int) -> None:
        raise ConnectionError("no server")


class Hanging(Own):
    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def log(self, values: dict[str, float], step: int) -> None:
        self.released.wait()


def test_a_tracker_that_fails_or_hangs_does_not_touch_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("lossmon.capture.recorder.TRACKERS_WAIT", 0.2)
    fine, hanging, began = Own(), Hanging(), time.monotonic()
    train(tmp_path / "runs.db", also=[Broken(), fine, hanging])
    assert time.monotonic() - began < 30
    store = open_store(tmp_path / "runs.db")
    document = store.run_document("latest")
    assert document["status"] == "finished"
    troubles = [trouble["message"] for trouble in document["troubles"]]
    assert any("nothing more is shown to Broken: ConnectionError" in text for text in troubles)
    assert any("did not take the last values" in text for text in troubles)
    assert fine.logged
    assert "Broken" in capsys.readouterr().err
    hanging.released.set()


def test_a_tracker_that_cannot_be_opened_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "trackio", None)
    train(tmp_path / "runs.db", also=["trackio"])
    (trouble,) = open_store(tmp_path / "runs.db").run_document("latest")["troubles"]
    assert "nothing is shown to 'trackio'" in trouble["message"]
    assert "pip install 'lossmon[trackio]'" in trouble["message"]


@pytest.mark.parametrize("also", ["mlflow", ["ml flow"], [3], 3, ["mlflow:folder"]])
def test_what_is_no_tracker_is_refused(also: Any) -> None:
    with pytest.raises(lossmon.InvalidArgument, match=r"Fix: Monitor\(also=\[\"mlflow\"\]\)"):
        lossmon.Monitor(also=also)
