"""What the user asked of the monitor, checked once."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lossmon.capture.audit_data import check_audit_train
from lossmon.capture.samples import SAMPLES
from lossmon.errors import InvalidArgument
from lossmon.rules import RuleRequest, RuleSelection, rule_request, rule_selection
from lossmon.store import demand_short, without_passwords
from lossmon.trackers import check_also

VERIFY = ("auto", "full", "off")


@dataclass(frozen=True, slots=True)
class Options:
    """The arguments of `Monitor`; see there.

    Attributes:
        samples: the most validation samples to record one by one; 0 for none.
        rules: what all sources together ask of the rules.
        asked: what the argument alone asks.
    """

    db: str | None = None
    run: str | None = None
    resume: bool | Literal["auto"] = False
    project: str | None = None
    tags: tuple[str, ...] = ()
    notes: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    strict: bool = False
    verify: str = "auto"
    samples: int = SAMPLES
    audit_train: Any = False
    rules: RuleSelection | None = None
    asked: RuleRequest | None = None
    losses: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    metrics: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    also: tuple[Any, ...] = ()
    extend_logs: bool = False

    @classmethod
    def checked(cls, **arguments: Any) -> Options:
        """The options, or an `InvalidArgument` that says what was expected."""
        if isinstance(arguments["db"], os.PathLike):
            arguments["db"] = os.fspath(arguments["db"])
        for name in ("run", "project", "notes", "db"):
            _text_or_none(name, arguments[name])
        demand_short(arguments["run"] or "")
        _check_resume(arguments["resume"], arguments["run"])
        if arguments["verify"] not in VERIFY:
            raise InvalidArgument(
                f"`verify` must be one of {', '.join(map(repr, VERIFY))}. "
                f"Received: verify={arguments['verify']!r}. "
                'Fix: leave it out for "auto".'
            )
        arguments["samples"] = _limit(arguments["samples"])
        check_audit_train(arguments["audit_train"])
        arguments["tags"] = _words("tags", arguments["tags"])
        source = "Monitor(rules=…)"
        arguments["asked"] = rule_request(source, arguments["rules"])
        arguments["rules"] = rule_selection((source, arguments["asked"]))
        arguments["config"] = _config(arguments["config"])
        for name in ("losses", "metrics"):
            arguments[name] = _definitions(name, arguments[name])
        for name in ("strict", "extend_logs"):
            if not isinstance(arguments[name], bool):
                raise InvalidArgument(
                    f"`{name}` must be True or False. "
                    f"Received: {name}={arguments[name]!r}. Fix: leave it out for False."
                )
        arguments["also"] = check_also(arguments["also"])
        return cls(**arguments)


def _limit(value: Any) -> int:
    """The most validation samples to record one by one."""
    if isinstance(value, bool):
        return SAMPLES if value else 0
    if not isinstance(value, int) or value < 0:
        raise InvalidArgument(
            "`samples` must be True, False, or the most validation samples to record one by one. "
            f"Received: samples={value!r}. Fix: leave it out for {SAMPLES:,}."
        )
    return value


def _check_resume(resume: Any, run: str | None) -> None:
    if resume not in (True, False, "auto"):
        raise InvalidArgument(
            f"`resume` must be True, False or 'auto'. Received: resume={resume!r}. "
            "Fix: Monitor(run='my-run', resume=\"auto\")"
        )
    if resume and not run:
        raise InvalidArgument(
            f"`resume={resume!r}` needs the name or id of the run to go on with. "
            f"Received: run={run!r}. Fix: Monitor(run='my-run', resume={resume!r})"
        )


def _text_or_none(name: str, value: Any) -> None:
    if value is not None and not isinstance(value, str):
        raise InvalidArgument(
            f"`{name}` must be a string. Received: {name}={value!r} of type "
            f"{type(value).__name__}. Fix: Monitor({name}={str(value)!r})"
        )


def _words(name: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidArgument(
            f"`{name}` must be a list of strings. Received: {name}={value!r}. "
            f"Fix: Monitor({name}=[{str(value)!r}])"
        )
    words = tuple(value)
    if not all(isinstance(word, str) for word in words):
        raise InvalidArgument(
            f"`{name}` must be a list of strings. Received: {name}={list(words)!r}. "
            f"Fix: Monitor({name}={[str(word) for word in words]!r})"
        )
    return words


def _config(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidArgument(
            "`config` must be a mapping of names to values. "
            f"Received: config={value!r} of type {type(value).__name__}. "
            "Fix: pass a dict, for example config=vars(args)"
        )
    named = {str(key): item for key, item in value.items()}
    # Programs hand over all of their arguments, the URL of a database among them.
    return without_passwords(json.loads(json.dumps(named, default=_plain, skipkeys=True)))


def _plain(value: Any) -> Any:
    """Numbers of NumPy as numbers; what JSON does not know (paths, dtypes, arrays) as text."""
    scalar = hasattr(value, "item") and getattr(value, "ndim", None) == 0
    return value.item() if scalar else str(value)


def _definitions(name: str, value: Any) -> dict[str, Callable[..., Any]]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(callable(item) for item in value.values()):
        raise InvalidArgument(
            f"`{name}` must map names to functions (y_true, y_pred) -> array. "
            f"Received: {name}={value!r}. Fix: Monitor({name}={{'my_name': my_numpy_function}})"
        )
    return dict(value)
