"""What a run comes to, in every state that a run can be in."""

from __future__ import annotations

import math
from typing import Any

import pytest

from lossmon.analysis import Divergence, Misreading, misreading, verdict
from lossmon.analysis.causes import Cause
from lossmon.rules.progress import FEWEST

Row = dict[str, Any]
CUT = "BinaryAccuracy(threshold=0.5)"
REASONS = {
    "LM301": "An accuracy counts matches between a regression's targets and class decisions.",
    "LM302": "An accuracy cuts raw scores at a threshold made for probabilities.",
    "LM103": "A softmax over a single unit is 1 for every input.",
    "LM404": "A constant answer would do as well.",
    "LM505": "Validation samples are training samples.",
}


def epoch(number: int, split: str = "val", **values: Any) -> Row:
    right = values.pop("right", 900)
    usual = {
        "epoch": number,
        "split": split,
        "output": None,
        "status": "verified",
        "reason": None,
        "coverage": 1.0,
        "n": 1000,
        "weight": 1000.0,
        "loss": 0.3,
        "recomputed_loss": 0.3,
        "loss_squares": 200.0,
        "correct": float(right),
        "judged": 1000.0,
        "loss_correct": 0.1,
        "loss_wrong": 2.1,
        "reported_accuracy": right / 1000,
        "intended_accuracy": None,
    }
    return usual | values


def output(name: str | None = None, **values: Any) -> Row:
    usual = {
        "name": name,
        "loss": "sparse_categorical_crossentropy",
        "reduction": "sum_over_batch_size",
        "shape": [None, 10],
        "accuracy_metric": CUT,
        "intended_metric": None,
        "metrics": [{"key": "accuracy", "label": CUT}],
    }
    return usual | values


def finding(code: str, rule: str, severity: str, **values: Any) -> Row:
    usual = {"code": code, "rule": rule, "severity": severity, "output": None, "message": "told"}
    return {**usual, "evidence": {}, **values}


def run(epochs: list[Row], *findings: Row, **values: Any) -> Row:
    verified = sum(row["status"] == "verified" for row in epochs) / max(len(epochs), 1)
    usual = {
        "status": "finished",
        "epochs": epochs,
        "outputs": [output()],
        "findings": list(findings),
        "verified": verified,
        "environment": {"validation_compared": True},
        "rules": [],
    }
    return usual | values


def both(amount: int) -> list[Row]:
    return [epoch(number, split) for number in range(amount) for split in ("train", "val")]


def unverified(reason: str) -> Row:
    return {"status": "unverified", "reason": reason, "coverage": 0.0}


OPAQUE = "the train step never calls compute_metrics"
NOT_LOOKED_AT = "whether validation samples are training samples was not looked at"
SURE = "Its numbers can be trusted: every epoch value was computed twice and agrees."
QUIET = "No rule found anything wrong"
FEW = f"fewer than the {FEWEST} that it takes to judge"


