from __future__ import annotations

import re
from datetime import UTC
from typing import Any

import dash_mantine_components as dmc
import numpy as np
import pytest
from lossmon_dashboard.components.accuracy_meaning import accuracy_meanings
from lossmon_dashboard.components.badges import finding_badges
from lossmon_dashboard.components.comparison import caution, comparable, differences
from lossmon_dashboard.components.comparison_panels import comparison_panels
from lossmon_dashboard.components.events import events_of
from lossmon_dashboard.components.facts import flatten, value_words
from lossmon_dashboard.components.findings import (
    finding_card,
    finding_list,
    finding_target,
)
from lossmon_dashboard.components.grid import json_safe
from lossmon_dashboard.components.printed_and_meant import printed_and_meant
from lossmon_dashboard.components.prose import passages
from lossmon_dashboard.components.run_header import run_header, run_summary
from lossmon_dashboard.components.run_rows import run_grid_row
from lossmon_dashboard.components.run_settings import run_settings
from lossmon_dashboard.components.verdict import verdict_panel
from lossmon_dashboard.components.verification import verification_rows, verification_summary
from lossmon_dashboard.components.weighing import short_verdict, weighing_panel
from lossmon_dashboard.source import current_store

from lossmon.analysis import (
    Difference,
    Interval,
    Measured,
    Point,
    Recommendation,
    Samples,
    Verdict,
    Weighing,
    compare_groups,
    repeats,
    weigh_need,
)
from lossmon.analysis.grouping import ONE_TRAINING
from lossmon.store import RunQuery
from tests.dashboard.tree import as_json, components, words


def finding(severity: str = "error", **values: Any) -> dict[str, Any]:
    usual = {
        "code": "LM301",
        "rule": "accuracy-with-regression",
        "severity": severity,
        "output": None,
        "message": "`accuracy` means nothing here.",
        "fix": 'metrics=["mae"]',
        "evidence": {"distinct_targets": 214},
    }
    return usual | values


def test_settings_flatten_in_their_order() -> None:
    settings = {
        "lr": 1e-3,
        "clip": None,
        "model": {"units": 64, "nested": {"deep": True}},
        "empty": {},
    }
    assert flatten(settings) == {"lr": "0.001", "model.units": "64", "model.nested.deep": "yes"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (True, "yes"),
        (25450, "25,450"),
        (0.123456, "0.1235"),
        (None, "not known"),
        ("", "not known"),
        ([1, "a"], "1, a"),
        ({"a": [1]}, '{"a": [1]}'),
    ],
)
def test_settings_read_as_words(value: Any, said: str) -> None:
    assert value_words(value) == said


def test_findings_stand_worst_first_with_evidence_and_fix() -> None:
    content = finding_list([finding("info", code="LM308"), finding("error")])
    text = words(content)
    assert text.index("LM301") < text.index("LM308")
    # What is only advice is folded: the curves are what people come for.
    (folded,) = [part for part in components(content) if type(part).__name__ == "Details"]
    # Beside an error it is not said that nothing is wrong.
    assert "info 1 piece of advice: Accuracy with regression" in words(folded)
    assert "LM301" not in words(folded)
    assert "distinct targets 214" in text
    copies = [
        as_json(part)["props"]["value"]
        for part in components(content)
        if type(part).__name__ == "CopyButton"
    ]
    assert copies == ['metrics=["mae"]'] * 2


def test_silence_of_the_rules_does_not_speak_for_the_verdict() -> None:
    quiet = finding_list([])
    assert words(quiet) == "No findings: no rule flags this run."
    assert "lossmon-good" not in str(quiet)


def output(name: str | None = None, **values: Any) -> dict[str, Any]:
    usual = {
        "name": name,
        "loss": "mean_squared_error",
        "accuracy_metric": None,
        "intended_metric": None,
        "activation": "linear",
    }
    return usual | values


def epoch(number: int, split: str, **values: Any) -> dict[str, Any]:
    row = {"epoch": number, "split": split, "output": None, "status": "verified", "reason": None}
    return row | values


