"""What a run comes to, in a few sentences: can its numbers be trusted, and does it part ways?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from lossmon.analysis.explanation import Divergence
from lossmon.analysis.history import Row, history
from lossmon.analysis.meant import epoch_accuracy
from lossmon.analysis.misjudged import misjudges
from lossmon.analysis.misread import NONFINITE, is_about_accuracy, misread_words
from lossmon.analysis.overfit import (
    OVERFITTING,
    fall_since_least,
    mild_words,
    overfit_words,
    tells_of_one_class,
)
from lossmon.analysis.splits import SHIFTED, explain_splits
from lossmon.analysis.top_k import top_k_sentences
from lossmon.analysis.trust import epoch_values, silence_sentence, trust_sentence
from lossmon.analysis.words import (
    SPLITS,
    Reasons,
    accuracy_text,
    capitalised,
    loss_texts,
    lowered,
    reason_of,
)
from lossmon.records import Split

Standing = Literal["good", "warning", "error", "unknown"]

_PARTED = "LM406"
_OF_QUANTITIES = "LM301"
_NO_BETTER = "LM404"
_MISSED = "LM416"
_TRAINED = "trained_constant_loss"
# Epochs that are taken together, and standard errors by which the accuracy must have fallen: both
# are taken for independent, which the same samples are less than.
_BLOCK, _SURELY = 3, 4.0
# Nobody knows before that all labels will be of one class.
_OF_ONE_CLASS = 1.0
_OF_IDS = "Go by its loss if they are amounts; of class ids that is no classifier's loss either."
# Of more faults a reader is told below: these sentences are to be short.
_MOST_FAULTS = 3


class Point(NamedTuple):
    """One thing that is said of a run.

    Attributes:
        said: in plain words, without a full stop.
        code: of the finding that says more; None where there is none.
        output: that the finding is about; None for the only one.
        then: what follows from it, in whole sentences; empty where nothing does.
    """

    said: str
    code: str | None = None
    output: str | None = None
    then: str = ""

    @property
    def sentence(self) -> str:
        """The whole of it."""
        code = "" if self.code is None else f" ({self.code})"
        return f"{self.said}{code}. {self.then}".rstrip()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run comes to.

    Attributes:
        standing: "error" (a printed number is not what it seems), "warning" (mind something),
            "unknown" (too little could be checked), "good".
        points: what is said, in order: trust (after what is misleading), faults, divergence.
    """

    standing: Standing
    points: tuple[Point, ...]

    @property
    def text(self) -> str:
        """All of it, as a paragraph."""
        return " ".join(point.sentence for point in self.points)

    def document(self) -> dict[str, Any]:
        """Return the same as plain values, with `text`."""
        points = [{**point._asdict(), "sentence": point.sentence} for point in self.points]
        return {"standing": self.standing, "text": self.text, "points": points}


def verdict(
    document: Row, episodes: Sequence[Divergence] = (), reasons: Reasons | None = None
) -> Verdict:
    """Sum up a run: what its numbers are worth, and what it did.

    Args:
        document: the run, as `Store.run` gives it.
        episodes: where its loss and accuracy part ways, as `explain_divergence` gives them.
        reasons: the summary of each rule by its code, such as `lossmon.rules.rule_summaries`
            gives; a rule without one is told by its name.
    """
    faults = list(_faults(document, reasons or {}))
    parted = list(_parted(document, episodes))
    misleading = any(standing == "error" or misleads for standing, misleads, _ in faults)
    trust = Point(trust_sentence(document, misleading=misleading))
    # What is wrong goes before what is right.
    points = [point for _, _, point in faults[:_MOST_FAULTS]]
    if (beyond := len(faults) - _MOST_FAULTS) > 0:
        points.append(Point(f"{beyond} more below"))
    misread = {point.output for _, misleads, point in faults if misleads}
    counted = [Point(said, output=name) for name, said in top_k_sentences(document, misread)]
    lost = [Point(said) for said in _lost(document)]
    points = [*points, trust] if misleading else [trust, *points]
    points += [*lost, *counted, *parted]
    outdone = list(_outdone(document))
    unused = [] if faults else list(_no_better_decisions(document))
    fallen = [] if faults or parted or outdone else list(_past_best(document))
    points += [*outdone, *unused, *fallen]
    told = faults or lost or parted or outdone or unused or fallen
    silence = None if told else silence_sentence(document)
    points += [] if silence is None else [Point(silence)]
    warned = [*(standing for standing, _, _ in faults), *(_graded(document, parted))]
    fallen += [point for point in parted if _has_fallen(document, point.output)]
    warned += ["warning"] if lost or outdone or fallen else []
    return Verdict(_standing(document, warned), tuple(points))


