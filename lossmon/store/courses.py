"""How each run of a list went: its last values, and the small curve beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Subquery,
    Table,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    true,
)

from lossmon.store.columns import output_key
from lossmon.store.nonfinite import restore_kinds
from lossmon.store.prepared import Prepared
from lossmon.store.reading import among, best_known
from lossmon.store.schema import batches, epochs, runs

SPARKLINE_POINTS = 60
_VALUES = ("loss", "recomputed_loss", "accuracy", "recomputed_accuracy", "intended_accuracy")
_PREFIXES: Mapping[str, str] = {"train": "", "val": "val_"}


class Course(NamedTuple):
    """How a run went, by split: what is of "train" bears plain names, of "val" prefixed ones.

    Attributes:
        last: "loss", "accuracy" and "intended_accuracy" of the last epoch.
        sparkline: "loss" and "val_loss", at most 60 values each.
    """

    last: dict[str, float | None]
    sparkline: dict[str, list[float | None]]


def read_courses(connection: Connection, run_ids: Sequence[str] | None) -> dict[str, Course]:
    """Return how each run went as a model as a whole, from a bounded number of rows a run.

    Args:
        connection: to read by.
        run_ids: these runs alone; None for all.

    Returns:
        By run. Sparklines are by epoch, but that of the training loss by batch before the second
        epoch.
    """
    courses: dict[str, Course] = {}
    if connection.execute(_early(run_ids).limit(1)).first():
        for (run, split), points in _by_split(connection, _first_epoch_points(run_ids)).items():
            if split is not None:
                _course(courses, run).sparkline["loss"].extend(map(_loss, points))
    for (run, split), points in _by_split(connection, _epoch_points(run_ids)).items():
        course, prefix = _course(courses, run), _PREFIXES[split]
        epoch, *values = points[-1]
        course.last.update(_last(prefix, values))
        if split == "val" or epoch > 0:
            course.sparkline[f"{prefix}loss"].extend(map(_loss, points))
    return courses


class Line(NamedTuple):
    """The training loss of a run by batch, for who follows it before its second epoch.

    Attributes:
        stride: of so many steps one is told.
        start: the number of the first of `values` among those that are told.
        values: the losses.
    """

    stride: int
    start: int
    values: list[float | None]


def read_line(
    connection: Connection, run: Mapping[str, Any], known: tuple[int, int] | None
) -> Line | None:
    """Return what is new of the sparkline of a run; None where that is by epoch.

    Args:
        connection: to read by.
        run: with "id", and "epoch" and "step" that it has reached.
        known: stride and number of the values that are there; None for all of them. They are told
            anew where they become too many.
    """
    run_id, epoch, step = run["id"], run["epoch"], run["step"]
    if step is None or (epoch and _SETTLED.rows(connection, of_run=run_id)):
        return None
    stride, start = known or (0, 0)
    if not stride or step // stride >= 2 * SPARKLINE_POINTS:
        stride, start = step // (SPARKLINE_POINTS - 1) + 1, 0
    if start and start * stride > step:
        return Line(stride, start, [])
    if start:
        rows = _SINCE.rows(connection, of_run=run_id, first=start * stride, stride=stride)
    else:
        steps = {f"step{place}": place * stride for place in range(SPARKLINE_POINTS)}
        rows = _AT_STEPS.rows(connection, of_run=run_id, **steps)
    return Line(stride, start, [_loss(row) for row in rows])


def read_last(
    connection: Connection, run_ids: Sequence[str] | None
) -> dict[str, dict[str, float | None]]:
    """Return the `last` of each run's `Course`, which takes less than the whole of it."""
    found: dict[str, dict[str, float | None]] = {}
    points = _by_split(connection, _epoch_points(run_ids, curve=False))
    for (run, split), (point, *_) in points.items():
        found.setdefault(run, {}).update(_last(_PREFIXES[split], point[1:]))
    return found


def _by_split(
    connection: Connection, query: Select[*tuple[Any, ...]]
) -> Mapping[tuple[str, Any], list[Sequence[Any]]]:
    # All rows at once, as plain lists: this is where a list of many runs spends its time.
    found: defaultdict[tuple[str, Any], list[Sequence[Any]]] = defaultdict(list)
    for run, split, *point in connection.execute(query).all():
        found[run, split].append(point)
    return found


