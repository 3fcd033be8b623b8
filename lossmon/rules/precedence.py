"""Which rule says of a run what another then leaves unsaid: with that, nothing has passed."""

from __future__ import annotations

from collections.abc import Iterable

from lossmon.records import Finding

_SAID_BY = {
    "LM403": ("LM401", "LM404"),
    "LM404": ("LM403", "LM409", "LM410", "LM414", "LM415"),
    "LM408": ("LM404", "LM406"),
    "LM410": ("LM415",),
    "LM415": ("LM403", "LM414"),
}


def said_by(gone: Finding, standing: Iterable[Finding]) -> str | None:
    """Which rule says instead what a finding no longer does.

    Args:
        gone: a finding that no longer stands.
        standing: those that do.

    Returns:
        The rule's code; None where none says it.
    """
    others = _SAID_BY.get(gone.code, ())
    same = (f for f in standing if f.code in others and f.output in (gone.output, None))
    return next((finding.code for finding in same), None)
