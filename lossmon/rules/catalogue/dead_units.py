"""Units that are zero whatever comes in.

## What it does
Flags a layer of which surely more than half of the units (Wilson's bound, 99 %) were 0 for every
sample of a sampled batch, at the end of three epochs in a row; a layer that is dead altogether
after two. Batches of fewer than 64 samples show too little. Where the learning rate was ten times
what is usual for the optimizer, or more, that is named first.

## Why is this bad
A rectifier that is never above 0 has no gradient: the unit stays as it is for good, and the network
is smaller than it looks. Where a whole layer is dead, nothing behind it depends on the inputs. Too
large steps kill units; a kernel of which all weights are 0 makes it so from the start.

## Example
```python
x = np.random.rand(200, 8)
y = x[:, :1]
negative = keras.initializers.RandomUniform(-1.0, -0.1)
model = keras.Sequential([
    keras.Input((8,)),
    keras.layers.Dense(32, activation="relu", kernel_initializer=negative),
    keras.layers.Dense(1),
])
model.compile(optimizer="adam", loss="mse")
model.fit(x, y, epochs=3, verbose=0, callbacks=[lossmon.Monitor()])
```

## Use instead
```python
x = np.random.rand(200, 8)
y = x[:, :1]
model = keras.Sequential([
    keras.Input((8,)),
    keras.layers.Dense(32, activation="relu"),
    keras.layers.Dense(1),
])
model.compile(optimizer="adam", loss="mse")
model.fit(x, y, epochs=3, verbose=0, callbacks=[lossmon.Monitor()])
```

## References
- Lu et al. 2019, [Dying ReLU and initialization](https://arxiv.org/abs/1903.06733)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossmon.records import Finding, Severity
from lossmon.rules.catalogue.constant_inputs import all_constant
from lossmon.rules.epochs import highest_rate, trailing
from lossmon.rules.facts import Facts
from lossmon.rules.training_facts import UnitFacts
from lossmon.rules.trend import share_at_least
from lossmon.rules.wording import far_above, learning_rate, number

code = "LM414"
name = "dead-units"
severity: Severity = "warning"

_SAMPLES = 64
_MOST = 0.5
_EPOCHS, _EPOCHS_ALL_DEAD = 3, 2


def check(facts: Facts) -> Iterator[Finding]:
    """Find the layers most of whose units are dead; one finding for the model."""
    dying = dead_layers(facts)
    # Of samples that are all the same the next one may wake a unit.
    if dying and not all_constant(facts):
        yield _finding(dying, facts)


def dead_layers(facts: Facts) -> list[list[UnitFacts]]:
    """Of each layer most of whose units are dead, the epochs in which they were, up to now."""
    sampled = () if facts.training is None else facts.training.units or ()
    dying: list[list[UnitFacts]] = []
    for layer in dict.fromkeys(units.layer for units in sampled):
        mine = [units for units in sampled if units.layer == layer]
        everything, most = trailing(mine, _all_dead), trailing(mine, _mostly_dead)
        if len(everything) >= _EPOCHS_ALL_DEAD:
            dying.append(everything)
        elif len(most) >= _EPOCHS:
            dying.append(most)
    return dying


def deadly_rate(facts: Facts) -> str | None:
    """What is said of a learning rate that kills units; None where it is not that high."""
    rate, usual = highest_rate(facts), facts.usual_rate
    if rate is None or usual is None or not far_above(rate, usual):
        return None
    return (
        f"the learning rate of {number(rate)} is {number(rate / usual)} times what is usual for "
        "the optimizer"
    )


def usual_rate_instead(facts: Facts) -> str:
    """Code that sets the usual learning rate, and what goes with it where units are dead."""
    return (
        f"{learning_rate(highest_rate(facts), 0.1, facts.usual_rate)}"
        "  # in a model built anew: dead units stay dead"
    )


def _all_dead(units: UnitFacts) -> bool:
    return units.samples >= _SAMPLES and units.dead == units.units > 0


def _mostly_dead(units: UnitFacts) -> bool:
    return units.samples >= _SAMPLES and share_at_least(units.dead, units.units) > _MOST


def _finding(dying: list[list[UnitFacts]], facts: Facts) -> Finding:
    since = min(spans[0].epoch for spans in dying)
    lasts = [spans[-1] for spans in dying]
    told = ", ".join(f"{u.dead} of {u.units} in {u.layer!r}" for u in lasts)
    message = (
        f"units are 0 for every one of {number(lasts[0].samples)} samples since epoch {since + 1}: "
        f"{told}."
    )
    evidence: dict[str, object] = {
        "since_epoch": since + 1,
        "samples": lasts[0].samples,
        "layers": {u.layer: {"dead": u.dead, "units": u.units} for u in lasts},
    }
    zero, too_fast = [u.layer for u in lasts if u.zero_kernel], deadly_rate(facts)
    leaky, relus = "keras.layers.LeakyReLU(negative_slope=0.1)", _named([u.layer for u in lasts])
    if zero:
        message = f"{message[:-1]}; all weights are 0 in the kernel of {_named(zero)}."
        evidence["zero_kernels"] = zero
        fix = f'kernel_initializer="glorot_uniform"  # in {_named(zero)}: zeros stay as they are'
    elif too_fast is not None:
        message = f"{message[:-1]}; {too_fast}, and steps that large kill units."
        evidence["summary"] = "The learning rate is so high that units die"
        evidence["learning_rate"] = highest_rate(facts)
        fix = f"{usual_rate_instead(facts)}; where that is not enough, {leaky}"
    else:
        fix = f"{leaky}  # in place of the relu of {relus}; and a lower learning rate"
    return Finding(code, name, severity, None, message, fix, evidence)


def _named(layers: list[str]) -> str:
    return ", ".join(map(repr, layers))