@pytest.mark.parametrize(
    ("document", "standing", "said"),
    [
        (run(both(8)), "good", f"{SURE} {QUIET}, overfitting included."),
        (
            run(both(8), environment={"validation_compared": False}),
            "good",
            f"{SURE} {QUIET}; {NOT_LOOKED_AT}.",
        ),
        (run(both(8), environment={}), "good", f"{SURE} {QUIET}; {NOT_LOOKED_AT}."),
        (
            run([epoch(number, **unverified(OPAQUE)) for number in range(8)]),
            "unknown",
            f"None of its numbers could be checked: {OPAQUE}. {QUIET}.",
        ),
        (run(both(3)), "good", f"{SURE} {QUIET} in 3 epochs: {FEW} overfitting."),
        (
            run(both(1), status="interrupted", epochs_planned=60),
            "good",
            f"{SURE} {QUIET} in 1 of 60 epochs: {FEW} overfitting.",
        ),
        (
            run([*both(2), *(epoch(n, "train") for n in range(2, 8))], epochs_planned=8),
            "good",
            f"{SURE} {QUIET} in 2 epochs with validation: {FEW} overfitting.",
        ),
        (run(both(6), epochs_planned=60), "good", f"{SURE} {QUIET}, overfitting included."),
        (
            run(both(1), status="running", epochs_planned=60),
            "good",
            f"So far its{SURE[3:]} No rule has found anything wrong.",
        ),
        (
            run([epoch(0, "train")]),
            "good",
            f"{SURE} {QUIET} in 1 epoch: {FEW} the course of its loss; without validation data "
            "nobody can tell whether it overfits.",
        ),
        (
            run(both(8), status="running"),
            "good",
            f"So far its{SURE[3:]} No rule has found anything wrong, overfitting included.",
        ),
        (
            run([], status="running"),
            "unknown",
            "No epoch has ended yet: there is no number to judge.",
        ),
        (
            run([], status="failed"),
            "unknown",
            "No epoch came to its end: there is no number to judge.",
        ),
        (
            run([epoch(0, **unverified(OPAQUE))]),
            "unknown",
            f"None of its numbers could be checked: {OPAQUE}. {QUIET} in 1 epoch: {FEW} "
            "overfitting.",
        ),
        (
            run([epoch(0), epoch(1, **unverified(OPAQUE))]),
            "unknown",
            "50 % of its epoch values were computed twice and agree, the others could not be "
            f"checked: {OPAQUE}. {QUIET} in 2 epochs: {FEW} overfitting.",
        ),
        (
            run(
                [epoch(0, **unverified("imported from MLflow: nothing was recomputed"))],
                environment={"imported": {"program": "MLflow"}},
            ),
            "unknown",
            "None of its numbers could be checked: imported from MLflow: nothing was recomputed. "
            "Of an imported run rules see the curves alone, and found nothing wrong.",
        ),
        (
            run([epoch(0), epoch(1, status="mismatch", reason="off by 0.3")]),
            "error",
            f"1 of 2 epoch values are not what Keras printed. {QUIET} in 2 epochs: {FEW} "
            "overfitting.",
        ),
        (
            run([epoch(0, coverage=0.13), epoch(1, coverage=0.4)], rules=[{"ignore": ["LM4"]}]),
            "good",
            "Its numbers can be trusted: every epoch value was computed twice, from 13 % of the "
            "samples up, and agrees. The rules that were asked found nothing wrong.",
        ),
    ],
)
def test_it_says_how_far_the_numbers_can_be_trusted(
    document: Row, standing: str, said: str
) -> None:
    found = verdict(document)
    assert (found.standing, found.text) == (standing, said)


RIGHT = "The arithmetic is right all the same: every epoch value was computed twice and agrees."
REGRESSION = finding(
    "LM301", "accuracy-with-regression", "error", evidence={"metrics": ["accuracy"]}
)
THRESHOLD = finding("LM302", "accuracy-threshold-on-logits", "warning")


@pytest.mark.parametrize(
    ("document", "standing", "said"),
    [
        (
            run([epoch(0, right=0)], REGRESSION),
            "error",
            "The printed validation accuracy, 0.000, is meaningless: an accuracy counts matches "
            "between a regression's targets and class decisions (LM301). Go by its loss instead. "
            f"{RIGHT}",
        ),
        (
            run([epoch(0, intended_accuracy=0.97)], THRESHOLD),
            "warning",
            "The printed validation accuracy, 0.900, is misread (0.970 was meant): an accuracy "
            f"cuts raw scores at a threshold made for probabilities (LM302). {RIGHT}",
        ),
        (
            run([epoch(0, intended_accuracy=0.9004)], THRESHOLD),
            "warning",
            "The printed validation accuracy, 0.900, is misread, though the one that was meant "
            "happens to equal it: an accuracy cuts raw scores at a threshold made for "
            f"probabilities (LM302). {RIGHT}",
        ),
        # The rule was left out: what was meant is known all the same.
        (
            run(
                [epoch(0, "train", intended_accuracy=0.97)],
                outputs=[output(intended_metric="BinaryAccuracy(threshold=0.0)")],
            ),
            "warning",
            "The printed training accuracy, 0.900, is misread (0.970 was meant by "
            f"`BinaryAccuracy(threshold=0.0)`). {RIGHT}",
        ),
        # About another metric than the accuracy.
        (
            run(
                [epoch(0)],
                finding("LM304", "exact-match", "error", evidence={"metric": "mean_io_u"}),
            ),
            "error",
            f"Exact match (LM304). {RIGHT}",
        ),
        # Right numbers of data that are not what they seem.
        (
            run([epoch(0)], finding("LM505", "validation-on-training-data", "warning")),
            "warning",
            f"Validation samples are training samples (LM505). {RIGHT}",
        ),
        # A rule that finds more than one thing says which.
        (
            run(
                [epoch(0)],
                finding("LM404", "no-better", "warning", evidence={"summary": "It learns by rote"}),
            ),
            "warning",
            "Its numbers can be trusted: every epoch value was computed twice and agrees. "
            "It learns by rote (LM404).",
        ),
        (
            run([epoch(0)], finding("LM103", "softmax-over-one-unit", "error")),
            "error",
            "The printed validation accuracy, 0.900, is meaningless: a softmax over a single unit "
            f"is 1 for every input (LM103). {RIGHT}",
        ),
        # It was asked for no accuracy.
        (
            run(
                [epoch(0, reported_accuracy=None)],
                finding("LM103", "softmax-over-one-unit", "error"),
            ),
            "error",
            "Its printed loss does not mean what it says: a softmax over a single unit is 1 for "
            f"every input (LM103). {RIGHT}",
        ),
        (
            run(
                [epoch(0)],
                finding("LM404", "no-better", "warning", evidence={"since_epoch": 3}),
                finding("LM407", "overconfident", "info"),
            ),
            "warning",
            f"{SURE} A constant answer would do as well, since epoch 3 (LM404).",
        ),
        (
            run(
                [epoch(0, output="kind", right=800), epoch(0, output="colour")],
                {**REGRESSION, "output": "kind"},
                finding("LM404", "no-better", "warning", output="colour"),
                outputs=[output("kind"), output("colour")],
            ),
            "error",
            "The printed validation accuracy of `kind`, 0.800, is meaningless: an accuracy counts "
            "matches between a regression's targets and class decisions (LM301). Go by its loss "
            "instead. Output `colour`: a constant answer would do as well (LM404). " + RIGHT,
        ),
    ],
)
def test_it_says_what_a_printed_number_really_is(document: Row, standing: str, said: str) -> None:
    found = verdict(document, reasons=REASONS)
    assert (found.standing, found.text) == (standing, said)


