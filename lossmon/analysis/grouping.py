"""Which runs are repeats of one setting, as they say themselves or as was recorded of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from lossmon.analysis.history import Row
from lossmon.analysis.settings import (
    distinct_names,
    is_seed,
    run_settings,
    setting_key,
    setting_text,
)
from lossmon.errors import InvalidArgument

ONE_TRAINING = "each was trained once: with another seed they may end otherwise."
_EVERY_SEED = (
    'Trainings with several seeds are summed up where each says its own: `Monitor(config={"seed": '
    "…})`."
)
_AS_RECORDED = (
    "repeats are runs on the same validation samples of which nothing that was recorded differs "
    "but the seed; training data and callbacks are not recorded."
)
HASH = "model.config_hash"
_OF_LOSS = ("loss", "loss_config", "loss_weight", "reduction")
_SEED_ARGUMENT = re.compile(r"[\w.+-]*seed(=.*)?", re.IGNORECASE)
_SEED_OPTION = re.compile(r"-[\w.-]*seed", re.IGNORECASE)
_MOST_NAMED = 4
_TAGS = ("tag", "tags")


SameData = Callable[[Sequence[int]], bool]
"""Whether runs, by their places, are known to be judged on the same samples."""


class Grouping(NamedTuple):
    """Runs by the setting that they repeat.

    Attributes:
        groups: places of the runs by the name of their setting; none where `by` was not given and
            no two are repeats.
        told: what is said of it, in a sentence; None where the runs themselves say all.
    """

    groups: dict[str, list[int]]
    told: str | None


def group_runs(
    documents: Sequence[Row],
    by: str | None = None,
    same_data: SameData = lambda _: False,
    among: Collection[int] | None = None,
) -> Grouping:
    """Find the runs that are repeats of one setting.

    Args:
        documents: runs, as `Store.run` gives them.
        by: "project", "tags", or a setting as `run_settings` names it; of `config` without
            `config.` too. None: runs that differ in their seed alone.
        same_data: which runs were judged on the same samples: those whose `config` names no seed
            are repeats only then.
        among: places of the runs that something is to be said of; None for all.

    Raises:
        InvalidArgument: a run does not say what `by` asks for.
    """
    told_of = range(len(documents)) if among is None else among
    settings = [run_settings(document) for document in documents]
    if by is not None:
        names = [_answer(d, own, by, settings) for d, own in zip(documents, settings, strict=True)]
        groups = _by_name(names)
        return Grouping(groups, None if any_repeat(groups, told_of) else ONE_TRAINING)
    recorded = {
        key: places
        for key, places in _by_name(map(_recorded, documents, settings)).items()
        if len(places) > 1 and _of_other_seeds(documents, places) and same_data(places)
    }
    keyed = _by_name(map(_declared, settings)) | recorded
    if all(len(places) < 2 for places in keyed.values()):
        return Grouping({}, _alone(documents, settings, told_of))
    called = _names(keyed, settings)
    groups = {called[key]: places for key, places in keyed.items()}
    known = {place for places in keyed.values() for place in places}
    for place, name in enumerate(distinct_names(documents)):
        if place not in known:
            groups[_free(f"run {name}", groups)] = [place]
    if not any_repeat(groups, told_of):
        return Grouping(groups, _alone(documents, settings, told_of))
    return Grouping(groups, _AS_RECORDED if recorded else None)


def any_repeat(groups: Mapping[str, Sequence[int]], among: Collection[int]) -> bool:
    """Return whether some two of these runs are repeats of one setting.

    Args:
        groups: places of runs by the name of their setting.
        among: places of the runs.
    """
    return any(sum(place in among for place in places) > 1 for places in groups.values())


def seed_groups(documents: Sequence[Row], by: str | None = None) -> dict[str, list[int]]:
    """Which runs say that they are repeats of one setting.

    Args:
        documents: runs, as `Store.run` gives them.
        by: "project", "tags", a key of `config` (`optimizer.rate` for one within another), or
            another setting as `run_settings` names it. None: runs whose `config` names a seed, and
            that differ in nothing else that is known of them.

    Returns:
        Places of the runs by the name of their setting. Empty where `by` is None and no two runs
        are repeats.

    Raises:
        InvalidArgument: a run does not say what `by` asks for.
    """
    return group_runs(documents, by).groups


def grouping_keys(documents: Sequence[Row]) -> list[str]:
    """Return the settings by which runs can be grouped: known of each of them, and not the same.

    Args:
        documents: the runs, as `Store.run` gives them.
    """
    return _grouping_keys([run_settings(document) for document in documents])


def _grouping_keys(settings: Sequence[Row]) -> list[str]:
    return [key for key in _differing(settings) if all(s.get(key) is not None for s in settings)]


def _answer(document: Row, own: Row, by: str, settings: Sequence[Row]) -> str:
    key = by.removeprefix("config.")
    if by == "project" or by in _TAGS:
        given = document["project"] if by == "project" else ", ".join(sorted(document["tags"]))
        if given:
            return str(given)
    elif (value := own.get(f"config.{key}", own.get(by))) is not None:
        return f"{key}={setting_text(value)}"
    others = [*_grouping_keys(settings)[:_MOST_NAMED], "project", "tags"]
    raise InvalidArgument(
        f"expected every run to have a {by!r} to be grouped by. Received: none in "
        f"{document['name']!r}. Fix: Monitor(config={{{key!r}: …}}), or another of the settings: "
        f"{', '.join(others)}"
    )


def _declared(settings: Row) -> str | None:
    """What the setting of a run is known by whose `config` names its seed; None of others."""
    if not any(map(is_seed, flat := _of("config.", settings))):
        return None
    of_fit = _of(("model.", "optimizer.", "fit.", "data.batch_size"), settings)
    return _key(flat | of_fit)


def _recorded(document: Row, settings: Row) -> str | None:
    """All that was recorded of how a run was set up, but its seed; None where too little was."""
    if settings.get(HASH) is None or any(map(is_seed, _of("config.", settings))):
        return None
    outputs = document["outputs"]
    if any(output.get("loss_custom") for output in outputs):
        return None
    train = [row for row in document["epochs"] if row["split"] == "train"]
    environment = dict(document["environment"] or {})
    environment["argv"] = _but_seed(environment.get("argv") or ())
    # What was looked at is not how it was trained, and older runs do not tell it.
    environment.pop("validation_compared", None)
    return _key(
        {**settings}
        | {"environment." + key: value for key, value in environment.items()}
        | {f"output {i} {key}": o.get(key) for i, o in enumerate(outputs) for key in _OF_LOSS}
        | {"weights": [f"{row['weight'] or 0:.6g}" for row in train[:1]]}
        | {"rates": [*dict.fromkeys(row.get("learning_rate") for row in train)]}
    )


def _key(settings: Row) -> str:
    kept = {key: value for key, value in settings.items() if not _tells_apart(key)}
    return setting_key(kept)


def _tells_apart(key: str) -> bool:
    """Whether a setting may be another in repeats."""
    return key == "model.name" or is_seed(key)


def _of(prefix: str | tuple[str, ...], settings: Row) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key.startswith(prefix)}


def _but_seed(arguments: Sequence[str]) -> list[str]:
    """The arguments of a program, but for a seed among them."""
    before = ["", *arguments]
    return [
        part
        for last, part in zip(before, arguments, strict=False)
        if not _SEED_ARGUMENT.fullmatch(part) and not _SEED_OPTION.fullmatch(last)
    ]


def _of_other_seeds(documents: Sequence[Row], places: Sequence[int]) -> bool:
    """Whether all of them have a seed of their own, or none: of one seed they tell the same."""
    seeds = [(documents[place]["environment"] or {}).get("seed") for place in places]
    return set(seeds) == {None} or (None not in seeds and len({*seeds}) == len(seeds))


def _by_name(names: Iterable[str | None]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        if name is not None:
            found.setdefault(name, []).append(place)
    return found


def _names(keyed: dict[str, list[int]], settings: Sequence[Row]) -> dict[str, str]:
    """What settings are called: by their config, and by what else they differ in if need be."""
    firsts = {key: settings[places[0]] for key, places in keyed.items()}
    configs = {key: _config_words(first) for key, first in firsts.items()}
    beyond = [key for key in _differing([*firsts.values()]) if not key.startswith("config.")]
    called: dict[str, str] = {}
    for key, first in firsts.items():
        told, parts = configs[key], [configs[key]]
        if not told or [*configs.values()].count(told) > 1:
            known = {name: first[name] for name in beyond[:_MOST_NAMED] if name in first}
            parts.append(_words(known))
        usual = "same config" if any(map(is_seed, _of("config.", first))) else "same settings"
        called[key] = _free(", ".join(filter(None, parts)) or usual, called.values())
    return called


def _config_words(settings: Row) -> str:
    """The config of a run, but for its seed."""
    own = _of("config.", settings).items()
    return _words({key.removeprefix("config."): v for key, v in own if not is_seed(key)})


def _words(settings: Row) -> str:
    return ", ".join(f"{key}={setting_text(value)}" for key, value in sorted(settings.items()))


def _free(name: str, taken: Collection[str]) -> str:
    """A name that no other has."""
    numbers = (name if n == 1 else f"{name} ({n})" for n in count(1))
    return next(one for one in numbers if one not in taken)


def _differing(settings: Sequence[Row]) -> list[str]:
    """The settings that are not the same in all, but for what may differ in repeats."""
    keys = dict.fromkeys(key for own in settings for key in own if not _tells_apart(key))
    found = [
        key for key in sorted(keys) if len({setting_key(own.get(key)) for own in settings}) > 1
    ]
    # A hash tells that layers differ, and no reader in what.
    return sorted(found, key=lambda key: key == HASH)


def _alone(documents: Sequence[Row], settings: Sequence[Row], among: Collection[int]) -> str:
    """What is said of runs of which none is known to repeat another."""
    places = sorted(among)
    keyed = _by_name(_key(settings[place]) for place in places)
    alike = next((found for found in keyed.values() if found[1:]), None)
    if alike is None:
        return f"{ONE_TRAINING} {_EVERY_SEED}"
    called = distinct_names(documents)
    names = [called[places[found]] for found in alike]
    listed = _listing(names if len(names) <= _MOST_NAMED else [*names[:2], "others"])
    own = [settings[place] for place in places]
    keys = [f"`{key}`" for key in _grouping_keys(own)[:_MOST_NAMED]]
    group = f"group them by {_listing(keys, 'or')}, or " if keys else ""
    return (
        f"{listed} may be repeats of one setting: what was recorded does not tell. If so, {group}"
        'train each with its seed in the config: `Monitor(config={"seed": …})`.'
    )


def _listing(words: Sequence[str], last: str = "and") -> str:
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
