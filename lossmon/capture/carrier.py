"""Inside the step: gather what loss and metrics saw and made, and send it out.

`compute_metrics` is public and is called by every default train and test step with exactly the
tensors that loss and metrics saw, so the model's instance gets a wrapped one that takes note of
them. The total loss is seen where Keras hands it to its running mean. What a metric added to its
state in this step is the difference of that state after and before, both read inside the step.

All of this runs while a step is traced, and eagerly in every step.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import keras
from keras.src.backend import get_keras_mask

from lossmon.capture.channel import Channel, DirectChannel, LogsChannel
from lossmon.capture.compiled_channel import TwinChannel, XlaChannel, XlaJointChannel
from lossmon.capture.given_weights import GivenWeights
from lossmon.capture.jax_masks import JaxMasks
from lossmon.capture.joint_channel import JointChannel
from lossmon.capture.layout import Carried, Layouts, TensorKey
from lossmon.capture.logits import logits_behind
from lossmon.capture.queue_channel import QueueChannel
from lossmon.capture.resolve import ResolvedOutput, resolve, split_outputs
from lossmon.capture.torch_compile import outside_of_torch_compile
from lossmon.errors import InvalidCombination
from lossmon.records import Split

CARRIER = "lossmon"
_WRAPPED = ("compute_metrics", "train_step", "test_step")


class Carrier:
    """Wraps what runs inside the steps of one model; may serve several `fit` calls in turn.

    Args:
        model: a compiled model.
        tensors: whether labels and predictions are to be carried; else Keras' own values only.
        override: whether the model replaces the compiled loss by a method of its own.
        silent: whether nothing at all is to be carried.
        always: whether no step is ever told to keep its tensors in.

    Attributes:
        tensors, silent: as given; may be changed before the first step is traced.
        layouts: how to read what was sent.
        channels: the way out of the steps of each split.
        jointly: whether all of a step leaves together, where it runs in a graph of TensorFlow's.
        outputs: the model's outputs, as the first batch let expect them and, from the first step
            on, as Keras resolved them there; None where nothing is known.
        repeats: whether a step calls `compute_metrics` more than once.
        running: the split whose function is running; steps that run on their own send nothing.
        on_error: called with an exception that was kept away from training.
    """

    def __init__(
        self, model: Any, *, tensors: bool, override: bool, silent: bool, always: bool = False
    ) -> None:
        self._model = model
        self.tensors = tensors
        self._override = override
        self.silent = silent
        self._asked = (tensors, silent)
        self._always = always
        self._compiled = _compiled(model)
        self.layouts = Layouts()
        self.jointly = False
        self._sending = set[Split]()
        self.channels: dict[Split, Channel] = {split: self._channel() for split in _SPLITS}
        self.outputs: list[ResolvedOutput] | None = None
        self.repeats = False
        self._is_resolved = False
        self.running: Split | None = None
        self.on_error: Callable[[BaseException], None] | None = None
        self._within: dict[str, Any] = {}
        self._carried: Carried | None = None
        self._bare = False
        self._xla = bool(model.jit_compile) and not model.run_eagerly
        self._masks = JaxMasks(model)
        self._given = GivenWeights()
        self._send = outside_of_torch_compile(self._send_now)

    def send_jointly(self) -> None:
        """Let all of a step leave together, of each split none of whose steps is traced yet."""
        if not self.jointly:
            self.jointly = True
            # A step that is traced, by an early `evaluate`, has its queues in it.
            for split in _SPLITS:
                if split not in self._sending:
                    self.channels[split] = self._channel()

    def _channel(self) -> Channel:
        model = self._model
        graph = keras.backend.backend() == "tensorflow" and not model.run_eagerly
        if graph and self.jointly:
            return (XlaJointChannel if model.jit_compile else JointChannel)(self.layouts)
        if graph:
            kind = XlaChannel if model.jit_compile else QueueChannel
            return kind(self.layouts, always=self._always)
        if keras.backend.backend() == "jax" and model.jit_compile and not model.run_eagerly:
            return TwinChannel(self.layouts)
        if keras.backend.backend() == "torch":
            return DirectChannel(self.layouts)
        return LogsChannel(self.layouts, eager=True)

    @property
    def is_as_asked(self) -> bool:
        """Whether the steps carry what was asked for, and not less."""
        return (self.tensors, self.silent) == self._asked

    @property
    def is_of_another_compile(self) -> bool:
        """Whether the model was compiled anew since this was installed."""
        return self._model._loss_tracker is not self._tracker

    def serves_as(self, other: Carrier) -> bool:
        """Whether steps that were traced with this one are as those of the other would be."""
        ours = (self._asked, self._always, self._compiled)
        return ours == (other._asked, other._always, other._compiled)

    def install(self) -> None:
        """Wrap the model."""
        model = self._model
        self._masks.install()
        # What the user replaced on the instance comes back in the end.
        self._found = {name: vars(model)[name] for name in _WRAPPED if name in vars(model)}
        self._compute_metrics = model.compute_metrics
        self._tracker = model._loss_tracker
        self._update_state = self._tracker.update_state
        self._steps = {"train": model.train_step, "val": model.test_step}
        self._tracker.update_state = self._see_total_loss
        model.compute_metrics = self._see_metrics
        model.train_step, model.test_step = self._train_step, self._test_step

    def remove(self) -> None:
        """Put everything back as it was found."""
        model = self._model
        self._masks.remove()
        wrappers = (self._see_metrics, self._train_step, self._test_step)
        for name, own in zip(_WRAPPED, wrappers, strict=True):
            if vars(model).get(name) != own:
                continue
            delattr(model, name)
            if name in self._found:
                setattr(model, name, self._found[name])
        if self._tracker.__dict__.get("update_state") == self._see_total_loss:
            del self._tracker.update_state

    def _train_step(self, *args: Any, **kwargs: Any) -> Any:
        return self._step("train", args, kwargs)

    def _test_step(self, *args: Any, **kwargs: Any) -> Any:
        return self._step("val", args, kwargs)

    def without_tensors(self, split: Split) -> Callable[..., Any]:
        """The split's step in another form, which sends no labels and predictions."""

        def step(*args: Any, **kwargs: Any) -> Any:
            self._bare = True
            try:
                return self._step(split, args, kwargs)
            finally:
                self._bare = False

        return step

    def _step(self, split: Split, args: Any, kwargs: Any) -> Any:
        """Call the model's step, and send what was gathered in it."""
        self._within, self._carried = {}, None
        if split == "train" and keras.backend.backend() == "jax" and not self.silent:
            with self._kept_from_training():
                self._within |= self._learning_rate_of(args[0])
        with self._kept_from_training():
            self._given.note(args)
        result = self._steps[split](*args, **kwargs)
        carried, self._carried, self._within = self._carried, None, {}
        self._given.forget()
        logs, *state = result if isinstance(result, tuple) else (result,)
        if self.silent or self.running != split or not isinstance(logs, dict):
            return result
        sent = self._send(split, carried)
        if sent is None:
            return result
        logs = {**logs, CARRIER: sent}
        return (logs, *state) if isinstance(result, tuple) else logs

    def _send_now(self, split: Split, carried: Carried | None) -> dict[str, Any] | None:
        """Let out what was gathered in the step; what is returned leaves with its logs."""
        with self._kept_from_training():
            self._sending.add(split)
            return self.channels[split].send(_of_this_graph(carried))
        return None

    def _learning_rate_of(self, state: Any) -> dict[str, Any]:
        """The learning rate in the state that a step on JAX is given, its variables' values."""
        optimizer = self._model.optimizer
        known = [*zip(optimizer.variables, state[2], strict=True)]
        with keras.StatelessScope(state_mapping=known):
            return {"learning_rate": _read(optimizer.learning_rate)}

    def _see_total_loss(self, values: Any, sample_weight: Any = None) -> Any:
        with self._kept_from_training():
            self._within |= {"total": values, "size": sample_weight}
            if self.running == "train" and keras.backend.backend() != "jax":
                # Here, and not after the step, because the step increments `iterations`. On JAX the
                # optimiser's variables are out of scope at this place, so it is read before.
                optimizer = self._model.optimizer
                if optimizer is not None:
                    self._within["learning_rate"] = _read(optimizer.learning_rate)
        return self._update_state(values, sample_weight=sample_weight)

    def _see_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        if self.silent:
            return self._compute_metrics(x, y, y_pred, sample_weight)
        before: dict[str, Any] = {}
        with self._before_metrics_are_updated(before, y, y_pred):
            logs = self._compute_metrics(x, y, y_pred, sample_weight)
        with self._kept_from_training():
            self._resolve(y, y_pred)
            carried, earlier = Carried(dict(self._within)), self._carried
            carried.scalars |= before | (self._accuracy_states("after") if before else {})
            carried.scalars |= {f"log:{key}": value for key, value in logs.items()}
            if earlier is None:
                with self._masks.shown(y_pred):
                    self._add_outputs(carried, y, y_pred, sample_weight)
            else:
                # What this call was given is a part of what the metrics of the step saw.
                self.repeats = True
                carried.scalars.pop("total", None)
                kept = {k: v for k, v in earlier.scalars.items() if k.startswith("before_")}
                carried.scalars |= kept
            carried.scalars = {k: v for k, v in carried.scalars.items() if _is_scalar(v)}
            self._carried = carried
        return logs

    @contextmanager
    def _before_metrics_are_updated(
        self, states: dict[str, Any], y: Any, y_pred: Any
    ) -> Generator[None]:
        """Read the states of the metrics before they are updated.

        Keras makes them from what it is given in the first step, and from nothing else: those that
        are not made yet are read as soon as they are.
        """
        compiled = self._model._compile_metrics

        def read() -> None:
            with self._kept_from_training():
                self._resolve(y, y_pred)
                states.update(self._accuracy_states("before"))

        if compiled is None or compiled.built:
            read()
            yield
            return
        build = compiled.build

        def build_and_read(*args: Any, **kwargs: Any) -> None:
            build(*args, **kwargs)
            read()

        compiled.build = build_and_read
        try:
            yield
        finally:
            if vars(compiled).get("build") is build_and_read:
                del compiled.build

    def _resolve(self, y: Any, y_pred: Any) -> None:
        """Find out what Keras has made of losses and metrics, once."""
        if not self._is_resolved:
            self.outputs, self._is_resolved = resolve(self._model, y, y_pred), True

    def _accuracy_states(self, when: str) -> dict[str, Any]:
        compiled = self._model._compile_metrics
        if compiled is None or not compiled.built:
            return {}
        objects = [output.accuracy_object for output in self.outputs or ()]
        # The state of a metric that several outputs share is no output's own.
        means = [
            (index, metric)
            for index, metric in enumerate(objects)
            if isinstance(metric, keras.metrics.Mean) and objects.count(metric) == 1
        ]
        totals = {f"{when}_total:{i}": _read(metric.total) for i, metric in means}
        return totals | {f"{when}_count:{i}": _read(metric.count) for i, metric in means}

    def _add_outputs(self, carried: Carried, y: Any, y_pred: Any, sample_weight: Any) -> None:
        outputs = self.outputs or []
        alone = len(outputs) == 1 and self._total_is_data_loss(outputs[0])
        if alone:
            carried.scalars["alone"] = 1.0
        triples = split_outputs(outputs, y, y_pred, sample_weight)
        for index, (output, (true, pred, weight)) in enumerate(zip(outputs, triples, strict=True)):
            # A loss of the user's own may count its calls or draw random numbers.
            custom = output.record.loss is not None and output.record.loss.custom
            if output.loss_object is not None and not (self._override or alone or custom):
                carried.scalars[f"loss:{index}"] = output.loss_object(
                    true, pred, self._given.copy_of(weight)
                )
                # What Keras' running mean of this output's loss weighs the batch by: its size where
                # that is static, else nothing, so that all batches weigh the same.
                carried.scalars[f"tracked:{index}"] = float(pred.shape[0] or 1)
            if self._rounds_late(pred):
                carried.scalars[f"unrounded:{index}"] = 1.0
            if self.tensors and not self._bare:
                tensors = {"y_true": true, "y_pred": self._seen(pred)}
                tensors["loss_mask" if self._masks.shows(pred) else "mask"] = get_keras_mask(pred)
                tensors["sample_weight"] = self._given.present(weight)
                tensors["given_weight"] = self._given.of(weight)
                tensors["logits"] = logits_behind(pred, true, output.loss_object)
                keyed: dict[TensorKey, Any] = {(kind, index): t for kind, t in tensors.items()}
                carried.tensors |= {key: t for key, t in keyed.items() if t is not None}

    def _seen(self, pred: Any) -> Any:
        """Predictions as losses see them: what their own cast to float32 makes of them."""
        return keras.ops.cast(pred, "float32") if self._rounds_late(pred) else pred

    def _rounds_late(self, pred: Any) -> bool:
        """Whether XLA leaves out the rounding of predictions to bfloat16 where they are used."""
        return self._xla and keras.backend.standardize_dtype(pred.dtype) == "bfloat16"

    def _total_is_data_loss(self, output: ResolvedOutput) -> bool:
        if keras.backend.backend() != "tensorflow":
            # On JAX the weights that penalties are made of are out of scope here; on torch, which
            # is eager, making the penalties once more costs more than the loss.
            return False
        weighted = output.record.loss_weight not in (None, 1, 1.0)
        return not weighted and not self._model.losses

    @contextmanager
    def _kept_from_training(self) -> Generator[None]:
        """An error inside lossmon never ends training."""
        try:
            yield
        except InvalidCombination:
            raise
        except Exception as error:
            if self.on_error is not None:
                self.on_error(error)