def test_a_regression_of_class_ids_is_not_sent_to_its_loss() -> None:
    ids = {**REGRESSION, "evidence": {"may_be_class_ids": True}}
    told = verdict(run([epoch(0, right=0)], ids), reasons=REASONS).text
    assert "Go by its loss if they are amounts; of class ids that is no classifier's loss" in told


def test_it_does_not_send_to_a_loss_that_is_broken() -> None:
    broken = finding("LM401", "nonfinite-loss", "error", evidence={"since_epoch": 1})
    found = verdict(run([epoch(0, right=0)], REGRESSION, broken), reasons=REASONS)
    assert "Go by its loss" not in found.text
    assert "Nonfinite loss, since epoch 1 (LM401)." in found.text


LOST = finding("LM401", "nonfinite-loss", "error", evidence={"split": "train", "since_epoch": 3})


def test_the_accuracy_of_a_loss_that_is_no_number_means_nothing() -> None:
    reasons = {**REASONS, "LM401": "The loss is no longer a number."}
    told = verdict(run([epoch(3, loss=math.nan, right=333)], LOST), reasons=reasons)
    assert told.text == (
        "The printed validation accuracy, 0.333, is meaningless: the loss is no longer a number, "
        f"since epoch 3, and predictions that are NaN all count as one class (LM401). {RIGHT}"
    )
    alone = verdict(run([epoch(3, reported_accuracy=None)], LOST), reasons=reasons).text
    assert alone == f"The loss is no longer a number, since epoch 3 (LM401). {RIGHT}"
    # What else is wrong with the accuracy hides that from nobody.
    both = verdict(run([epoch(3)], REGRESSION, LOST), reasons=reasons).text
    assert "The loss is no longer a number, since epoch 3 (LM401)." in both


@pytest.mark.parametrize(
    ("evidence", "found"),
    [
        ({"split": "train", "since_epoch": 3}, True),
        ({"split": "val", "since_epoch": 3, "nonfinite_predictions": 12}, True),
        # A loss that overflowed on validation data, of predictions that are numbers.
        ({"split": "val", "since_epoch": 3, "nonfinite_predictions": 0}, False),
    ],
)
def test_an_accuracy_is_misread_from_the_epoch_on_whose_predictions_are_lost(
    evidence: Row, found: bool
) -> None:
    why = "LM401 nonfinite-loss: predictions that are NaN all count as one class"
    told = misreading([finding("LM408", "overfitting", "warning"), {**LOST, "evidence": evidence}])
    assert told == (Misreading(why, "LM401", 2) if found else None)


def worse(loss: float, split: str = "val") -> Row:
    return epoch(9, split, recomputed_loss=loss, baselines={"constant_loss": 0.69})


def test_a_loss_that_is_no_number_is_not_compared_with_that_of_a_constant() -> None:
    told = verdict(run([*both(8), worse(float("nan"), "train"), worse(float("nan"))]))
    assert "constant" not in told.text


