from __future__ import annotations

from pathlib import Path
from typing import Any

import dash
import pytest
from lossmon_dashboard import create_app, figures
from lossmon_dashboard.clock import moment, viewer_zone
from lossmon_dashboard.comparing import comparison, groupings, options, verdict
from lossmon_dashboard.comparison_chart import Compared, draw_comparison
from lossmon_dashboard.components.accuracy_meaning import accuracy_meanings, accuracy_panel
from lossmon_dashboard.components.comparison_table import comparison_csv
from lossmon_dashboard.components.divergence import divergence_panel
from lossmon_dashboard.components.events import event_links
from lossmon_dashboard.components.run_columns import COLUMNS
from lossmon_dashboard.components.run_groups import group_choices, group_rows
from lossmon_dashboard.components.run_settings import run_settings
from lossmon_dashboard.figures import HistoryView
from lossmon_dashboard.links import MOST_COMPARED
from lossmon_dashboard.news import observe
from lossmon_dashboard.pages import PAGES, run, runs
from lossmon_dashboard.pages.rules import catalogue
from lossmon_dashboard.run_tabs.calibration import course_figures
from lossmon_dashboard.run_tabs.divergence import told_divergence
from lossmon_dashboard.run_tabs.history import read_history
from lossmon_dashboard.run_tabs.samples import class_figures
from lossmon_dashboard.run_tabs.verification import compared
from lossmon_dashboard.shell import render
from lossmon_dashboard.source import current_store

from lossmon.errors import RunNotFound
from lossmon.records import EpochRecord
from lossmon.store import SETTING, RunGroup, RunWriter
from tests.analysis.sampled import RECORDS, ROWS
from tests.dashboard.asking import ask
from tests.dashboard.seed import HOSTILE, SCENARIOS, SOFTMAX, Scenario
from tests.dashboard.tree import as_json, components, words

EVERYTHING: dict[str, Any] = {"words": "", "archived": False, "by": None, "group": None}
NAMES = [scenario.name for scenario in SCENARIOS]
ADDRESSES = [
    ("/", ""),
    ("/", "?q=digits&sort=name:asc&filter=%7B%22name%22%3A1%7D"),
    ("/", "?filter=not-json&sort=&argument=x&nonsense=1"),
    ("/run/latest", "?detail=epochs&value=all&scale=log"),
    ("/run/two-heads", "?output=kind"),
    ("/run/two-heads", "?output=kind&tab=calibration&epoch=3"),
    ("/run/digits-cnn", "?tab=samples&epochs=1-4&kind=turned_wrong"),
    ("/run/digits-cnn", "?tab=divergence"),
    ("/run/digits-cnn", "?tab=verification"),
    ("/run/digits-cnn", "?tab=samples&epoch=x&epochs=9-9-9"),
    ("/compare", "?runs=digits-cnn,digits-overfit"),
    ("/compare", ""),
    ("/compare", "?runs=nobody,,&split=train"),
    ("/rules", "?q=logits"),
    ("/rules/LM301", ""),
]


def listed(request: Any = {}, **asked: Any) -> list[dict[str, Any]]:  # noqa: B006
    return runs.contents(request, EVERYTHING | asked, ())[0]["rowData"]


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(("path", "search"), ADDRESSES)
def test_every_page_is_made(path: str, search: str) -> None:
    page = render(path, search)
    assert as_json(page)
    assert [part for part in components(page) if type(part).__name__ in ("Title", "AgGrid")]


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/run", "names no run"),
        ("/elsewhere", "/elsewhere"),
        ("/rules/LM999", "LM999"),
    ],
)
def test_what_is_not_there_has_a_friendly_page(path: str, said: str) -> None:
    page = render(path, "")
    assert said in words(page)
    assert "Nothing here" in words(page)


@pytest.mark.usefixtures("app")
def test_a_run_that_is_not_there_is_told_in_plain_words() -> None:
    page = render("/run/nobody", "")
    assert "No run has the id or the name “nobody”" in words(page)
    assert "Fix:" not in words(page)
    (link,) = [part for part in components(page) if type(part).__name__ == "Link"]
    assert as_json(link)["props"]["href"] == "/"


