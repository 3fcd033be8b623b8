"""Explanations name the true cause of runs whose cause is known, and claim nothing of others."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
import pytest

from lossmon.analysis import Divergence, diverging_epochs, explain_divergence
from lossmon.analysis.history import history
from lossmon.analysis.parts import Level, level, parts
from tests.analysis.trained import OUTPUT, Recipe, Row, recorded, task, trained


def steady(rate: float, epochs: int) -> tuple[float, ...]:
    return (rate,) * epochs


def overconfident() -> list[Row]:
    """A model whose scores go on growing after all that can be known is known."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=3000)
    labels = (rng.random(3000) < 1 / (1 + np.exp(-2 * truth))).astype(int)
    rows: list[Row] = []
    for epoch in range(30):
        scale = 2 * (1 - np.exp(-epoch / 2)) + 0.2 * max(epoch - 10, 0)
        share = 1 / (1 + np.exp(-scale * (truth + 0.02 * rng.normal(size=3000))))
        rows.append(recorded(epoch, "val", np.stack([1 - share, share], axis=1), labels))
    return rows


def noisy_labels() -> list[Row]:
    data = task(2, 600, 3000, flip=0.2, class_sep=2.5, n_clusters_per_class=1, n_features=60)
    return trained(*data, Recipe(steady(5e-3, 30), 128))


def rare_class() -> list[Row]:
    return trained(*task(3, 800, 4000, rare=0.06, class_sep=0.8), Recipe(steady(5e-3, 30), 128))


def raised_rate() -> list[Row]:
    data = task(4, 800, 3000, class_sep=1.2, n_clusters_per_class=1)
    return trained(*data, Recipe((*steady(1e-3, 20), *steady(0.1, 10))))


def shifted() -> list[Row]:
    train, (x, y) = task(5, 1500, 3000, class_sep=1.8, n_clusters_per_class=1)
    other = x + 2.0 * np.random.default_rng(0).normal(size=x.shape)
    return trained(train, (other, y), Recipe(steady(5e-3, 25)))


def dropout() -> list[Row]:
    return trained(*task(6, 1000, 3000, class_sep=1.5), Recipe(steady(2e-3, 20), dropout=0.5))


def healthy() -> list[Row]:
    data = task(7, 3000, 3000, class_sep=1.5)
    return trained(*data, Recipe(steady(1e-3, 20), units=16, decay=0.1))


def imbalanced_but_healthy() -> list[Row]:
    data = task(8, 3000, 3000, rare=0.1, class_sep=2.5, n_clusters_per_class=1)
    return trained(*data, Recipe(steady(1e-3, 20), units=8, decay=0.1))


CAUSED: dict[str, tuple[Any, set[str], set[str]]] = {
    # What must be claimed, and what must not.
    "overconfidence": (
        overconfident,
        {"overconfidence", "wrong-predictions"},
        {"noisy-labels", "rare-class", "shifted-data", "learning-rate", "memorising"},
    ),
    "label noise": (
        noisy_labels,
        {"noisy-labels", "memorising", "overconfidence"},
        {"rare-class", "shifted-data", "shifted-labels", "learning-rate"},
    ),
    "class imbalance": (
        rare_class,
        {"rare-class", "overconfidence"},
        {"noisy-labels", "shifted-data", "shifted-labels", "learning-rate"},
    ),
    "learning-rate jump": (
        raised_rate,
        {"learning-rate"},
        {"noisy-labels", "rare-class", "shifted-data", "shifted-labels"},
    ),
    "distribution shift": (
        shifted,
        {"shifted-data", "overconfidence"},
        {"noisy-labels", "rare-class", "shifted-labels", "learning-rate"},
    ),
}


@cache
def explained(run: Any) -> tuple[Divergence, ...]:
    return tuple(explain_divergence(run(), [OUTPUT]))


@pytest.mark.parametrize("cause", CAUSED)
def test_a_known_cause_is_named_and_no_other(cause: str) -> None:
    run, claimed, not_claimed = CAUSED[cause]
    (found,) = explained(run)
    names = {one.name for one in found.causes}
    assert claimed <= names
    assert not names & not_claimed
    assert (found.split, found.kind) == ("val", "loss_rises")


@pytest.mark.parametrize("run", [dropout, healthy, imbalanced_but_healthy])
def test_nothing_is_claimed_of_runs_that_learn(run: Any) -> None:
    assert explained(run) == ()


def test_the_explanation_is_made_of_the_numbers() -> None:
    (found,) = explained(shifted)
    first, last = found.first_epoch, found.last_epoch
    text = found.explanation
    assert text.startswith(f"Epochs {first + 1}–{last + 1}: validation loss rose ")
    assert f"{found.loss[0]:.3g} → {found.loss[1]:.3g}" in text
    assert f"stop at epoch {first + 1} or calibrate" in text
    assert "the validation data are of another kind than the training data" in text
    document = found.document()
    assert document["explanation"] == text
    assert document["length"] == last - first + 1
    assert [cause["name"] for cause in document["causes"]] == [c.name for c in found.causes]