def test_decisions_that_one_answer_would_make_as_well_are_told() -> None:
    kept = {"constant_loss": 0.69, "majority_accuracy": 0.904}
    same = epoch(9, recomputed_accuracy=0.904, baselines=kept)
    told = verdict(run([*both(8), same]))
    assert told.standing == "good"
    assert told.text == (
        f"{SURE} Its validation accuracy, 0.904, is no more than one and the same answer to "
        "everything would have, 0.904."
    )
    missed = finding("LM416", "class-never-predicted", "info")
    assert "would have, 0.904 (LM416)." in verdict(run([*both(8), same], missed)).text
    better = verdict(run([*both(8), same | {"recomputed_accuracy": 0.905}]))
    assert "answer" not in better.text


@pytest.mark.parametrize(
    ("first", "lost"),
    [(4, "What came before epoch 5 is not here"), (0, "Its first batches are not here")],
)
def test_what_is_not_here_of_a_run_that_was_begun_anew_is_told(first: int, lost: str) -> None:
    epochs = [row for row in both(first + 8) if row["epoch"] >= first]
    known = {"epoch": first + 7, "step": 99, "batches": 60}
    assert "here" not in verdict(run(epochs, **known)).text
    told = verdict(run(epochs, begun_anew=True, **known))
    assert told.standing == "warning"
    assert told.text == f"{SURE} {lost}: the database was removed or replaced while it trained."
    # It was removed before anything was stored in it.
    whole = known | {"batches": 100}
    assert "here" not in verdict(run(epochs, begun_anew=True, **whole)).text


def test_of_a_run_that_was_begun_anew_in_its_last_epoch_it_is_told_that_others_ended() -> None:
    last = {"epoch": 3, "step": 95, "batches": 3, "status": "interrupted"}
    assert verdict(run([], begun_anew=True, **last)).text == (
        "No epoch that came to its end is here: there is no number to judge. What came before "
        "epoch 4 is not here: the database was removed or replaced while it trained."
    )


def test_overfitting_is_not_said_to_be_none_where_samples_come_again() -> None:
    again = finding("LM505", "validation-on-training-data", "info")
    assert verdict(run(both(8), again)).text == (
        f"{SURE} {QUIET}, but validation samples come again in the training data (LM505)."
    )


TOP_5 = "SparseTopKCategoricalAccuracy(k=5)"
COUNTED = "Its accuracy is `top_5`, which counts a class among the 5 largest outputs as right"


def counted(guesses: int = 5, **values: Any) -> Row:
    name = "sparse_top_k_categorical_accuracy"
    metric = {"key": "top_5", "name": name, "label": TOP_5, "config": {"k": guesses}}
    return output(accuracy_metric=TOP_5, metrics=[metric], **values)


def told_of_top_k(*findings: Row, of: Row | None = None, **values: Any) -> str:
    epochs = [*both(8), epoch(9, right=612, recomputed_accuracy=0.95, **values)]
    return verdict(run(epochs, *findings, outputs=[of or counted()])).text


def test_of_a_top_k_accuracy_it_is_told_what_the_largest_output_alone_is_right_on() -> None:
    alone = "; the largest alone is right on 0.612 of the validation samples."
    assert told_of_top_k().startswith(f"{SURE} {COUNTED}{alone}")
    assert "largest" not in told_of_top_k(of=output())
    assert "largest" not in told_of_top_k(of=counted(1))
    assert "largest" not in told_of_top_k(of=counted(intended_metric="CategoricalAccuracy()"))
    always = "Its accuracy is `top_5`, which counts every class as right: it is always 1."
    assert always in told_of_top_k(of=counted(shape=[None, 5]))


@pytest.mark.parametrize("others", [{"judged": 5000.0}, {"judged": 700.0}, {"weight": 700.0}])
def test_shares_of_cells_or_of_weighed_samples_are_not_told_of_samples(others: Row) -> None:
    assert told_of_top_k(**others).startswith(f"{SURE} {COUNTED}.")


def test_an_accuracy_that_is_misread_is_not_explained_besides() -> None:
    evidence = {"metric": "top_5", "is_accuracy": True}
    misread = finding("LM310", "misnamed-accuracy", "warning", evidence=evidence)
    assert "largest" not in told_of_top_k(misread)


@pytest.mark.parametrize("is_accuracy", [True, False])
def test_an_accuracy_is_misread_by_a_name_that_is_its_own(is_accuracy: bool) -> None:
    evidence = {"metric": "acc", "is_accuracy": is_accuracy}
    misnamed = finding("LM310", "misnamed-accuracy", "warning", evidence=evidence)
    told = misreading([misnamed])
    assert (told and told.codes) == ("LM310" if is_accuracy else None)


