"""Which rules are asked and how grave their findings are, as several sources wish it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lossmon.errors import InvalidArgument
from lossmon.records import SEVERITIES, Finding, Severity
from lossmon.rules.registry import Rule, all_rules, matching_rules

KEYS = ("select", "ignore", "severity")


@dataclass(frozen=True, slots=True)
class RuleRequest:
    """What one source asks for; codes, names, or beginnings of codes such as "LM3".

    Attributes:
        source: where it stands, for people, e.g. "$LOSSMON_IGNORE" or "Monitor(rules=…)".
        select: the only rules to ask; None for all.
        ignore: rules not to ask.
        severity: what the findings of a rule are to be.
    """

    source: str
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] = ()
    severity: Mapping[str, Severity] = field(default_factory=dict[str, Severity])


@dataclass(frozen=True, slots=True)
class RuleSelection:
    """The outcome of all requests.

    Attributes:
        requests: what was asked for, the weakest source first.
        codes: the rules to ask.
        severity: what the findings of these rules are, where that was changed.
        changes: what differs from all rules as they are: [{"change": "select", "ignore" or
            "severity", "rules": codes, "severity": the new one or None, "source"}].
    """

    requests: tuple[RuleRequest, ...]
    codes: frozenset[str]
    severity: Mapping[str, Severity]
    changes: tuple[dict[str, Any], ...]

    @classmethod
    def of(cls, requests: Iterable[RuleRequest]) -> RuleSelection:
        """Apply requests, the weakest source first.

        The strongest source that selects decides what there is. What any source ignores is left
        out, unless a stronger one selects that very rule by its code or name. Of severities, the
        strongest source's counts.

        Args:
            requests: what each source asks for.

        Raises:
            InvalidArgument: a code or name that no rule has.
        """
        given = tuple(requests)
        selected, changes = _selected(given)
        severity: dict[str, Severity] = {}
        for place, request in enumerate(given):
            ignored = _ignored(request, given[place + 1 :]) & selected
            changes += _change("ignore", ignored, None, request.source)
            selected -= ignored
        told: dict[str, tuple[Severity, str]] = {}
        for request in given:
            told |= {code: (new, request.source) for code, new in _severities(request).items()}
        for new, source in sorted(set(told.values())):
            codes = {code for code, change in told.items() if change == (new, source)} & selected
            severity |= dict.fromkeys(codes, new)
            changes += _change("severity", codes, new, source)
        return cls(given, frozenset(selected), severity, tuple(changes))

    @property
    def rules(self) -> list[Rule]:
        """The rules to ask, by code."""
        return [rule for rule in all_rules() if rule.code in self.codes]

    def graded(self, finding: Finding) -> Severity:
        """Return how grave a finding is after the changes.

        Args:
            finding: as a rule made it.
        """
        return self.severity.get(finding.code, finding.severity)


def rule_request(source: str, value: Any) -> RuleRequest | None:
    """Return what a value asks for: rules to select, or a mapping with the keys of `KEYS`.

    Args:
        source: where it was written, for messages.
        value: the list or mapping, or a request as it is; None asks for nothing.

    Raises:
        InvalidArgument: it is neither, or names a rule or severity that does not exist.
    """
    if value is None or isinstance(value, RuleRequest):
        return value
    if not isinstance(value, Mapping):
        value = {"select": value}
    unknown = [key for key in value if key not in KEYS]
    if unknown:
        raise InvalidArgument(
            f"{source} takes {', '.join(map(repr, KEYS))}. Received: {unknown[0]!r}. "
            'Fix: {"select": [...], "ignore": ["LM307"], "severity": {"LM408": "info"}}'
        )
    request = RuleRequest(
        source,
        select=None if value.get("select") is None else _words(source, "select", value["select"]),
        ignore=_words(source, "ignore", value.get("ignore") or ()),
        severity=_grades(source, value.get("severity") or {}),
    )
    for wanted in (*(request.select or ()), *request.ignore, *request.severity):
        matching_rules(wanted, source)
    return request


def change_text(change: Mapping[str, Any]) -> str:
    """Return a change of rules in words, e.g. "LM307 ignored ($LOSSMON_IGNORE)".

    Args:
        change: an element of `RuleSelection.changes`.
    """
    rules = ", ".join(change["rules"])
    if change["change"] == "select":
        told = f"only {rules}" if rules else "none asked"
    elif change["change"] == "ignore":
        told = f"{rules} ignored"
    else:
        told = f"{rules} counted as {change['severity']}"
    return f"{told} ({change['source']})"


def _words(source: str, key: str, value: Any) -> tuple[str, ...]:
    words = () if isinstance(value, str) or not isinstance(value, Iterable) else tuple(value)
    if not all(isinstance(word, str) for word in words) or (not words and value not in ((), [])):
        raise InvalidArgument(
            f"{source} must be a list of strings: codes or names of rules. "
            f"Received: {key}={value!r}. "
            f"Fix: {[str(value)] if isinstance(value, str) else ['LM301']!r}"
        )
    return words


def _grades(source: str, value: Any) -> dict[str, Severity]:
    grades = value if isinstance(value, Mapping) else {"": value}
    for rule, grade in grades.items():
        if not isinstance(rule, str) or not rule or grade not in SEVERITIES:
            raise InvalidArgument(
                f"{source} takes severities as a rule and one of "
                f"{', '.join(map(repr, SEVERITIES))}. Received: {rule or 'severity'}={grade!r}. "
                'Fix: {"LM408": "info"}; to silence a rule, ignore it'
            )
    return dict(grades)


def _selected(requests: Sequence[RuleRequest]) -> tuple[set[str], list[dict[str, Any]]]:
    for request in reversed(requests):
        if request.select is not None:
            codes = {rule.code for wanted in request.select for rule in matching_rules(wanted)}
            entry = {"change": "select", "rules": list(request.select), "severity": None}
            return codes, [entry | {"source": request.source}]
    return {rule.code for rule in all_rules()}, []


def _ignored(request: RuleRequest, stronger: Sequence[RuleRequest]) -> set[str]:
    ignored = {rule.code: rule for wanted in request.ignore for rule in matching_rules(wanted)}
    wanted = {word.lower() for other in stronger for word in other.select or ()}
    return {c for c, rule in ignored.items() if not {c.lower(), rule.name} & wanted}


def _severities(request: RuleRequest) -> dict[str, Severity]:
    """By code; a rule named in full counts before the beginning of its code."""
    named: dict[str, Severity] = {}
    ordered = sorted(request.severity.items(), key=lambda item: -len(matching_rules(item[0])))
    for wanted, severity in ordered:
        named |= {rule.code: severity for rule in matching_rules(wanted)}
    return named


def _change(
    change: str, codes: Iterable[str], severity: Severity | None, source: str
) -> list[dict[str, Any]]:
    rules = sorted(codes)
    entry = {"change": change, "rules": rules, "severity": severity, "source": source}
    return [entry] if rules else []
