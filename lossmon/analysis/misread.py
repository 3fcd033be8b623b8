"""An accuracy that is not what it seems, in a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from lossmon.analysis.history import Row
from lossmon.analysis.words import SPLITS, Reasons, accuracy_text, lowered, reason_of

_CONSTANT = "LM103"
_CODES = frozenset((_CONSTANT, "LM301", "LM302", "LM304", "LM305", "LM306", "LM309"))
# They may be about another metric, or about the loss.
_OF_SOME_METRIC = frozenset(("LM202", "LM310"))
NONFINITE = "LM401"
MISREAD = "does not mean what it says"
_OF_NAN = "predictions that are NaN all count as one class"


class Misreading(NamedTuple):
    """That the accuracy of a run does not mean what it says.

    Attributes:
        why: what finds it, in words.
        codes: the same in short.
        since: the first epoch of which it is so, from 0.
    """

    why: str
    codes: str
    since: int


def misreading(findings: Iterable[Row]) -> Misreading | None:
    """Return why the accuracy of a run does not mean what it says; None where it does.

    Args:
        findings: of the run.
    """
    told = [one for one in findings if misreads(one)]
    if not told:
        return None
    since = min((one["evidence"] or {}).get("since_epoch") or 1 for one in told)
    codes = dict.fromkeys(one["code"] for one in told)
    return Misreading(", ".join(map(_reason, told)), ", ".join(codes), since - 1)


def _reason(finding: Row) -> str:
    why = f": {_OF_NAN}" if finding["code"] == NONFINITE else ""
    return f"{finding['code']} {finding['rule']}{why}"


def misreads(finding: Row) -> bool:
    """Whether the accuracy is not what its reader takes it for, if there is one.

    Args:
        finding: of a run.
    """
    evidence = finding["evidence"] or {}
    if finding["code"] in _OF_SOME_METRIC:
        return bool(evidence.get("is_accuracy"))
    if finding["code"] == NONFINITE:
        # Training goes on from NaN with NaN; a validation loss alone may have overflowed.
        return evidence.get("split") == "train" or bool(evidence.get("nonfinite_predictions"))
    return finding["code"] in _CODES


def is_about_accuracy(finding: Row, document: Row) -> bool:
    """Whether a finding says that the accuracy of its output is misread.

    Args:
        finding: an error or a warning of the run.
        document: the run, as `Store.run` gives it.
    """
    if not misreads(finding):
        return False
    if finding["code"] in {_CONSTANT, NONFINITE}:
        # About the answers: it may have been asked for no accuracy.
        return _last(document, finding["output"]).get("reported_accuracy") is not None
    # About what a metric counts, which may be another one than the accuracy.
    evidence = finding["evidence"] or {}
    named = {*(evidence.get("metrics") or ()), evidence.get("metric")} - {None}
    output = _output(document, finding["output"])
    keys = {
        metric["key"]
        for metric in output.get("metrics") or ()
        if metric["label"] == output.get("accuracy_metric")
    }
    return not named or not keys or bool(named & keys)


def misread_words(document: Row, output: str | None, finding: Row | None, reasons: Reasons) -> str:
    """Say what the printed accuracy really is, without a full stop; empty where nothing is known.

    Args:
        document: the run, as `Store.run` gives it.
        output: the name of the output; None for the only one.
        finding: what says so; None where no rule did.
        reasons: the summary of each rule by its code.
    """
    row = _last(document, output)
    printed, meant = row.get("reported_accuracy"), row.get("intended_accuracy")
    several = len(document["outputs"]) > 1 and output is not None
    what = f"The printed {SPLITS[row['split']]} accuracy" if row else "The accuracy it prints"
    what += f" of `{output}`" if several else ""
    what += "" if printed is None else f", {accuracy_text(printed)},"
    why = "" if finding is None else f": {lowered(reason_of(finding, reasons))}"
    if finding is not None and finding["code"] == NONFINITE:
        since = (finding["evidence"] or {}).get("since_epoch")
        why += f", since epoch {since}, and {_OF_NAN}"
    elif meant is not None:
        metric = _output(document, output).get("intended_metric")
        by = f" by `{metric}`" if finding is None and metric else ""
        if printed is not None and accuracy_text(printed) == accuracy_text(meant):
            return f"{what} is misread, though the one that was meant{by} happens to equal it{why}"
        return f"{what} is misread ({accuracy_text(meant)} was meant{by}){why}"
    if finding is None:
        return ""
    grave = finding["severity"] == "error"
    return f"{what} {'is meaningless' if grave else 'is misleading'}{why}"


def _output(document: Row, name: str | None) -> dict[str, Any]:
    return next((o for o in document["outputs"] if o["name"] == name), {})


def _last(document: Row, output: str | None) -> dict[str, Any]:
    """The last epoch of an output, that of validation data where there is one."""
    rows = [row for row in document["epochs"] if row["output"] == output]
    return max(rows, key=lambda row: (row["epoch"], row["split"] == "val"), default={})
