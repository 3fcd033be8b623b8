"""What can be done with the runs that are ticked: a menu, and the dialog that asks for values."""

from __future__ import annotations

import dash
import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, State

from lossmon_dashboard.components.labels import CLOSE

ACTIONS = ("rename", "tags", "note", "archive", "delete")


def edit_menu() -> dmc.Menu:
    """The menu, which can be opened where runs are ticked."""
    return dmc.Menu(
        [
            dmc.MenuTarget(
                dmc.Button("Edit", id="runs-edit", variant="default", disabled=True),
            ),
            dmc.MenuDropdown(
                [
                    dmc.MenuItem("Rename …", id="runs-rename"),
                    dmc.MenuItem("Tags …", id="runs-tags"),
                    dmc.MenuItem("Note …", id="runs-note"),
                    dmc.MenuDivider(),
                    dmc.MenuItem("Archive, or back in sight", id="runs-archive"),
                    dmc.MenuItem("Delete", id="runs-delete", className="lossmon-danger"),
                ]
            ),
        ],
        position="bottom-end",
        shadow="md",
        withinPortal=False,
    )


def edit_dialog() -> dmc.Modal:
    """Asks for a name, for tags or for a note."""
    return dmc.Modal(
        dmc.Stack(
            [
                dmc.TextInput(id="runs-edit-name", label="Name"),
                dmc.TagsInput(
                    id="runs-edit-tags",
                    label="Tags that all of them have",
                    description="Enter after each. Other tags of single runs stay.",
                    value=[],
                    maxTags=50,
                    # An empty list would take the Escape that closes the dialog.
                    dropdownOpened=False,
                ),
                dmc.Textarea(id="runs-edit-note", label="Note", minRows=4, autosize=True),
                dmc.Group(dmc.Button("Save", id="runs-edit-save"), justify="flex-end"),
            ]
        ),
        id="runs-dialog",
        title="Edit",
        opened=False,
        centered=True,
        closeButtonProps=CLOSE,
    )


def register_editor(app: dash.Dash) -> None:
    """Connect menu and dialog; what they come to goes to `runs-change`.

    What the menu is to be opened for goes to `runs-asked`, what is known of the runs comes from
    `runs-told`.
    """
    for action in ACTIONS:
        app.clientside_callback(
            ClientsideFunction("lossmon_edits", "editRuns"),
            Input(f"runs-{action}", "n_clicks"),
            prevent_initial_call=True,
        )
    app.clientside_callback(ClientsideFunction("lossmon_edits", "goOn"), Input("runs-told", "data"))
    app.clientside_callback(
        ClientsideFunction("lossmon_edits", "saveRuns"),
        Input("runs-edit-save", "n_clicks"),
        Input("runs-edit-name", "n_submit"),
        State("runs-edit-tags", "value"),
        prevent_initial_call=True,
    )