def falling(*right: int) -> Row:
    return run([epoch(place, right=value) for place, value in enumerate(right)])


def test_an_accuracy_that_was_surely_higher_before_is_told() -> None:
    told = verdict(falling(800, 955, 960, 955, 940, 925, 910, 905, 905))
    assert told.standing == "warning"
    assert told.text == (
        f"{SURE} Its validation accuracy was higher before, 0.957 around epoch 3 against 0.907 in "
        "the end."
    )


@pytest.mark.parametrize(
    "right",
    [
        (800, 955, 960, 955, 950, 945, 945, 940),
        (800, 955, 990, 900, 910, 930, 935, 930),  # one epoch is none
        (955, 960, 955, 905, 905),
    ],
)
def test_an_accuracy_that_may_be_as_high_as_before_is_fine(right: tuple[int, ...]) -> None:
    assert "before" not in verdict(falling(*right)).text


def test_of_validation_data_of_another_kind_a_rise_is_no_overfitting() -> None:
    rows = [epoch(place, "train", recomputed_loss=1.0 - place / 20) for place in range(9)]
    rows += [
        epoch(place, recomputed_loss=2.0 + place / 10, loss_squares=9000.0) for place in range(9)
    ]
    evidence = {"since_epoch": 1, "until_epoch": 9, "val_loss": [2.0, 2.8], "train_loss": [1, 0.6]}
    told = verdict(run(rows, finding("LM408", "overfitting", "warning", evidence=evidence)))
    assert "overfits" not in told.text
    assert "It grows worse on validation data since epoch 1: validation loss rose" in told.text
    assert "that is no overfitting. The validation data are of another kind" in told.text
    alike = [row | {"recomputed_loss": 0.9} for row in rows[9:]]
    told = verdict(run([*rows[:9], *alike], finding("LM408", "o", "warning", evidence=evidence)))
    assert "It overfits since epoch 1" in told.text


def test_a_rise_too_small_for_a_warning_is_no_overfitting_either_on_data_of_another_kind() -> None:
    rows = [epoch(place, "train", recomputed_loss=0.3 - place / 200) for place in range(40)]
    told = verdict(run([*rows, *fallen(0.6)]), [rising()]).text
    assert "It grows worse on validation data since epoch 11" in told
    assert "that is no overfitting. The validation data are of another kind" in told
    assert "Too little for a warning" not in told


def test_a_metric_that_does_not_read_the_labels_is_no_fault_of_the_loss() -> None:
    evidence = {"metric": "accuracy", "is_accuracy": True}
    told = verdict(
        run([*both(8)], finding("LM202", "label-encoding-mismatch", "error", evidence=evidence))
    )
    assert "printed loss" not in told.text
    assert "The printed validation accuracy, 0.900, is meaningless" in told.text
    other = verdict(
        run(
            [*both(8)],
            finding(
                "LM202",
                "label-encoding-mismatch",
                "error",
                evidence={"metric": "auc", "is_accuracy": False},
            ),
        )
    )
    assert "printed loss" not in other.text
    assert "accuracy" not in other.text


def test_of_validation_the_constant_is_the_one_that_the_training_labels_give() -> None:
    known = {"constant_loss": 0.1, "trained_constant_loss": 0.69}
    told = verdict(run([*both(8), worse(0.9) | {"baselines": known}])).text
    assert told.endswith(
        "A constant answer, the average of the training labels, would have a smaller validation "
        "loss, 0.69 instead of 0.9."
    )
    for best in (known, known | {"trained_constant_loss": None}):
        assert "constant" not in verdict(run([*both(8), worse(0.5) | {"baselines": best}])).text


def test_decisions_are_not_compared_with_labels_that_are_all_alike() -> None:
    alone = epoch(9, recomputed_accuracy=0.9, baselines={"majority_accuracy": 1.0})
    assert "answer" not in verdict(run([*both(8), alone])).text


ONE_CLASS = {"split": "val", "summary": "All validation labels are of one class"}


def test_validation_on_one_class_is_said_before_that_the_numbers_are_right() -> None:
    alone = finding("LM204", "degenerate-labels", "warning", evidence=ONE_CLASS)
    told = verdict(run([*both(8)], alone))
    assert told.text.startswith(
        "All validation labels are of one class (LM204). The arithmetic is right all the same"
    )
    assert "printed loss" not in told.text


