"""Whether training moves the weights at all, as far as that was measured."""

from __future__ import annotations

from collections.abc import Sequence

from lossmon.rules.facts import Facts
from lossmon.rules.training_facts import GradientFacts
from lossmon.rules.trend import median

# Fewer sampled steps show nothing, older ones than these not how it is now.
_STEPS, _RECENT = 3, 32
# An update of this part of the weights, or more, is no small one.
_MOVES = 1e-4
# Kernels that were born as zeros are held against this, and not against what they have grown to.
_LEAST = 0.01


def no_gradient(facts: Facts) -> bool:
    """Whether the gradient of every kernel was 0 in all recent sampled steps."""
    recent = _recent(facts)
    kernels = [layer for gradient in recent for layer in gradient.layers]
    return len(recent) >= _STEPS and all(layer.gradient == 0 for layer in kernels)


def moves(facts: Facts) -> bool:
    """Whether steps are seen to change the kernels of some layer by a fair part of themselves."""
    parts = [
        max(known)
        for gradient in _recent(facts)
        if (
            known := [
                layer.update / max(layer.weight, _LEAST)
                for layer in gradient.layers
                if layer.update is not None
            ]
        )
    ]
    return len(parts) >= _STEPS and median(parts) >= _MOVES


def _recent(facts: Facts) -> Sequence[GradientFacts]:
    sampled = () if facts.training is None else facts.training.gradients or ()
    return [gradient for gradient in sampled[-_RECENT:] if gradient.layers]
