"""The data of an audit: what is accepted, and how it is read without touching the training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras
from keras.src.trainers.data_adapters import is_tf_dataset
from keras.src.trainers.data_adapters.array_data_adapter import can_convert_arrays
from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights

from lossmon.errors import InvalidArgument

_FIX = "Fix: Monitor(audit_train=(x, y)) with the data to evaluate, or leave it out"


@dataclass(frozen=True, slots=True)
class AuditData:
    """What is evaluated.

    Attributes:
        x, y, sample_weight: as `evaluate` takes them.
        batch_size: that of the `fit`, for arrays.
        alone: whether nothing else may be drawing random numbers while it is evaluated.
    """

    x: Any
    y: Any = None
    sample_weight: Any = None
    batch_size: int | None = None
    alone: bool = True


def check_audit_train(value: Any) -> None:
    """Refuse what `audit_train` cannot be.

    Raises:
        InvalidArgument: it is neither a bool, nor arrays of one length as `(x, y)` or
            `(x, y, sample_weight)`, nor a dataset that ends.
    """
    if isinstance(value, bool):
        return
    if isinstance(value, tuple):
        _check_arrays(tuple(value))
    elif isinstance(value, keras.utils.PyDataset) or is_tf_dataset(value):
        if _is_endless(value):
            raise InvalidArgument(
                f"`audit_train` must be data that ends. Received: {value!r} without end. "
                "Fix: Monitor(audit_train=dataset.take(batches))"
            )
    else:
        raise InvalidArgument(
            "`audit_train` must be True, (x, y), (x, y, sample_weight), a tf.data.Dataset or a "
            f"keras.utils.PyDataset. Received: {type(value).__name__}. {_FIX}"
        )


def _check_arrays(values: tuple[Any, ...]) -> None:
    if len(values) not in (2, 3) or values[0] is None or not can_convert_arrays(values):
        kinds = ", ".join(type(value).__name__ for value in values)
        raise InvalidArgument(
            "`audit_train` as a tuple must be (x, y) or (x, y, sample_weight), made of arrays. "
            f"Received: ({kinds}). {_FIX}"
        )
    lengths = [leaf.shape[0] for leaf in keras.tree.flatten(values) if leaf is not None]
    if len(set(lengths)) > 1:
        raise InvalidArgument(
            "`audit_train` must hold as many targets and weights as samples. "
            f"Received: arrays of lengths {', '.join(map(str, lengths))}. {_FIX}"
        )


def _is_endless(data: Any) -> bool:
    if hasattr(data, "num_batches"):
        return data.num_batches is None
    return hasattr(data, "cardinality") and int(data.cardinality()) == -1


def reads_arrays(fit: Mapping[str, Any]) -> bool:
    """Whether `fit` was given arrays, which no thread of Python reads ahead.

    Args:
        fit: the arguments of `fit`; empty where unknown.
    """
    trained = (fit.get("x"), fit.get("y"), fit.get("sample_weight"))
    return trained[0] is not None and can_convert_arrays(trained)


def audit_data(wanted: Any, fit: Mapping[str, Any]) -> AuditData:
    """What to evaluate.

    Args:
        wanted: True for the arrays that `fit` was given, or data as `check_audit_train` lets by.
        fit: the arguments of `fit`, after `validation_split` took its part; empty where unknown.

    Raises:
        InvalidArgument: the data cannot be read twice, or not without changing the training.
    """
    trained = (fit.get("x"), fit.get("y"), fit.get("sample_weight"))
    arrays = reads_arrays(fit)
    if wanted is True:
        if not arrays:
            raise InvalidArgument(
                "`audit_train=True` stands for the arrays that `fit` is given. "
                f"Received: x of type {type(trained[0]).__name__}. {_FIX}"
            )
        return _with_class_weight(AuditData(*trained, fit.get("batch_size")), fit)
    # Other data may be read ahead, on other threads, while the audit goes on.
    finite = isinstance(trained[0], keras.utils.PyDataset) and fit.get("steps_per_epoch") is None
    data = AuditData(None, alone=arrays or finite)
    if isinstance(wanted, tuple):
        x, y, *weight = wanted
        data = replace(data, x=x, y=y, batch_size=fit.get("batch_size"))
        return _with_class_weight(replace(data, sample_weight=weight[0] if weight else None), fit)
    if isinstance(wanted, keras.utils.PyDataset):
        return replace(data, x=_Untold(wanted))
    if _shuffles(wanted) & _shuffles(trained[0]):
        raise InvalidArgument(
            "`audit_train` must be data that can be read without changing the order of training. "
            "Received: a dataset behind the same `shuffle` as that of `fit`. "
            "Fix: Monitor(audit_train=dataset_before_shuffle.batch(batch_size))"
        )
    return replace(data, x=wanted)


def _with_class_weight(data: AuditData, fit: Mapping[str, Any]) -> AuditData:
    """The loss that `fit` prints counts class weights, and `evaluate` takes none."""
    class_weight = fit.get("class_weight")
    if class_weight is None or data.y is None or data.sample_weight is not None:
        return data
    return replace(data, sample_weight=class_weight_to_sample_weights(data.y, class_weight))


def _shuffles(data: Any) -> set[int]:
    """The steps of a `tf.data.Dataset` that draw another order each time it is read, by id."""
    if not is_tf_dataset(data) or not hasattr(data, "_inputs"):
        return set()
    own = {id(data)} if getattr(data, "_reshuffle_each_iteration", False) else set[int]()
    return own.union(*map(_shuffles, data._inputs()))


class _Untold(keras.utils.PyDataset):
    """Reads a data set without telling it that an epoch ends, upon which many shuffle."""

    def __init__(self, data: Any) -> None:
        super().__init__(data.workers, data.use_multiprocessing, data.max_queue_size)
        self._data = data

    @property
    def num_batches(self) -> int:
        return self._data.num_batches

    def __getitem__(self, index: int) -> Any:
        return self._data[index]
