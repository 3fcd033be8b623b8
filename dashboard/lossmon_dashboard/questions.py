"""What a browser may ask of a callback: anything else is refused before the callback sees it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import dash
import flask

from lossmon_dashboard.links import MOST_COMPARED
from lossmon_dashboard.ticked import MOST_TICKED

Check = Callable[[Any], bool]
Part = Mapping[str, Any]

_UPDATE = "/_dash-update-component"
_KINDS = ("inputs", "state")
_AXES = ("step", "epoch", "time", "samples")
_LONGEST_TEXT = 10_000
_MOST_PARTS = 10_000
_MOST_CHANGED = MOST_TICKED
_MOST_SHOWN = 1000
# JSON can spell what no answer could.
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def _text(value: Any) -> bool:
    short = isinstance(value, str) and len(value) <= _LONGEST_TEXT
    return short and not _LONE_SURROGATE.search(value)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _scalars(value: Any) -> bool:
    if not isinstance(value, dict) or len(value) > 10:
        return False
    parts = cast("dict[Any, Any]", value).items()
    return all(_text(key) and _or_nothing(_plain)(part) for key, part in parts)


def _plain(value: Any) -> bool:
    return _text(value) or _count(value) or _flag(value)


def _request(value: Any) -> bool:
    """Whether it is what the grid asks for rows by."""
    if not isinstance(value, dict):
        return False
    part = cast("Part", value)
    order, filters = part.get("sortModel"), part.get("filterModel")
    places = all(_or_nothing(_count)(part.get(key)) for key in ("startRow", "endRow"))
    return places and _or_nothing(_list_of(_sorting, 20))(order) and _or_nothing(_filters)(filters)


def _sorting(value: Any) -> bool:
    return isinstance(value, dict) and all(
        _text(cast("Part", value).get(key)) for key in ("colId", "sort")
    )


def _filters(value: Any) -> bool:
    return _mapping(value) and all(map(_filter, value.values()))


def _filter(value: Any) -> bool:
    if not _mapping(value):
        return False
    conditions = value.get("conditions")
    several = conditions is None or _list_of(_condition, 10)(conditions)
    return several and _condition(value)


def _condition(value: Any) -> bool:
    return _mapping(value) and all(
        _or_nothing(lambda part: _text(part) or _place(part))(value.get(key))
        for key in ("filter", "filterTo", "type", "operator")
    )


def _mapping(value: Any, most: int = 100) -> bool:
    return isinstance(value, dict) and len(value) <= most and all(map(_text, value))


def _mapping_of(value: Any, check: Check) -> bool:
    return _mapping(value, MOST_COMPARED) and all(map(check, value.values()))


def _change(value: Any) -> bool:
    """Whether it is what pages change runs by."""
    if not _mapping(value) or value.keys() - {"put", "number", "then", "delete", "at"}:
        return False
    return (
        _or_nothing(_put)(value.get("put"))
        and value.get("number") in (None, True, False)
        and _or_nothing(_one_of("delete"))(value.get("then"))
        and _list_of(_text, _MOST_CHANGED)(value.get("delete", []))
        and _or_nothing(_count)(value.get("at"))
    )


def _all(value: Any) -> bool:
    """Whether it asks for all runs that are found."""
    return _request(value) and _or_nothing(_count)(value.get("at"))


def _asked(value: Any) -> bool:
    """Whether it asks what there is to change about some runs."""
    if not _mapping(value) or value.keys() - {"what", "runs", "at"}:
        return False
    several = _list_of(_text, _MOST_CHANGED)(value.get("runs"))
    return (
        several and _or_nothing(_text)(value.get("what")) and _or_nothing(_count)(value.get("at"))
    )


def _put(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    runs = cast("Part", value)
    few = len(runs) <= _MOST_CHANGED and all(map(_text, runs))
    return few and all(map(_values, runs.values()))


def _values(value: Any) -> bool:
    return _mapping(value) and all(
        key in _CHANGED and _CHANGED[key](one) for key, one in value.items()
    )


def _tags(value: Any) -> bool:
    return _mapping(value) and all(
        key in ("add", "remove") and _list_of(_text, 100)(one) for key, one in value.items()
    )


def _place(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 2**53


def _span(value: Any) -> bool:
    """Which axis, and from where to where on it."""
    if not isinstance(value, list) or len(value) != 3:
        return False
    axis, *ends = cast("list[Any]", value)
    return axis in _AXES and all(map(_place, ends))


def _mark(value: Any) -> bool:
    """Whether it is what a browser has of a chart: scalars, or lists of some by name."""
    if not isinstance(value, dict) or len(cast("Part", value)) > 10:
        return False
    parts = cast("Part", value)
    lists = ("seen", "goes_on")
    scalars = all(_scalar(part) for key, part in parts.items() if key not in lists)
    return scalars and all(
        _mapping_of(parts.get(name, {}), _list_of(_scalar, 10)) for name in lists
    )


def _compared(value: Any) -> bool:
    """Whether it is what the chart of a comparison shows."""
    return (
        isinstance(value, dict)
        and cast("Part", value).keys() == _COMPARED.keys()
        and all(_COMPARED[name](part) for name, part in cast("Part", value).items())
    )


def _scalar(value: Any) -> bool:
    return value is None or isinstance(value, int | float) or _text(value)


def _pair(value: Any) -> bool:
    return _list_of(_count)(value) and len(value) == 2


def _list_of(check: Check, most: int = _MOST_PARTS) -> Check:
    def is_list(value: Any) -> bool:
        return isinstance(value, list) and len(value) <= most and all(map(check, value))

    return is_list


def _shown(value: Any) -> bool:
    """Whether it names runs, and what is there of each one's line."""
    if not isinstance(value, dict) or len(cast("Part", value)) > _MOST_SHOWN:
        return False
    parts = cast("dict[Any, Any]", value).items()
    return all(_text(run) and (known is None or _pair(known)) for run, known in parts)