@pytest.mark.usefixtures("bare_app")
def test_a_missing_database_is_named_with_the_way_to_a_first_run() -> None:
    for content in (render("/run/latest", ""), runs.greeting()[0]):
        assert "No database yet" in words(content)
        assert "none.db" in words(content)
        assert "lossmon.Monitor()" in words(content)


@pytest.mark.usefixtures("app")
def test_no_runs_yet_says_which_line_to_add(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_store(), "has_runs", lambda: False)
    notice, display = runs.greeting()
    assert display == "none"
    assert "callbacks=[lossmon.Monitor()]" in words(notice)


@pytest.mark.usefixtures("app")
def test_rows_hold_what_their_columns_show_and_little_more() -> None:
    shown = {column["field"] for column in COLUMNS}
    beside = {"rules", "severities", "finding_words", "around", "progress", "mark", "archived"}
    beside |= {"misread", "misread_best", "misjudged", "finding_targets"}
    for row in listed():
        assert row.keys() - shown == beside
        found = str(row["finding_words"])
        assert row["misread"].partition(":")[0] in found
        codes = ("LM103", "LM301", "LM302", "LM401")
        assert bool(row["misread"]) == any(code in found for code in codes)
        assert shown <= row.keys()


@pytest.mark.usefixtures("app")
def test_the_list_of_runs_sums_up() -> None:
    answer, summary, _, found = runs.contents({}, EVERYTHING, ())
    assert sorted(row["name"] for row in answer["rowData"]) == sorted(NAMES)
    assert (answer["rowCount"], found, summary) == (9, 9, "9 runs · 3 with errors")
    assert runs.greeting() == (None, "block")
    assert as_json(answer)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("request_", "asked", "names"),
    [
        ({"startRow": 1, "endRow": 3}, {}, ["custom-step", "two-heads"]),
        (
            {"sortModel": [{"colId": "val_loss", "sort": "desc"}], "endRow": 3},
            {"words": "digits"},
            ["digits-overfit", "digits-cnn", "digits-nan"],
        ),
        (
            {
                "filterModel": {
                    "flags": {"filterType": "number", "type": "greaterThan", "filter": 99}
                }
            },
            {},
            ["digits-nan", "breast-cancer-logits", "diabetes-accuracy"],
        ),
        (
            {
                "filterModel": {
                    "name": {
                        "operator": "OR",
                        "type": "x",
                        "conditions": [
                            {"type": "endsWith", "filter": "NAN"},
                            {"type": "equals", "filter": "diabetes"},
                        ],
                    }
                }
            },
            {},
            ["digits-nan", "diabetes"],
        ),
        (
            {"filterModel": {"config.units": {"type": "notBlank"}, "started": {"type": "nothing"}}},
            {"by": "config.units", "group": "512"},
            ["digits-overfit"],
        ),
        (
            {"filterModel": {"val_accuracy": {"type": "inRange", "filter": 0.85, "filterTo": 0.9}}},
            {},
            ["breast-cancer-logits"],
        ),
        ({}, {"words": "LM408 units=512 OVERFIT"}, ["digits-overfit"]),
        ({}, {"by": "tags", "group": "mlp"}, ["digits-overfit"]),
        ({}, {"words": "val_loss<0.15"}, ["breast-cancer-logits"]),
        ({}, {"words": "digits Val loss > .2"}, ["digits-overfit"]),
        ({}, {"words": "units>=100 epochs=20"}, ["digits-overfit"]),
        ({}, {"words": "UNITS>64 verified=100%"}, ["digits-overfit"]),
        ({}, {"words": "val meant>90%"}, ["breast-cancer-logits"]),
        ({}, {"words": "units>512"}, []),
        ({}, {"words": "project>1"}, []),
        ({"sortModel": [{"colId": "no-such", "sort": "asc"}]}, {"words": "nowhere"}, []),
    ],
)
def test_the_list_is_sorted_filtered_searched_and_cut_by_the_store(
    request_: Any, asked: Any, names: list[str]
) -> None:
    assert [row["name"] for row in listed(request_, **asked)] == names


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            "accuracy:bad",
            "“accuracy” is no key to search by. These are: name, project, note, tag, ",
        ),
        ("<b>x:1 Acc:2 <b>x:3", "“<b>x” and “Acc” are no keys to search by. "),
        ("optimizer.rate=0.1", "“optimizer.rate” is no key to search by. "),
        ("units=nowhere", "0 runs"),
        (
            "status:bad digits",
            "“bad” is no status. These are: running, finished, failed and interrupted.",
        ),
        ("Severity:bad", "“bad” is no severity. These are: error, warning, info and fine."),
        ("nowhere", "0 runs"),
        ("units>1e9 val_loss<1", "0 runs"),
        ("valloss<1", "“valloss” is no number to search by. These are: val_loss, val_accuracy, "),
        ("a<1 b>2", "“a” and “b” are no numbers to search by. "),
        ("val_loss<low", "“low” is no number: write val_loss<0.1, accuracy>=90% or epochs=3."),
        ("UNITS:nowhere", "0 runs"),
        (":nowhere", "0 runs"),
        ("status:finished", "8 runs · 3 with errors"),
    ],
)
def test_a_search_by_what_is_no_key_names_the_keys(typed: str, said: str) -> None:
    _, summary, _, _ = runs.contents({}, {**EVERYTHING, "words": typed}, ())
    assert summary.startswith(said)
    # Of nothing at all it is not said that it has no errors.
    assert "0 runs ·" not in summary
    if "no key" in summary:
        assert "note, tag, status, rule, severity, " in summary
        assert "units" in summary