_SPLITS: tuple[Split, ...] = ("train", "val")


def _compiled(model: Any) -> tuple[int, ...]:
    """Tells one compilation of a model, and one way of running it, from another."""
    parts = (model.optimizer, model._compile_loss, model._compile_metrics, model._loss_tracker)
    how = (model.run_eagerly, model.jit_compile, model.steps_per_execution)
    return (*map(id, parts), *map(int, how))


def _read(variable: Any) -> Any:
    """The value that a variable has here, and not when it is used."""
    if keras.backend.backend() != "tensorflow":
        return keras.ops.copy(keras.ops.convert_to_tensor(variable))
    import tensorflow as tf

    return tf.convert_to_tensor(getattr(variable, "value", variable))


def _is_scalar(value: Any) -> bool:
    return isinstance(value, int | float) or len(getattr(value, "shape", (None,))) == 0


def _of_this_graph(carried: Carried | None) -> Carried:
    """What belongs to the graph that is being traced; nothing where it is of one inside of it."""
    if carried is None:
        return Carried()
    if keras.backend.backend() != "tensorflow":
        return carried
    import tensorflow as tf

    if tf.executing_eagerly():
        return carried
    graph = tf.compat.v1.get_default_graph()
    tensors = [*carried.scalars.values(), *carried.tensors.values()]
    symbolic = [tensor for tensor in tensors if tf.is_symbolic_tensor(tensor)]
    return carried if all(tensor.graph is graph for tensor in symbolic) else Carried()