def _course(courses: dict[str, Course], run: str) -> Course:
    known = courses.get(run)
    if known is None:
        known = courses[run] = Course({}, {"loss": [], "val_loss": []})
    return known


def _loss(point: Sequence[Any]) -> float | None:
    _, loss, recomputed, *_, kinds = point
    if kinds is not None:
        return _last("", point[1:])["loss"]
    return loss if recomputed is None else recomputed


def _last(prefix: str, values: Sequence[Any]) -> dict[str, float | None]:
    known = dict(zip(_VALUES, values[:-1], strict=True)) | restore_kinds(values[-1])
    return {
        f"{prefix}loss": best_known(known, "loss"),
        f"{prefix}accuracy": best_known(known, "accuracy"),
        f"{prefix}intended_accuracy": known["intended_accuracy"],
    }


def _epoch_points(run_ids: Sequence[str] | None, *, curve: bool = True) -> Select[*tuple[Any, ...]]:
    """The last epoch of each run and split, after others at even distances, in their order."""
    ends = _ends(run_ids)
    last = case((epochs.c.split == "train", ends.c.train), else_=ends.c.val)
    stride = last // (SPARKLINE_POINTS - 1) + 1
    at_end = epochs.c.epoch == last
    query = select(epochs.c.run_id, *_points(epochs))
    wanted = query.join(ends, ends.c.run_id == epochs.c.run_id).where(
        epochs.c.output.is_(None), or_(epochs.c.epoch % stride == 0, at_end) if curve else at_end
    )
    return wanted.order_by(epochs.c.epoch)


def _ends(run_ids: Sequence[str] | None) -> Subquery:
    """The last epoch of each run as "train" and "val"."""
    columns = [
        func.max(case((epochs.c.split == split, epochs.c.epoch))).label(split)
        for split in ("train", "val")
    ]
    query = select(epochs.c.run_id, *columns)
    whole = query.where(output_key(epochs) == "", among(epochs.c.run_id, run_ids))
    return whole.group_by(epochs.c.run_id).subquery()


def _early(run_ids: Sequence[str] | None) -> Select[*tuple[Any, ...]]:
    """Runs before their second epoch, which have no line of epochs."""
    settled = exists().where(epochs.c.run_id == runs.c.id, epochs.c.epoch > 0)
    return select(runs.c.id, runs.c.step).where(among(runs.c.id, run_ids), ~settled)


def _first_epoch_points(run_ids: Sequence[str] | None) -> Select[*tuple[Any, ...]]:
    # Some of the train batches make a line.
    early = _early(run_ids).subquery()
    first = select(literal(0).label("number")).cte("points", recursive=True)
    following = select(first.c.number + 1).where(first.c.number < SPARKLINE_POINTS - 1)
    point = first.union_all(following)
    step = point.c.number * (early.c.step // (SPARKLINE_POINTS - 1) + 1)
    wanted = select(early.c.id.label("run"), step.label("step")).join_from(early, point, true())
    at = wanted.subquery()
    train = and_(batches.c.split == "train", output_key(batches) == "")
    same = and_(batches.c.run_id == at.c.run, batches.c.step == at.c.step, train)
    points = (at.c.run, *_points(batches))
    # An outer join, for SQLite then looks the few steps up instead of reading every batch.
    return select(*points).outerjoin_from(at, batches, same).order_by(at.c.step)


def _points(table: Table) -> list[ColumnElement[Any]]:
    return [table.c[name] for name in ("split", "epoch", *_VALUES, "nonfinite_kinds")]


_SETTLED = Prepared(
    select(epochs.c.epoch)
    .where(epochs.c.run_id == bindparam("of_run"), epochs.c.epoch > 0)
    .limit(1)
)
_AT_BATCH = select(*_points(batches)[1:]).where(
    batches.c.run_id == bindparam("of_run"),
    batches.c.split == "train",
    output_key(batches) == "",
)
_SINCE = Prepared(
    _AT_BATCH.where(
        batches.c.step >= bindparam("first"), batches.c.step % bindparam("stride") == 0
    ).order_by(batches.c.step)
)
_AT_STEPS = Prepared(
    _AT_BATCH.where(
        or_(*(batches.c.step == bindparam(f"step{place}") for place in range(SPARKLINE_POINTS)))
    ).order_by(batches.c.step)
)
