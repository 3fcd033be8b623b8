"""Of runs that were validated on other data no one is marked as better anywhere."""

from __future__ import annotations

from lossmon_dashboard import figures
from lossmon_dashboard.components.comparison import comparable
from lossmon_dashboard.components.comparison_ends import end_rows
from lossmon_dashboard.components.weighing import short_verdict, weighing_panel

from tests.analysis.validated import drawn, run, weighed
from tests.dashboard.tree import words

ONE, OTHER = run("one", drawn(0)), run("other", drawn(1, 300), sure=0.3, first=9_000)


def test_in_short_says_why_and_what_to_do() -> None:
    found = weighed(ONE, OTHER)
    assert words(short_verdict([found])) == (
        "In short Which of these runs is better cannot be told. They were not validated on the "
        "same samples (300 labels in one, 400 in another): what differs may be the data. Validate "
        "them on the same data. Why"
    )
    details = words(weighing_panel([found]))
    assert "Last validation epoch : not the same samples." in details
    assert "No two of them can be compared." in details


def test_where_some_can_be_compared_it_is_a_warning() -> None:
    poor = run("poor", drawn(0), sure=0.3)
    short = short_verdict([weighed(ONE, poor, OTHER)])
    assert "one, by its loss (not compared, of other samples: other)" in words(short)
    assert "Not all were validated on the same samples" in words(short)
    assert "lossmon-warning" in str(short)


def test_no_value_is_the_best_and_nothing_is_unbeaten() -> None:
    runs = [
        document
        | {"val_loss": loss, "val_accuracy": share, "loss": None, "accuracy": None}
        | {"verified": 1.0, "duration": 1.0}
        for document, loss, share in ((ONE, 0.1, 0.9), (OTHER, 0.5, 0.6))
    ]
    assert [comparable(runs, measure) for measure in ("val_loss", "loss")] == [False, True]
    assert [row["best"] for row in end_rows(runs)] == [[], []]
    assert [row["best"] for row in end_rows([runs[0], runs[0]])] != [[], []]
    drawn_of = figures.plot_pareto(runs, comparable=comparable(runs, "val_loss"))
    assert "not beaten on both" not in str(drawn_of)