def _one_of(*words: str) -> Check:
    return lambda value: isinstance(value, str) and value in words


def _one_of_counts(most: int) -> Check:
    return lambda value: _count(value) and 0 < value <= most


def _or_nothing(check: Check) -> Check:
    return lambda value: value is None or check(value)


_CHANGED: Mapping[str, Check] = {
    "name": _text,
    "notes": _or_nothing(_text),
    "tags": lambda value: _list_of(_text, 100)(value) or _tags(value),
    "archived": _flag,
}

VALUES: Mapping[str, Check] = {
    "compare-all.checked": _or_nothing(_flag),
    "compare-axis.value": _one_of("epoch", "step", "time", "samples"),
    "compare-columns.data": _or_nothing(_one_of_counts(6)),
    "compare-csv.n_clicks": _or_nothing(_count),
    "compare-news.data": _or_nothing(_text),
    "compare-measure.value": _one_of("loss", "accuracy"),
    "compare-runs.searchValue": _or_nothing(_text),
    "compare-view.value": _one_of("overlaid", "apart"),
    "compare-runs.value": _or_nothing(_list_of(_text, MOST_COMPARED)),
    "compare-split.value": _one_of("train", "val"),
    "compare-need.value": _one_of("", "probabilities", "decisions", "ranking"),
    "compare-fp.value": _or_nothing(_text),
    "compare-fn.value": _or_nothing(_text),
    "compare-threshold.value": _or_nothing(_text),
    "compare-by.value": _or_nothing(_text),
    "newer.data": _or_nothing(_text),
    "revision.data": _scalars,
    "rules-found.checked": _or_nothing(_flag),
    "rules-search.value": _or_nothing(_text),
    "run-axis.value": _or_nothing(_text),
    "run-detail.value": _or_nothing(_text),
    "run-epoch.max": _or_nothing(_count),
    "run-epoch.value": _or_nothing(_count),
    "run-id.data": _text,
    "run-kind.value": _one_of("worst", "turned_wrong", "turned_right", "stayed_wrong"),
    "run-log.checked": _or_nothing(_flag),
    "run-news.data": _or_nothing(_text),
    "run-opened.data": _or_nothing(_scalars),
    "run-output.value": _or_nothing(_text),
    "run-pair.max": _or_nothing(_count),
    "run-pair.value": _or_nothing(_pair),
    "run-smooth.value": _or_nothing(_text),
    "run-span.data": _or_nothing(_span),
    "run-value.value": _or_nothing(_text),
    "runs-all-asked.data": _or_nothing(_all),
    "runs-archived.checked": _or_nothing(_flag),
    "runs-asked.data": _or_nothing(_asked),
    "runs-by.value": _or_nothing(_text),
    "runs-change.data": _or_nothing(_change),
    "runs-columns.value": _or_nothing(_list_of(_text, 1000)),
    "runs-grid.filterModel": _or_nothing(_filters),
    "runs-grid.getRowsRequest": _or_nothing(_request),
    "runs-group.data": _or_nothing(_text),
    "runs-search.value": _or_nothing(_text),
    "runs-settings.data": _or_nothing(_list_of(_text)),
    "scheme.data": _or_nothing(_one_of("light", "dark")),
    "url.pathname": _or_nothing(_text),
    "url.search": _or_nothing(_text),
}
"""What each property that callbacks take may be."""


