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
        if not keras.ops.is_tensor(values):
            return np.asarray(values)
        if keras.backend.standardize_dtype(values.dtype) == "bfloat16":
            values = keras.ops.cast(values, "float32")
        return np.asarray(keras.ops.convert_to_numpy(values))
    except (TypeError, ValueError, NotImplementedError):
        # How the libraries refuse such values, each in its way. Unknown keeps the rules silent.
        return None