@pytest.mark.usefixtures("app")
def test_groups_of_runs_say_how_far_their_values_lie_apart() -> None:
    rows, _, hidden, words_ = runs.grouping({**EVERYTHING, "by": "project"}, {})
    assert not hidden
    digits = next(row for row in rows if row["name"] == "digits")
    assert (digits["runs"], digits["faulty"], digits["statuses"]) == (3, 1, "3 finished")
    own = {row["id"] for row in listed(by="project", group="digits")}
    assert set(digits["compared"]) == own
    assert len(own) == 3
    assert digits["best_val_loss"]["words"].startswith("mean ± standard deviation of 3 runs: 0.34")
    (everything,) = runs.grouping({**EVERYTHING, "by": "config.lr"}, {})[0]
    assert (everything["name"], everything["runs"]) == ("0.001", 2)
    assert words(words_).endswith("choose a group to see its own. 2 runs in none of them.")
    assert runs.grouping(EVERYTHING, {})[2]


def test_of_a_large_group_as_many_runs_are_compared_as_a_comparison_takes() -> None:
    large = RunGroup("large", tuple(map(str, range(MOST_COMPARED + 1))), {}, 0, {}, 0.0)
    (row,) = group_rows([large])
    assert row["runs"] == MOST_COMPARED + 1
    assert row["compared"] == large.runs[:MOST_COMPARED]


@pytest.mark.usefixtures("app")
def test_groups_by_config_say_that_they_go_by_no_more() -> None:
    said = {by: words(runs.grouping({**EVERYTHING, "by": by}, {})[3]) for by in (SETTING, "tags")}
    assert "may differ in what it does not name" in said[SETTING]
    assert "Compare takes all that was recorded" in said[SETTING]
    assert "recorded" not in said["tags"]
    own, *_ = group_choices([])
    (label,) = (one["label"] for one in own["items"] if one["value"] == SETTING)
    assert label == "Config alone, any seed"


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_run_can_be_described(name: str) -> None:
    document = current_store().run_document(name)
    header, findings, *rest = run.description(document)
    rest += [*compared(document["epochs"]), accuracy_panel(accuracy_meanings(document))]
    rest += [run_settings(document), told_divergence(name)]
    assert document["name"] in words(header)
    assert all(
        finding["message"].split("`")[0] in words(findings) for finding in document["findings"]
    )
    assert as_json(rest)