def test_the_meaning_of_accuracy_takes_the_last_validation_epoch() -> None:
    document = {
        "outputs": [
            output(
                accuracy_metric="BinaryAccuracy(threshold=0.5)",
                intended_metric="BinaryAccuracy(threshold=0.0)",
            ),
            output("other"),
        ],
        "epochs": [
            epoch(0, "val", reported_accuracy=0.1),
            epoch(1, "train", reported_accuracy=0.5),
            epoch(
                1,
                "val",
                reported_accuracy=0.877,
                recomputed_accuracy=0.876,
                intended_accuracy=0.912,
                intended_exact_match=0.4,
                baselines={"rows": 9, "majority_accuracy": 0.6},
            ),
        ],
    }
    (meaning,) = accuracy_meanings(document)
    assert (meaning.printed, meaning.recomputed, meaning.meant) == (0.877, 0.876, 0.912)
    assert (meaning.exact, meaning.majority) == (0.4, 0.6)
    assert (meaning.split, meaning.intended) == ("validation", "BinaryAccuracy(threshold=0.0)")
    assert "right side of a cut" in meaning.words


def test_the_verification_table_counts_epochs_as_keras_prints_them() -> None:
    (row,) = verification_rows([epoch(0, "val", loss=float("nan"), coverage=1.0)])
    assert (row["epoch"], row["loss"], row["coverage"]) == (1, "NaN", 1.0)


def test_the_verification_summary_says_what_is_in_the_way() -> None:
    rows = [
        epoch(0, "train"),
        epoch(0, "val", status="mismatch", reason="off by 0.3"),
        epoch(1, "val", status="mismatch", reason="off by 0.3"),
    ]
    assert verification_summary(rows) == (
        "1 of 3 epoch values are verified. mismatch: off by 0.3 (2)"
    )
    assert verification_summary(rows[:1]) == "All 1 epoch values were computed twice and agree."
    assert "when an epoch has ended" in verification_summary([])


def document(name: str, loss: str, metric: str | None, **config: Any) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "config": config,
        "model": {"parameters": 10},
        "environment": {},
        "epochs": [],
        "outputs": [output(loss=loss, accuracy_metric=metric)],
        "findings": [],
    }


def test_only_what_differs_is_listed() -> None:
    one, two = document("a", "mse", None, lr=0.1, units=8), document("b", "mse", None, lr=0.2)
    assert differences([one, two]) == {"config.lr": ["0.1", "0.2"], "config.units": ["8", "–"]}
    assert differences([one, one]) == {}
    same = [document("a", "mse", None, rate=rate) for rate in (1_000_000, 1e6)]
    assert differences(same) == {}
    said = differences([document("a", "mse", None, rate=rate) for rate in (0.0, False)])
    assert said == {"config.rate": ["0", "no"]}
    model = {"name": "sequential", "class": "Sequential", "optimizer": {"name": "adam"}}
    again = {"name": "sequential_5", "class": "Sequential", "optimizer": {"name": "adam_5"}}
    assert differences([one | {"model": model}, one | {"model": again}]) == {}
    slower = {"model": model | {"optimizer": {"name": "adam", "learning_rate": 0.01}}}
    assert differences([one | {"model": model}, one | slower]) == {
        "optimizer.learning_rate": ["–", "0.01"]
    }
    seen = [{"split": "train", "output": None, "n": n} for n in (300, 1347)]
    told = differences([one | {"epochs": seen[:1]}, one | {"epochs": seen, "batch_size": 32}])
    assert told == {"data.train_samples": ["300", "1,347"], "data.batch_size": ["–", "32"]}


def test_runs_that_mean_different_things_are_not_compared() -> None:
    mse, mae = document("a", "mse", None), document("b", "mae", "Accuracy")
    assert not comparable([mse, mae], "val_loss")
    assert comparable([mse, mae], "val_accuracy")
    assert "do not mean the same by loss" in words(caution([mse, mae]))
    assert caution([mse, mse]) is None


def test_what_p_means_is_said_in_plain_words() -> None:
    shown = words(comparison_panels(dmc.Group(), dmc.Group(), every=False))
    assert "The p of a difference is how often equally good models would differ as much" in shown
    assert "Holm" not in shown


