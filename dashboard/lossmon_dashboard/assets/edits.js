/* Changes of runs: what is asked for, said, and taken back. */
(function () {
    "use strict";
    const grid = (id) =>
        document.querySelector(`#${id} .ag-root`) && window.dash_ag_grid.getApi(id);
    const say = (id, props) => window.dash_clientside.set_props(id, props);
    const ask = (change) => say("runs-change", {data: {...change, at: Date.now()}});
    const triggered = () => window.dash_clientside.callback_context.triggered[0].prop_id;
    const each = (runs, value) => Object.fromEntries(runs.map((run) => [run, value]));
    const TITLES = {name: "Rename", tags: "Tags", note: "Note"};
    const UNDO_MS = 8000;
    let editing = null;
    let waiting = null;

    function editRuns(clicks) {
        const action = triggered().replace(/^runs-/, "").split(".")[0];
        const runs = window.lossmon_ticked.runs();
        if (clicks && runs.length) {
            if (action === "delete") {
                ask({put: each(runs, {archived: true}), then: "delete"});
            } else {
                /* What the page saw of the runs may be old, or nothing. */
                say("runs-asked", {data: {what: action, runs, at: Date.now()}});
            }
        }
        return window.dash_clientside.no_update;
    }

    function goOn(told) {
        if (told && told.runs.length) {
            if (told.what === "archive") {
                ask({put: each(told.runs, {archived: !told.archived})});
            } else {
                openDialog(told.what === "rename" ? "name" : told.what, told);
            }
        }
        return window.dash_clientside.no_update;
    }

    function openDialog(what, {runs, name, tags, notes}) {
        const value = {name, tags, note: notes};
        const amount = runs.length === 1 ? name : runs.length + " runs";
        editing = {what, runs, shared: tags};
        /* Filled before it opens: what is typed at once must not be overwritten. */
        for (const field of Object.keys(TITLES)) {
            say("runs-edit-" + field, {
                value: value[field],
                display: field === what ? "block" : "none",
                /* A dialog gives the focus to what has this, whatever it says. */
                "data-autofocus": field === what ? true : null,
            });
        }
        const numbered = "Numbered in the order in which they began: NAME 1, NAME 2, …";
        say("runs-edit-name", {description: runs.length > 1 ? numbered : null});
        say("runs-dialog", {opened: true, title: TITLES[what] + ": " + amount});
    }

    /* What Dash knows of a field may be older than the Enter that ended it. */
    const typed = (field) => document.getElementById("runs-edit-" + field).value;

    function saveRuns(_, __, tags) {
        if (!editing) {
            return window.dash_clientside.no_update;
        }
        const {what, runs, shared} = editing;
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
        ask({put: each(runs, change), number: what === "name" && runs.length > 1});
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
            gone && window.lossmon_ticked.untick();
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
            goOn,
            saveRuns,
            tellChange,
            undoChange,
        },
    });
})();