def test_what_is_no_news_is_not_told_again(app: dash.Dash) -> None:
    client, asked = app.server.test_client(), {"run-id.data": NAMES[0]}
    told = ask(client, "run-header.children", asked).get_json()["response"]
    known = {"run-news.data": told["run-news"]["data"]}
    again = ask(client, "run-header.children", asked | known).get_json()["response"]
    assert (len(told), again.keys()) == (5, {"run-header"})


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_kind_of_run_can_be_drawn(name: str, scheme: Any) -> None:
    views = (HistoryView(), HistoryView("batches", "reported", log=True, axis="epoch", smooth=10))
    for view in (*views, HistoryView(axis="time"), HistoryView(axis="samples")):
        assert as_json(read_history(current_store(), name, view).figure(scheme))["data"]
    gap, recoverable = course_figures(name, None, scheme)
    assert as_json([gap, recoverable, *class_figures([], scheme)])


@pytest.mark.usefixtures("app")
def test_a_divergence_is_told_in_sentences_and_shaded_in_the_chart() -> None:
    panel = words(told_divergence("digits-overfit"))
    assert "Epochs 11–20: validation loss rose 0.589" in panel
    assert "although accuracy did not fall" in panel
    assert "stop at epoch" in panel
    shown = read_history(current_store(), "digits-overfit", HistoryView(axis="step"))
    (episode,) = [event for event in shown.events if event.last is not None]
    span = (episode.first, episode.last)
    assert 50 < (span[0] or 0) < (span[1] or 0) == 239
    assert [event.target for event in shown.events if event.severity] == ["finding:LM408:"]
    figure = as_json(shown.figure("light"))
    bands = [shape for shape in figure["layout"]["shapes"] if shape["type"] == "rect"]
    assert {(band["x0"], band["x1"]) for band in bands} == {span}
    assert {band["xref"] for band in bands} == {"x2", "x3"}
    assert "loss and accuracy part ways" in {trace["name"] for trace in figure["data"]}
    assert ": loss rises while accuracy holds" in words(event_links(shown.events))


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("name", ["digits-cnn", "diabetes", "digits-nan", "custom-step"])
def test_where_nothing_parts_nothing_is_shaded(name: str) -> None:
    assert words(told_divergence(name)).startswith("Nowhere, beyond what noise explains")
    figure = as_json(read_history(current_store(), name, HistoryView()).figure("light"))
    assert not figure["layout"].get("shapes")


def test_where_nothing_parts_yet_it_may_still() -> None:
    assert words(divergence_panel([], ended=False)).startswith("Nowhere so far, beyond")


def test_no_heading_calls_a_run_that_has_ended_unfinished() -> None:
    assert not [column for column in COLUMNS if "so far" in column["headerName"]]


@pytest.mark.usefixtures("app")
def test_outputs_are_drawn_one_by_one() -> None:
    whole, kind = (
        read_history(current_store(), "two-heads", HistoryView(output=output)).figure("light")
        for output in (None, "kind")
    )
    assert kind["layout"]["uirevision"] != whole["layout"]["uirevision"]
    assert as_json(kind)["data"]


@pytest.mark.usefixtures("app")
def test_printed_and_meant_accuracy_stand_side_by_side() -> None:
    document = current_store().run_document("breast-cancer-logits")
    accuracy = words(accuracy_panel(accuracy_meanings(document)))
    assert "printed 0.872 BinaryAccuracy(threshold=0.5)" in accuracy
    assert "meant 0.907 BinaryAccuracy(threshold=0.0)" in accuracy


