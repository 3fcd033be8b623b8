"""Runs the rules over what is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lossmon.records import SEVERITIES, Finding
from lossmon.rules.facts import Facts
from lossmon.rules.registry import Rule, all_rules, select_rules

OnError = Callable[[Rule, Exception], None]


def run_rules(
    facts: Facts, select: Iterable[str] | None = None, *, on_error: OnError | None = None
) -> list[Finding]:
    """Ask every rule what it finds.

    One rule's failure never silences another: it is passed to `on_error` and the rest goes on.

    Args:
        facts: what is known of the model, its labels and its training.
        select: codes or names of the rules to ask; None for all.
        on_error: called with the rule and the exception where a rule fails; without it the
            exception is raised after the other rules have been asked.

    Returns:
        The findings, gravest first.

    Raises:
        InvalidArgument: a code or name that no rule has.
        ExceptionGroup: rules failed and there is no `on_error`.
    """
    findings: list[Finding] = []
    failures: list[Exception] = []
    for rule in all_rules() if select is None else select_rules(select):
        try:
            findings.extend(rule.check(facts))
        except Exception as error:
            if on_error is None:
                failures.append(error)
            else:
                on_error(rule, error)
    if failures:
        raise ExceptionGroup("rules failed", failures)
    return sorted(findings, key=lambda finding: (SEVERITIES.index(finding.severity), finding.code))