def _lost(document: Row) -> Iterator[str]:
    """What is not here of a run whose database was removed or replaced while it trained."""
    # What had not been stored yet when it was removed is here.
    if document.get("begun_anew") and (document["step"] or 0) + 1 > document["batches"]:
        first = min((row["epoch"] for row in document["epochs"]), default=document["epoch"])
        what = f"What came before epoch {first + 1} is" if first else "Its first batches are"
        yield f"{what} not here: the database was removed or replaced while it trained"


def _standing(document: Row, grades: Sequence[str]) -> Standing:
    values = epoch_values(document)
    if "error" in grades or values.differing:
        return "error"
    if "warning" in grades:
        return "warning"
    return "good" if values.all_agree else "unknown"


def _graded(document: Row, parted: Sequence[Point]) -> list[str]:
    known = {(f["code"], f["output"]): f["severity"] for f in document["findings"]}
    return [known.get((point.code, point.output), "info") for point in parted]


def _faults(document: Row, reasons: Reasons) -> Iterator[tuple[str, bool, Point]]:
    """Errors and warnings but for overfitting, each with its severity and whether it misleads."""
    told: set[str | None] = set()
    several = len(document["outputs"]) > 1
    # Said once, and of nothing where no epoch came to its end.
    led = not document["epochs"]
    for finding in document["findings"]:
        if finding["severity"] == "info" or finding["code"] == OVERFITTING:
            continue
        new = finding["output"] not in told
        # That the loss is lost is said all the same where another rule found the accuracy misread.
        if is_about_accuracy(finding, document) and (new or finding["code"] != NONFINITE):
            # Several rules may find one accuracy misread: the gravest says it.
            if new:
                told.add(finding["output"])
                yield (
                    finding["severity"],
                    True,
                    _misread(document, finding["output"], finding, reasons),
                )
            continue
        reason = capitalised(reason_of(finding, reasons))
        evidence = finding["evidence"] or {}
        judged = tells_of_one_class(finding)
        right = evidence.get("metric") is not None or evidence.get("rescued") or judged
        if not led and not right and finding["code"].startswith(("LM1", "LM2")):
            led = True
            reason = f"Its printed loss does not mean what it says: {lowered(reason)}"
        said = reason + _when(finding)
        where = f"Output `{finding['output']}`: " if several and finding["output"] else ""
        said = where + (lowered(said) if where else said)
        misleading = judged or misjudges(finding)
        yield finding["severity"], misleading, Point(said, finding["code"], finding["output"])
    for output in document["outputs"]:
        if output["name"] not in told and output.get("intended_metric"):
            point = _misread(document, output["name"], None, reasons)
            if point.said:
                yield "warning", True, point


def _misread(document: Row, output: str | None, finding: Row | None, reasons: Reasons) -> Point:
    code = None if finding is None else finding["code"]
    others = any(f["code"] != code and f["severity"] == "error" for f in document["findings"])
    then = ""
    if finding is not None and code == _OF_QUANTITIES and document["epochs"] and not others:
        ids = (finding["evidence"] or {}).get("may_be_class_ids")
        then = _OF_IDS if ids else "Go by its loss instead."
    return Point(misread_words(document, output, finding, reasons), code, output, then)


def _ends(document: Row) -> Iterator[tuple[str | None, str, Mapping[Split, Row]]]:
    """Name, words for it and last epochs of each output, once a run is over.

    Those are left out that a rule calls no better than a constant.
    """
    if document["status"] == "running":
        return
    told = {f["output"] for f in document["findings"] if f["code"] == _NO_BETTER}
    several = len(document["outputs"]) > 1
    for name in [output["name"] for output in document["outputs"]]:
        if name not in told:
            last = {row["split"]: row for row in document["epochs"] if row["output"] == name}
            yield name, f"Output `{name}`: " if name and several else "", last


def _judged(last: Mapping[Split, Row]) -> Split:
    return "val" if "val" in last else "train"


def _outdone(document: Row) -> Iterator[Point]:
    """Of each output whether a constant answer would have had a smaller loss in the end."""
    for name, where, last in _ends(document):
        worse = {split: values for split, row in last.items() if (values := _worse(row))}
        judged = _judged(last)
        if judged in worse:
            one = f"{where}a constant answer" if where else "A constant answer"
            if (last[judged]["baselines"] or {}).get(_TRAINED) is not None:
                one += ", the average of the training labels,"
            constant, loss = loss_texts(worse[judged])
            said = (
                f"the same {SPLITS[judged]} loss, {loss}"
                if constant == loss
                else f"a smaller {SPLITS[judged]} loss, {constant} instead of {loss}"
            )
            then = "It has learned too little." if worse.keys() >= {"train"} else ""
            yield Point(f"{one} would have {said}", output=name, then=then)


