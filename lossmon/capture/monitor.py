"""The callback: hooks only."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from typing import Any, Literal

import keras

from lossmon.capture.argument_names import with_names_checked
from lossmon.capture.misplaced import demand_instance, say_no_fit
from lossmon.capture.options import Options
from lossmon.capture.session import Session
from lossmon.capture.supported import demand_keras_3
from lossmon.rules import RuleRequest


class Monitor(keras.callbacks.Callback):
    """Records the true loss and accuracy of every batch and epoch, and computes each again.

    Add it to `callbacks` of `model.fit`; nothing else changes. Weights, History and the progress
    bar are bit-identical to a run without it, and an error inside lossmon never ends training.

    Args:
        db: a SQLAlchemy URL or a path; default `$LOSSMON_DB`, else `sqlite:///lossmon.db` in the
            working directory.
        run: name of the run; default a made-up one. With `resume`, that of the run to go on with,
            or its id.
        resume: True to go on with a run that has ended or was interrupted: what was recorded of the
            first epoch of this `fit` (see its `initial_epoch`) and of later ones is replaced.
            "auto", for programs that are started again after a crash, to do so where that can be
            done, and else to begin a run of that name.
        project: name under which runs are grouped.
        tags: words to find the run by.
        notes: free text kept with the run.
        config: your own settings, kept with the run and compared between runs; values that JSON
            knows.
        strict: raise `InvalidCombination` before the first step where an `error` finding stands.
        verify: "auto" recomputes every batch of a short run, then as many as take at most 2 % of
            the time of the steps; "full" recomputes every batch, and lets training wait if it must;
            "off" records Keras' own values only.
        samples: record loss, confidence, predicted class and correctness of each validation sample
            in each epoch, where there are at most 20,000 of them (and 2 million numbers predicted);
            a number for another limit, False for none. Needs labels and predictions of a whole
            pass: nothing is recorded with `verify="off"`.
        audit_train: evaluate the training set after each epoch, with the weights held still: True
            for the arrays given to `fit`, or the data, as `(x, y)`, `(x, y, sample_weight)`, a
            finite `tf.data.Dataset` or a finite `PyDataset`. Costs one `evaluate` an epoch.
        rules: codes or names of the rules to apply ("LM3" for all that begin so); default all,
            `()` none. Or a dict of `"select"`, `"ignore"` (such lists) and `"severity"` (rule →
            "error", "warning", "info"). Counts before `$LOSSMON_SELECT`, `$LOSSMON_IGNORE`,
            `$LOSSMON_SEVERITY`, and these before `[tool.lossmon]` of `pyproject.toml`.
        losses: independent definitions for your own losses: the loss function's name → a function
            `(y_true, y_pred) -> array` of sample losses in NumPy.
        metrics: likewise for your own accuracy: the metric's name → a function that returns, for
            each element, 1.0 where it is right and 0.0 where not.
        also: trackers that are shown the values of each epoch and the findings too: "mlflow",
            "wandb", "trackio", "tensorboard" or "tensorboard:FOLDER", or objects with a method
            `log(values, step=epoch)`. Their active run is used, or one begun.
        extend_logs: add what was recomputed to the logs of each epoch, for callbacks that follow
            in the list and for `History`: "val_loss_recomputed", "accuracy_recomputed",
            "val_accuracy_intended" and so on. Training then waits for these at the end of each
            epoch; with `verify="auto"` they are of the samples that were recomputed.

    Raises:
        InvalidArgument: an argument is not of the form above; `UnknownArgument`, a TypeError too,
            where there is none of that name.
        InvalidCombination: from `fit`, before its first step, with `strict=True` only.
        UnsupportedKeras: from `fit`, likewise: the model is one of `tf_keras`.
        RunNotFound: from `fit`, before its first step, with `resume=True`: there is no such run.
        CannotResume: likewise: it is still running, is of another model, or would be replaced.

    Example:
        ```python
        model.fit(x, y, validation_split=0.2, callbacks=[lossmon.Monitor(project="mnist")])
        ```
    """

    # Steps are taken from the train function, not from batch hooks, which is why no step has to
    # wait for the device on this callback's account.
    async_safe = True

    @with_names_checked("Monitor")
    def __init__(
        self,
        db: str | PathLike[str] | None = None,
        *,
        run: str | None = None,
        resume: bool | Literal["auto"] = False,
        project: str | None = None,
        tags: Iterable[str] = (),
        notes: str | None = None,
        config: Mapping[str, Any] | None = None,
        strict: bool = False,
        verify: str = "auto",
        samples: bool | int = True,
        audit_train: Any = False,
        rules: Iterable[str] | Mapping[str, Any] | None = None,
        losses: Mapping[str, Callable[..., Any]] | None = None,
        metrics: Mapping[str, Callable[..., Any]] | None = None,
        also: Iterable[Any] = (),
        extend_logs: bool = False,
    ) -> None:
        super().__init__()
        self._options = Options.checked(
            db=db,
            run=run,
            resume=resume,
            project=project,
            tags=tags,
            notes=notes,
            config=config,
            strict=strict,
            verify=verify,
            samples=samples,
            audit_train=audit_train,
            rules=rules,
            losses=losses,
            metrics=metrics,
            also=also,
            extend_logs=extend_logs,
        )
        self._session: Session | None = None
        self._saw_fit = False
        self._no_fit: weakref.finalize[..., Any] | None = None

    @property
    def run_id(self) -> str | None:
        """Id of the run being recorded, or of the last one; None before the first `fit`."""
        return self._session.run_id if self._session is not None else None

    @property
    def rules_asked(self) -> RuleRequest | None:
        """What its own argument asks of the rules, the surroundings left out."""
        return self._options.asked

    def set_model(self, model: Any = None) -> None:
        """Take the model that is to be trained.

        Raises:
            InvalidArgument: Keras was given the class, and calls this with the model as `self`.
            UnsupportedKeras: it is one of `tf_keras`, the Keras 2 beside Keras 3.
        """
        demand_instance(self, Monitor)
        demand_keras_3(model)
        super().set_model(model)

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles begin without a run, as a new monitor does."""
        return {**self.__dict__, "_session": None, "_model": None, "_no_fit": None}

    def on_train_begin(self, logs: Any = None) -> None:
        """Start a run."""
        self._saw_fit = True
        if self._no_fit is not None:
            self._no_fit.detach()
        session = Session.start(self.model, self._options, self.params)
        if self._session is None or not session.ended:
            self._session = session

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start an epoch."""
        if self._session is not None:
            self._session.begin_epoch(epoch)

    def on_test_begin(self, logs: Any = None) -> None:
        """Record validation steps from here."""
        if self._session is not None:
            self._session.begin_validation()
        self._await_fit("evaluate")

    def on_test_end(self, logs: Any = None) -> None:
        """Record training steps again."""
        if self._session is not None:
            self._session.end_validation()

    def on_predict_begin(self, logs: Any = None) -> None:
        """Record nothing, which is said where no `fit` follows."""
        self._await_fit("predict")

    def _await_fit(self, call: str) -> None:
        """Have it said that nothing was recorded, when this goes away before it saw a `fit`."""
        if not self._saw_fit and self._no_fit is None:
            self._no_fit = weakref.finalize(self, say_no_fit, call)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Close the epoch with what Keras printed for it."""
        if self._session is not None:
            extended = self._options.extend_logs and isinstance(logs, dict)
            self._session.end_epoch(epoch, logs if extended else dict(logs or {}))

    def on_train_end(self, logs: Any = None) -> None:
        """Close the run."""
        if self._session is not None:
            self._session.end("finished")
