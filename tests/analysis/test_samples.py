"""Recorded samples: which ones turned, which ones a rise comes from, and what it is told by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lossmon.analysis import (
    Measured,
    brier,
    brier_of_classes,
    explain_divergence,
    samples_of,
    turned_samples,
)
from lossmon.analysis.named_samples import Origin, origin
from lossmon.errors import InvalidArgument
from lossmon.records import SampleRecord, SampleSet
from tests.analysis.sampled import RECORDS, ROWS, SET, N
from tests.analysis.trained import OUTPUT


def read(output: str | None, epochs: Sequence[int]) -> list[SampleRecord]:
    assert output is None
    return [RECORDS[epoch] for epoch in sorted(epochs) if epoch in RECORDS]


def test_the_samples_that_a_rise_comes_from_are_named() -> None:
    (found,) = explain_divergence(ROWS, [OUTPUT], read)
    (told,) = (cause for cause in found.causes if cause.name == "wrong-predictions")
    count, positions = told.evidence["samples"], told.evidence["positions"]
    ends = [RECORDS[found.first_epoch], RECORDS[found.last_epoch]]
    assert not any(record.correct[positions].any() for record in ends)
    # Their rises add up to nearly all that is said to come from them.
    rise = RECORDS[found.last_epoch].loss - RECORDS[found.first_epoch].loss
    wrong = ~(ends[0].correct | ends[1].correct)
    largest = np.sort(rise[wrong])[::-1][:count].sum()
    assert largest == pytest.approx(0.9 * rise[wrong].sum(), rel=0.05)
    assert told.evidence["share_wrong"] == pytest.approx(rise[wrong].sum() / rise.sum(), rel=0.1)
    sentence = told.sentence
    assert f"nearly all of that from {count:,} samples that the model became surer of" in sentence
    assert f"numbers {', '.join(map(str, positions[:5]))}, … of the validation data." in sentence
    # More than all, since right predictions gained meanwhile.
    assert told.evidence["share_wrong"] > 1
    assert sentence.startswith("All of the rise comes from samples that were misclassified")


def test_what_scaling_would_bring_is_told() -> None:
    (found,) = explain_divergence(ROWS, [OUTPUT], read)
    (told,) = (cause for cause in found.causes if cause.name == "recoverable-loss")
    assert told.evidence["temperature"] == pytest.approx(ROWS[found.last_epoch]["temperature"], 0.1)
    assert 1.5 < told.evidence["temperature"] < 3.5
    scaled = told.evidence["scaled_loss"]
    assert scaled == pytest.approx(min(row["recomputed_loss"] for row in ROWS), rel=0.05)
    assert (
        f"Dividing its scores by {told.evidence['temperature']:.2g} (temperature scaling)"
        in told.sentence
    )
    assert f"back to {scaled:.3g}" in told.sentence


def test_by_how_much_wrong_predictions_are_wrong_is_told() -> None:
    (found,) = explain_divergence(ROWS, [OUTPUT], read)
    (told,) = (cause for cause in found.causes if cause.name == "overconfidence")
    before, after = told.evidence["margin_wrong"]
    ends = (found.first_epoch, found.last_epoch)
    near = [ROWS[end]["margins"]["wrong"] for end in ends]
    assert (before, after) == pytest.approx(near, abs=0.05)
    words = f"it prefers its choice to the truth by {-after:.3f}, before {-before:.3f}."
    assert told.sentence.endswith(words)
    unknown = [row | {"margins": None} for row in ROWS]
    (bare,) = explain_divergence(unknown, [OUTPUT], read)
    (told,) = (cause for cause in bare.causes if cause.name == "overconfidence")
    assert "prefers" not in told.sentence
    assert "margin_wrong" not in told.evidence


def test_a_temperature_that_recovers_nothing_is_not_told() -> None:
    calm = [row | {"temperature": 1.4, "nll": 0.5, "scaled_loss": 0.49} for row in ROWS]
    (found,) = explain_divergence(calm, [OUTPUT], read)
    assert "recoverable-loss" not in {cause.name for cause in found.causes}


def test_the_end_of_the_search_is_no_temperature() -> None:
    worse = [row | {"temperature": 1e3, "nll": 0.9, "scaled_loss": 0.693} for row in ROWS]
    (found,) = explain_divergence(worse, [OUTPUT], read)
    (told,) = (cause for cause in found.causes if cause.name == "recoverable-loss")
    assert told.sentence == (
        f"Were all answers equally likely, the loss of epoch {found.last_epoch + 1} would be 0.693 "
        "instead of 0.9: no scaling makes these predictions better than that."
    )


@pytest.mark.parametrize("missing", ["some", "all", "shuffled", "weighted"])
def test_without_samples_the_epochs_are_told_from(missing: str) -> None:
    weighted = SampleSet(SET.keys, "inputs", None, np.full(N, 2.0, np.float32))
    other = {"shuffled": None, "weighted": weighted}

    def reader(output: str | None, epochs: Sequence[int]) -> list[SampleRecord]:
        found = read(output, epochs)
        if missing in other:
            return [replace(record, samples=other[missing]) for record in found]
        return found[:-1] if missing == "some" else []

    with_reader = explain_divergence(ROWS, [OUTPUT], reader)
    assert with_reader == explain_divergence(ROWS, [OUTPUT])
    assert "positions" not in with_reader[0].causes[0].evidence


def made(loss: Any, correct: Any, sure: Any = None) -> SampleRecord:
    single = np.asarray(loss, np.float32)
    confidence = np.asarray([0.5] * len(single) if sure is None else sure, np.float32)
    samples = SampleSet(np.arange(len(single), dtype=np.uint64), "inputs")
    return SampleRecord(0, "val", None, single, np.asarray(correct), confidence, None, samples)


def found_origin(before: SampleRecord, after: SampleRecord) -> Origin:
    found = origin([before], [after])
    assert found is not None
    return found


def test_the_origin_of_a_rise_is_the_group_that_carries_most() -> None:
    right, wrong = [True] * 4, [False] * 4
    wrongs = found_origin(made([1, 1, 1, 1], wrong), made([1, 1, 9, 1.5], wrong))
    assert (wrongs.group, wrongs.share, wrongs.places.tolist()) == ("wrong", 1.0, [2])
    rights = found_origin(
        made([0.1] * 4, right, [0.9] * 4), made([0.6, 0.6, 0.1, 0.6], right, [0.55] * 4)
    )
    assert (rights.group, sorted(rights.places.tolist())) == ("right", [0, 1, 3])
    assert rights.confidence == pytest.approx((0.9, 0.55))
    turned = found_origin(
        made([0.1, 0.1, 3.0, 1.0], [True, True, False, False]),
        made([4.0, 0.1, 0.1, 1.2], [False, True, True, False]),
    )
    assert (turned.group, turned.turned) == ("turned", (1, 1))
    assert sum(turned.shares.values()) == pytest.approx(1.0)


def test_a_fall_comes_from_samples_that_fell() -> None:
    right = [True] * 3
    fall = found_origin(made([2, 2, 2], right), made([0.5, 2.5, 0.2], right))
    assert (fall.group, fall.places.tolist()) == ("right", [2, 0])


@pytest.mark.parametrize(
    "after", [made([1.0, np.nan], [True, True]), made([1.0, np.inf], [True, True])]
)
def test_losses_that_are_not_finite_have_no_origin(after: SampleRecord) -> None:
    assert origin([made([1.0, 1.0], [True, True])], [after]) is None


def test_turned_samples_are_those_that_turned() -> None:
    before, after = RECORDS[0], RECORDS[29]
    found = turned_samples(before, after)
    groups = found[1:]
    assert sorted(np.concatenate(groups).tolist()) == list(range(N))
    assert not after.correct[found.turned_wrong].any()
    assert after.correct[found.turned_right].all()
    rise = after.loss.astype(float) - before.loss
    for places, change in zip(groups, found.turns, strict=True):
        assert len(places) == change.samples
        assert (np.diff(rise[places]) <= 0).all()
    assert sum(change.loss for change in found.turns) == pytest.approx(rise.mean())
    document = found.document(most=3)
    assert document["stayed_wrong"]["positions"] == found.stayed_wrong[:3].tolist()
    assert document["stayed_wrong"]["samples"] == len(found.stayed_wrong)


@pytest.mark.parametrize("other", [None, SampleSet(SET.keys[::-1].copy(), "inputs")])
def test_other_samples_are_not_compared(other: SampleSet | None) -> None:
    with pytest.raises(InvalidArgument, match="Received: epochs 1 and 2 of other samples"):
        turned_samples(RECORDS[1], replace(RECORDS[2], samples=other))


def test_samples_of_a_record_are_measured() -> None:
    found = samples_of(RECORDS[5])
    assert found is not None
    measured = Measured.of_samples("a", found)
    assert measured.loss == pytest.approx(ROWS[5]["recomputed_loss"])
    assert measured.accuracy == ROWS[5]["correct"] / N
    assert samples_of(replace(RECORDS[5], samples=None)) is None


def test_the_brier_score_of_classes_is_the_sum_over_them() -> None:
    rng = np.random.default_rng(4)
    shares = rng.dirichlet([0.5, 1.0, 2.0, 0.2], 400)
    labels = rng.integers(0, 4, 400)
    whole = np.array(brier_of_classes(shares, labels))
    each = [brier(shares[:, c], labels == c, binning="width") for c in range(4)]
    np.testing.assert_allclose(whole, np.array(each).sum(axis=0), rtol=1e-12, atol=1e-15)
    score, reliability, resolution, uncertainty, within = whole
    assert score == pytest.approx(((shares - np.eye(4)[labels]) ** 2).sum(axis=1).mean())
    assert score == pytest.approx(reliability - resolution + uncertainty + within)


def test_probabilities_without_their_labels_are_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"Received: \(2, 2\) and \(3,\)"):
        brier_of_classes([[0.5, 0.5], [0.1, 0.9]], [0, 1, 1])
