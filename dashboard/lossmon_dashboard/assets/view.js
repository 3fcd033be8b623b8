/* What only the browser knows or can do: its time zone, and the address that carries the view. */
(function () {
    "use strict";
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
    document.cookie =
        "lossmon_zone=" + encodeURIComponent(zone) + "; path=/; max-age=31536000; SameSite=Lax";

    function remember(values) {
        const query = Object.entries(values)
            .filter(([, value]) => value)
            .map(([key, value]) => key + "=" + encodeURIComponent(value).replaceAll("%2C", ","))
            .join("&");
        const address = window.location.pathname + (query ? "?" + query : "");
        if (address !== window.location.pathname + window.location.search) {
            window.history.replaceState({}, "", address);
        }
        return window.dash_clientside.no_update;
    }

    const scheme = () =>
        document.documentElement.getAttribute("data-mantine-color-scheme") || "light";

    new MutationObserver(() => window.dash_clientside.set_props("scheme", {data: scheme()})).observe(
        document.documentElement,
        {attributes: true, attributeFilter: ["data-mantine-color-scheme"]}
    );

    function nameTab() {
        window.requestAnimationFrame(function () {
            const heading = document.querySelector("#page h1, #page h2");
            document.title = heading ? heading.textContent + " · lossmon" : "lossmon";
        });
        return window.dash_clientside.no_update;
    }

    const AXES = ["xaxis", "xaxis2", "yaxis", "yaxis2"];

    function keepView(figure, identity) {
        if (!figure) {
            return [window.dash_clientside.no_update, window.dash_clientside.no_update];
        }
        const shown = document.querySelector(`#${identity} .js-plotly-plot`);
        const before = (shown && shown.layout) || {};
        if (before.uirevision && before.uirevision === figure.layout.uirevision) {
            carryOver(shown, figure);
        }
        return [figure, {height: figure.layout.height}];
    }

    function carryOver(shown, figure) {
        for (const name of AXES.filter((name) => figure.layout[name])) {
            const axis = figure.layout[name];
            const before = shown.layout[name] || {};
            if (before.autorange === false && !axis.range) {
                Object.assign(axis, {range: before.range, autorange: false});
            }
        }
        const hidden = shown.data.filter((trace) => trace.visible === "legendonly");
        const names = new Set(hidden.map((trace) => trace.name));
        figure.data
            .filter((trace) => names.has(trace.name))
            .forEach((trace) => Object.assign(trace, {visible: "legendonly"}));
    }

    function shownSpan(_, before) {
        const shown = document.querySelector("#run-history .js-plotly-plot");
        const axis = (shown && shown.layout && shown.layout.xaxis) || {};
        const span = axis.autorange === false && axis.range ? axis.range.map(Number) : null;
        const same = JSON.stringify(span) === JSON.stringify(before || null);
        return same ? window.dash_clientside.no_update : span;
    }

    /* Asked for too early, a grid complains to the console. */
    const grid = (id) =>
        document.querySelector(`#${id} .ag-root`) && window.dash_ag_grid.getApi(id);

    /* Where other runs are asked for, the list begins anew; otherwise its rows are renewed. */
    function refreshRuns() {
        const api = grid("runs-grid");
        const what = window.dash_clientside.callback_context.triggered.map((one) => one.prop_id);
        if (api && !api.isDestroyed()) {
            if (what.some((id) => !/^(revision|runs-columns)\./.test(id))) {
                api.purgeInfiniteCache();
                api.ensureIndexVisible && api.getDisplayedRowCount() && api.ensureIndexVisible(0);
            } else {
                api.refreshInfiniteCache();
            }
        }
        return window.dash_clientside.no_update;
    }

    function showFound(found) {
        const api = grid("runs-grid");
        if (api && !api.isDestroyed()) {
            found === 0 ? api.showNoRowsOverlay() : api.hideOverlay();
        }
        return window.dash_clientside.no_update;
    }

    function pickGroup(cell, by, group) {
        const what = window.dash_clientside.callback_context.triggered[0].prop_id;
        if (what.startsWith("runs-by") || !cell) {
            return null;
        }
        return cell.rowId === group ? null : cell.rowId;
    }

    /* Changes: what is asked for, said, and taken back. */
    const say = (id, props) => window.dash_clientside.set_props(id, props);
    const ask = (change) => say("runs-change", {data: {...change, at: Date.now()}});
    const triggered = () => window.dash_clientside.callback_context.triggered[0].prop_id;
    const each = (rows, value) => Object.fromEntries(rows.map((row) => [row.id, value(row)]));
    const TITLES = {name: "Rename", tags: "Tags", note: "Note"};
    const UNDO_MS = 8000;
    let editing = null;
    let waiting = null;

    function editRuns(clicks, rows) {
        const action = triggered().replace(/^runs-/, "").split(".")[0];
        if (clicks && rows && rows.length) {
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
        editing = what;
        const shared = rows[0].tags.filter((tag) => rows.every((row) => row.tags.includes(tag)));
        const value = {name: rows[0].name, tags: shared, note: rows[0].notes || ""};
        const amount = rows.length === 1 ? rows[0].name : rows.length + " runs";
        say("runs-dialog", {opened: true, title: TITLES[what] + ": " + amount});
        for (const field of Object.keys(TITLES)) {
            const here = {display: field === what ? "block" : "none"};
            say("runs-edit-" + field, {value: value[field], display: here.display});
        }
    }

    function saveRuns(_, __, name, tags, note, rows) {
        if (!editing || !rows || !rows.length) {
            return window.dash_clientside.no_update;
        }
        const shared = rows[0].tags.filter((tag) => rows.every((row) => row.tags.includes(tag)));
        const put = {
            name: () => ({name}),
            note: () => ({notes: note || null}),
            tags: (row) => ({
                tags: [...row.tags.filter((tag) => !shared.includes(tag)), ...(tags || [])],
            }),
        }[editing];
        editing = null;
        say("runs-dialog", {opened: false});
        ask({put: each(rows, put)});
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

    const USUAL = [
        ...["name", "flags", "status", "verified", "sparkline", "val_loss", "best_val_loss"],
        ...["val_accuracy", "best_val_accuracy", "val_intended_accuracy", "accuracy_metric"],
        ...["started", "duration", "project", "tags", "notes"],
    ];
    const chosen = (shown) => {
        const given = shown || USUAL;
        const usual = given.length === USUAL.length && USUAL.every((one) => given.includes(one));
        return usual ? "" : ["name", ...given.filter((one) => one !== "name")].join(",");
    };

    const place = (here) => "lossmon-nav" + (here ? " lossmon-nav-here" : "");

    const unless = (value, usual) => (value === usual ? "" : value);

    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        lossmon: {
            nameTab,
            keepView,
            shownSpan,
            showPlace: (path) => [
                scheme(),
                place(path === "/" || /^\/(run|compare)\b/.test(path)),
                place(/^\/rules\b/.test(path)),
            ],
            rememberRun: (detail, value, log, output) =>
                remember({
                    detail: unless(detail, "both"),
                    value: unless(value, "recomputed"),
                    scale: log ? "log" : "",
                    output: output || "",
                }),
            rememberComparison: (runs, split, need, fp, fn, threshold, by) =>
                remember({
                    runs: (runs || []).join(","),
                    split: unless(split, "val"),
                    ...{need, fp, fn, threshold, by},
                }),
            rememberRuns: function (search, filters, columns, archived, by, group, shown) {
                const sorted = (columns || []).filter((column) => column.sort);
                const sort = sorted.map((column) => column.colId + ":" + column.sort).join(",");
                return remember({
                    q: search,
                    filter: filters && Object.keys(filters).length ? JSON.stringify(filters) : "",
                    sort: unless(sort, "started:desc"),
                    archived: archived ? "1" : "",
                    by: by || "",
                    group: by && group !== null ? group : "",
                    cols: chosen(shown),
                });
            },
            refreshRuns,
            showFound,
            pickGroup,
            editRuns,
            offerEdits: (rows) => !(rows && rows.length),
            saveRuns,
            tellChange,
            undoChange,
            usualColumns: () => USUAL,
        },
    });
})();