@pytest.mark.usefixtures("app")
def test_comparing_shows_ends_differences_and_caution() -> None:
    store = current_store()
    documents = [store.run_document(name) for name in ("digits-cnn", "digits-overfit", "diabetes")]
    chosen = Compared(tuple(document["id"] for document in documents), axis="time")
    overlay = draw_comparison(store, chosen, "light")["figure"]
    pareto, ends, columns, height, different, mind = comparison(documents, "light")
    # One of them has another loss: none is marked as beaten by no other.
    assert "not beaten on both" not in [trace["name"] for trace in as_json(pareto)["data"]]
    classifiers = as_json(comparison(documents[:2], "light")[0])["data"]
    assert "not beaten on both" in [trace["name"] for trace in classifiers]
    assert "Val meant" not in [column["headerName"] for column in columns]
    assert len(as_json(overlay)["data"]) == 5
    assert [row["name"] for row in ends] == ["digits-cnn", "digits-overfit", "diabetes"]
    assert [row["best"] for row in ends] == [["val_accuracy"], ["val_accuracy"], []]
    assert height == {"height": "194px"}
    apart = draw_comparison(store, chosen._replace(apart=True), "light")["figure"]
    assert len(as_json(apart)["data"]) == 6
    assert "config.units 64 512" in words(different)
    assert "environment.backend" not in words(different)
    assert "environment.backend" in words(comparison(documents, "light", every=True)[4])
    rows = comparison_csv([*documents, store.run_document(HOSTILE) | {"name": "=cmd|x"}], "val")
    assert rows.splitlines()[0].startswith("id,run,split,epoch,step,seconds,samples,loss")
    assert rows.count("digits-cnn,val,") == 12
    assert ",'=cmd|x,val,1,12," in rows
    assert "do not mean the same by loss" in words(mind)


@pytest.mark.usefixtures("app")
def test_the_best_accuracy_is_the_best_of_those_that_were_meant() -> None:
    misread = current_store().run_document("breast-cancer-logits")
    (output,) = misread["outputs"]
    logits = output | {"loss_config": {"from_logits": True}}
    printed, meant = misread["val_accuracy"], misread["val_intended_accuracy"]
    right = misread | {"id": "0" * 12, "name": "right", "val_accuracy": (printed + meant) / 2}
    right |= {"val_intended_accuracy": None, "outputs": [output | {"intended_metric": None}]}
    documents = [misread | {"outputs": [logits]}, right]
    pareto, ends, columns, *_ = comparison(documents, "light")
    assert [column["headerName"] for column in columns][2:4] == ["Val accuracy", "Val meant"]
    assert printed < right["val_accuracy"] < meant
    assert [row["best"] for row in ends] == [["val_loss", "val_intended_accuracy"], ["val_loss"]]
    heights = [trace["y"] for trace in as_json(pareto)["data"] if len(trace["x"]) == 1]
    assert [meant] in heights
    assert [printed] not in heights
    said = words(verdict([misread, misread | {"name": "again"}], None, (None, None, None), ""))
    assert (
        "Judged by the accuracy that was meant, not the printed one (breast-cancer-logits" in said
    )


@pytest.mark.usefixtures("app")
def test_runs_to_compare_are_found_by_name_and_those_chosen_stay() -> None:
    chosen = current_store().resolve("diabetes")
    labels = [one["label"].partition(" (")[0] for one in options([chosen], "DIGITS nan")]
    assert labels == ["diabetes", "digits-nan"]
    assert len(options([])) == len(NAMES)


@pytest.mark.usefixtures("app")
def test_rules_say_in_which_runs_they_found_something() -> None:
    assert "accuracy-with-regression".replace("-", " ") in words(catalogue("LM301")).lower()
    assert "in 1 run error" in words(catalogue("LM301"))
    assert "in 1 run" not in words(catalogue("LM103"))
    assert len(catalogue("", found=True).children) == 4
    assert "No rule matches" in words(catalogue("LM103", found=True))
    page = render("/rules/LM301", "")
    assert "Found in 1 run diabetes-accuracy diabetes · finished" in words(page)
    links = [getattr(part, "href", "") for part in components(page)]
    assert "/?q=LM301" in links
    assert f"/run/{current_store().resolve('diabetes-accuracy')}" in links
    assert "Found in" not in words(render("/rules/LM103", ""))


