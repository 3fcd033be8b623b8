"""The rules there are: lossmon's own in one plain tuple, other packages' by entry points."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from typing import Any, NamedTuple, Protocol, cast

from lossmon.errors import InvalidArgument
from lossmon.records import SEVERITIES, Finding, Severity
from lossmon.rules.catalogue import RULES
from lossmon.rules.facts import Facts

ENTRY_POINT_GROUP = "lossmon.rules"
_CODE = re.compile(r"([A-Z]+)\d+")


class Rule(Protocol):
    """What a rule's module holds; its docstring is its documentation."""

    code: str
    name: str
    severity: Severity
    __doc__: str | None

    def check(self, facts: Facts) -> Iterator[Finding]:
        """Yield a finding for each place where the rule applies.

        Args:
            facts: what is known of the model, its outputs, labels and metrics.
        """
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


class _Installed(NamedTuple):
    rules: tuple[Rule, ...]
    faults: tuple[str, ...]


def all_rules() -> tuple[Rule, ...]:
    """Return every rule, by code: lossmon's own and those of installed packages."""
    return installed().rules


def rule_faults() -> tuple[str, ...]:
    """Return why rules of installed packages are left out, a sentence for each."""
    return installed().faults


def is_own(rule: Rule) -> bool:
    """Whether a rule is one of lossmon's own."""
    return rule in cast("tuple[Rule, ...]", RULES)


@cache
def installed() -> _Installed:
    """All rules, and the faults of those that could not be taken; found once in a process."""
    rules, faults = list(cast("tuple[Rule, ...]", RULES)), list[str]()
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        # Another package's fault must not silence lossmon's own rules.
        try:
            rule = entry.load()
            _fit_for_use(rule, rules)
        except (Exception, SystemExit) as error:
            faults.append(f"the rule {entry.value} is left out: {error!r}")
        else:
            rules.append(rule)
    return _Installed(tuple(sorted(rules, key=lambda rule: rule.code)), tuple(faults))


def _fit_for_use(rule: Any, others: Iterable[Rule]) -> None:
    code, name = rule.code, rule.name
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise ValueError(f'`code` must be letters and digits, such as "XY101". Received: {code!r}')
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(f'`name` must be words such as "my-rule". Received: {name!r}')
    if rule.severity not in SEVERITIES:
        raise ValueError(f"`severity` must be one of {SEVERITIES}. Received: {rule.severity!r}")
    if not callable(rule.check):
        raise TypeError(f"`check` must be a function (facts) -> findings. Received: {rule.check!r}")
    if any(code == other.code or name == other.name for other in others):
        raise ValueError(f"another rule has the code {code} or the name {name!r}")


def select_rules(select: Iterable[str]) -> list[Rule]:
    """Return the rules that answer to these codes, names or beginnings of codes ("LM3").

    Args:
        select: the codes, names or beginnings.

    Raises:
        InvalidArgument: a code or name that no rule has.
    """
    chosen = {rule.code: rule for wanted in select for rule in matching_rules(wanted)}
    return list(chosen.values())


def matching_rules(wanted: str, given_by: str | None = None) -> list[Rule]:
    """The rules that answer to one code, name or beginning of a code.

    Args:
        wanted: such as "LM301", "accuracy-with-regression", "LM3"; in any letter case.
        given_by: where it was written, for the message.

    Raises:
        InvalidArgument: no rule answers to it.
    """
    code, name = wanted.upper(), wanted.lower()
    exact = [rule for rule in all_rules() if code == rule.code or name == rule.name]
    group = re.fullmatch(r"([A-Z]+)\d*", code)
    found = exact or [
        rule
        for rule in all_rules()
        if group and rule.code.startswith(code) and _letters(rule.code) == group[1]
    ]
    if not found:
        raise InvalidArgument(_unknown(wanted, given_by))
    return found


def _letters(code: str) -> str:
    return code.rstrip("0123456789")


def _unknown(wanted: str, given_by: str | None) -> str:
    spelled = {key.lower(): key for rule in all_rules() for key in (rule.code, rule.name)}
    near = difflib.get_close_matches(wanted.lower(), spelled, n=3)
    meant = f"did you mean {' or '.join(spelled[name] for name in near)}? " if near else ""
    where = "" if given_by is None else f" in {given_by}"
    return (
        f"expected the code or name of a rule{where}. Received: {wanted!r}. "
        f"Fix: {meant}`lossmon rules` lists all."
    )


def rule_pages(select: Iterable[str] | None = None) -> list[RulePage]:
    """Return the documentation of all rules, or of those selected, by code.

    Args:
        select: codes, names or beginnings of codes ("LM3"); None for all.

    Raises:
        InvalidArgument: a code or name that no rule has.
    """
    return [_page(rule) for rule in (all_rules() if select is None else select_rules(select))]


def rule_summaries() -> dict[str, str]:
    """Return what each rule finds in one line, by its code."""
    return {page.code: page.summary for page in rule_pages()}


def _page(rule: Rule) -> RulePage:
    text = inspect.cleandoc(rule.__doc__ or "")
    summary, _, body = text.partition("\n")
    parts = re.split(r"^## (.+)$", body, flags=re.MULTILINE)
    sections = {
        title.strip(): content.strip()
        for title, content in zip(parts[1::2], parts[2::2], strict=True)
    }
    return RulePage(rule.code, rule.name, rule.severity, summary.strip(), sections)