def test_weights_are_not_chosen_by_the_validation_of_one_class() -> None:
    evidence = {"since_epoch": 1, "until_epoch": 9, "val_loss": [0.2, 0.8], "train_loss": [1, 0.6]}
    overfits = finding("LM408", "overfitting", "warning", evidence=evidence)
    alone = finding("LM204", "degenerate-labels", "info", evidence=ONE_CLASS)
    assert "take the weights" in verdict(run(fallen(), overfits)).text
    told = verdict(run(fallen(), alone, overfits)).text
    assert "All validation labels are of one class (LM204): that shows how" in told
    assert "take the weights" not in told


def test_a_constant_answer_that_would_do_better_is_told() -> None:
    told = verdict(run([*both(8), worse(0.8, "train"), worse(0.9)]))
    assert told.standing == "warning"
    assert told.text == (
        f"{SURE} A constant answer would have a smaller validation loss, 0.69 instead of 0.9. It "
        "has learned too little."
    )
    for loss, said in (
        (0.6904, "a smaller validation loss, 0.69 instead of 0.6904."),
        (0.690001, "the same validation loss, 0.69."),
    ):
        told = verdict(run([*both(8), worse(0.1, "train"), worse(loss)]))
        assert told.text.endswith(f"A constant answer would have {said}")
    # Of one that learned its training data by heart that would not be true.
    told = verdict(run([*both(8), worse(0.1, "train"), worse(0.9)]))
    assert told.text.endswith("0.69 instead of 0.9.")
    for document in (
        run([*both(8), worse(0.8, "train"), worse(0.5)]),
        run([*both(8), worse(0.9)], status="running"),
        run([*both(8), worse(0.9)], finding("LM404", "no-better-than-baseline", "warning")),
    ):
        assert "would have a smaller" not in verdict(document).text


def test_that_numbers_mislead_is_said_once_and_only_of_numbers_that_were_printed() -> None:
    faults = (
        finding("LM103", "softmax-over-one-unit", "error"),
        finding("LM111", "regression-trains-a-classifier", "warning"),
    )
    found = verdict(run([epoch(0, reported_accuracy=None)], *faults), reasons=REASONS)
    assert found.text == (
        "Its printed loss does not mean what it says: a softmax over a single unit is 1 for every "
        f"input (LM103). Regression trains a classifier (LM111). {RIGHT}"
    )
    found = verdict(run([], *faults), reasons=REASONS)
    assert found.text.startswith("A softmax over a single unit is 1 for every input (LM103). Regr")


@pytest.mark.parametrize(("wrong", "words"), [("2", "in epoch 2"), ("1, 3–4", "in epochs 1, 3–4")])
def test_the_epochs_that_were_printed_wrong_are_told(wrong: str, words: str) -> None:
    mismatch = finding("LM402", "rule-2", "error", evidence={"wrong_epochs": wrong})
    assert f"Rule 2, {words} (LM402)." in verdict(run([epoch(0)], mismatch)).text


def test_of_many_faults_the_gravest_are_told() -> None:
    many = [finding(f"LM40{place}", f"rule-{place}", "warning") for place in range(5)]
    found = verdict(run([epoch(0)], *many))
    assert found.text == f"{SURE} Rule 0 (LM400). Rule 1 (LM401). Rule 2 (LM402). 2 more below."


RISING = {
    "since_epoch": 2,
    "until_epoch": 4,
    "val_loss": [0.249, 0.4435],
    "train_loss": [0.0466, 0.01],
}
OVERFITTING = finding("LM408", "overfitting", "warning", evidence=RISING)
ROSE = (
    f"{SURE} It overfits since epoch 2: validation loss rose 0.249 → 0.444 (epoch 4) while "
    "training loss fell, 0.0466 → 0.01 (LM408). "
)


def overfitted(*right: int, size: int = 10_000, **values: Any) -> Row:
    losses = (0.4, 0.249, 0.3, 0.4435)
    share = {"n": size, "weight": float(size), "judged": float(size), "loss_squares": 2.0 * size}
    rows = [
        epoch(place, loss=loss, recomputed_loss=loss, correct=float(hits), **share, **values)
        for place, (loss, hits) in enumerate(zip(losses, right, strict=True))
    ]
    return run(rows, OVERFITTING)


def test_a_single_epoch_below_the_rise_is_named_as_the_least() -> None:
    later = RISING | {"since_epoch": 3, "val_loss": [0.3, 0.4435]}
    document = overfitted(8000, 9310, 9320, 9330) | {
        "findings": [finding("LM408", "overfitting", "warning", evidence=later)]
    }
    assert (
        "It overfits since epoch 3 (least validation loss at epoch 2): validation loss rose "
        "0.3 → 0.444 (epoch 4) while"
    ) in verdict(document).text


