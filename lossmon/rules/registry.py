"""The rules there are: lossmon's own in one plain tuple, other packages' by entry points."""

from __future__ import annotations

import difflib
import inspect
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import Protocol, cast

from lossmon.errors import InvalidArgument
from lossmon.records import Finding, Severity
from lossmon.rules.catalogue import RULES
from lossmon.rules.facts import Facts

ENTRY_POINT_GROUP = "lossmon.rules"


class Rule(Protocol):
    """What a rule's module holds; its docstring is its documentation."""

    code: str
    name: str
    severity: Severity
    __doc__: str | None

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Yield a finding for each place where the rule applies."""
        ...


@dataclass(frozen=True, slots=True)
class RulePage:
    """One rule's documentation.

    Attributes:
        code, name, severity: as its findings carry them; the severity is the gravest it gives.
        summary: one line.
        sections: text by heading: "What it does", "Why is this bad", "Example", "Use instead",
            "References".
    """

    code: str
    name: str
    severity: Severity
    summary: str
    sections: dict[str, str] = field(default_factory=dict[str, str])


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule, by code: lossmon's own and those of installed packages."""
    own = cast("tuple[Rule, ...]", RULES)
    return tuple(sorted((*own, *_plugged()), key=lambda rule: rule.code))


def _plugged() -> Iterator[Rule]:
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        try:
            yield cast("Rule", entry.load())
        except Exception as error:
            # Another package's fault must not silence lossmon's own rules.
            warnings.warn(
                f"lossmon: the rule {entry.value} could not be loaded: {error!r}",
                RuntimeWarning,
                stacklevel=2,
            )


def select_rules(select: Iterable[str]) -> list[Rule]:
    """The rules that answer to these codes or names.

    Raises:
        InvalidArgument: a code or name that no rule has.
    """
    known = {key: rule for rule in all_rules() for key in (rule.code, rule.name)}
    chosen: dict[str, Rule] = {}
    for wanted in select:
        key = wanted.upper() if wanted.upper() in known else wanted.lower()
        if key not in known:
            spelled = {name.lower(): name for name in known}
            near = difflib.get_close_matches(wanted.lower(), spelled, n=3)
            meant = f"did you mean {' or '.join(spelled[name] for name in near)}? " if near else ""
            raise InvalidArgument(
                f"expected the code or name of a rule. Received: {wanted!r}. "
                f"Fix: {meant}`lossmon rules` lists all."
            )
        chosen[known[key].code] = known[key]
    return list(chosen.values())


def rule_pages(select: Iterable[str] | None = None) -> list[RulePage]:
    """The documentation of all rules, or of those selected, by code.

    Raises:
        InvalidArgument: a code or name that no rule has.
    """
    return [_page(rule) for rule in (all_rules() if select is None else select_rules(select))]


def _page(rule: Rule) -> RulePage:
    text = inspect.cleandoc(rule.__doc__ or "")
    summary, _, body = text.partition("\n")
    parts = re.split(r"^## (.+)$", body, flags=re.MULTILINE)
    sections = {
        title.strip(): content.strip()
        for title, content in zip(parts[1::2], parts[2::2], strict=True)
    }
    return RulePage(rule.code, rule.name, rule.severity, summary.strip(), sections)