def check_questions(app: dash.Dash) -> None:
    """Answer 400 to what no page of this dashboard asks, saying what is wrong with it."""

    def check() -> tuple[str, int] | None:
        if flask.request.path != _UPDATE or flask.request.method != "POST":
            return None
        try:
            fault = _fault(flask.request.get_json(), app.callback_map)
        except RecursionError:
            fault = "Received: lists or objects within each other without end."
        return None if fault is None else (f"Expected a question of this dashboard. {fault}", 400)

    app.server.before_request(check)


_COMPARED: Mapping[str, Check] = {
    "runs": _list_of(_text, MOST_COMPARED),
    "split": VALUES["compare-split.value"],
    "axis": VALUES["compare-axis.value"],
    "apart": _flag,
    "measure": VALUES["compare-measure.value"],
    "columns": _one_of_counts(6),
}

_NEWS: Mapping[str, Check] = {
    "place": _or_nothing(_text),
    "shown": _or_nothing(_shown),
    "view": _or_nothing(lambda value: _mapping(value) and all(map(_text, value.values()))),
    "scheme": _or_nothing(_one_of("light", "dark")),
    "zoom": _or_nothing(_span),
    "mark": _or_nothing(_mark),
    "step": _or_nothing(_count),
    "heard": _or_nothing(_text),
    "whole": _or_nothing(_flag),
    "compared": _or_nothing(_compared),
}


def fault_of_news(body: Any) -> str | None:
    """What is wrong with a question to `lossmon_dashboard.news`; None where nothing is."""
    if not isinstance(body, dict) or "place" not in body or body.keys() - _NEWS:
        return "Received: something that is no object with a `place`."
    part = cast("Part", body)
    odd = [name for name, value in part.items() if not _NEWS[name](value)]
    return f"Received: a value that `{odd[0]}` cannot have." if odd else None


def _fault(body: Any, callbacks: Mapping[str, Any]) -> str | None:
    """What is wrong with a question; None where nothing is."""
    if not isinstance(body, dict):
        return "Received: something that is not an object."
    question = cast("Part", body)
    output = question.get("output")
    callback = callbacks.get(output) if isinstance(output, str) else None
    if callback is None or "callback" not in callback:
        return "Received: an `output` that no callback has."
    if not _list_of(_text)(question.get("changedPropIds", [])):
        return "Received: `changedPropIds` that are no list of texts."
    if _properties(_listed(question.get("outputs"))) != _expected(callback["output"]):
        return "Received: `outputs` that are not those of the callback."
    faults = (_fault_of(question.get(kind, []), kind, callback[kind]) for kind in _KINDS)
    return next(filter(None, faults), None)


def _fault_of(given: Any, kind: str, declared: Any) -> str | None:
    if _properties(given) != _properties(declared):
        return f"Received: `{kind}` that are not those of the callback."
    places = ((f"{part['id']}.{part['property']}", part.get("value")) for part in given)
    odd = [place for place, value in places if not VALUES[place](value)]
    return f"Received: a value that {odd[0]} cannot have." if odd else None


def _listed(outputs: Any) -> Any:
    return [outputs] if isinstance(outputs, dict) else outputs


def _expected(outputs: Any) -> list[tuple[str, str]]:
    several: Iterable[Any] = outputs if isinstance(outputs, list) else [outputs]
    return [(output.component_id, output.component_property) for output in several]


def _properties(parts: Any) -> list[tuple[Any, Any]] | None:
    """Which properties are named; None where it is no list of such."""
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        return None
    return [(part.get("id"), part.get("property")) for part in cast("list[Part]", parts)]
