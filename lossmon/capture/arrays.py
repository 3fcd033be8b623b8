"""Values of any backend as NumPy arrays."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray


def to_numpy(values: Any) -> NDArray[Any] | None:
    """The values as an array; bfloat16, which NumPy does not have, as float32.

    Returns:
        None for None, and for ragged or sparse values, which have no plain array.
    """
    if values is None:
        return None
    try:
        if hasattr(values, "iloc"):
            return table_to_numpy(values)
        if not keras.ops.is_tensor(values):
            return np.asarray(values)
        if keras.backend.standardize_dtype(values.dtype) == "bfloat16":
            values = keras.ops.cast(values, "float32")
        return np.asarray(keras.ops.convert_to_numpy(values))
    except (TypeError, ValueError, NotImplementedError):
        # How the libraries refuse such values, each in its way. Unknown keeps the rules silent.
        return None


def table_to_numpy(table: Any) -> NDArray[Any]:
    """The values of a table or column of pandas as an array, as Keras trains on them.

    Of columns of numbers beside columns of truth values pandas makes an array of objects.
    """
    values = np.asarray(table)
    if not values.dtype.hasobject:
        return values
    try:
        return table.to_numpy(dtype=np.float64)
    except (TypeError, ValueError):
        return values