def test_confidence_and_share_right_are_means_of_the_same_epochs() -> None:
    (found,) = explained(overconfident)
    (told,) = (cause for cause in found.causes if cause.name == "overconfidence")
    rows = {row["epoch"]: row for row in overconfident() if row["split"] == "val"}

    def mean(end: int, value: Any) -> str:
        around = [rows[place] for place in (end - 1, end, end + 1) if place in rows]
        return f"{np.mean([value(row) for row in around]):.3f}"

    ends = found.first_epoch, found.last_epoch
    sure = " → ".join(mean(end, lambda row: row["confidence"]) for end in ends)
    right = " → ".join(mean(end, lambda row: row["correct"] / row["judged"]) for end in ends)
    said = f"means of the epochs around both ends: confidence {sure}, share right {right}"
    assert said in told.sentence


def test_a_fall_that_shows_in_means_alone_is_told_as_one_of_means() -> None:
    (found,) = explained(noisy_labels)
    last = {row["epoch"]: row for row in noisy_labels() if row["split"] == "train"}[
        found.first_epoch
    ]

    def raised(row: Row) -> Row:
        at_the_end = (row["split"], row["epoch"]) == ("train", found.last_epoch)
        return row | {"recomputed_loss": last["recomputed_loss"]} if at_the_end else row

    for rows, of_means in ((noisy_labels(), False), ([*map(raised, noisy_labels())], True)):
        (one,) = explain_divergence(rows, [OUTPUT])
        (told,) = (cause for cause in one.causes if cause.name == "memorising")
        assert told.evidence["of_means"] is of_means
        assert ("(means of the epochs around both ends)" in told.sentence) is of_means


def test_epochs_of_the_chart_are_those_of_the_explanation() -> None:
    (found,) = explained(shifted)
    spans = diverging_epochs(shifted(), OUTPUT)
    assert spans == [(found.kind, found.first_epoch, found.last_epoch)]


def test_classes_that_are_otherwise_distributed_are_named() -> None:
    def other(row: Row) -> Row:
        if row["split"] == "val":
            return row
        counts = [{**c, "count": n} for c, n in zip(row["class_counts"], (450, 50), strict=True)]
        return row | {"class_counts": counts}

    (found,) = explain_divergence([other(row) for row in shifted()], [OUTPUT])
    (told,) = (cause for cause in found.causes if cause.name == "shifted-labels")
    assert "90 % of training" in told.sentence or "10 % of training" in told.sentence


def surer(accuracy: list[float]) -> list[Row]:
    """Epochs of so many right guesses, from the tenth one on of a growing confidence."""
    rng = np.random.default_rng(2)
    labels, level_of = (rng.random(3000) < 0.5).astype(int), rng.random(3000)
    rows: list[Row] = []
    for epoch, share in enumerate(accuracy):
        guesses = np.where(level_of < share, labels, 1 - labels)
        scores = (1.5 + 0.1 * min(epoch, 8) + 0.08 * max(epoch - 8, 0)) * (2 * guesses - 1)
        sure = 1 / (1 + np.exp(-scores - 0.05 * rng.normal(size=3000)))
        rows.append(recorded(epoch, "val", np.stack([1 - sure, sure], axis=1), labels))
    return rows


def test_decisions_are_compared_with_those_of_the_least_loss() -> None:
    (found,) = explain_divergence(surer([*[0.93] * 10, *[0.88] * 30]), [OUTPUT])
    assert found.kind == "loss_rises"
    assert "while accuracy stayed at 0.8" in found.summary
    assert re.match(
        r"Decisions are worse by now than at epoch \d+, of the least loss: accuracy fell "
        r"0\.9\d\d → 0\.8\d\d, smoothed \(-0\.05\d ± 0\.\d+\)\. Stop there, for decisions and",
        found.advice,
    )
    (held,) = explain_divergence(surer([0.93] * 40), [OUTPUT])
    assert held.advice.startswith("Decisions are about as good as before; if you use the prob")


def test_both_directions_have_their_own_words() -> None:
    def rows(scales: Any, right: Any) -> list[Row]:
        rng = np.random.default_rng(1)
        truth, level_of = rng.normal(size=4000), rng.random(4000)
        made: list[Row] = []
        for epoch, (scale, share) in enumerate(zip(scales, right, strict=True)):
            labels = (level_of < share).astype(int)
            sure = 1 / (1 + np.exp(-(scale + 0.1 * rng.normal()) * (1.5 + np.abs(truth))))
            made.append(recorded(epoch, "val", np.stack([1 - sure, sure], axis=1), labels))
        return made

    time = np.linspace(0, 1, 30)
    (both_rise,) = explain_divergence(rows(1 + 4 * time, 0.75 + 0.1 * time), [OUTPUT])
    assert both_rise.kind == "both_rise"
    assert "and accuracy rose as well" in both_rise.summary
    assert f"Decisions are best at epoch {both_rise.last_epoch + 1}" in both_rise.advice
    (both_fall,) = explain_divergence(rows(5 - 4.4 * time, 0.85 - 0.1 * time), [OUTPUT])
    assert both_fall.kind == "both_fall"
    assert "and accuracy fell as well" in both_fall.summary
    assert "growing-caution" in {cause.name for cause in both_fall.causes}


