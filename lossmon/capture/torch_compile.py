"""What `torch.compile` must leave alone.

It compiles a step anew where an attribute that the step has read is another, and raises where
another thread changes one while it compiles.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import keras

F = TypeVar("F", bound=Callable[..., Any])


def outside_of_torch_compile(function: F) -> F:
    """The same function, called as it is from steps that PyTorch compiles; itself elsewhere."""
    if keras.backend.backend() != "torch":
        return function
    import torch  # pyright: ignore[reportMissingImports]

    return torch.compiler.disable(function)
