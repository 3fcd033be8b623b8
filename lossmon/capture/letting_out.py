"""Of which steps labels and predictions leave, before a step is traced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lossmon.capture.channel import Channel
from lossmon.capture.recorder import steps_at_once

# Predictions of more values a step (a language-model head, a segmentation map) come out of some
# steps only, unless every step was asked for.
LARGE_STEP = 2**20
# Up to so many a step, all of them come out whether they are wanted or not: 64 KiB with the labels.
SMALL_STEP = 2**13


def leaves_jointly(verify: str, values: int) -> bool:
    """Whether what leaves a step is so little that all of it may leave together.

    Args:
        verify: what the user asked for.
        values: how many numbers the model predicts in one step.
    """
    return verify == "off" or 0 < values <= min(SMALL_STEP, LARGE_STEP)


class LettingOut(NamedTuple):
    """How many steps may let their tensors out.

    Attributes:
        at_once: so many, before the writer has asked for more; 0 for all.
        one_by_one: whether they are too large for more than one step at once.
    """

    at_once: int = 0
    one_by_one: bool = False


def let_out(verify: str, channels: Sequence[Channel], values: int) -> LettingOut:
    """Let predictions out of so many steps only as can be recomputed, large ones one by one.

    Args:
        verify: what the user asked for.
        channels: the ways out, which are told.
        values: how many numbers the model predicts in one step.
    """
    if verify != "auto":
        return LettingOut()
    if values > LARGE_STEP:
        found = LettingOut(1, one_by_one=True)
    elif all(channel.holds_back for channel in channels):
        found = LettingOut(steps_at_once(values))
    else:
        return LettingOut()
    for channel in channels:
        channel.carry(float(found.at_once))
    return found
