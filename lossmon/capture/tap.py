"""Take y_true, y_pred and Keras' own values out of each step, and leave no trace.

`compute_metrics` is public and is called by every default train and test step with exactly the
tensors that loss and metrics saw, so the model's instance gets a wrapped one that returns them in
the step's logs; wrapped train and test functions take them out of the logs again before any
callback sees them. The values are immutable results of the step, and can be read later on another
thread.

The total loss is seen where Keras hands it to its running mean. What a metric added to its state in
this step is the difference of that state after and before, both read inside the step.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
from keras.src.backend import get_keras_mask

from lossmon.capture import feed
from lossmon.capture.logits import logits_behind
from lossmon.capture.override import override
from lossmon.capture.resolve import ResolvedOutput, resolve, split_outputs
from lossmon.errors import InvalidCombination
from lossmon.records import Split

CARRIER = "lossmon"
_WRAPPED = (
    *("compute_metrics", "train_step", "test_step"),
    *("make_train_function", "make_test_function"),
)
# Predictions above this many elements a sample (a language-model head, a segmentation map) are not
# copied out of the step unless every batch was asked for.
LARGE_SAMPLE = 65_536

Tapped = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What one call of the train or test function brought out.

    Attributes:
        split: "train" or "val".
        logs: the logs as Keras made them (tensors).
        tapped: what the tap carried out; None where the step does not call `compute_metrics`.
        started: Unix time at which the call began.
        seconds: wall time of the call.
    """

    split: Split
    logs: Any
    tapped: Tapped | None
    started: float
    seconds: float


