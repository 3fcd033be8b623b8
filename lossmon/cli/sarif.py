"""Findings in the format that code-review systems read: SARIF 2.1.0, an OASIS standard."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lossmon import __version__
from lossmon.records import LocatedFinding, Location, Severity
from lossmon.rules import RulePage, rule_pages
from lossmon.rules.compile_call import place_of

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}


def sarif_log(located: Sequence[LocatedFinding]) -> dict[str, Any]:
    """A SARIF log of one run, with the documentation of the rules that found something.

    Args:
        located: the findings. Files below the working directory are named relative to it.
    """
    codes = sorted({found.finding.code for found in located})
    pages = rule_pages(codes) if codes else []
    driver = {
        "name": "lossmon",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(page) for page in pages],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"uri": Path.cwd().as_uri().rstrip("/") + "/"}},
        "results": [_result(found, codes.index(found.finding.code)) for found in located],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(page: RulePage) -> dict[str, Any]:
    sections = page.sections.items()
    markdown = "\n\n".join(f"## {title}\n{text}" for title, text in sections)
    return {
        "id": page.code,
        "name": "".join(word.title() for word in page.name.split("-")),
        "shortDescription": {"text": page.summary},
        "fullDescription": {"text": page.sections.get("What it does") or page.summary},
        "help": {"text": markdown or page.summary, "markdown": markdown or page.summary},
        "defaultConfiguration": {"level": _LEVELS[page.severity]},
        "properties": {"tags": ["keras", page.name]},
    }


def _result(found: LocatedFinding, rule: int) -> dict[str, Any]:
    finding = found.finding
    output = "" if finding.output is None else f"output {finding.output!r}: "
    target = place_of(finding.fix)
    goes = "" if target is None else f"\n(goes {target})"
    places = [place for place in (found.compile, found.fit) if place is not None]
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{output}{finding.message}\nFix: {finding.fix}{goes}"},
        "locations": [_location(place) for place in places[:1]],
        "partialFingerprints": {"lossmon/v1": _fingerprint(found)},
        "properties": {"output": finding.output, "evidence": dict(finding.evidence)},
    }
    if places[1:]:
        result["relatedLocations"] = [
            {"id": 0, "message": {"text": "fit"}, **_location(places[1])},
        ]
    return result


def _location(place: Location) -> dict[str, Any]:
    artifact = {"uri": _uri(place.path)}
    if not Path(place.path).is_absolute():
        artifact["uriBaseId"] = "SRCROOT"
    physical: dict[str, Any] = {"artifactLocation": artifact}
    if place.cell is not None:
        # Lines of a notebook's file are not those that its reader sees.
        cell = {"name": f"cell {place.cell}, line {place.line}", "kind": "element"}
        return {"physicalLocation": physical, "logicalLocations": [cell]}
    physical["region"] = {"startLine": place.line}
    if place.column is not None:
        physical["region"]["startColumn"] = place.column
    return {"physicalLocation": physical}


def _uri(path: str) -> str:
    given = Path(path)
    return given.as_uri() if given.is_absolute() else quote(given.as_posix())


def _fingerprint(found: LocatedFinding) -> str:
    """The same for the same finding, though lines before it come and go."""
    place = found.compile or found.fit
    parts = (found.finding.code, found.finding.output, place and place.path, place and place.cell)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
