"""MLflow: the active run, or one of its own."""

from __future__ import annotations

from collections.abc import Sequence

from lossmon.errors import MissingExtra
from lossmon.records import Finding, RunRecord
from lossmon.trackers.tracker import Shown, as_text, gravest


class MLflowTracker:
    """Logs metrics and tags by a client of its own: MLflow's active run is known to one thread."""

    name = "mlflow"

    def __init__(self, run: RunRecord) -> None:
        try:
            import mlflow  # noqa: PLC0415
            from mlflow.entities import Metric  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtra("mlflow", 'Monitor(also=["mlflow"])', "mlflow") from error
        self._metric = Metric
        active = mlflow.active_run()
        self._client = mlflow.MlflowClient()
        self._own = active is None
        if active is None:
            experiment = mlflow.set_experiment(run.project or "lossmon").experiment_id
            active = self._client.create_run(experiment, run_name=run.name)
        self._run = active.info.run_id
        self._client.set_tag(self._run, "lossmon.run", run.id)

    def log(self, shown: Shown) -> None:
        """Log metrics by epoch."""
        stamp = int(shown.time * 1000)
        metrics = [self._metric(*one, stamp, shown.epoch) for one in shown.values.items()]
        self._client.log_batch(self._run, metrics=metrics)

    def tell(self, findings: Sequence[Finding], epoch: int) -> None:
        """Set the tag `lossmon.findings`, of which MLflow keeps 8,000 characters."""
        self._client.set_tag(self._run, "lossmon.findings", as_text(findings)[:8000])
        for key, number in gravest(findings).items():
            self._client.log_metric(self._run, key, number, step=epoch)

    def end(self) -> None:
        """End the run if it is lossmon's own."""
        if self._own:
            self._client.set_terminated(self._run)