def test_a_faulty_run_is_named_before_it_is_compared() -> None:
    faulty = document("wrong one", "mse", None) | {"findings": [finding()]}
    assert "An error was found in wrong one" in words(caution([faulty]))


@pytest.mark.usefixtures("app")
def test_the_grid_counts_findings_and_keeps_what_is_not_finite() -> None:
    (run,) = current_store().run_page(RunQuery("digits-overfit")).rows
    line = {"loss": [0.5, float("nan"), float("inf")], "val_loss": []}
    run |= {"sparkline": line}
    run |= {"loss": float("inf"), "findings": [finding(), finding("warning")]}
    row = run_grid_row(run, ["config.units", "config.nothing"])
    assert (row["config.units"], row["config.nothing"]) == (512, "")
    assert row["sparkline"] == {"loss": [0.5, "NaN", "+inf"], "val_loss": []}
    low, high = row["around"]["best_val_accuracy"]["span"]
    assert low < row["best_val_accuracy"] < high
    assert "95 % interval 0.543 to 0.635, of 384 samples" in row["around"]["best_val_loss"]["words"]
    assert row["severities"] == {"error": 1, "warning": 1, "info": 0}
    assert (row["loss"], row["flags"]) == ("+inf", 1010)
    assert as_json(row)["finding_words"]["error"] == "LM301 accuracy-with-regression"
    assert [json_safe(value) for value in (float("-inf"), 1.5, None)] == ["-inf", 1.5, None]


@pytest.mark.parametrize(
    ("status", "epochs", "reached", "done", "share"),
    [
        ("finished", 4, 7, "8 of 8 epochs", 1.0),
        ("running", 2, 6, "6 of 8 epochs", 0.75),
        ("interrupted", 3, 2, "3 of 8 epochs", 0.375),
        ("finished", 5, 4, "5 of 8 epochs", 0.625),
        ("running", 0, None, "0 of 8 epochs", 0.0),
    ],
    ids=["began at the fifth", "likewise, still going", "stopped", "stopped early", "just begun"],
)
@pytest.mark.usefixtures("app")
def test_the_grid_tells_how_far_a_run_came(
    status: str, epochs: int, reached: int | None, done: str, share: float
) -> None:
    (run,) = current_store().run_page(RunQuery("digits-overfit")).rows
    run |= {"status": status, "epochs": epochs, "epoch": reached, "epochs_planned": 8}
    progress = run_grid_row(run)["progress"]
    assert (progress["done"], progress["share"]) == (done, share)


@pytest.mark.usefixtures("app")
def test_a_best_accuracy_from_before_the_loss_was_lost_stands() -> None:
    (run,) = current_store().run_page(RunQuery("digits-overfit")).rows
    best = run["ends"]["best_accuracy"]["epoch"]
    for since, stands in ((best + 1, False), (best + 2, True)):
        evidence = {"split": "train", "since_epoch": since}
        lost = {**finding(), "code": "LM401", "rule": "nonfinite-loss", "evidence": evidence}
        row = run_grid_row(run | {"findings": [lost]})
        assert row["misread"].startswith("LM401 nonfinite-loss: predictions that are NaN")
        assert row["misread_best"] == ("" if stands else row["misread"])


def test_prose_becomes_paragraphs_lists_and_code() -> None:
    text = "The `word`.\n\n```python\nx = 1\n```\n\n- [Page](https://keras.io/api)\n- <b>two</b>"
    paragraph, code, listed = passages(text)
    assert words(paragraph) == "The  word ."
    assert "x = 1" in words(code)
    (link,) = [part for part in components(listed) if type(part).__name__ == "A"]
    assert (as_json(link)["props"]["href"], "<b>two</b>" in words(listed)) == (
        "https://keras.io/api",
        True,
    )


