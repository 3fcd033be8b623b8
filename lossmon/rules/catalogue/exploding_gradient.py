"""The gradient grows without bound.

## What it does
Flags gradients whose norm rises with a clear trend (Mann-Kendall) over the sampled steps, to more
than a hundred times what it was and above what it was at first, as long as it stays so, and those
that are not finite in three samples in a row, if the loss still was, or if they had grown to more
than a hundred times what they were at first. Silent where the optimizer clips, as long as they are
finite, where labels are no numbers, and where inputs are none, of which LM502 speaks.

## Why is this bad
Each step is larger than the last one and undoes it. The loss follows, and soon is not a number.

## Example
```python
x = np.random.normal(size=(256, 8))
y = x[:, 0]
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(optimizer=keras.optimizers.SGD(0.9), loss="mse")
model.fit(x, y, batch_size=64, epochs=12, verbose=0, callbacks=[lossmon.Monitor()])
```

## Use instead
```python
x = np.random.normal(size=(256, 8))
y = x[:, 0]
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
model.fit(x, y, batch_size=64, epochs=12, verbose=0, callbacks=[lossmon.Monitor()])
```

## References
- Pascanu, Mikolov, Bengio 2013, [On the difficulty of training recurrent neural
  networks](https://arxiv.org/abs/1211.5063)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from lossmon.records import BatchRecord, Finding, Severity
from lossmon.rules.catalogue.nonfinite_loss import since_when
from lossmon.rules.epochs import rate_now, trailing
from lossmon.rules.facts import Facts
from lossmon.rules.standing import looks
from lossmon.rules.training_facts import GradientFacts
from lossmon.rules.trend import ALPHA, critical, median, trend, wobble
from lossmon.rules.wording import far_above, learning_rate, number

code = "LM413"
name = "exploding-gradient"
severity: Severity = "warning"

_STEPS = 9
_RECENT = 32
_BLOCK = 3
# Norms vary by a factor of ten in sound runs.
_GROWN = 100.0

_CLIP = "model.optimizer.clipnorm = 1.0  # before fit; or a lower learning rate"
# Clipping divides by the norm: one gradient that is NaN would make NaN of all weights.
_LOOK_FOR_NAN = (
    "print(np.isfinite(x).all())  # NaN in x? if not: a square root, logarithm or division at 0 in "
    "a layer or the loss, or a lower learning rate; on a model built anew: these weights are lost"
)


def check(facts: Facts) -> Iterator[Finding]:
    """Find gradients that explode."""
    if facts.training is None or not facts.training.gradients:
        return
    gradients = facts.training.gradients
    recent, lost, grown = gradients[-_RECENT:], lost_gradients(facts), _has_grown(gradients)
    if lost:
        what = f"not finite at the last {len(lost)} steps that it was measured at"
        before = gradients[: -len(lost)]
        if _is_cause(facts, before, lost[0]):
            is_sudden = math.isnan(lost[0].norm) and not _grew(before)
            yield _finding(facts, recent, what, lost[0].epoch, is_sudden=is_sudden)
    elif grown is not None and not recent[-1].clipped:
        first, last = _ends(grown)[0], _ends(recent)[1]
        what = f"{number(last)}, {number(last / first)} times what it was"
        yield _finding(facts, recent, what, grown[0].epoch)


def lost_gradients(facts: Facts) -> Sequence[GradientFacts]:
    """The last ones in a row that are not finite; none where they are too few to tell."""
    sampled = () if facts.training is None else facts.training.gradients or ()
    lost = trailing(sampled, lambda gradient: not math.isfinite(gradient.norm))
    return lost if len(lost) >= _BLOCK else ()


def _is_cause(facts: Facts, before: Sequence[GradientFacts], first: GradientFacts) -> bool:
    """Whether gradients that are not finite tell more than that the loss is no number."""
    # Of labels that are no numbers the loss is none, however small the gradient was before.
    if any(o.labels is not None and o.labels.nonfinite for o in facts.outputs):
        return False
    if any(given.spoils_training for given in facts.spoiled):
        return False
    if _grew(before):
        return True
    return not any(_is_no_number(facts, output.name, first) for output in facts.outputs)


def _grew(before: Sequence[GradientFacts]) -> bool:
    return bool(before) and before[-1].norm > _GROWN * before[0].norm


def _is_no_number(facts: Facts, output: str | None, gradient: GradientFacts) -> bool:
    """Whether the loss of the step at which a gradient was measured was no number any more."""
    assert facts.training is not None
    since = since_when(facts.training, output, "train")
    if isinstance(since, BatchRecord):
        return since.step <= gradient.step
    return since is not None and since.epoch <= gradient.epoch


def _has_grown(gradients: Sequence[GradientFacts]) -> Sequence[GradientFacts] | None:
    """The samples over which the norm grew to what it is since; None where it did not."""
    now = _ends(gradients)[1]
    for count in looks(len(gradients)):
        then = gradients[:count][-_RECENT:]
        if not _GROWN * _ends(then)[0] < now < math.inf:
            continue
        if _grows(then) and _is_above_start(gradients[:count]):
            return then
    return None


def _grows(recent: Sequence[GradientFacts]) -> bool:
    norms = [gradient.norm for gradient in recent]
    if len(norms) < _STEPS or not all(0 < norm < math.inf for norm in norms):
        return False
    levels = [math.log(norm) for norm in norms]
    first, last = _ends(recent)
    noise = critical() * wobble(levels) * math.sqrt(2)
    grown = math.log(last / first)
    return trend(levels).rising < ALPHA and grown > max(math.log(_GROWN), noise)


def _is_above_start(gradients: Sequence[GradientFacts]) -> bool:
    """Whether it passes what it was at first: one that had all but vanished may well come back."""
    norms = [gradient.norm for gradient in gradients]
    return median(norms[-_BLOCK:]) > median(norms[:_BLOCK])


def _ends(recent: Sequence[GradientFacts]) -> tuple[float, float]:
    """The typical norm of the first and of the last samples."""
    norms = [gradient.norm for gradient in recent]
    return median(norms[:_BLOCK]), median(norms[-_BLOCK:])


def _finding(
    facts: Facts,
    recent: Sequence[GradientFacts],
    what: str,
    since: int,
    *,
    is_sudden: bool = False,
) -> Finding:
    message = f"the norm of the gradient is {what}, since epoch {since + 1}."
    evidence: dict[str, object] = {
        "since_epoch": since + 1,
        "steps": [gradient.step for gradient in recent],
        "norms": [g.norm if math.isfinite(g.norm) else str(g.norm) for g in recent],
        "clipped": recent[-1].clipped,
    }
    rate, fix = rate_now(facts), _CLIP
    if far_above(rate, facts.usual_rate):
        lower = learning_rate(rate, 0.1, facts.usual_rate)
        fix = f"{lower}  # or model.optimizer.clipnorm = 1.0 before fit"
    if is_sudden:
        evidence["summary"] = "The gradient is not a number"
        message = message.replace("gradient is", "gradient, which had not grown, is")
        fix = _LOOK_FOR_NAN
    return Finding(code, name, severity, None, message, fix, evidence)