@pytest.mark.parametrize(
    ("epochs", "fell"), [((2, 4), "0.0466 → 0.01"), ((2, 3), "0.0466 (epoch 2) → 0.01 (epoch 3)")]
)
def test_the_epochs_of_the_training_loss_are_named_where_they_are_others(
    epochs: tuple[int, int], fell: str
) -> None:
    evidence = RISING | {"train_epochs": list(epochs)}
    document = overfitted(8000, 9310, 9320, 9330) | {
        "findings": [finding("LM408", "overfitting", "warning", evidence=evidence)]
    }
    assert (
        f"0.249 → 0.444 (epoch 4) while training loss fell, {fell} (LM408)."
        in verdict(document).text
    )


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (
            overfitted(8000, 9310, 9320, 9330),
            "It does not matter for accuracy, which held, 0.931 → 0.933 (+0.002 ± 0.007); if you "
            "use the probabilities, take the weights of epoch 2, or calibrate them.",
        ),
        (
            overfitted(8000, 9310, 9200, 9000),
            "It matters for accuracy too, which fell 0.931 → 0.900 (-0.031 ± 0.008): take the "
            "weights of epoch 2.",
        ),
        (
            overfitted(8000, 9310, 9400, 9500),
            "Accuracy rose all the same, 0.931 → 0.950 (+0.019 ± 0.007): for decisions take the "
            "last weights, for probabilities those of epoch 2, or calibrate them.",
        ),
        (
            overfitted(80, 70, 76, 81, size=100),
            "It does not matter for accuracy, which did not fall, 0.700 → 0.810 (+0.110 ± 0.118); "
            "if you use the probabilities, take the weights of epoch 2, or calibrate them.",
        ),
        (
            overfitted(80, 93, 93, 93, size=100),
            "Whether it matters for accuracy, 0.930 → 0.930 (+0.000 ± 0.074), so few validation "
            "samples cannot tell; the weights of epoch 2 have the least loss.",
        ),
        (
            overfitted(0, 0, 0, 0) | {"outputs": [output(reduction="sum", accuracy_metric=None)]},
            "The weights of epoch 2 have the least validation loss.",
        ),
    ],
)
def test_it_says_since_when_it_overfits_and_whether_that_matters(document: Row, said: str) -> None:
    found = verdict(document)
    assert (found.standing, found.text) == ("warning", ROSE + said)


# Right predictions around the epoch of the least loss, and in the later ones, where they hold.
HIGHER, LOWER = [930] * 6, [870] * 34
FELL_SINCE = (
    "It matters for accuracy too, which fell from epoch 4 on, 0.930 → 0.870, smoothed (-0.060 ± "
    "0.015): take the weights of epoch 4, for decisions and probabilities alike."
)


def past_its_least(*right: int) -> list[Row]:
    losses = [0.6, 0.5, 0.45, 0.4, 0.45, *[0.5] * (len(right) - 5)]
    return [
        epoch(place, loss=loss, recomputed_loss=loss, loss_squares=1000.0, right=hits)
        for place, (loss, hits) in enumerate(zip(losses, right, strict=True))
    ]


def late(since: int, until: int = 40) -> Row:
    evidence = RISING | {"since_epoch": since, "until_epoch": until}
    return finding("LM408", "overfitting", "warning", evidence=evidence)


def test_accuracy_that_fell_since_the_least_loss_is_lost_though_it_held_later() -> None:
    rows = past_its_least(*HIGHER, *LOWER)
    for episodes in ([], [rising(accuracy=(0.87, 0.87), first_epoch=19)]):
        told = verdict(run(rows, late(20)), episodes)
        assert "It overfits since epoch 20 (least validation loss at epoch 4)" in told.text
        assert told.text.endswith(f"(LM408). {FELL_SINCE}")


def test_accuracy_that_came_back_in_part_is_lost_all_the_same() -> None:
    rows = past_its_least(*HIGHER, *[700] * 10, *[850] * 24)
    told = verdict(run(rows, late(12))).text
    assert "It matters for accuracy too, which fell from epoch 4 on, 0.930 → 0.850" in told
    assert "Accuracy rose all the same" not in told


