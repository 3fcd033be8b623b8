"""What is asked of the rules outside of the program: environment variables, `pyproject.toml`."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lossmon.errors import InvalidArgument
from lossmon.rules.selection import KEYS, RuleRequest, RuleSelection, rule_request

VARIABLES = {
    "select": "LOSSMON_SELECT",
    "ignore": "LOSSMON_IGNORE",
    "severity": "LOSSMON_SEVERITY",
}


def rule_selection(*arguments: tuple[str, Any], directory: Path | None = None) -> RuleSelection:
    """The rules to ask: what is said in the program counts before environment and `pyproject.toml`.

    Args:
        *arguments: (where it was written, what `rule_request` takes), the weakest first.
        directory: where to look for `pyproject.toml`, and upwards; default the working directory.

    Raises:
        InvalidArgument: a source is not of the form it must have, or names an unknown rule.
    """
    requests = [_of_project(directory or Path.cwd()), *_of_environment(os.environ)]
    requests += [rule_request(source, value) for source, value in arguments]
    return RuleSelection.of(request for request in requests if request is not None)


def _of_environment(environment: Mapping[str, str]) -> list[RuleRequest | None]:
    found: list[RuleRequest | None] = []
    for key, name in VARIABLES.items():
        words = listed(environment.get(name, ""))
        if words:
            value = grades(words, f"${name}") if key == "severity" else words
            found.append(rule_request(f"${name}", {key: value}))
    return found


def listed(text: str) -> list[str]:
    """Return the words of a list that commas or spaces separate.

    Args:
        text: the list.
    """
    return [word for word in re.split(r"[,\s]+", text) if word]


def grades(words: list[str], source: str) -> dict[str, str]:
    """Return severities by rule from words such as `LM408=info`.

    Args:
        words: each a code or name, `=`, and a severity.
        source: where that was written, for messages.

    Raises:
        InvalidArgument: a word is not of that form.
    """
    pairs = [word.partition("=") for word in words]
    for rule, equals, grade in pairs:
        if not (rule and equals and grade):
            raise InvalidArgument(
                f"{source} takes RULE=SEVERITY. Received: {rule + equals + grade!r}. "
                "Fix: LM408=info"
            )
    return {rule: grade for rule, _, grade in pairs}


def _of_project(directory: Path) -> RuleRequest | None:
    for folder in (directory, *directory.parents):
        path = folder / "pyproject.toml"
        table = _table(path)
        if table is not None:
            source = f"[tool.lossmon] of {os.path.relpath(path, directory)}"
            return rule_request(source, {key: table[key] for key in table if _known(key, source)})
    return None


def _table(path: Path) -> dict[str, Any] | None:
    """The file's table for lossmon; None where there is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError):
        return None
    if "lossmon" not in text:
        return None
    try:
        table = tomllib.loads(text).get("tool", {}).get("lossmon")
    except tomllib.TOMLDecodeError as error:
        if "[tool.lossmon" not in text:
            return None
        raise InvalidArgument(
            f"{path} must be TOML. Received: {error}. Fix: correct the file, or remove "
            "[tool.lossmon] from it"
        ) from error
    return table if isinstance(table, dict) else None


def _known(key: str, source: str) -> bool:
    if key not in KEYS:
        raise InvalidArgument(
            f"{source} takes {', '.join(KEYS)}. Received: {key!r}. "
            'Fix: ignore = ["LM307"], for example'
        )
    return True