def test_links_of_other_schemes_stay_text() -> None:
    (paragraph,) = passages("[x](javascript:alert(1))")
    assert [type(part).__name__ for part in components(paragraph)] == ["Text"]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("running", "Training: 1 of 5 epochs done. It stands at validation loss 0.5."),
        ("finished", "Trained for 1 of 5 epochs. It ended with validation loss 0.5."),
        ("interrupted", "Stopped: 1 of 5 epochs done. It ended with validation loss 0.5."),
    ],
)
def test_the_summary_says_how_far_it_came(status: str, said: str) -> None:
    run = {
        "status": status,
        "epochs": [epoch(0, "train")],
        "epochs_planned": 5,
        "val_loss": 0.5,
        "findings": [],
    }
    assert " ".join(words(run_summary(run)).split()) == said


@pytest.mark.parametrize(("planned", "of"), [(8, " of 8"), (None, "")])
def test_the_summary_of_a_training_that_began_later_says_which_epochs(
    planned: int | None, of: str
) -> None:
    epochs = [epoch(place, "train") for place in (4, 5, 6, 7)]
    run = {"status": "finished", "epochs": epochs, "epochs_planned": planned, "findings": []}
    run |= {"val_loss": 0.5}
    assert " ".join(words(run_summary(run)).split()).startswith(f"Trained for epochs 5 to 8{of}.")


@pytest.mark.parametrize(
    ("accuracy", "said"),
    [
        (0.9557522, "validation accuracy 0.956 (the same answer to all would give 0.956)."),
        (0.9646018, "validation accuracy 0.965."),
    ],
)
def test_the_summary_says_what_one_answer_to_all_would_give(accuracy: float, said: str) -> None:
    share = 108 / 113
    run = {
        "status": "finished",
        "epochs": [
            epoch(0, "train", baselines={"majority_accuracy": 1.0}),
            epoch(0, "val", baselines={"majority_accuracy": 1.0}),
            epoch(1, "val", baselines={"majority_accuracy": share}),
        ],
        "epochs_planned": 2,
        "val_loss": 0.3,
        "val_accuracy": accuracy,
        "findings": [],
    }
    assert " ".join(words(run_summary(run)).split()).endswith(f"validation loss 0.3 and {said}")


@pytest.mark.parametrize(
    ("meant", "instead"),
    [(None, "(does not mean what it says)"), (0.93, "(0.93 was meant)")],
)
def test_the_summary_strikes_out_an_accuracy_that_is_misread(
    meant: float | None, instead: str
) -> None:
    run = {
        "status": "finished",
        "epochs": [epoch(0, "train")],
        "epochs_planned": 1,
        "val_loss": 0.5,
        "val_accuracy": 0.0,
        "val_intended_accuracy": meant,
        "findings": [finding()],
    }
    summary = run_summary(run)
    (struck,) = [part for part in components(summary) if type(part).__name__ == "Span"]
    assert as_json(struck)["props"]["className"] == "lossmon-misread"
    assert "LM301 accuracy-with-regression" in as_json(struck)["props"]["title"]
    said = " ".join(words(summary).split())
    assert said.endswith(f"validation loss 0.5 and validation accuracy 0 {instead} .")


def test_a_verdict_leads_to_what_it_rests_on() -> None:
    points = (
        Point("The `acc`, 0, is meaningless", "LM301", "age", "Go by its loss."),
        Point("Yes, 0.9 ± 0.1"),
    )
    panel = verdict_panel(Verdict("error", points))
    (link,) = [part for part in components(panel) if type(part).__name__ == "Button"]
    card = as_json(finding_card(finding(output="age")))["props"]["data-target"]
    assert as_json(link)["props"]["data-goes-to"] == card
    said = " ".join(words(panel).split())
    assert (
        said == "In short The acc , 0, is meaningless ( LM301 ). Go by its loss. Yes, 0.9 ± 0.1 ."
    )
    assert "0.9\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.1" in words(panel)


def test_the_badge_of_findings_leads_to_the_first_of_them() -> None:
    found = [finding("warning", code="LM408"), finding("warning", code="LM302"), finding("info")]
    warnings, _ = (as_json(badge)["props"] for badge in finding_badges(found))
    assert warnings["data-goes-to"] == finding_target(found[1])
    assert "LM408" in warnings["title"]


