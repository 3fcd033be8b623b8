"""A `compile` call to paste, which changes what a finding is about and nothing else.

Keras keeps the losses of an earlier `compile` where none are given, and the metrics likewise. Of
what is given anew it keeps nothing: a loss takes the weights of all losses with it, one metric all
the others, those of other outputs included. What can be told is told again all the same: then the
call stands for the user's own, and may take its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from lossmon.records import LossSpec
from lossmon.rules.facts import OutputFacts
from lossmon.rules.metric_code import metric_code
from lossmon.rules.written import Path, WrittenCompile, WrittenOutput

# The arguments of cross-entropies, as they are by default.
_DEFAULTS = {
    "from_logits": False,
    "label_smoothing": 0.0,
    "axis": -1,
    "ignore_class": None,
    "alpha": 0.25,
    "gamma": 2.0,
    "apply_class_balancing": False,
}
_UNTOLD = "..."
_COMPILE = re.compile(r"\w+\.compile\(")


def compile_with(
    output: OutputFacts,
    *,
    loss: str | None = None,
    instead: Mapping[str, str | None] | None = None,
    weighted: Sequence[str] = (),
) -> str:
    """A `compile` call to paste.

    Args:
        output: the output it is about.
        loss: code of another loss for it.
        instead: by the keys of its metrics, code that takes the place of each; None for nothing.
        weighted: code of further `weighted_metrics` of it.
    """
    written, place = _written(output)
    outputs = list(written.outputs)
    outputs[place] = _changed(outputs[place], loss, instead or {}, weighted)
    arguments: dict[str, str] = {}
    losses, metrics = _losses(outputs), _metrics(outputs)
    if loss is not None or (_needs_no_model(losses) and any(o.loss is not None for o in outputs)):
        arguments |= losses
    measured = any(output.metrics or output.weighted_metrics for output in outputs)
    if instead or weighted or (_needs_no_model(metrics) and measured):
        arguments |= metrics
    # What is left out has to be kept by Keras, in a call after the user's own.
    whole = _needs_no_model(losses) and _needs_no_model(metrics)
    optimizer = written.optimizer if whole else "model.optimizer"
    shown = {"optimizer": optimizer, **arguments, **written.settings}
    call = f"model.compile({', '.join(f'{name}={code}' for name, code in shown.items())})"
    return call + "  # ... is what you gave there" if _UNTOLD in call else call


def loss_with(loss: LossSpec, **changes: object) -> str:
    """Code of a cross-entropy as it is but for some of its arguments.

    Args:
        loss: the loss as it is.
        **changes: other values of its arguments, which are written whatever they are.
    """
    told = {
        name: value
        for name, value in loss.config.items()
        if name in _DEFAULTS and value != _DEFAULTS[name] and name not in changes
    }
    if loss.reduction not in ("sum_over_batch_size", "none"):
        told["reduction"] = loss.reduction
    arguments = ", ".join(f"{name}={value!r}" for name, value in {**told, **changes}.items())
    title = "".join(word.title() for word in loss.name.split("_"))
    return f"keras.losses.{title}({arguments})"


def place_of(fix: str) -> str | None:
    """Where a call to `compile` goes, in words; None of a fix that is something else.

    Args:
        fix: of a finding.
    """
    if not _COMPILE.match(fix):
        return None
    anew = _needs_no_model({"fix": fix}) and "loss=" in fix
    return "in place of your compile call" if anew else "after your compile call"


def _needs_no_model(arguments: Mapping[str, str]) -> bool:
    """Whether code says all by itself, before any `compile`."""
    taken = ("model.optimizer", "model.loss", _UNTOLD)
    return not any(part in code for code in arguments.values() for part in taken)


def _written(output: OutputFacts) -> tuple[WrittenCompile, int]:
    if output.written is not None:
        return output.written, output.place
    path: Path = () if output.name is None else (output.name,)
    known = {weighted: _labels(output, weighted=weighted) for weighted in (False, True)}
    alone = WrittenOutput(path, path, metrics=known[False], weighted_metrics=known[True])
    return WrittenCompile((alone,)), 0


def _labels(output: OutputFacts, *, weighted: bool) -> dict[str, str]:
    metrics = [m for m in output.record.metrics if m.weighted == weighted]
    return {metric.key: metric_code(output, metric) for metric in metrics}


def _changed(
    output: WrittenOutput,
    loss: str | None,
    instead: Mapping[str, str | None],
    weighted: Sequence[str],
) -> WrittenOutput:
    more = dict(zip((f"+{i}" for i in range(len(weighted))), weighted, strict=True))
    return replace(
        output,
        loss=output.loss if loss is None else loss,
        metrics=_replaced(output.metrics, instead),
        weighted_metrics=_replaced(output.weighted_metrics, instead) | more,
    )


def _replaced(metrics: Mapping[str, str], instead: Mapping[str, str | None]) -> dict[str, str]:
    """The metrics with some replaced, each code once."""
    found: dict[str, str] = {}
    for key, code in metrics.items():
        better = instead.get(key, code)
        kept = key not in instead or better not in [*found.values(), *_others(metrics, instead)]
        if better is not None and kept:
            found[key] = better
    return found


def _others(metrics: Mapping[str, str], instead: Mapping[str, str | None]) -> list[str]:
    return [code for key, code in metrics.items() if key not in instead]


def _losses(outputs: Sequence[WrittenOutput]) -> dict[str, str]:
    given = {"loss": _nested([(o.loss_path, o.loss or "None") for o in outputs])}
    if any(output.loss_weight is not None for output in outputs):
        weights = [(o.loss_path, o.loss_weight or "None") for o in outputs]
        given["loss_weights"] = _nested(weights)
    return given


def _metrics(outputs: Sequence[WrittenOutput]) -> dict[str, str]:
    given = {"metrics": _lists([(o.metrics_path, o.metrics) for o in outputs])}
    weighted = _lists([(o.metrics_path, o.weighted_metrics) for o in outputs])
    if any(output.weighted_metrics for output in outputs):
        given["weighted_metrics"] = weighted
        if not any(output.metrics for output in outputs):
            del given["metrics"]
    return given


def _lists(entries: Sequence[tuple[Path, Mapping[str, str]]]) -> str:
    named = all(len(path) == 1 and isinstance(path[0], str) for path, _ in entries)
    if named:
        # What a dict does not name has no metrics.
        entries = [(path, metrics) for path, metrics in entries if metrics]
    shown = [(path, f"[{', '.join(metrics.values())}]") for path, metrics in entries]
    return _nested(shown) if shown else "[]"


def _nested(entries: Sequence[tuple[Path, str]]) -> str:
    """Entries by their paths, as a dict or a list of dicts and lists."""
    if not entries[0][0]:
        return entries[0][1]
    groups: dict[str | int, list[tuple[Path, str]]] = {}
    for path, code in entries:
        groups.setdefault(path[0], []).append((path[1:], code))
    parts = {key: _nested(inner) for key, inner in groups.items()}
    if all(isinstance(key, int) for key in parts):
        return f"[{', '.join(parts.values())}]"
    return "{" + ", ".join(f"{_key(key)}: {code}" for key, code in parts.items()) + "}"


def _key(key: str | int) -> str:
    return json.dumps(key, ensure_ascii=False) if isinstance(key, str) else repr(key)
