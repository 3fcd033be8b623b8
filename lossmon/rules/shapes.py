"""Shapes of one sample's target and prediction, as Keras brings them together."""

from __future__ import annotations

from itertools import zip_longest

Shape = tuple[int, ...]

# Stands for the batch size, which equals no axis of a sample but by accident.
_BATCH = -1


def aligned(target: Shape, prediction: Shape) -> tuple[Shape, Shape]:
    """Both shapes after Keras' `squeeze_or_expand_to_same_rank`.

    Where ranks differ by one and the longer shape ends in 1, that axis is dropped.

    Args:
        target: shape of one sample's target, without the batch axis.
        prediction: shape of one sample's prediction, without the batch axis.
    """
    if len(target) == len(prediction) + 1 and target[-1] == 1:
        return target[:-1], prediction
    if len(prediction) == len(target) + 1 and prediction[-1] == 1:
        return target, prediction[:-1]
    return target, prediction


def broadcastable(target: Shape, prediction: Shape) -> bool:
    """Whether shapes differ and one is silently repeated along the other.

    With different ranks the batch axis meets an axis of the samples: `(N,)` against `(N, 6, 1)`
    becomes `(N, 6, N)`.
    """
    if target == prediction:
        return False
    batches = ((_BATCH, *target)[::-1], (_BATCH, *prediction)[::-1])
    return all(a == b or 1 in (a, b) for a, b in zip_longest(*batches, fillvalue=1))


def shape_text(shape: Shape) -> str:
    """A batch of such samples, e.g. "(N, 30)"."""
    return f"({', '.join(['N', *map(str, shape)])}{',' if not shape else ''})"
