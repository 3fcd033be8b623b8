"""Make the plan of a run from its model, its options and what was seen of its first batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import keras

from lossmon import recompute
from lossmon.capture.letting_out import LettingOut
from lossmon.capture.options import Options
from lossmon.capture.plan import Plan
from lossmon.capture.resolve import ResolvedOutput
from lossmon.capture.training_layers import training_layers
from lossmon.rules import Facts


def make_plan(
    model: Any,
    options: Options,
    outputs: Sequence[ResolvedOutput],
    facts: Facts | None,
    *,
    override: str | None,
    why_unseen: Callable[[], str | None],
    letting_out: LettingOut,
) -> Plan:
    """Plan how the values of each step are to be read and judged.

    Args:
        model: a compiled model.
        options: what the user asked for.
        outputs: as they were resolved; none where the first step was not seen.
        facts: of the first look, if there was one.
        override: see `Plan`.
        why_unseen: see `Plan`.
        letting_out: of which steps labels and predictions leave.
    """
    judged = () if facts is None else facts.outputs
    intended = {output.name: output.record.intended_metric for output in judged}
    return Plan(
        outputs=tuple(
            replace(output.record, intended_metric=intended.get(output.record.name))
            for output in outputs
        ),
        loss_keys=loss_keys(outputs),
        override=override,
        backend=cast("recompute.Backend", keras.backend.backend()),
        why_unseen=why_unseen,
        xla=keras.backend.backend() == "jax" or bool(model.jit_compile),
        training_layers=training_layers(model),
        trainable=facts is None or facts.trainable is not False,
        at_once=letting_out.at_once,
        one_by_one=letting_out.one_by_one,
        losses=options.losses,
        metrics=options.metrics,
    )


def loss_keys(outputs: Sequence[ResolvedOutput]) -> tuple[str, ...]:
    """The key of what Keras prints as each output's loss: the model's for a lone output only."""
    return tuple(
        output.loss_key if output.loss_key is not None else "" if output.several else "loss"
        for output in outputs
    )
