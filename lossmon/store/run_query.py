"""What may be asked of a list of runs: words, conditions on its columns, an order, a group."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from lossmon.records import SEVERITIES, RunStatus
from lossmon.store.run_numbers import CONFIG, compared, holds, split_words

Listed = Mapping[str, Any]
"""A run as lists are made of: its columns by name, `config.…` among them."""

Operator = Literal[
    "contains",
    "notContains",
    "equals",
    "notEqual",
    "startsWith",
    "endsWith",
    "greaterThan",
    "greaterThanOrEqual",
    "lessThan",
    "lessThanOrEqual",
    "inRange",
    "blank",
    "notBlank",
]

_NEWEST = ("started", True)
SETTING = "setting"
"""The group of runs whose config differs in its seed alone."""
SEEDS = ("seed", "random_seed", "random_state", "rng_seed")
_LONGEST_WHOLE = 1e15
_GRADES = (*SEVERITIES, "fine")
_VALUES: Mapping[str, tuple[str, ...]] = {"status": get_args(RunStatus), "severity": _GRADES}
# By what is typed before a colon.
_COLUMNS = {
    "name": "name",
    "project": "project",
    "note": "notes",
    "notes": "notes",
    "tag": "tags",
    "tags": "tags",
    "status": "status",
    "rule": "rules_found",
    "severity": "severities",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a column.

    Attributes:
        operator: how it is compared.
        value: with what; not asked of `blank` and `notBlank`.
        upto: the upper end of `inRange`, which is included.
    """

    operator: Operator
    value: str | float | None = None
    upto: float | None = None


