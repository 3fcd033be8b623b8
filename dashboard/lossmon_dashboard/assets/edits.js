/* Changes of runs: what is asked for, said, and taken back. */
(function () {
    "use strict";
    const grid = (id) =>
        document.querySelector(`#${id} .ag-root`) && window.dash_ag_grid.getApi(id);
    const say = (id, props) => window.dash_clientside.set_props(id, props);
    const ask = (change) => say("runs-change", {data: {...change, at: Date.now()}});
    const triggered = () => window.dash_clientside.callback_context.triggered[0].prop_id;
    const each = (rows, value) => Object.fromEntries(rows.map((row) => [row.id, value(row)]));
    const TITLES = {name: "Rename", tags: "Tags", note: "Note"};
    const UNDO_MS = 8000;
    let editing = null;
    let waiting = null;

    /* The rows as they are now: what the grid told of its selection may be older than a change. */
    function ticked() {
        const api = grid("runs-grid");
        const nodes = api && !api.isDestroyed() ? api.getSelectedNodes() : [];
        return nodes.map((node) => node.data).filter(Boolean);
    }

    function editRuns(clicks) {
        const action = triggered().replace(/^runs-/, "").split(".")[0];
        const rows = ticked();
        if (clicks && rows.length) {
            if (action === "archive") {
                const archived = !rows.every((row) => row.archived);
                ask({put: each(rows, () => ({archived}))});
            } else if (action === "delete") {
                ask({put: each(rows, () => ({archived: true})), then: "delete"});
            } else {
                openDialog(action === "rename" ? "name" : action, rows);
            }
        }
        return window.dash_clientside.no_update;
    }

    function openDialog(what, rows) {
        const shared = rows[0].tags.filter((tag) => rows.every((row) => row.tags.includes(tag)));
        const value = {name: rows[0].name, tags: shared, note: rows[0].notes || ""};
        const amount = rows.length === 1 ? rows[0].name : rows.length + " runs";
        editing = {what, rows, shared};
        /* Filled before it opens: what is typed at once must not be overwritten. */
        for (const field of Object.keys(TITLES)) {
            say("runs-edit-" + field, {
                value: value[field],
                display: field === what ? "block" : "none",
            });
        }
        say("runs-dialog", {opened: true, title: TITLES[what] + ": " + amount});
    }

    /* What Dash knows of a field may be older than the Enter that ended it. */
    const typed = (field) => document.getElementById("runs-edit-" + field).value;

    function saveRuns(_, __, tags) {
        if (!editing) {
            return window.dash_clientside.no_update;
        }
        const {what, rows, shared} = editing;
        const wanted = tags || [];
        const change = {
            name: {name: typed("name")},
            note: {notes: typed("note") || null},
            tags: {
                tags: {
                    add: wanted.filter((tag) => !shared.includes(tag)),
                    remove: shared.filter((tag) => !wanted.includes(tag)),
                },
            },
        }[what];
        editing = null;
        say("runs-dialog", {opened: false});
        ask({put: each(rows, () => change)});
        return window.dash_clientside.no_update;
    }

    function tellChange(changed) {
        if (!changed) {
            return window.dash_clientside.no_update;
        }
        clearTimeout(waiting && waiting.timer);
        if (waiting && waiting.remove) {
            ask({delete: waiting.remove});
        }
        waiting = null;
        const toast = document.getElementById("toast");
        toast.hidden = !changed.said;
        toast.classList.toggle("lossmon-toast-failed", Boolean(changed.failed));
        document.getElementById("toast-words").textContent = changed.said;
        document.getElementById("toast-undo").hidden = !changed.undo;
        const timer = setTimeout(endWaiting, changed.failed ? 3 * UNDO_MS : UNDO_MS);
        waiting = {timer, undo: changed.undo, remove: changed.delete};
        const api = grid("runs-grid");
        if (api && !api.isDestroyed() && !changed.failed) {
            const gone = JSON.stringify(changed.undo || {}).includes('"archived"');
            gone && api.deselectAll();
            gone ? api.purgeInfiniteCache() : api.refreshInfiniteCache();
        }
        return window.dash_clientside.no_update;
    }

    function endWaiting() {
        document.getElementById("toast").hidden = true;
        const remove = waiting && waiting.remove;
        waiting = null;
        remove && ask({delete: remove});
    }

    function undoChange(clicks) {
        if (clicks && waiting && waiting.undo) {
            clearTimeout(waiting.timer);
            ask({put: waiting.undo});
            waiting = null;
        }
        return window.dash_clientside.no_update;
    }

    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        lossmon_edits: {
            editRuns,
            offerEdits: (rows) => !(rows && rows.length),
            saveRuns,
            tellChange,
            undoChange,
        },
    });
})();
