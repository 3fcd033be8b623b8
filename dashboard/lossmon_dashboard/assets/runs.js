/* The list of runs in the browser: when its rows are asked for, named views, and keys. */
(function () {
    "use strict";
    const KEPT = "lossmon-views";
    const SORT_MS = 5000;
    let sorted = -Infinity;
    const nothing = () => window.dash_clientside.no_update;

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

    /* The rows that are shown of runs that are being recorded. */
    function standing() {
        const shown = {};
        const api = grid("runs-grid");
        if (api && !api.isDestroyed()) {
            api.forEachNode(function ({data}) {
                if (data && data.status === "running") {
                    shown[data.id] = data.drawn || null;
                }
            });
        }
        return Object.keys(shown).length ? {shown} : {};
    }

    /* What of their rows moves with each batch. */
    function moveOn(trainings) {
        const api = grid("runs-grid");
        if (!api || api.isDestroyed()) {
            return;
        }
        const rowNodes = [];
        for (const {id, duration, heartbeat, line} of trainings) {
            const node = api.getRowNode(id);
            if (node && node.data) {
                const progress = {...node.data.progress, heard: heartbeat};
                node.updateData({...node.data, duration, progress, ...longer(node.data, line)});
                rowNodes.push(node);
            }
        }
        api.refreshCells({rowNodes, columns: ["status"], force: true});
        if (isOvertaken(api) && performance.now() - sorted > SORT_MS) {
            sorted = performance.now();
            api.refreshInfiniteCache();
        }
    }

    /* Where rows are sorted by how long they took, one that trains may come to be in a wrong place. */
    function isOvertaken(api) {
        const order = api.getColumnState().filter((column) => column.sort);
        const first = order.find((column) => !column.sortIndex);
        if (!first || first.colId !== "duration") {
            return false;
        }
        const rows = [];
        api.forEachNode((node) => node.data && rows.push([node.rowIndex, node.data.duration]));
        const durations = rows.sort(([one], [other]) => one - other).map(([, seconds]) => seconds);
        const way = first.sort === "asc" ? 1 : -1;
        return durations.some((seconds, at) => at && way * (seconds - durations[at - 1]) < 0);
    }

    /* How the small curve goes on, and how much of it is there. */
    function longer({sparkline, drawn}, line) {
        if (!line || (drawn && !line.values.length)) {
            return {};
        }
        const loss = sparkline.loss.slice(0, line.start).concat(line.values);
        return {sparkline: {...sparkline, loss}, drawn: [line.stride, loss.length]};
    }

    function showFound(found) {
        const api = grid("runs-grid");
        if (api && !api.isDestroyed()) {
            found === 0 ? api.showNoRowsOverlay() : api.hideOverlay();
            window.lossmon_pinned.pinNames(api);
        }
        window.lossmon_ticked.hearFound(found);
        return window.dash_clientside.no_update;
    }

    function pickGroup(cell, by, group) {
        const what = window.dash_clientside.callback_context.triggered[0].prop_id;
        if (what.startsWith("runs-by") || !cell) {
            return null;
        }
        /* That leaves the list. */
        if (cell.colId === "compared") {
            return nothing();
        }
        return cell.rowId === group ? null : cell.rowId;
    }

    function views() {
        try {
            const kept = JSON.parse(window.localStorage.getItem(KEPT) || "[]");
            return Array.isArray(kept) ? kept : [];
        } catch (_) {
            return [];
        }
    }

    function keep(list) {
        try {
            window.localStorage.setItem(KEPT, JSON.stringify(list));
        } catch (_) {
            /* A browser that keeps nothing forgets views when the page is left. */
        }
        listViews();
    }

    const own = (search) => (/^(\?|$)/.test(search) ? search : "");

    /* Names are text nodes: a browser's storage is no place to take HTML from. */
    function listViews() {
        const list = document.getElementById("views-list");
        if (list) {
            list.replaceChildren(...[{name: "All runs", search: ""}, ...views()].map(viewRow));
        }
        return nothing();
    }

    function viewRow({name, search}, place) {
        const row = document.createElement("div");
        const link = document.createElement("a");
        link.href = window.location.pathname + own(String(search || ""));
        link.textContent = String(name);
        link.className = "lossmon-link";
        row.append(link);
        if (place) {
            const drop = document.createElement("button");
            drop.textContent = "×";
            drop.setAttribute("aria-label", "Forget the view " + name);
            drop.onclick = () => keep(views().filter((_, at) => at !== place - 1));
            row.append(drop);
        }
        return row;
    }

    function saveView(_, __, name) {
        const named = (name || "").trim();
        if (!named) {
            return nothing();
        }
        const others = views().filter((view) => view.name !== named);
        keep([...others, {name: named, search: window.location.search}]);
        return "";
    }

    /* The list and the catalogue keep their own state: their links lead to all of it anew. */
    document.addEventListener(
        "click",
        function (event) {
            const link = event.target.closest("#nav-runs, #nav-rules, .lossmon-brand");
            const held = event.ctrlKey || event.metaKey || event.shiftKey || event.button;
            const here = link && new URL(link.href).pathname === window.location.pathname;
            if (here && window.location.search && !held) {
                event.preventDefault();
                event.stopPropagation();
                window.location.assign(link.href);
            }
        },
        true
    );

    /* From the cell of the findings, the page opens at the gravest of them. */
    function linkOf(data, column) {
        const gravest = ["error", "warning", "info"].find((one) => data.severities[one]);
        return window.dashAgGridFunctions.runLink(data, column === "flags" ? gravest : null);
    }

    function go(api, event) {
        const focused = api.getFocusedCell();
        if (event.key === "Enter" && focused) {
            const row = api.getDisplayedRowAtIndex(focused.rowIndex);
            if (row && row.data) {
                const link = linkOf(row.data, focused.column.getColId());
                window.dashAgGridFunctions.openPage(link);
            }
        } else if (/^Arrow(Up|Down)$/.test(event.key) && !event.target.closest(".ag-root")) {
            event.preventDefault();
            const row = focused ? focused.rowIndex : 0;
            api.ensureIndexVisible(row);
            api.setFocusedCell(row, "name");
        }
    }

    /* The grid moves among its cells: what can be clicked in one is reached by Enter. */
    function pressInGroups({key, target}) {
        if (key === "Enter" && target.matches("[role=gridcell]")) {
            (target.querySelector("a") || target).click();
        }
    }

    const BUSY = "input:not([type=checkbox]), textarea, select, [contenteditable]";

    /* Those that are kept while they are closed take no room. */
    const isDialogOpen = () =>
        [...document.querySelectorAll("[role=dialog]")].some((one) => one.getClientRects().length);

    document.addEventListener("keydown", function (event) {
        const api = grid("runs-grid");
        const held = event.ctrlKey || event.metaKey || event.altKey;
        const busy = event.target.closest(BUSY) || isDialogOpen();
        if (!api || api.isDestroyed() || held || busy) {
            return;
        }
        if (event.key === "/") {
            event.preventDefault();
            document.getElementById("runs-search").focus();
        } else if (event.key === "c") {
            document.getElementById("runs-compare").click();
        } else if (event.key === "a") {
            window.lossmon_ticked.tickAll();
        } else if (event.key === "?") {
            window.dash_clientside.set_props("keys-help", {opened: true});
        } else if (event.target.closest("#runs-groups")) {
            pressInGroups(event);
        } else if (!event.target.closest("button, a, [role=menuitem]")) {
            go(api, event);
        }
    });

    window.lossmon_runs = {standing, moveOn};
    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        lossmon_runs: {
            refreshRuns,
            showFound,
            pickGroup,
            /* How many small charts stand beside one another. */
            columns: () => Math.min(6, Math.max(1, Math.round(window.innerWidth / 430))),
            listViews,
            saveView,
            showKeys: (clicks) => (clicks ? true : nothing()),
        },
    });
})();
