"""Runs whose data are not what they are taken for, so that their validation promises nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lossmon.analysis.history import Row

UNPROMISING = "promises nothing of new samples"
_WHAT = {
    "LM505": "validation samples are training samples",
    "LM506": "the validation inputs are scaled otherwise than those of the training",
    "LM507": "the target is among the inputs",
}


class Misjudging(NamedTuple):
    """That the validation of a run promises nothing of new samples, however right its numbers are.

    Attributes:
        why: what finds it, in words.
        codes: the same in short.
    """

    why: str
    codes: str


def misjudges(finding: Row) -> bool:
    """Whether the data are not what they are taken for; mere advice does not say so.

    Args:
        finding: of a run.
    """
    return finding["code"] in _WHAT and finding["severity"] != "info"


def misjudging(findings: Iterable[Row]) -> Misjudging | None:
    """Return why the validation of a run promises nothing of new samples; None where it may.

    Args:
        findings: of the run.
    """
    told = {one["code"]: one["rule"] for one in findings if misjudges(one)}
    if not told:
        return None
    return Misjudging(", ".join(f"{code} {rule}" for code, rule in told.items()), ", ".join(told))


def misjudged_words(finding: Row) -> str:
    """Return what is wrong with the data, in plain words.

    Args:
        finding: one that `misjudges`.
    """
    return _WHAT[finding["code"]]
