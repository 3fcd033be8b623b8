"""What a comparison of runs rests on, and why its answer may be wrong, or why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lossmon.analysis.eligible import named
from lossmon.analysis.grouping import ONE_TRAINING
from lossmon.analysis.history import Row
from lossmon.analysis.lost import lost_words
from lossmon.analysis.misjudged import misjudged_words, misjudges
from lossmon.analysis.weighing import Weighing
from lossmon.analysis.words import capitalised, lowered

_MOST_NAMED = 3
_OTHER_SAMPLES = "samples not known to be the same: a difference may be one of the data"


def samples_words(one: Weighing) -> str:
    """Return on which samples runs were compared, in words.

    Args:
        one: a comparison, as `weigh` gives it.
    """
    if one.apart and not one.differences:
        return "not the same samples"
    if one.shared:
        return f"{one.shared:,} shared samples, compared one by one"
    if one.of_other_samples:
        return _OTHER_SAMPLES
    return "samples not known one by one: small differences may be missed"


def doubts(one: Weighing) -> Iterator[str]:
    """Yield why what is said to be better may not be, though it is more than noise, in sentences.

    Also why nothing is said of some runs, and what to do, where they were validated on other data.

    Args:
        one: a comparison, as `weigh` gives it.
    """
    yield from map(lost_words, one.lost)
    if one.apart:
        yield _apart_words(one)
    if may_be_the_data(one):
        yield f"{capitalised(_OTHER_SAMPLES)}."
    if _is_answered(one) and (one.repeats_told or "").startswith(ONE_TRAINING):
        yield capitalised(ONE_TRAINING)


def all_doubts(found: Sequence[Weighing]) -> list[str]:
    """Return the doubts of several comparisons, each once; of some alone with the runs it is about.

    Args:
        found: comparisons, as `weigh` gives them.
    """
    everyone = _names(found)
    about: dict[str, list[Weighing]] = {}
    for one in found:
        for doubt in doubts(one):
            about.setdefault(doubt, []).append(one)
    lost_runs = {lost_words(run) for one in found for run in one.lost}
    return [
        doubt
        if doubt in lost_runs or len(_names(those)) == len(everyone)
        else f"Of {named(_names(those), _MOST_NAMED)}: {lowered(doubt)}"
        for doubt, those in about.items()
    ]


def misjudged_sentences(documents: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Return which runs are not weighed because of what their data are, and why, in sentences.

    Args:
        documents: the runs, as `Store.run` gives them.
        names: how each of them is called.
    """
    about: dict[str, list[str]] = {}
    for name, document in zip(names, documents, strict=True):
        for finding in filter(misjudges, document["findings"]):
            output = finding["output"]
            whose = name if output is None else f"output {output} of {name}"
            about.setdefault(f"{misjudged_words(finding)} ({finding['code']})", []).append(whose)
    return [
        f"The numbers of {named([*dict.fromkeys(those)])} promise nothing of new samples: {why}."
        for why, those in about.items()
    ]


def _names(found: Sequence[Weighing]) -> list[str]:
    return [*dict.fromkeys(run.name for one in found for run in one.runs)]


def compared_at(one: Weighing) -> str:
    """Return which epochs were compared, in words.

    Args:
        one: a comparison, as `weigh` gives it.
    """
    data = "validation" if one.split == "val" else "training"
    return f"last {data} epoch{' with a finite loss' if one.lost else ''}"


def may_be_the_data(one: Weighing) -> bool:
    """Whether what is said to be better may be so because of the data that it was judged on.

    Args:
        one: a comparison, as `weigh` gives it.
    """
    return _is_answered(one) and one.of_other_samples and not one.group_differences


def _apart_words(one: Weighing) -> str:
    counts = sorted({run.labels.rows for run in one.runs if run.labels is not None})
    shown = f"{counts[0]:,} labels in one, {counts[-1]:,} in another"
    some = any(found.best for found in one.recommendations)
    return (
        f"{'Not all' if some else 'They'} were {'' if some else 'not '}validated on the same "
        f"samples ({shown if counts[1:] else 'as many labels, but others'}): what differs may be "
        "the data. Validate them on the same data."
    )


def _is_answered(one: Weighing) -> bool:
    return any(found.best and not found.as_good for found in one.recommendations)
