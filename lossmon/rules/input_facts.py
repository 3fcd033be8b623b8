"""What the values of one input of the model say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class InputFacts:
    """One input of the model, as the first batch holds it; statistics are of finite values.

    Attributes:
        name: the input's name; None for the only one.
        samples: samples seen.
        sample_shape: shape of one sample, without the batch axis.
        dtype: their dtype.
        elements: values seen.
        nonfinite: NaN or infinite values among them.
        minimum, maximum, mean, std: of all values together; None where none was finite.
        integer_valued: whether every value is a whole number, whatever the dtype.
        columns: entries of the last axis.
        constant: indices of the entries of the last axis that never vary from sample to sample.
        constant_nonzero: those of them that are not zero throughout.
        column_stds: smallest and largest standard deviation of the entries that do vary.
        rescaled: whether the model itself scales the input before weights are applied to it:
            Rescaling, Normalization, BatchNormalization, or an embedding that looks it up.
        embedded: whether the model looks its values up (Embedding, a lookup, one-hot encoding)
            rather than calculates with them.
    """

    name: str | None
    samples: int
    sample_shape: tuple[int, ...]
    dtype: str
    elements: int
    nonfinite: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    std: float | None
    integer_valued: bool
    columns: int
    constant: tuple[int, ...]
    constant_nonzero: tuple[int, ...]
    column_stds: tuple[float, float] | None
    rescaled: bool | None = None
    embedded: bool | None = None

    @property
    def tabular(self) -> bool:
        """Whether a sample is a row of features rather than an image or a sequence."""
        return len(self.sample_shape) <= 1


def describe_input(
    x: Any, *, name: str | None = None, rescaled: bool | None = None, embedded: bool | None = None
) -> InputFacts:
    """Sum up a batch of one input.

    Args:
        x: `(N, ...)`, numbers of any dtype.
        name: the input's name; None for the only one.
        rescaled: whether the model scales it; see `InputFacts`.
        embedded: whether the model looks it up; see `InputFacts`.

    >>> describe_input([[0.0, 7.0], [2.0, 7.0]]).constant
    (1,)
    """
    raw = np.asarray(x)
    values = raw.astype(np.float64)
    finite = values[np.isfinite(values)]
    varies = _varying(values)
    constant = np.flatnonzero(~varies)
    first = _by_column(values)[:, ~varies]
    return InputFacts(
        name=name,
        samples=len(raw),
        sample_shape=tuple(raw.shape[1:]),
        dtype=str(raw.dtype),
        elements=values.size,
        nonfinite=values.size - finite.size,
        minimum=float(finite.min()) if finite.size else None,
        maximum=float(finite.max()) if finite.size else None,
        mean=float(finite.mean()) if finite.size else None,
        std=float(finite.std()) if finite.size else None,
        integer_valued=bool(np.all(finite == np.rint(finite))),
        columns=len(varies),
        constant=tuple(map(int, constant)),
        constant_nonzero=tuple(map(int, constant[(first != 0).any(axis=0)])),
        column_stds=_spread(_by_column(values)[:, varies]),
        rescaled=rescaled,
        embedded=embedded,
    )


def _by_column(values: Floats) -> Floats:
    """The entries of the last axis side by side, `(everything else, columns)`."""
    return values.reshape(-1, _width(values))


def _width(values: Floats) -> int:
    return values.shape[-1] if values.ndim > 1 else 1


def _varying(values: Floats) -> NDArray[np.bool_]:
    """Which columns differ from sample to sample; all of them where there is only one sample."""
    width = _width(values)
    if len(values) < 2 or not values.size:
        return np.ones(width, dtype=bool)
    by_sample = values.reshape(len(values), -1, width)
    return np.asarray((by_sample != by_sample[:1]).any(axis=(0, 1)))


def _spread(columns: Floats) -> tuple[float, float] | None:
    """The smallest and the largest standard deviation of columns."""
    columns = columns[np.isfinite(columns).all(axis=1)]
    if not columns.size:
        return None
    stds = columns.std(axis=0)
    return float(stds.min()), float(stds.max())
