"""Which samples a change of the loss comes from, of a few that can be counted by hand."""

from __future__ import annotations

import numpy as np

from lossmon.analysis.named_samples import origin, sentence
from lossmon.records import SampleRecord, SampleSet

SET = SampleSet(np.arange(4, dtype=np.uint64), "inputs")


def epoch(number: int, losses: list[float], correct: list[int]) -> SampleRecord:
    right = np.array(correct, dtype=np.bool_)
    loss = np.array(losses, dtype=np.float32)
    return SampleRecord(number, "val", None, loss, right, None, None, SET)


def test_a_sample_that_is_wrong_before_and_after_did_not_change_sides() -> None:
    # The first one is right for a moment, in an epoch beside the one where it sets in.
    before = [
        epoch(3, [1, 0.1, 0.1, 0.1], [1, 1, 1, 1]),
        epoch(4, [1, 0.1, 0.1, 0.1], [0, 1, 1, 1]),
        epoch(5, [1, 0.1, 0.1, 0.1], [0, 1, 1, 1]),
    ]
    after = [epoch(8, [9, 0.1, 0.1, 0.1], [0, 1, 1, 1])] * 2
    found = origin(before, after)
    assert found is not None
    assert (found.group, found.turned) == ("wrong", (0, 0))
    assert sentence(found, "rise").startswith(
        "All of the rise comes from samples that were misclassified before and after"
    )


def test_of_two_epochs_the_one_at_the_end_tells() -> None:
    first = [epoch(0, [0.1] * 4, [1, 1, 1, 1]), epoch(1, [0.1] * 4, [0, 0, 1, 1])]
    last = [epoch(8, [1, 1, 0.1, 0.1], [0, 0, 1, 1]), epoch(9, [2, 2, 0.1, 0.1], [0, 1, 1, 1])]
    found = origin(first, last)
    assert found is not None
    assert found.turned == (1, 0)
