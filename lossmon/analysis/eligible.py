"""Which of several runs can be compared with one another, and why others cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lossmon.analysis.history import Row
from lossmon.analysis.measured import Measured, measured_epochs, measured_losses
from lossmon.analysis.misjudged import misjudged_words, misjudges
from lossmon.records import Split

_ALONE = "no other run has the loss "
_MOST_NAMED = 10
_SPLITS: tuple[Split, ...] = ("val", "train")


class Eligible(NamedTuple):
    """Runs that can be compared in one output.

    Attributes:
        output: its name; None for the only one.
        split: on which data all of them were judged.
        places: of the runs, two or more.
        epochs: of each of them.
    """

    output: str | None
    split: Split
    places: tuple[int, ...]
    epochs: tuple[list[Measured], ...]


class LeftOut(NamedTuple):
    """A run that is not compared in an output with all others.

    Attributes:
        output: its name; None for the only one.
        place: of the run.
        reason: why not, in a few words.
    """

    output: str | None
    place: int
    reason: str


def eligible(
    documents: Sequence[Row], names: Sequence[str]
) -> tuple[list[Eligible], list[LeftOut]]:
    """Sort runs into those of one loss on each output.

    Args:
        documents: the runs, as `Store.run` gives them.
        names: how each of them is called.

    Returns:
        The sets of two or more runs that can be compared, and the runs that are in none.
    """
    sets: list[Eligible] = []
    rest: list[LeftOut] = []
    for output in dict.fromkeys(o["name"] for d in documents for o in d["outputs"]):
        by_loss, apart = _by_loss(documents, output)
        rest += apart
        for loss, places in by_loss.items():
            if len(places) < 2:
                rest += [LeftOut(output, place, _ALONE + loss) for place in places]
                continue
            judged = {place: _judged(documents[place], names[place], output) for place in places}
            rest += [
                LeftOut(output, p, _unjudged(documents[p], output)) for p in places if not judged[p]
            ]
            known = [place for place in places if judged[place]]
            split = _split([judged[place] for place in known])
            among = [place for place in known if split in judged[place]]
            if len(among) > 1:
                epochs = tuple(judged[place][split] for place in among)
                sets.append(Eligible(output, split, tuple(among), epochs))
            why = "no other can be judged" if len(known) < 2 else _no_split(split)
            alone = known if len(among) < 2 else [p for p in known if p not in among]
            rest += [LeftOut(output, place, why) for place in alone]
    return sets, rest


def left_out_sentences(documents: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Return which runs cannot be compared with the others, and why; nothing where all can.

    Args:
        documents: the runs, as `Store.run` gives them.
        names: how each of them is called.
    """
    if len(documents) < 2 or len(set(names)) < len(names):
        return []
    sets, rest = eligible(documents, names)
    told = [_losses(documents, names)] if _several_losses(documents) else []
    reasons: dict[tuple[str | None, str], list[str]] = {}
    for one in rest:
        reasons.setdefault((one.output, one.reason), []).append(names[one.place])
    # Where no two have one loss, that is said already.
    several = sets or any(not reason.startswith(_ALONE) for _, reason in reasons)
    return told + [
        f"Left out{'' if output is None else f' of output {output}'}: {named(left)} ({reason})."
        for (output, reason), left in reasons.items()
        if several or not told
    ]


def _by_loss(
    documents: Sequence[Row], output: str | None
) -> tuple[dict[str, list[int]], list[LeftOut]]:
    found: dict[str, list[int]] = {}
    apart: list[LeftOut] = []
    for place, document in enumerate(documents):
        own = _output(document, output)
        if own is None:
            apart.append(LeftOut(output, place, "no such output"))
        else:
            found.setdefault(str(own["loss"]), []).append(place)
    return found, apart


def _output(document: Row, output: str | None) -> Row | None:
    return next((o for o in document["outputs"] if o["name"] == output), None)


def _judged(document: Row, name: str, output: str | None) -> dict[Split, list[Measured]]:
    """The epochs that tell right from wrong, of each split that has some; else those of a loss.

    None of a run whose data are not what they are taken for, training epochs included.
    """
    if _misjudged(document, output) is not None:
        return {}
    own = _output(document, output) or {}
    known: dict[Split, list[Measured]] = {}
    for split in _SPLITS:
        if epochs := measured_epochs(name, document["epochs"], own, split):
            known[split] = epochs
    if not known and (losses := measured_losses(name, document["epochs"], own)):
        known["val"] = losses
    return known


def _split(judged: Sequence[dict[Split, list[Measured]]]) -> Split:
    """The data that most runs were judged on; validation data where it is as many."""
    return max(_SPLITS, key=lambda split: sum(split in one for one in judged))


def _misjudged(document: Row, output: str | None) -> Row | None:
    """What says that the data of an output are not what they are taken for."""
    about = (one for one in document["findings"] if one["output"] in {None, output})
    return next(filter(misjudges, about), None)


def _unjudged(document: Row, output: str | None) -> str:
    if (finding := _misjudged(document, output)) is not None:
        return f"{misjudged_words(finding)}, {finding['code']}"
    if not document["epochs"]:
        return "no epoch yet" if document["status"] == "running" else "no epoch"
    return "no epoch tells right predictions from wrong ones, or has a validation loss"


def _no_split(split: Split) -> str:
    data = "validation" if split == "val" else "training"
    return f"not judged on {data} data, as the others are"


def _several_losses(documents: Sequence[Row]) -> bool:
    return len({tuple((o["name"], str(o["loss"])) for o in d["outputs"]) for d in documents}) > 1


def _losses(documents: Sequence[Row], names: Sequence[str]) -> str:
    owners: dict[str, list[str]] = {}
    for name, document in zip(names, documents, strict=True):
        losses = ", ".join(str(output["loss"]) for output in document["outputs"])
        owners.setdefault(losses or "none", []).append(name)
    told = [f"{losses} of {named(own)}" for losses, own in owners.items()]
    return (
        "These runs do not mean the same by loss: the values cannot be compared "
        f"({named(told, between='; ')})."
    )


def named(words: Sequence[str], most: int = _MOST_NAMED, between: str = ", ") -> str:
    """Return words as a list in a sentence, of many the first and how many more there are.

    Args:
        words: names, or whatever is listed.
        most: how many of them at most.
        between: what stands between two.
    """
    more = len(words) - most
    return between.join(words[:most]) + (f" and {more} more" if more > 0 else "")
