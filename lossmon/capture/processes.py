"""Arrays that JAX spreads over the processes of one job, of which each reads its own part only."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


def why_processes_hide() -> str | None:
    """Why nothing but the logs can be had of steps that all processes make together."""
    if keras.backend.backend() != "jax" or keras.distribution.distribution() is None:
        return None
    import jax  # pyright: ignore[reportMissingImports]

    if jax.process_count() < 2:
        return None
    return f"{jax.process_count()} processes: none of them holds all of a batch"


def own_part(nested: Any) -> Any:
    """Nested arrays with this process's own rows of those that are spread over several."""
    if keras.backend.backend() != "jax":
        return nested
    return keras.tree.map_structure(_own_rows, nested)


def _own_rows(array: Any) -> Any:
    if getattr(array, "is_fully_addressable", True):
        return array
    if array.is_fully_replicated:
        return array.addressable_data(0)
    return np.concatenate([np.asarray(shard.data) for shard in array.addressable_shards])