@dataclass(frozen=True, slots=True)
class ColumnFilter:
    """Conditions on one column.

    Attributes:
        column: its name; `config.…` for a setting.
        conditions: what its value is compared with.
        every: whether all of them must hold, or any one.
    """

    column: str
    conditions: tuple[Condition, ...]
    every: bool = True


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs, in which order.

    Attributes:
        words: texts that must all occur somewhere in what is said of a run, in any case; one such
            as `status:failed` in that alone, which may be name, project, note, tag, rule, severity
            or a setting too. `val_loss<0.1` compares a number, of `NUMBERS` or a setting.
        filters: conditions on columns, which must all hold.
        order: columns and whether each is descending; the first counts most.
        archived: whether archived runs are among them.
        group: what the runs are grouped by, and the group that they must be of; None for all.
    """

    words: str = ""
    filters: tuple[ColumnFilter, ...] = ()
    order: tuple[tuple[str, bool], ...] = (("started", True),)
    archived: bool = False
    group: tuple[str, str] | None = None


def chosen(runs: Iterable[Listed], query: RunQuery) -> list[Listed]:
    """The runs that a query asks for, in its order.

    Args:
        runs: the newest first, which stays where the order leaves it open.
        query: what is asked for.
    """
    words = split_words(query.words.casefold())
    found = [
        run
        for run in runs
        if (query.archived or run["archived"] is None)
        and all(_passes(run, one) for one in query.filters)
        and (query.group is None or query.group[1] in groups_of(run, query.group[0]))
        and (not words or _mentions(run, words))
    ]
    for column, descending in reversed(query.order):
        if (column, descending) == _NEWEST and column == query.order[-1][0]:
            continue
        found = _sorted(found, column, descending=descending)
    return found


def _sorted(runs: Sequence[Listed], column: str, *, descending: bool) -> list[Listed]:
    """Runs by a column, numbers before texts; NaN behind them either way, what is not known last.

    Without a tuple for each run: so many at once have Python look through all that is remembered.
    """
    numbers: list[Listed] = []
    texts: list[Listed] = []
    odd: list[Listed] = []
    blank: list[Listed] = []
    for run in runs:
        value = run.get(column)
        if isinstance(value, (bool, int, float)):
            (odd if math.isnan(value) else numbers).append(run)
        else:
            (blank if _is_blank(value) else texts).append(run)
    numbers.sort(key=lambda run: float(run[column]), reverse=descending)
    texts.sort(key=lambda run: as_text(run[column]).casefold(), reverse=descending)
    known = (texts, numbers) if descending else (numbers, texts)
    return [*known[0], *known[1], *odd, *blank]


def groups_of(run: Listed, by: str) -> Sequence[str]:
    """Return the groups that a run is of: as many as it has tags, none where it does not say.

    Args:
        run: the run.
        by: "project", "tags", `SETTING` or `config.…`.
    """
    if by == "tags":
        return run["tags"]
    if by == SETTING:
        return [name] if (name := setting(run)) else []
    value = run.get(by)
    return [] if _is_blank(value) else [as_text(value)]


def setting(run: Listed) -> str:
    """The config of a run in words, but for its seed; empty where it names nothing else."""
    parts = {
        key.removeprefix(CONFIG): value
        for key, value in run.items()
        if key.startswith(CONFIG) and key.rpartition(".")[2].lower() not in SEEDS
    }
    return ", ".join(f"{key}={as_text(value)}" for key, value in sorted(parts.items()))


def as_text(value: Any) -> str:
    """Return a value as it is searched, filtered and grouped by.

    Args:
        value: of `config`, or of a column.
    """
    if isinstance(value, (list, tuple)):
        return ", ".join(map(as_text, value))
    if isinstance(value, float):
        # Whole numbers as those that are none of floating point.
        whole = value.is_integer() and abs(value) < _LONGEST_WHOLE
        return f"{value:.0f}" if whole else f"{value:.6g}"
    return "" if value is None else str(value)


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, (str, list)) and not value)


def _mentions(run: Listed, words: Sequence[str]) -> bool:
    text = run["text"]
    return all(
        _is_graded(run, word)
        if word in _GRADES
        else word in text or _says(run, word) or holds(run, word)
        for word in words
    )


def _is_graded(run: Listed, word: str) -> bool:
    """Whether a word such as `error` holds of a run: no part of `mean_squared_error` counts."""
    own = (as_text(run.get(key)).casefold() for key in ("name", "project", "tags", "notes"))
    return word in run.get("severities", ()) or any(word in said for said in own)


def _says(run: Listed, word: str) -> bool:
    """Whether a word such as `status:failed` holds of a run; other columns are settings."""
    column, _, value = word.partition(":")
    wanted = _COLUMNS.get(column, CONFIG + column)
    said = (as_text(run[key]).casefold() for key in run if key.casefold() == wanted)
    return bool(value) and any(value in text for text in said)


def unknown_keys(words: str, settings: Iterable[str]) -> list[str]:
    """Return what stands before `:` or `=` among some words, and is no key of the search.

    Args:
        words: as `RunQuery` has them.
        settings: the columns `config.…` that runs have.
    """
    known = {key.casefold() for key in search_keys(settings)} | _COLUMNS.keys()
    others = (word for word in split_words(words) if compared(word) is None)
    parts = (re.split("[:=]", word, maxsplit=1) for word in others)
    found = (part[0] for part in parts if len(part) > 1 and part[0])
    return [key for key in dict.fromkeys(found) if key.casefold() not in known]


def unknown_values(words: str) -> dict[str, tuple[str, ...]]:
    """Return words such as `status:bad` of which no run can be, each with what there is instead.

    Args:
        words: as `RunQuery` has them.
    """
    found: dict[str, tuple[str, ...]] = {}
    for word in words.split():
        key, _, value = word.casefold().partition(":")
        if value and key in _VALUES and not any(value in one for one in _VALUES[key]):
            found[word] = _VALUES[key]
    return found


def search_keys(settings: Iterable[str]) -> list[str]:
    """Return the keys that a search knows, each once, settings last.

    Args:
        settings: the columns `config.…` that runs have.
    """
    usual = {column: key for key, column in reversed(_COLUMNS.items())}
    return [*reversed(usual.values()), *(key.removeprefix(CONFIG) for key in settings)]


def searched(run: Listed) -> str:
    """All that is said of a run, in which words are looked for."""
    said = (run["id"], run["name"], run["project"], run["status"], run["tags"], run["notes"])
    config = (f"{key.removeprefix(CONFIG)}={as_text(run[key])}" for key in run if CONFIG in key)
    flags = (*run.get("severities", ()), *run.get("rules_found", ()))
    found = (run.get("accuracy_metric"), run.get("loss_name"), *flags)
    return "\n".join([*map(as_text, said), *config, *map(as_text, found)]).casefold()


def _passes(run: Listed, wanted: ColumnFilter) -> bool:
    value = run.get(wanted.column)
    judged = (_holds(value, condition) for condition in wanted.conditions)
    return all(judged) if wanted.every else any(judged)


def _holds(value: Any, condition: Condition) -> bool:
    if condition.operator in ("blank", "notBlank"):
        return _is_blank(value) == (condition.operator == "blank")
    if isinstance(condition.value, str):
        return _TEXT[condition.operator](as_text(value).casefold(), condition.value.casefold())
    if not isinstance(value, (bool, int, float)) or condition.value is None:
        return False
    if condition.operator == "inRange":
        return condition.value <= value <= (math.inf if condition.upto is None else condition.upto)
    return _NUMBER[condition.operator](float(value), condition.value)


def _never(*_: Any) -> bool:
    return False


_TEXT: Mapping[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "notContains": lambda text, part: part not in text,
    "equals": lambda text, other: text == other,
    "notEqual": lambda text, other: text != other,
    "startsWith": lambda text, part: text.startswith(part),
    "endsWith": lambda text, part: text.endswith(part),
    **dict.fromkeys(
        ("greaterThan", "greaterThanOrEqual", "lessThan", "lessThanOrEqual", "inRange"), _never
    ),
}
_NUMBER: Mapping[str, Callable[[float, float], bool]] = {
    "equals": lambda value, other: math.isclose(value, other, rel_tol=1e-9),
    "notEqual": lambda value, other: not math.isclose(value, other, rel_tol=1e-9),
    "greaterThan": lambda value, other: value > other,
    "greaterThanOrEqual": lambda value, other: value >= other,
    "lessThan": lambda value, other: value < other,
    "lessThanOrEqual": lambda value, other: value <= other,
    **dict.fromkeys(("contains", "notContains", "startsWith", "endsWith"), _never),
}