@pytest.mark.usefixtures("app")
def test_which_run_to_take_depends_on_what_is_asked() -> None:
    store = current_store()
    documents = [store.run_document(name) for name in ("digits-cnn", "digits-overfit")]
    nothing = (None, None, None)
    short, details = verdict(documents, None, nothing, "")
    said = words(details)
    assert words(short) == (
        "In short For probabilities, digits-cnn is better than digits-overfit (loss 0.1547 "
        "against 1.055). For decisions, no evidence of a difference (accuracy 0.9444 of "
        "digits-cnn and 0.9444 of digits-overfit). Each was trained once: with another seed they "
        "may end otherwise. How sure this is, and why"
    )
    assert "For probabilities: digits-cnn, by its loss." in said
    assert "For decisions: no evidence of a difference in accuracy." in said
    assert "digits-cnn − digits-overfit −0.9 (" in said
    assert "samples not known one by one: small differences may be missed." in said
    said = words(verdict(documents, "decisions", ("1", "10", None), None))
    assert "needs the probabilities of two classes" in said
    # Costs are of decisions: they do not hinder another question.
    assert "by its loss" in words(verdict(documents, "probabilities", ("1", "10", None), None))
    assert "Repeats of one setting units=64 1" not in said
    assert (
        "units=512 1 1.05" in words(verdict(documents, None, nothing, "units")).split("Setting")[1]
    )


@pytest.mark.usefixtures("app")
def test_runs_are_grouped_by_what_is_known_of_all_of_them() -> None:
    store = current_store()
    documents = [store.run_document(name) for name in ("digits-cnn", "digits-overfit")]
    assert groupings(documents) == ["config.units", "fit.epochs", "project", "tags"]
    for by in groupings(documents):
        assert words(verdict(documents, None, (None, None, None), by)).startswith("In short ")
    assert groupings([]) == []


@pytest.mark.usefixtures("app")
def test_runs_of_an_address_that_are_not_compared_are_named() -> None:
    page = words(render("/compare", "?runs=digits-cnn,gone,digits-cnn"))
    assert "Not compared Not there, or not any more: gone." in page
    many = ",".join(["digits-cnn"] * (MOST_COMPARED + 2))
    assert "2 runs beyond the first 200 left out" in words(render("/compare", f"?runs={many}"))
    assert "Not compared" not in words(render("/compare", "?runs=digits-cnn,diabetes"))


@pytest.mark.usefixtures("app")
def test_comparisons_of_many_runs_are_bounded() -> None:
    run = current_store().run_document("digits-cnn")
    many = [run | {"name": f"run {place}"} for place in range(30)]
    said = verdict(many, None, (None, None, None), None)
    assert "864 comparisons more" in words(said)
    assert "564 comparisons more: " in words(said)
    assert len(list(components(said))) < 50


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("costs", "by"),
    [
        (("a", None, None), ""),
        (("0", None, None), ""),
        ((None, None, "2"), ""),
        ((None,) * 3, "no"),
    ],
)
def test_questions_that_make_no_sense_are_answered_in_words(costs: Any, by: str) -> None:
    store = current_store()
    documents = [store.run_document(name) for name in ("digits-cnn", "digits-overfit")]
    said = words(verdict(documents, None, costs, by))
    assert said.startswith("Mind this expected ")
    assert "Fix: " in said


@pytest.mark.usefixtures("app")
def test_runs_of_several_losses_are_not_weighed() -> None:
    store = current_store()
    documents = [store.run_document(name) for name in ("digits-cnn", "diabetes")]
    for chosen in (documents, documents[:1], []):
        short, details = verdict(chosen, None, (None, None, None), "")
        one = len(chosen) < 2
        assert ("add another" if one else "cannot be told. Why") in words(short)
        assert "Needs two or more" in words(details)
    assert "do not mean the same by loss" in words(verdict(documents, None, (None, None, None), ""))
    documents.append(store.run_document("digits-overfit"))
    said = words(verdict(documents, None, (None, None, None), ""))
    assert "For probabilities: digits-cnn, by its loss." in said
    assert "Left out: diabetes (no other run has the loss mean_squared_error)." in said