def later(step: float, lost: float = 0.0) -> list[Row]:
    """Runs that overfit from epoch 11 to 31; then loss and accuracy go on by other steps."""
    epochs = np.arange(60)
    rise = 0.02 * (np.clip(epochs, 10, 30) - 10) + step * np.maximum(epochs - 30, 0)
    loss = np.exp(rise - 1 + 0.002 * np.random.default_rng(0).normal(size=60))
    usual = {"split": "val", "output": None, "step": 0, "coverage": 1.0, "loss_correct": 0.05}
    usual |= {"n": 1000, "weight": 1000.0, "judged": 1000.0}
    return [
        usual
        | {"correct": 850.0 - 1000 * lost * max(epoch - 30, 0)}
        | {"epoch": epoch, "recomputed_loss": value, "loss_squares": 1100 * value**2}
        # Not what the whole loss is made of: accuracy and loss are judged each by itself.
        | {"loss_wrong": None}
        for epoch, value in enumerate(loss.tolist())
    ]


@pytest.mark.parametrize(
    ("step", "lost", "told"),
    [
        (0.0, 0.0, r" Since then the loss has stayed about there: 0\.5\d+ in epoch 60\."),
        (-0.01, 0.0, r" Since then the loss has fallen again: 0\.4\d+ in epoch 60\."),
        (0.02, 0.01, r" Since then the loss rose on, but accuracy no longer held: .* epoch 60\."),
        (0.02, 0.0, ""),
    ],
)
def test_why_an_episode_ends_before_its_run_is_told(step: float, lost: float, told: str) -> None:
    (found,) = explain_divergence(later(step, lost), [OUTPUT])
    assert re.fullmatch(rf"Epochs \d+–\d+: [^.]*\.[^:]*\.{told}", found.summary)
    assert (found.last_epoch == 59) is not bool(told)


def test_training_is_judged_where_there_was_no_validation() -> None:
    only = [row | {"split": "train"} for row in overconfident()]
    (found,) = explain_divergence(only, [OUTPUT])
    assert found.split == "train"
    assert "training loss rose" in found.summary


@pytest.mark.parametrize(
    "change", [{"correct": None}, {"recomputed_loss": None}, {"loss_squares": float("nan")}]
)
def test_rows_that_do_not_tell_right_from_wrong_are_passed_over(change: Row) -> None:
    assert explain_divergence([row | change for row in overconfident()], [OUTPUT]) == []


def test_a_loss_that_is_no_mean_is_not_judged() -> None:
    assert explain_divergence(overconfident(), [OUTPUT | {"reduction": "sum"}]) == []


def test_under_weights_no_share_is_claimed() -> None:
    heavier = [
        row | {"weight": 2.0 * row["n"], "recomputed_loss": 2 * row["recomputed_loss"]}
        for row in overconfident()
    ]
    (found,) = explain_divergence(heavier, [OUTPUT])
    assert not any(cause.name.endswith("-predictions") for cause in found.causes)


def test_parts_add_up_to_the_change() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        costs = rng.exponential(size=(2, 2)).tolist()
        one, two = (Level(rng.random(), right, wrong, 10.0) for right, wrong in costs)
        losses = [m.right * m.loss_right + (1 - m.right) * m.loss_wrong for m in (one, two)]
        assert parts(one, two).total == pytest.approx(losses[1] - losses[0])


def test_level_of_one_epoch_is_what_was_recorded() -> None:
    row = overconfident()[-1]
    found = level([row])
    assert found is not None
    assert found.loss_wrong == pytest.approx(row["loss_wrong"])
    assert found.right == pytest.approx(row["correct"] / row["judged"])


def test_epochs_of_which_a_part_was_recomputed_give_way_to_those_recomputed_whole() -> None:
    rows = overconfident()
    part = [row | {"coverage": 0.05, "correct": 1.0, "judged": 1.0} for row in rows[::5]]
    kept = [row for row in rows if row not in rows[::5]]
    whole = history([*kept, *part], OUTPUT, "val")
    assert whole is not None
    assert [row["epoch"] for row in whole.rows] == [row["epoch"] for row in kept]


def test_where_no_epoch_was_recomputed_whole_a_part_stands_for_all() -> None:
    # A tenth of the samples, whose mean loss is another one by chance.
    rows = [
        row
        | {"coverage": 0.1, "recomputed_loss": 1.05 * row["recomputed_loss"]}
        | {name: row[name] / 10 for name in ("correct", "judged", "loss_squares")}
        for row in overconfident()
    ]
    found = history(rows, OUTPUT, "val")
    whole = history(overconfident(), OUTPUT, "val")
    assert found is not None
    assert whole is not None
    assert found.loss_error == pytest.approx(np.sqrt(10) * whole.loss_error)
    # Of the first epoch all losses are the same.
    assert found.covariance[1:] == pytest.approx(10 * whole.covariance[1:])
    assert level(rows) is not None
    far = [row | {"recomputed_loss": 3 * row["recomputed_loss"]} for row in rows]
    assert level(far) is None
