"""Which Keras can be watched: a plain error instead of a strange one from within."""

from __future__ import annotations

import re
from typing import Any

from lossmon.errors import UnsupportedKeras

# Metrics of masked values were computed otherwise before.
LEAST = (3, 13)


def demand_supported(version: str) -> None:
    """Raise where this Keras is older than lossmon can watch.

    Args:
        version: `keras.__version__`.

    Raises:
        UnsupportedKeras: it is.
    """
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if numbers < LEAST:
        least = ".".join(map(str, LEAST))
        raise UnsupportedKeras(
            f"expected Keras {least} or newer. Received: Keras {version}. "
            f"Fix: pip install 'keras>={least}'"
        )


def demand_keras_3(model: Any) -> None:
    """Raise where a model is one of `tf_keras`, the Keras 2 beside Keras 3.

    Raises:
        UnsupportedKeras: it is.
    """
    for kind in type(model).__mro__:
        if kind.__module__.partition(".")[0] == "tf_keras":
            raise UnsupportedKeras(
                f"expected a model of Keras 3. Received: {kind.__module__}.{kind.__qualname__}. "
                "Fix: `import keras`, or unset TF_USE_LEGACY_KERAS so that tf.keras is Keras 3"
            )
