"""The dtypes that losses and metrics are defined for: what Keras rounds to fewer digits is not."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossmon.recompute.evaluation import UnknownDefinition
from lossmon.records import LossSpec, MetricSpec

_FLOATS = ("float32", "float64")
_COUNTS = ("int32", "int64")


def loss_dtype(spec: LossSpec) -> np.dtype[Any]:
    """Return the dtype that the loss is computed in.

    Raises:
        UnknownDefinition: no bounds are known for it.
    """
    # TensorFlow's CTC works in float32 whatever the dtype, and casts the result.
    return _known("loss", spec, _FLOATS[:1] if spec.name == "ctc" else _FLOATS)


def metric_dtype(spec: MetricSpec) -> np.dtype[Any]:
    """Return the dtype that the metric's results are kept in.

    In half precision a count stops at 2,048 and a mean at 65,504: what Keras prints of such a
    metric says nothing of the definition.

    Raises:
        UnknownDefinition: no bounds are known for it.
    """
    counts_whole = spec.name.endswith(("io_u", "iou"))
    return _known("metric", spec, (*_FLOATS, *_COUNTS) if counts_whole else _FLOATS)


def _known(kind: str, spec: LossSpec | MetricSpec, known: tuple[str, ...]) -> np.dtype[Any]:
    name = spec.config.get("dtype") or "float32"
    if name not in known:
        raise UnknownDefinition(
            f"`{spec.name}` is defined for the dtypes {' and '.join(known)}. Received: "
            f"dtype={name!r}. Fix: leave the {kind}'s `dtype` at its default, float32."
        )
    return np.dtype(name)