def test_the_summary_of_a_job_is_that_of_all_its_ranks() -> None:
    whole = {"epoch": 0, "split": "val", "output": None, "recomputed_accuracy": None}
    run = {
        "status": "finished",
        "epochs": [epoch(0, "train")],
        "epochs_planned": 1,
        "val_loss": 0.5,
        "verified": 1.0,
        "findings": [],
        "joined_epochs": [whole | {"loss": 0.62, "recomputed_loss": 0.625, "accuracy": 0.75}],
    }
    said = words(run_summary(run))
    assert "ended with validation loss 0.625 and validation accuracy 0.75 over all ranks." in said


def reconciled(split: str, *sentences: str, **values: Any) -> dict[str, Any]:
    unknown = ("reported_loss", "reported_accuracy", "audited_loss", "audited_accuracy")
    row = epoch(1, split, reconciliation=list(sentences)) | dict.fromkeys(unknown)
    return row | values


def test_the_last_epoch_says_what_fit_and_what_evaluate_say() -> None:
    audited = {"reported_loss": 0.953, "audited_loss": 0.912}
    content = printed_and_meant(
        [
            reconciled("val", "The accuracy counts predictions above 0.5 as 1."),
            reconciled("train", "The printed `acc` is the word's.", epoch=0),
            reconciled("train", "The weights moved.", **audited),
        ]
    )
    text = words(content)
    assert text.index("Training , epoch 2") < text.index("Validation , epoch 2")
    assert "fit says, loss 0.953 evaluate says, loss 0.912 The weights moved." in text
    assert "accuracy counts predictions" in text
    assert "audit_train" not in text
    assert "The printed" not in text


def test_a_misread_accuracy_stands_beside_the_one_that_was_meant() -> None:
    values = {"reported_accuracy": 0.788, "intended_accuracy": 0.803, "intended_exact_match": 0.25}
    best = {"rows": 9, "majority_accuracy": 0.62, "constant_loss": 0.66}
    text = words(printed_and_meant([reconciled("val", **values, baselines=best)]))
    assert "printed accuracy 0.788 meant accuracy 0.803 all labels right 0.25" in text
    assert "a constant's accuracy 0.62 a constant's loss 0.66" in text
    assert "printed accuracy" not in words(printed_and_meant([reconciled("val")]))


def test_printed_numbers_without_an_audit_say_how_to_get_one() -> None:
    rows = [reconciled("train", output="kind"), reconciled("train")]
    text = words(printed_and_meant(rows))
    assert text.index("Training , epoch 2") < text.index("Training  of  kind , epoch 2")
    assert text.count("Monitor(audit_train=True)") == 1
    assert "what they seem to be" in text


def test_a_run_of_an_older_version_has_no_reasons() -> None:
    assert "whole epoch" in words(printed_and_meant([epoch(0, "train", reconciliation=None)]))


def test_the_axis_says_of_a_finding_since_when_as_its_message_does() -> None:
    found = {"code": "LM407", "rule": "overconfident", "severity": "info", "output": None}
    found |= {"message": "too sure since epoch 2 (of 9).", "evidence": {"since_epoch": 2}}
    ends = {epoch: 10 * epoch + 9 for epoch in range(9)}
    seen = found | {"epoch": 6, "step": 64}
    (event,) = events_of([seen], [], ends, None)
    assert (event.title, event.first) == ("Overconfident (LM407), since epoch 2", 19)
    # Values of single batches are known before the end of their epoch.
    (event,) = events_of([seen | {"epoch": 1, "step": 13}], [], ends, None)
    assert (event.title, event.first) == ("Overconfident (LM407), since epoch 2", 13)
    (event,) = events_of([seen | {"evidence": {}}], [], ends, None)
    assert (event.title, event.first) == ("Overconfident (LM407), seen in epoch 7", 64)
    (event,) = events_of([seen | {"epoch": None, "step": None}], [], ends, None)
    assert (event.title, event.first) == ("Overconfident (LM407), before the first step", None)