class Tap:
    """Wraps one model for the time of one `fit`.

    Args:
        model: a compiled model.
        on_step: called after each train or test step with its `Step`.
        on_first_batch: called once, before the first step, with the batch and the arguments of the
            train function; may raise `InvalidCombination`, nothing else.
        on_error: called with an exception that was kept away from training.
        on_end: called with the exception that ended training inside a step.
        on_remake: called when the train function is asked for anew; tells whether that was by
            another `fit`, in which case the tap is gone when it returns.
        values: "all", "bounded" (leave out large predictions), "none" (Keras' own values only) or
            "logs" (nothing but the logs).

    Attributes:
        outputs: the model's outputs as they were resolved, None before the first step.
        left_out: why predictions stay in the step, None while they do not.
        override: the model's own method that replaces the compiled loss, None if none does.
        sizes: values of one sample's prediction by output, where a first look was had.
        values: as given; may be changed before the first step is traced.
        recording: the split whose steps are handed on; None between epochs.
    """

    def __init__(
        self,
        model: Any,
        *,
        on_step: Callable[[Step], None],
        on_first_batch: Callable[[Any, tuple[Any, ...]], None],
        on_error: Callable[[BaseException], None],
        on_end: Callable[[BaseException], None],
        on_remake: Callable[[], bool],
        values: str = "bounded",
    ) -> None:
        self.model = model
        self.outputs: list[ResolvedOutput] | None = None
        self.left_out: str | None = None
        self.override: str | None = None
        self.sizes: dict[int, int] = {}
        self._on_step = on_step
        self._on_first_batch = on_first_batch
        self._on_error = on_error
        self._on_end = on_end
        self._on_remake = on_remake
        self.values = values
        self._split: Split = "train"
        self.recording: Split | None = None
        self._seen_first = False
        self._within_step: dict[str, Any] = {}
        self._carried: Any = None
        self._running = False

    def install(self) -> None:
        """Wrap the model."""
        model = self.model
        self._functions = (model.train_function, model.test_function)
        # What the user replaced on the instance comes back in the end.
        self._found = {name: vars(model)[name] for name in _WRAPPED if name in vars(model)}
        self._compute_metrics = model.compute_metrics
        self._tracker = model._loss_tracker
        self._update_state = self._tracker.update_state
        self._tracker.update_state = self._see_total_loss
        self.override = override(model)
        self._steps = (model.train_step, model.test_step)
        model.train_function = model.test_function = None
        try:
            model.compute_metrics = self._carry_out
            model.train_step, model.test_step = self._train_step, self._test_step
            model.make_train_function()
            model.make_test_function()
        except Exception:
            self.remove()
            model.train_function, model.test_function = self._functions
            raise
        self._train, self._test = model.train_function, model.test_function
        model.train_function, model.test_function = self._run_train, self._run_test
        self._make_train, self._make_test = model.make_train_function, model.make_test_function
        model.make_train_function = self._remake_train
        model.make_test_function = self._remake_test

    def remove(self) -> None:
        """Put everything back as it was found. Does nothing the second time."""
        model = self.model
        for name, own in (
            ("compute_metrics", self._carry_out),
            ("train_step", self._train_step),
            ("test_step", self._test_step),
            ("make_train_function", self._remake_train),
            ("make_test_function", self._remake_test),
        ):
            if vars(model).get(name) != own:
                continue
            delattr(model, name)
            if name in self._found:
                setattr(model, name, self._found[name])
        if self._tracker.__dict__.get("update_state") == self._see_total_loss:
            del self._tracker.update_state
        if model.train_function == self._run_train:
            model.train_function = self._functions[0]
        if model.test_function == self._run_test:
            model.test_function = self._functions[1]

    def _remake_train(self, *args: Any, **kwargs: Any) -> Any:
        """Adopt a train function that is made anew while the tap is installed."""
        model = self.model
        if self._on_remake():
            return model.make_train_function(*args, **kwargs)
        if model.train_function == self._run_train:
            model.train_function = self._train
        made = self._make_train(*args, **kwargs)
        self._train = model.train_function
        model.train_function = self._run_train
        return made

    def _remake_test(self, *args: Any, **kwargs: Any) -> Any:
        model = self.model
        if model.test_function == self._run_test:
            model.test_function = self._test
        made = self._make_test(*args, **kwargs)
        self._test = model.test_function
        model.test_function = self._run_test
        return made

    # Inside the step: these run while it is traced (or, eagerly, in every step).

    def _train_step(self, *args: Any, **kwargs: Any) -> Any:
        return self._with_carried(self._steps[0], args, kwargs)

    def _test_step(self, *args: Any, **kwargs: Any) -> Any:
        return self._with_carried(self._steps[1], args, kwargs)

    def _with_carried(self, step: Any, args: Any, kwargs: Any) -> Any:
        """Call the model's step, and add what it carried to the logs that it returned."""
        self._within_step, self._carried = {}, None
        result = step(*args, **kwargs)
        carried, self._carried, self._within_step = self._carried, None, {}
        logs, *state = result if isinstance(result, tuple) else (result,)
        if carried is None or not self._running or not isinstance(logs, dict):
            return result
        if not _is_of_this_graph(carried):
            return result
        logs = {**logs, CARRIER: carried}
        return (logs, *state) if isinstance(result, tuple) else logs

    def _see_total_loss(self, values: Any, sample_weight: Any = None) -> Any:
        with self._kept_from_training():
            self._within_step["total"] = values
            self._within_step["size"] = sample_weight
            if self._split == "train" and keras.backend.backend() != "jax":
                # Here, and not after the step, because the step increments `iterations`. On JAX the
                # optimiser's variables are out of scope at this place.
                optimizer = self.model.optimizer
                if optimizer is not None:
                    rate = keras.ops.cast(optimizer.learning_rate, "float32")
                    self._within_step["learning_rate"] = rate
        return self._update_state(values, sample_weight=sample_weight)

    def _carry_out(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        if self.values == "logs":
            return self._compute_metrics(x, y, y_pred, sample_weight)
        before: list[Any] = []
        metrics: list[Any] = []
        with self._kept_from_training():
            compiled = self.model._compile_metrics
            if compiled is not None and not compiled.built and y is not None:
                compiled.build(y, y_pred)
            outputs = self._resolve(y, y_pred)
            # Metrics that Keras has not made yet have no state to read before it does.
            built = self.model._compile_metrics is not None and self.model._compile_metrics.built
            metrics = [m for o in outputs for m in o.metric_objects if built and _is_mean(m)]
            before = [_state(m) for m in metrics]
        logs = self._compute_metrics(x, y, y_pred, sample_weight)
        with self._kept_from_training():
            outputs = self._output_values(y, y_pred, sample_weight)
            carried = {**self._within_step, "outputs": outputs}
            if metrics:
                after = keras.ops.stack([_state(metric) for metric in metrics])
                carried["states"] = keras.ops.concatenate([keras.ops.stack(before), after], axis=1)
            self._carried = {k: v for k, v in carried.items() if _carries(v)}
        return logs

    def _resolve(self, y: Any, y_pred: Any) -> list[ResolvedOutput]:
        if self.outputs is None:
            self.outputs = resolve(self.model, y, y_pred)
        return self.outputs

    def _output_values(self, y: Any, y_pred: Any, sample_weight: Any) -> dict[str, Any]:
        outputs = self._resolve(y, y_pred)
        triples = split_outputs(outputs, y, y_pred, sample_weight)
        own = self.override is None
        alone = len(outputs) == 1 and self._total_is_data_loss(outputs[0])
        carried: dict[str, Any] = {}
        self._within_step["alone"] = keras.ops.convert_to_tensor(alone)
        for index, (output, (true, pred, weight)) in enumerate(zip(outputs, triples, strict=True)):
            item: dict[str, Any] = {}
            # A loss of the user's own may count its calls or draw random numbers.
            custom = output.record.loss is not None and output.record.loss.custom
            if output.loss_object is not None and own and not alone and not custom:
                item["loss"] = output.loss_object(true, pred, weight)
                # What Keras' running mean of this output's loss weighs the batch by: its size where
                # that is static, else nothing, so that all batches weigh the same.
                item["tracked"] = keras.ops.convert_to_tensor(float(pred.shape[0] or 1))
            if self._wanted(index, pred):
                item |= {"y": true, "y_pred": pred, "sample_weight": weight}
                item["mask"] = get_keras_mask(pred)
                item["logits"] = logits_behind(pred, true, output.loss_object)
            carried[str(index)] = {k: v for k, v in item.items() if v is not None}
        return carried

    def _total_is_data_loss(self, output: ResolvedOutput) -> bool:
        if keras.backend.backend() != "tensorflow":
            # On JAX the weights that penalties are made of are out of scope here; on torch, which
            # is eager, making the penalties once more costs more than the loss.
            return False
        weighted = output.record.loss_weight not in (None, 1, 1.0)
        return not weighted and not self.model.losses

    def _wanted(self, index: int, pred: Any) -> bool:
        if self.values != "bounded" or self.left_out is not None:
            return self.values == "all"
        known = None not in pred.shape[1:]
        elements = math.prod(pred.shape[1:]) if known else self.sizes.get(index, LARGE_SAMPLE + 1)
        if elements > LARGE_SAMPLE:
            self.left_out = (
                f"a prediction has {elements:,} values, more than the {LARGE_SAMPLE:,} that "
                'verify="auto" copies out of a step'
            )
        return elements <= LARGE_SAMPLE

    # Around the step.

    def _run_train(self, *args: Any) -> Any:
        self._split = "train"
        if self._seen_first:
            return self._run(self._train, args)
        self._seen_first = True
        return self._run_first(args)

    def _run_test(self, *args: Any) -> Any:
        self._split = "val"
        return self._run(self._test, args)

    def _run_first(self, args: tuple[Any, ...]) -> Any:
        *state, iterator = args
        batches, iterator = feed.peek(iterator, self.model.steps_per_execution)
        if batches:
            with self._kept_from_training():
                self._on_first_batch(batches[0], tuple(args))
        return self._run(self._train, (*state, iterator))

    def _run(self, function: Any, args: tuple[Any, ...]) -> Any:
        started, clock = time.time(), time.perf_counter()
        self._running = True
        try:
            result = function(*args)
        except BaseException as error:
            # An `evaluate` in a callback may fail without ending the training around it.
            if self.recording == self._split and not _is_end_of_data(error):
                self._on_end(error)
            raise
        finally:
            self._running = False
        seconds = time.perf_counter() - clock
        logs, *state = result if isinstance(result, tuple) else (result,)
        if isinstance(logs, dict) and CARRIER in logs:
            logs = dict(logs)
            tapped = logs.pop(CARRIER)
        else:
            tapped = None
        if self.recording == self._split:
            with self._kept_from_training():
                self._on_step(Step(self._split, logs, tapped, started, seconds))
        return (logs, *state) if isinstance(result, tuple) else logs

    @contextmanager
    def _kept_from_training(self) -> Generator[None]:
        """An error inside lossmon never ends training; only a refusal before its start may."""
        try:
            yield
        except InvalidCombination:
            raise
        except Exception as error:
            self._on_error(error)


def _is_mean(metric: Any) -> bool:
    return isinstance(metric, keras.metrics.Mean)


def _state(metric: Any) -> Any:
    # Stacked, because converting a variable alone would read it later than here.
    return keras.ops.stack([metric.total.value, metric.count.value])


def _carries(value: Any) -> bool:
    return value is not None and not (isinstance(value, (dict, list)) and not value)


def _is_of_this_graph(carried: Any) -> bool:
    """Whether all tensors belong to the graph that is being traced, not to one inside of it."""
    if keras.backend.backend() != "tensorflow":
        return True
    import tensorflow as tf

    if tf.executing_eagerly():
        return True
    graph = tf.compat.v1.get_default_graph()
    tensors = [leaf for leaf in keras.tree.flatten(carried) if tf.is_symbolic_tensor(leaf)]
    return all(tensor.graph is graph for tensor in tensors)


def _is_end_of_data(error: BaseException) -> bool:
    if isinstance(error, StopIteration):
        return True
    return keras.backend.backend() == "tensorflow" and type(error).__name__ == "OutOfRangeError"
