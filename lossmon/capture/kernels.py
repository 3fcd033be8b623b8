"""The kernels of a model, layer behind layer."""

from __future__ import annotations

from typing import Any, NamedTuple


class Kernels(NamedTuple):
    """The trainable kernels of one layer.

    Attributes:
        layer: its name.
        variables: those of its parts too, such as the projections of an attention.
    """

    layer: str
    variables: tuple[Any, ...]


def kernel_chain(model: Any) -> list[Kernels]:
    """The longest way from the inputs to an output, by the layers on it that have kernels.

    Args:
        model: a built `keras.Sequential` or functional model.

    Returns:
        The layers in order, each once; none of a model without a graph.
    """
    graph = getattr(model, "_functional", None) or model
    behind: dict[int, list[Kernels]] = {}
    levels = getattr(graph, "_nodes_by_depth", {})
    for depth in sorted(levels, reverse=True):
        for node in levels[depth]:
            ways = (behind.get(id(tensor), []) for tensor in node.input_tensors)
            way = [*max(ways, key=len, default=[]), *_own(node.operation)]
            behind |= {id(tensor): way for tensor in node.outputs}
    ends = (behind.get(id(tensor), []) for tensor in getattr(graph, "outputs", None) or ())
    longest = max(ends, key=len, default=[])
    # A layer that is called twice has one gradient.
    return list({id(kernels.variables[0]): kernels for kernels in longest}.values())


def _own(operation: Any) -> list[Kernels]:
    if hasattr(operation, "_nodes_by_depth") or getattr(operation, "_functional", None):
        return kernel_chain(operation)
    found = tuple(v for v in getattr(operation, "trainable_variables", ()) if _is_kernel(v))
    return [Kernels(operation.name, found)] if found else []


def _is_kernel(variable: Any) -> bool:
    name = variable.name
    return "kernel" in name and "recurrent" not in name and len(variable.shape) > 1