def test_a_stalled_run_and_troubles_are_said_at_the_head(app: Any) -> None:
    run = current_store().run_document("custom-step")
    head = run_header(run | {"status": "running", "stalled": 185.0}, UTC)
    assert "stalled" in words(head)
    assert "no batch came for 3 min 05 s" in str(head)
    assert "lossmon had trouble during this run (1 message)" in words(head)
    settings = words(run_settings(run | {"model": {"summary": [LAYER]}}, UTC))
    assert "(UTC):  the queue was full" in settings
    assert "dense Dense (batch, 10) 650 no, frozen" in settings
    assert "{" not in settings
    ended = [{"time": 0.0, "message": "training ended with ValueError: Shapes are incompatible"}]
    failed = words(run_header(run | {"troubles": ended}, UTC))
    assert "Training ended with ValueError: Shapes are incompatible" in failed
    assert "lossmon had trouble" not in failed
    assert "lossmon had no trouble" in words(run_settings(run | {"troubles": ended}))
    quiet = words(run_settings(run | {"troubles": []}))
    assert "lossmon had no trouble" in quiet
    assert "Not recorded" in quiet


LAYER = {
    "name": "dense",
    "class": "Dense",
    "shape": [None, 10],
    "parameters": 650,
    "trainable": False,
}


def test_of_runs_with_other_samples_those_that_both_have_are_told() -> None:
    apart = Interval(0.3, 0.2, 0.4)
    difference = Difference("loss", "a", "b", apart, 0.001, "paired", 448, (0.365, 0.0696))
    values = {"a": 0.444, "b": 0.0693}
    advice = Recommendation(
        "probabilities", "loss", values, "b", (), (difference,), "For probabilities: b."
    )
    one = Weighing(None, "val", (), (), (), (difference,), (), (), (), (advice,))
    assert words(short_verdict([one])) == (
        "In short For probabilities, b is better than a (loss 0.0696 against 0.365 on the 448 "
        "samples that both have). How sure this is, and why"
    )


def test_settings_over_their_seeds_are_told_apart_from_their_values() -> None:
    rng = np.random.default_rng(0)
    runs = [judged(f"run{i}", rng.normal(1.0 + i % 2, 0.1, 200), np.arange(200)) for i in range(6)]
    groups = {"dropout=0.0, units=16": runs[::2], "dropout=0.2, units=64": runs[1::2]}
    named = {name: [run.name for run in of] for name, of in groups.items()}
    advice = weigh_need(runs, "probabilities", groups=named)
    of_groups = tuple(compare_groups([*groups.values()], [*groups]))
    means = tuple(repeats(name, of) for name, of in groups.items())
    one = Weighing(None, "val", tuple(runs), (), (), (), (), means, of_groups, (advice,))
    assert re.fullmatch(
        "In short For probabilities, dropout=0.0, units=16 is better than dropout=0.2, units=64 "
        r"\(loss [\d.]+ against [\d.]+, means of 3 and 3 runs\). How sure this is, and why",
        words(short_verdict([one])),
    )
    assert re.search(
        r"\(dropout=0.0, units=16: [\d.]+; dropout=0.2, units=64: [\d.]+\)",
        words(weighing_panel([one])),
    )


@pytest.mark.parametrize("first", [0, 1000])
def test_what_may_be_another_reason_stands_beside_the_answer(first: int) -> None:
    rng = np.random.default_rng(0)
    places = np.arange(200) + first
    runs = (
        judged("a", rng.normal(1, 0.1, 200), np.arange(200)),
        judged("b", rng.normal(2, 0.1, 200), places),
    )
    advice = weigh_need(runs, "probabilities")
    compared = advice.differences
    one = Weighing(None, "val", runs, (), (), compared, (), (), (), (advice,), ONE_TRAINING)
    short, details = short_verdict([one]), words(weighing_panel([one]))
    once = "Each was trained once: with another seed they may end otherwise."
    assert once in words(short)
    assert ("not known to be the same" in words(short)) == (first > 0)
    assert ("not known to be the same" in details) == (first > 0)
    assert ("compared one by one" in details) == (first == 0)
    assert "small differences may be missed" not in details
    assert ("lossmon-warning" in str(short)) == (first > 0)


def judged(name: str, losses: Any, keys: Any) -> Measured:
    """A run whose samples are known."""
    return Measured.of_samples(name, Samples(losses, losses < 1.5, keys))