@pytest.mark.usefixtures("app")
def test_hostile_names_are_only_ever_text() -> None:
    document = current_store().run_document(HOSTILE)
    contents = [run.description(document), listed(), render("/compare", f"?runs={HOSTILE}")]
    contents.append(
        verdict(
            [document, current_store().run_document("digits-cnn")], None, (None, None, None), "tags"
        )
    )
    for content in contents:
        kinds = {type(part).__name__ for part in components(content)}
        assert not kinds & {"Markdown", "DangerouslySetInnerHTML", "CodeHighlight"}


@pytest.mark.usefixtures("app")
def test_nothing_is_redrawn_while_nothing_changes() -> None:
    assert observe("/") == observe("/")
    assert observe("/run/latest") != observe("/")


@pytest.mark.usefixtures("bare_app")
def test_a_database_that_cannot_be_read_is_said() -> None:
    assert "none.db" in observe("/")["trouble"]


def test_pages_are_an_explicit_list() -> None:
    assert [page.PATH for page in PAGES] == ["/", "/run", "/compare", "/rules"]
    assert [page.NAME for page in PAGES] == ["Runs", "Run", "Compare", "Rules"]
    assert not dash.page_registry


@pytest.mark.parametrize(
    ("cookie", "said"),
    [
        ("Europe%2FBerlin", "21 Nov 2026, 23:30 (CET)"),
        ("Nowhere/Atlantis", "21 Nov 2026, 22:30 (UTC)"),
        ("../../etc/passwd", "21 Nov 2026, 22:30 (UTC)"),
        ("", "21 Nov 2026, 22:30 (UTC)"),
    ],
)
def test_times_are_in_the_zone_of_the_viewer(app: dash.Dash, cookie: str, said: str) -> None:
    headers = {"Cookie": f"lossmon_zone={cookie}"}
    with app.server.test_request_context(headers=headers):
        assert moment("2026-11-21T22:30:00+00:00", viewer_zone()) == said


def test_the_samples_that_a_rise_comes_from_are_named(tmp_path: Path) -> None:
    scenario = Scenario("overconfident", metric=SOFTMAX)
    writer = RunWriter.open(tmp_path / "runs.db", scenario.record(), scenario.output_records())
    epochs = [EpochRecord(time=0.0, **row) for row in ROWS]
    writer.write(epochs=epochs, samples=list(RECORDS.values()))
    writer.close()
    with create_app(str(tmp_path / "runs.db")).server.test_request_context():
        panel = words(told_divergence("overconfident"))
    assert "samples that the model became surer of" in panel
    assert "of the validation data" in panel
    assert "(temperature scaling)" in panel


@pytest.mark.usefixtures("app")
def test_each_chart_can_be_drawn_from_a_database() -> None:
    store = current_store()
    axis = figures.history_of(store, "digits-overfit", axis="epoch", smooth=10)
    assert as_json(axis)["layout"]["meta"] == {"axis": "epoch"}
    bars = as_json(figures.reliability_of(store, "digits-cnn", 3))["data"][1]
    known = store.epoch_rows("digits-cnn", split="val")[3]["reliability"]
    assert bars["y"] == [band["accuracy"] for band in known]
    both = ["digits-cnn", "digits-overfit"]
    drawn = [figures.overlay_of(store, both), figures.pareto_of(store, both)]
    drawn += [
        getattr(figures, name)(store, "two-heads", output="kind", scheme="dark")
        for name in figures.__all__
        if name.endswith("_of") and name not in ("overlay_of", "pareto_of")
    ]
    assert len([as_json(figure) for figure in drawn]) == 11
    with pytest.raises(RunNotFound):
        figures.gap_of(store, "nobody")