def _is_shifted(document: Row, output: Row) -> bool:
    """Whether the validation data of an output are of another kind than the training data."""
    found = explain_splits(document["epochs"], [output])
    return any(difference.cause == SHIFTED for difference in found)


def _past_best(document: Row) -> Iterator[Point]:
    """Of each output whether its validation accuracy was surely higher once than in the end."""
    several = len(document["outputs"]) > 1
    for output in document["outputs"]:
        known = history(document["epochs"], output, "val")
        if document["status"] == "running" or known is None or len(known) < 2 * _BLOCK:
            continue
        # Of some epochs together: the best of many is the best by chance as well.
        levels = np.convolve(known.accuracy, np.full(_BLOCK, 1 / _BLOCK), "valid")
        best = int(levels.argmax())
        error = math.hypot(known.accuracy_error[best + 1], known.accuracy_error[-1])
        if levels[best] - levels[-1] < _SURELY * error:
            continue
        name = output["name"]
        where = f"Output `{name}`: its" if name and several else "Its"
        yield Point(
            f"{where} validation accuracy was higher before, {accuracy_text(levels[best])} around "
            f"epoch {known.rows[best + 1]['epoch'] + 1} against {accuracy_text(levels[-1])} in the "
            "end",
            output=name,
        )


def _has_fallen(document: Row, name: str | None) -> bool:
    """Whether an output's validation accuracy has surely fallen since its least loss."""
    mine = (output for output in document["outputs"] if output["name"] == name)
    return any(fall_since_least(document, output) is not None for output in mine)


def _no_better_decisions(document: Row) -> Iterator[Point]:
    """Of each output whether one answer to all would have been right as often in the end."""
    missed = {f["output"] for f in document["findings"] if f["code"] == _MISSED}
    for name, where, last in _ends(document):
        split = _judged(last)
        row = last.get(split, {})
        constant = (row.get("baselines") or {}).get("majority_accuracy")
        accuracy = None if constant is None else epoch_accuracy(row)
        if constant is None or accuracy is None or accuracy > constant or constant == _OF_ONE_CLASS:
            continue
        its = f"{where}its" if where else "Its"
        yield Point(
            f"{its} {SPLITS[split]} accuracy, {accuracy_text(accuracy)}, is no more than one and "
            f"the same answer to everything would have, {accuracy_text(constant)}",
            _MISSED if name in missed else None,
            name,
        )


def _worse(row: Row) -> tuple[float, float] | None:
    """The loss of the best constant answer and the larger one that an epoch had.

    That of the validation is known from the training labels alone: nobody has the others before.
    """
    best = row.get("baselines") or {}
    constant = best.get(_TRAINED if _TRAINED in best else "constant_loss")
    loss = row["loss"] if row["recomputed_loss"] is None else row["recomputed_loss"]
    if constant is None or loss is None or not math.isfinite(loss) or loss <= constant:
        return None
    return constant, loss


def _when(finding: Row) -> str:
    evidence = finding["evidence"] or {}
    epoch, wrong = evidence.get("since_epoch"), evidence.get("wrong_epochs")
    if isinstance(wrong, str):
        return f", in {'epoch' if wrong.isdigit() else 'epochs'} {wrong}"
    return f", since epoch {epoch}" if isinstance(epoch, int) else ""


def _parted(document: Row, episodes: Sequence[Divergence]) -> Iterator[Point]:
    """Of each output whether it overfits, or else the last time that loss and accuracy parted."""
    found: Mapping[tuple[str, str | None], Row] = {
        (f["code"], f["output"]): f for f in document["findings"]
    }
    several = len(document["outputs"]) > 1
    for output in document["outputs"]:
        name = output["name"]
        where = f"Output `{name}`: " if several and name else ""
        mine = [episode for episode in episodes if episode.output == name]
        overfits, parts = found.get((OVERFITTING, name)), found.get((_PARTED, name))
        shifted = bool(overfits or mine) and _is_shifted(document, output)
        told = (
            None
            if overfits is None
            else overfit_words(document, output, overfits, mine, shifted=shifted)
        )
        if told is not None:
            yield Point(
                where + (lowered(told[0]) if where else told[0]), OVERFITTING, name, told[1]
            )
        elif mine:
            finding = overfits or parts
            code = None if finding is None else finding["code"]
            said, then = mild_words(document, output, mine[-1], shifted=shifted) or (
                mine[-1].summary.rstrip("."),
                mine[-1].advice,
            )
            yield Point(where + said, code, name, then)
        elif (finding := overfits or parts) is not None:
            yield Point(where + capitalised(finding["message"]).rstrip("."), finding["code"], name)
