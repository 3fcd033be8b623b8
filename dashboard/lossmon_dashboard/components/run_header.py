"""The head of a run's page: its name, its state, and how far it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

import dash_mantine_components as dmc
from dash import html

from lossmon.store import ENDED_WITH
from lossmon_dashboard.clock import moment
from lossmon_dashboard.components.badges import finding_badges, status_badge, verified_badge
from lossmon_dashboard.components.labels import goes_to
from lossmon_dashboard.components.misread import misread_by, struck_out
from lossmon_dashboard.components.prose import with_code
from lossmon_dashboard.wording import count, duration, listing, number

Row = Mapping[str, Any]

_ENDS = (
    ("validation loss", "val_loss"),
    ("validation accuracy", "val_accuracy"),
    ("training loss", "loss"),
    ("training accuracy", "accuracy"),
)


def run_header(document: Row, zone: tzinfo) -> dmc.Stack:
    """Name, badges and origin of a run."""
    origin = [
        f"started {moment(document['started'], zone)}",
        f"took {duration(document['duration'])}"
        if document["status"] != "running"
        else f"for {duration(document['duration'])} so far",
        *([f"project {document['project']}"] if document["project"] else []),
        *([_ranks(document)] if document["ranks"] else []),
        f"id {document['id']}",
    ]
    return dmc.Stack(
        [
            dmc.Title(document["name"], order=1, size="h2", className="lossmon-title", mt=4),
            dmc.Group(
                [
                    status_badge(document["status"]),
                    *_stalled(document.get("stalled")),
                    *finding_badges(document["findings"]),
                    verified_badge(document["verified"], len(document["epochs"])),
                    *(_tag(tag) for tag in document["tags"]),
                ],
                gap="xs",
            ),
            dmc.Text(" · ".join(origin), size="sm", c="dimmed"),
            *_error(document["troubles"]),
            *_troubles(document["troubles"]),
            *([dmc.Text(with_code(document["notes"]), maw=860)] if document["notes"] else []),
        ],
        gap="xs",
    )


def _stalled(seconds: float | None) -> list[dmc.Tooltip]:
    if seconds is None:
        return []
    badge = dmc.Badge(
        "stalled", color="orange", variant="filled", size="lg", className="lossmon-badge"
    )
    words = f"Its process lives, but no batch came for {duration(seconds)}."
    return [dmc.Tooltip(badge, label=words)]


def _troubles(troubles: Sequence[Row]) -> list[html.Button]:
    """A way to what went wrong inside lossmon; nothing where nothing did."""
    own = [trouble for trouble in troubles if not trouble["message"].startswith(ENDED_WITH)]
    if not own:
        return []
    words = f"lossmon had trouble during this run ({count(len(own), 'message')})"
    mark = html.Span(className="lossmon-event-warning")
    return [
        html.Button(
            [mark, words],
            type="button",
            className="lossmon-event",
            style={"alignSelf": "flex-start"},
            **goes_to("troubles", "settings"),
        )
    ]


def _error(troubles: Sequence[Row]) -> list[dmc.Text]:
    """What ended the training, where that was an error."""
    said = [t["message"] for t in troubles if t["message"].startswith(ENDED_WITH)]
    words = [f"T{message[1:]}" for message in said[-1:]]
    style = "lossmon-ended"
    return [dmc.Text(word, maw=860, lineClamp=6, className=style) for word in words]


def _ranks(document: Row) -> str:
    known, wanted = len(document["ranks"]), document["world_size"]
    recorded = f"{known} ranks" if known == wanted else f"{known} of {wanted} ranks"
    return f"{recorded}, what is not said to be of all ranks is of rank 0"


def _tag(tag: str) -> dmc.Badge:
    return dmc.Badge(tag, variant="default", size="lg", className="lossmon-badge")


def run_summary(document: Row) -> dmc.Text:
    """How far it came, and where it stands."""
    return dmc.Text([f"{_progress(document)} ", *_ending(document)], mt="xs", maw=860)


def epochs_done(epochs: Sequence[Row]) -> int:
    """How many epochs have been trained to their end."""
    return len({row["epoch"] for row in epochs if row["split"] == "train"})


def _progress(document: Row) -> str:
    done, planned = epochs_done(document["epochs"]), document["epochs_planned"]
    words = f"{done} of {count(planned, 'epoch')}" if planned else count(done, "epoch")
    trained = [row["epoch"] for row in document["epochs"] if row["split"] == "train"]
    if trained and min(trained):
        words = f"epochs {min(trained) + 1} to {max(trained) + 1}"
        words += f" of {planned}" if planned else ""
    verb = {"running": "Training", "interrupted": "Stopped"}.get(document["status"], "Trained")
    return f"{verb}: {words} done." if verb != "Trained" else f"Trained for {words}."


def _ending(document: Row) -> list[Any]:
    joined = _last_of_all_ranks(document)
    known = joined or document
    ends = [(label, key) for label, key in _ENDS if known.get(key) is not None][:2]
    if not ends:
        going = document["status"] == "running"
        return ["No epoch has ended yet." if going else "No epoch came to its end."]
    verb = "It stands at" if document["status"] == "running" else "It ended with"
    whose = " over all ranks" if joined else ""
    *before, (label, key) = ends
    told = [f"{one} {number(known[of], 3)}" for one, of in before]
    value, misread = number(known[key], 3), misread_by(document["findings"])
    if not misread or not key.endswith("accuracy"):
        constant = "" if joined else _constant(document, key)
        return [f"{verb} {listing([*told, f'{label} {value}'])}{constant}{whose}."]
    meant = known.get(key.replace("accuracy", "intended_accuracy"))
    struck = struck_out(value, misread, meant)
    return [f"{verb} {listing([*told, label])} ", *struck, f"{whose}."]


def _constant(document: Row, key: str) -> str:
    """What the most frequent answer alone reaches, where that is no less; of a single output."""
    split = "val" if key.startswith("val_") else "train"
    rows = [r for r in document["epochs"] if r["split"] == split and r["output"] is None]
    last = max(rows, key=lambda row: row["epoch"], default={})
    reached = (last.get("baselines") or {}).get("majority_accuracy")
    # That all labels are of one class is not known before.
    if not key.endswith("accuracy") or reached is None or reached == 1.0:
        return ""
    # Keras' is of float32.
    no_less = reached >= document[key] - 1e-6
    return f" (the same answer to all would give {number(reached, 3)})" if no_less else ""


def _last_of_all_ranks(document: Row) -> dict[str, Any]:
    """The last loss and accuracy of a distributed job; empty where they are not known."""
    last: dict[str, Any] = {}
    for row in document.get("joined_epochs", ()):
        if row["output"] is None:
            prefix = "" if row["split"] == "train" else "val_"
            for value in ("loss", "accuracy"):
                best = row[f"recomputed_{value}"]
                last[prefix + value] = row[value] if best is None else best
    return last