@pytest.mark.parametrize(
    "right",
    [
        [*HIGHER, *[922] * 34],
        [700, 800, 870, 930, 870, 870, *LOWER],  # one epoch is none
        [800, 820, 850, *[870] * 37],
    ],
)
def test_accuracy_that_held_from_the_least_loss_on_is_not_lost(right: list[int]) -> None:
    told = verdict(run(past_its_least(*right), late(20))).text
    assert "It does not matter for accuracy, which held" in told
    assert "take the weights of epoch 4, or calibrate them." in told


def test_a_fall_that_is_told_from_the_least_loss_on_is_not_told_in_other_numbers() -> None:
    told = verdict(run(past_its_least(*HIGHER, *LOWER), late(4, 39))).text
    assert "It matters for accuracy too, which fell 0.930 → 0.870 (-0.060 ± 0.026): take" in told


def test_an_accuracy_lost_to_a_rise_too_small_for_a_warning_is_one_for_a_warning() -> None:
    rows = past_its_least(*HIGHER, *LOWER)
    found = verdict(run(rows), [rising(accuracy=(0.87, 0.87))])
    assert found.standing == "warning"
    assert "for a warning (LM408), which" in found.text
    assert found.text.endswith(FELL_SINCE)
    assert verdict(run(past_its_least(*[900] * 40)), [rising()]).standing == "good"


MILD = (
    "It overfits since epoch 11 (least validation loss at epoch 9): validation loss rose 0.5 → {} "
    "(epoch 40) while training loss fell, 0.1 → 0.01. "
)
HELD = (
    "It does not matter for accuracy, which held, 0.901 → 0.900, smoothed (-0.001 ± 0.010); if you "
    "use the probabilities, take the weights of epoch 9, or calibrate them."
)
MEMORISED = Cause("memorising", "Learned by heart.", {"train_loss": [0.1, 0.01]})


def rising(after: float = 0.54, **values: Any) -> Divergence:
    """An episode that no rule speaks of."""
    usual: dict[str, Any] = {
        "split": "val",
        "output": None,
        "kind": "loss_rises",
        "since": "nothing",
        "first_epoch": 10,
        "last_epoch": 39,
        "loss": (0.5, after),
        "accuracy": (0.901, 0.9),
        "accuracy_margin": 0.01,
        "strength": 9.0,
        "p_value": 1e-6,
        "summary": "It rose.",
        "causes": (MEMORISED,),
        "advice": "Stop.",
    }
    return Divergence(**{**usual, **values})


def fallen(first: float = 1.0) -> list[Row]:
    losses = [first, *[0.6] * 7, 0.49, *[0.5] * 31]
    return [epoch(place, loss=one, recomputed_loss=one) for place, one in enumerate(losses)]


@pytest.mark.parametrize(
    ("first", "after", "why"),
    [
        (0.6, 0.54, "Too little for a warning (LM408), which takes a rise by a tenth of the loss "),
        (2.0, 0.6, "Too little for a warning (LM408), which takes a rise by a tenth of the loss "),
        (0.6, 0.6, "Not sure enough for a warning (LM408), which goes by the losses of the epo"),
    ],
)
def test_overfitting_that_is_none_for_a_warning_is_called_so(
    first: float, after: float, why: str
) -> None:
    found = verdict(run(fallen(first)), [rising(after)])
    assert found.standing == "good"
    assert found.text.startswith(f"{SURE} {MILD.format(after)}{why}")
    assert found.text.endswith(HELD)


def test_a_training_loss_that_is_a_mean_of_epochs_is_called_so() -> None:
    mean = Cause("memorising", "Learned.", {"train_loss": [0.1, 0.01], "of_means": True})
    told = verdict(run(fallen()), [rising(causes=(mean,))]).text
    assert "training loss fell, 0.1 → 0.01 (means of the epochs around these)." in told


def test_why_there_is_no_warning_is_not_guessed_where_rules_were_changed() -> None:
    found = verdict(run(fallen(), rules=[{"ignore": ["LM4"]}]), [rising()])
    assert found.text == f"{SURE} {MILD.format(0.54)}{HELD}"


@pytest.mark.parametrize(
    "values", [{"kind": "both_rise"}, {"split": "train"}, {"since": "returned"}, {"causes": ()}]
)
def test_what_is_no_overfitting_is_not_called_so(values: Any) -> None:
    assert verdict(run(fallen()), [rising(**values)]).text == f"{SURE} It rose. Stop."


def test_its_points_name_the_findings_that_they_rest_on() -> None:
    found = verdict(overfitted(8000, 9310, 9320, 9330)).document()
    assert [point["code"] for point in found["points"]] == [None, "LM408"]
    assert found["text"] == " ".join(point["sentence"] for point in found["points"])
