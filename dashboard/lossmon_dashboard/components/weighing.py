"""What is more than noise between runs, and which of them to take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from lossmon.analysis import (
    MEASURE_WORDS,
    Difference,
    Recommendation,
    Repeats,
    Weighing,
    Wins,
    all_doubts,
    compared_at,
    may_be_the_data,
    outweighed,
    samples_words,
    verdict_words,
)
from lossmon_dashboard.components.callout import callout
from lossmon_dashboard.components.labels import spoken
from lossmon_dashboard.components.panel import scrolled
from lossmon_dashboard.components.prose import with_code
from lossmon_dashboard.components.text_table import text_table
from lossmon_dashboard.wording import NOTHING, capitalised, count, number

# More comparisons are folded away.
_SHOWN_PAIRS = 6
# Of many runs, those that no one would read to the end are left out.
_MOST_PAIRS = 300
# As many needs as there are.
_MOST_VERDICTS = 3
_TITLES = ("Of", "Between", "Difference, 95 %", "p", "Judged", "Verdict")
_MOST_CLASSES = 20
_BASES = {
    "paired": "sample by sample",
    "unpaired": "each by itself",
    "seeds": "over seeds",
}
NOT_TOLD = (
    "Needs two or more runs of one loss: classifiers, whose predictions were judged right or "
    "wrong, or models of values, judged on the same validation samples."
)


def needs_control(need: str, fp: str, fn: str, threshold: str, by: str) -> dmc.Group:
    """The questions that the panel answers: what the model is for, what mistakes cost, repeats."""
    needs = [
        {"value": "", "label": "All"},
        {"value": "probabilities", "label": "Probabilities"},
        {"value": "decisions", "label": "Decisions"},
        {"value": "ranking", "label": "Ranking"},
    ]
    return dmc.Group(
        [
            html.Div(
                [
                    dmc.Text("What the model is for", size="sm", fw=500, mb=3),
                    dmc.SegmentedControl(id="compare-need", value=need, data=needs, size="sm"),
                ],
                role="group",
                className="lossmon-choice",
                **spoken("What the model is for"),
            ),
            dmc.Group(
                [
                    _number("compare-fp", "Cost of a false 1", fp),
                    _number("compare-fn", "Cost of a missed 1", fn),
                    _number("compare-threshold", "Threshold", threshold),
                ],
                id="compare-costs",
                gap="md",
                align="end",
            ),
            dmc.Autocomplete(
                id="compare-by",
                label="Repeats share",
                value=by,
                placeholder="all but the seed",
                debounce=400,
                w=220,
                size="sm",
            ),
        ],
        gap="md",
        align="end",
        mt="lg",
        mb="sm",
    )


def _number(identity: str, label: str, value: str) -> dmc.TextInput:
    return dmc.TextInput(
        id=identity,
        label=label,
        value=value,
        placeholder="–",
        debounce=400,
        w=130,
        size="sm",
    )


def weighing_panel(found: Sequence[Weighing], left_out: Sequence[str] = ()) -> dmc.Stack:
    """Recommendation, differences, repeats and wins of each output.

    Args:
        found: comparisons, as `weigh` gives them.
        left_out: which runs are in none of them, and why, in sentences.
    """
    remarks = [_remark(sentence) for sentence in left_out]
    if not found:
        needed = dmc.Text(NOT_TOLD, size="sm", c="dimmed")
        return dmc.Stack([*remarks, needed], gap="xs")
    return dmc.Stack([*(_one(weighing) for weighing in found), *remarks], gap="lg")


def short_verdict(
    found: Sequence[Weighing], left_out: Sequence[str] = (), *, runs: int = 2
) -> dmc.Paper:
    """Which run to take in a sentence or two, above all that it rests on, or that none can be told.

    Args:
        found: comparisons, as `weigh` gives them.
        left_out: which runs are in none of them, and why, in sentences.
        runs: how many were chosen.
    """
    if runs < 2:
        words = "A comparison takes two or more runs: add another above."
        return callout("unknown", "In short", dmc.Text(words))
    told = [
        f"{'' if one.output is None else f'Output {one.output}: '}{_in_short(recommended, one)}"
        for one in found
        for recommended in one.recommendations
        if recommended.best is not None
    ]
    reasons = all_doubts(found)
    if not told:
        words = " ".join(["Which of these runs is better cannot be told.", *reasons])
        why = html.A("Why", href="#compare-which", className="lossmon-link")
        return callout("unknown", "In short", dmc.Text(words), dmc.Text(why, size="sm"))
    beyond = len(told) - _MOST_VERDICTS
    words = [*told[:_MOST_VERDICTS], *([f"{beyond} more below."] if beyond > 0 else [])]
    words += ["Not all of these runs can be compared."] if left_out else []
    minded = any(one.apart or one.lost or may_be_the_data(one) for one in found)
    link = html.A("How sure this is, and why", href="#compare-which", className="lossmon-link")
    text = " ".join([*words, *reasons])
    kind = "warning" if minded else "good"
    return callout(kind, "In short", dmc.Text(text), dmc.Text(link, size="sm"))


def _in_short(found: Recommendation, one: Weighing) -> str:
    """Whether the one of two is better, and by what; of more runs which to take."""
    best, names = found.best, list(found.values)
    if best is None or len(names) != 2:
        return found.sentence
    other = names[1 - names.index(best)]
    of, where = found.values, ""
    # What was judged is the samples that both have, not all that each has.
    if _of_other_samples(found):
        shared = next(d for d in found.differences if d.means is not None)
        of = dict(zip((shared.first, shared.second), shared.means or (), strict=True))
        where = f" on the {shared.samples:,} samples that both have"
    measure = MEASURE_WORDS[found.measure]
    if found.as_good:
        told = " and ".join(f"{number(of[name])} of {name}" for name in names)
        return f"{found.lead}, no evidence of a difference ({measure} {told}{where})."
    runs = {group.name: len(group.runs) for group in one.groups}
    if all(name in runs for name in names):
        where += f", means of {runs[best]} and {runs[other]} runs"
    values = f"({measure} {number(of[best])} against {number(of[other])}{where})"
    return f"{found.lead}, {best} is better than {other} {values}."


def _one(one: Weighing) -> html.Div:
    output = [] if one.output is None else [" of output ", dmc.Code(one.output)]
    parts: list[Any] = [
        *(_recommendation(r) for r in one.recommendations),
        *(
            []
            if one.meant is None
            else [dmc.Text(one.meant[0].upper() + one.meant[1:], size="sm", mt="xs")]
        ),
        dmc.Text(
            [capitalised(compared_at(one)), *output, f": {samples_words(one)}."],
            size="sm",
            c="dimmed",
            mt="xs",
        ),
    ]
    if one.repeats_told is not None:
        parts.append(_remark(one.repeats_told))
    if one.groups:
        parts += [_heading("Repeats of one setting"), _groups(one.groups)]
    if one.group_differences:
        parts.append(_differences(one.group_differences))
    parts += [_heading("Each two runs"), _differences(one.differences)]
    if one.wins:
        names = one.runs[0].name, one.runs[1].name
        reason = outweighed(*names, one.wins)
        parts += [_heading("Which is better on which samples"), _wins(*names, one.wins)]
        parts += [] if reason is None else [_remark(reason)]
    return html.Div(parts)


def _remark(sentence: str) -> dmc.Text:
    return dmc.Text(with_code(sentence[0].upper() + sentence[1:]), size="sm", mt="xs")


def _heading(words: str) -> dmc.Title:
    return dmc.Title(words, order=3, size="h6", mt="md", mb=4)


def _recommendation(found: Recommendation) -> dmc.Text:
    # Names of settings hold commas and numbers themselves.
    values = "; ".join(f"{name}: {number(value)}" for name, value in list(found.values.items())[:6])
    each = "each on all its own samples: " if _of_other_samples(found) else ""
    known = [dmc.Text(f" ({each}{values})", span=True, size="sm", c="dimmed")] if found.best else []
    return dmc.Text([found.sentence, *known], fw=600, className="lossmon-sentence")


def _of_other_samples(found: Recommendation) -> bool:
    """Whether the differences are of fewer samples than the values."""
    return any(
        not math.isclose(mean, found.values.get(name, mean), rel_tol=1e-3)
        for d in found.differences
        if d.basis == "paired" and d.means is not None
        for name, mean in zip((d.first, d.second), d.means, strict=True)
    )


def _differences(found: Sequence[Difference]) -> html.Div:
    if not found:
        return html.Div(dmc.Text("No two of them can be compared.", size="sm", c="dimmed"))
    rows = [_difference(d) for d in sorted(found, key=lambda d: not d.significant)]
    shown, rest = rows[:_SHOWN_PAIRS], rows[_SHOWN_PAIRS:]
    return html.Div([_table("Comparisons", _TITLES, shown), *([_further(rest)] if rest else [])])


def _further(rows: Sequence[Sequence[str]]) -> html.Details:
    left_out = len(rows) - _MOST_PAIRS
    words = f"{count(left_out, 'comparison')} more: `lossmon compare --json` prints all of them."
    return html.Details(
        [
            html.Summary(f"{count(len(rows), 'comparison')} more"),
            _table("Further comparisons", _TITLES, rows[:_MOST_PAIRS]),
            dmc.Text(with_code(words), size="sm", c="dimmed") if left_out > 0 else None,
        ],
        className="lossmon-more",
    )


def _difference(found: Difference) -> list[str]:
    return [
        MEASURE_WORDS[found.measure],
        f"{found.first} − {found.second}",
        "{} ({} to {})".format(*map(_signed, found.interval)),
        _chance(found.p_value),
        _BASES[found.basis] + _means(found),
        verdict_words(found),
    ]


def _means(found: Difference) -> str:
    if found.basis != "paired" or found.means is None:
        return ""
    return f": {number(found.means[0])} − {number(found.means[1])} on {found.samples:,}"


def _groups(groups: Sequence[Repeats]) -> html.Div:
    rows = [
        [
            group.name,
            str(len(group.runs)),
            _spread(group.loss.value, group.loss_spread),
            NOTHING if group.accuracy is None else _spread(*_of_accuracy(group)),
        ]
        for group in groups
    ]
    return _table(
        "Repeats", ["Setting", "Runs", "Loss, mean ± spread", "Accuracy, mean ± spread"], rows
    )


def _of_accuracy(group: Repeats) -> tuple[float | None, float | None]:
    return (None if group.accuracy is None else group.accuracy.value), group.accuracy_spread


def _wins(first: str, second: str, wins: Sequence[Wins]) -> html.Div:
    rows = [
        [
            "all" if one.label is None else f"class {one.label}",
            f"{one.samples:,}",
            f"{one.first:,}",
            f"{one.second:,}",
            f"{one.only_first:,}",
            f"{one.only_second:,}",
            _chance(one.p_value),
        ]
        for one in wins[: _MOST_CLASSES + 1]
    ]
    titles = [
        "Samples",
        "How many",
        f"Smaller loss: {first}",
        f"Smaller loss: {second}",
        f"Only {first} right",
        f"Only {second} right",
        "p of the losses",
    ]
    return _table("Samples won", titles, rows)


def _table(label: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> html.Div:
    table = text_table(titles, rows, className="lossmon-facts lossmon-weighed", miw=760)
    return scrolled(label, table)


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−")


def _spread(value: float | None, spread: float | None) -> str:
    return number(value) + ("" if spread is None else f" ± {spread:.2g}")


def _chance(p_value: float) -> str:
    return "< 0.001" if p_value < 0.001 else f"{p_value:.2g}"
