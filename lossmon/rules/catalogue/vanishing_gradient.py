"""Gradients die away on their way to the first layers.

## What it does
Flags a chain of four layers or more whose gradients shrink from the outputs towards the inputs,
with a trend (Mann-Kendall) over depth, to less than a ten-thousandth, in the median of the sampled
steps. Silent where the optimizer's own scaling makes up for it: the first layer's update is then a
fair part of its weights. Silent as well where updates could not be measured.

## Why is this bad
The first layers keep the weights they were born with. The rest trains on top of noise.

## Example
```python
x = np.random.normal(size=(256, 8))
y = (x[:, 0] > 0).astype(int)
layers = [keras.layers.Dense(16, activation="sigmoid") for _ in range(8)]
model = keras.Sequential([keras.Input((8,)), *layers, keras.layers.Dense(1, activation="sigmoid")])
model.compile(optimizer=keras.optimizers.SGD(0.01), loss="binary_crossentropy")
model.fit(x, y, epochs=3, verbose=0, callbacks=[lossmon.Monitor()])
```

## Use instead
```python
x = np.random.normal(size=(256, 8))
y = (x[:, 0] > 0).astype(int)
layers = [keras.layers.Dense(16, activation="relu") for _ in range(8)]
model = keras.Sequential([keras.Input((8,)), *layers, keras.layers.Dense(1, activation="sigmoid")])
model.compile(optimizer=keras.optimizers.SGD(0.01), loss="binary_crossentropy")
model.fit(x, y, epochs=3, verbose=0, callbacks=[lossmon.Monitor()])
```

## References
- Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward networks
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from lossmon.records import Finding, Severity
from lossmon.rules.facts import Facts
from lossmon.rules.training_facts import GradientFacts
from lossmon.rules.trend import median, trend
from lossmon.rules.wording import number

code = "LM412"
name = "vanishing-gradient"
severity: Severity = "warning"

_STEPS = 5
_LAYERS = 4
_RECENT = 32
_CLEAR_TREND = 0.05
# Layers of a sound network differ by a factor of ten to a hundred.
_SHRUNK = 1e-4
# An update of this part of the weights, or more, moves them in a thousand steps.
_MOVES = 1e-5
_SMALLEST = 1e-45


def check(facts: Facts) -> Iterator[Finding]:
    """Find a chain of layers along which gradients vanish."""
    found = vanishing(facts)
    if found is not None and _first_stands_still(_recent(facts)):
        yield found


def vanishing(facts: Facts) -> Finding | None:
    """What is said of gradients that vanish, whether or not the first layer moves all the same."""
    recent = _recent(facts)
    if len(recent) < _STEPS or len({_names(gradient) for gradient in recent}) != 1:
        return None
    levels = _levels(recent)
    shrunk = 10 ** (levels[0] - levels[-1])
    if len(levels) < _LAYERS or trend(levels).rising > _CLEAR_TREND or shrunk > _SHRUNK:
        return None
    return _finding(recent, levels, shrunk)


def _recent(facts: Facts) -> list[GradientFacts]:
    sampled = () if facts.training is None else facts.training.gradients or ()
    return [gradient for gradient in sampled[-_RECENT:] if gradient.layers]


def _names(gradient: GradientFacts) -> tuple[str, ...]:
    return tuple(layer.layer for layer in gradient.layers)


def _levels(recent: Sequence[GradientFacts]) -> list[float]:
    """The decimal logarithm of each layer's gradient, median over the steps."""
    chains = zip(*(gradient.layers for gradient in recent), strict=True)
    return [
        median([math.log10(max(layer.gradient, _SMALLEST)) for layer in chain]) for chain in chains
    ]


def _first_stands_still(recent: Sequence[GradientFacts]) -> bool:
    """Whether the first layer is seen not to move; an update that is not known tells nothing."""
    firsts = (gradient.layers[0] for gradient in recent)
    moved = [f.update / f.weight for f in firsts if f.update is not None and f.weight > 0]
    return bool(moved) and median(moved) <= _MOVES


def _finding(recent: Sequence[GradientFacts], levels: list[float], shrunk: float) -> Finding:
    names = _names(recent[-1])
    message = (
        f"the gradient shrinks from {number(10 ** levels[-1])} at layer {names[-1]!r} to "
        f"{number(10 ** levels[0])} at {names[0]!r}, a factor of {shrunk:.1e} "
        f"(median of {len(recent)} steps since epoch {recent[0].epoch + 1})."
    )
    evidence = {
        "since_epoch": recent[0].epoch + 1,
        "steps": len(recent),
        "layers": list(names),
        "gradients": [10**level for level in levels],
        "ratio": shrunk,
    }
    fix = (
        "keras.layers.BatchNormalization()"
        f"  # behind each layer from {names[0]!r} on; or relu with he_normal weights in them"
    )
    return Finding(code, name, severity, None, message, fix, evidence)
