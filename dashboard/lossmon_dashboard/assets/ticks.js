/* Which runs of the list are ticked. The grid knows the rows that it has shown; what is ticked
   may be all that was found, most of which it never asked for. */
(function () {
    "use strict";
    const GRID = "runs-grid";
    const say = (id, props) => window.dash_clientside.set_props(id, props);
    const nothing = () => window.dash_clientside.no_update;
    const number = (value) => value.toLocaleString("en");
    const runs = (amount) => number(amount) + (amount === 1 ? " run" : " runs");
    const followed = new WeakSet();
    const watching = new Set();

    let ticked = new Set();
    /* The last answer to "all that is found": the question, and the runs it brought. */
    let all = null;
    let question = "";
    let found = 0;

    function grid() {
        const api = document.querySelector(`#${GRID} .ag-root`) && window.dash_ag_grid.getApi(GRID);
        return api && !api.isDestroyed() ? api : null;
    }

    /* A grid that has just come has nothing ticked. */
    function follow() {
        const api = grid();
        if (api && !followed.has(api)) {
            followed.add(api);
            ticked = new Set();
            all = null;
            api.addEventListener("modelUpdated", show);
            api.addEventListener("rowSelected", hear);
        }
        return api;
    }

    /* What the reader did; what `show` did comes back as "api". */
    function hear({node, source}) {
        if (!source.startsWith("api") && node.data) {
            node.isSelected() ? ticked.add(node.data.id) : ticked.delete(node.data.id);
            tell();
        }
    }

    function show() {
        const api = grid();
        const change = {true: [], false: []};
        api && api.forEachNode((node) => {
            const newValue = Boolean(node.data) && ticked.has(node.data.id);
            if (node.data && newValue !== node.isSelected()) {
                change[newValue].push(node);
            }
        });
        for (const newValue of [true, false].filter((one) => change[one].length)) {
            api.setNodesSelected({nodes: change[newValue], newValue, source: "api"});
        }
    }

    const brought = () =>
        all && all.question === question ? all.runs.filter((run) => ticked.has(run)).length : 0;

    function state() {
        return !ticked.size ? "none" : found && brought() === found ? "all" : "some";
    }

    function words() {
        const among = brought();
        if (!ticked.size || !among) {
            return ticked.size ? number(ticked.size) + " ticked" : "";
        }
        const said = among === found
            ? `All ${number(found)} found ticked`
            : `${number(among)} of ${number(found)} found ticked`;
        const others = ticked.size - among;
        return others ? `${said}, and ${number(others)} not among them` : said;
    }

    function tell() {
        const most = Number(document.getElementById("runs-compare").dataset.most);
        const compared = Math.min(ticked.size, most);
        say("runs-ticked", {
            children: words(),
            className: ticked.size ? "lossmon-some" : "",
        });
        say("runs-untick", {display: ticked.size ? "inline-block" : "none"});
        document.getElementById("runs-edit") && say("runs-edit", {disabled: !ticked.size});
        say("runs-compare", {
            disabled: ticked.size < 2,
            children: ticked.size < 2
                ? "Compare"
                : `Compare ${ticked.size > most ? "the first " : ""}${runs(compared)}`,
        });
        watching.forEach((watch) => watch(state()));
    }

    function untick() {
        ticked = new Set();
        all = null;
        show();
        tell();
        return nothing();
    }

    function tickAll() {
        const api = follow();
        if (state() === "all") {
            untick();
        } else if (api) {
            const sorted = api.getColumnState().filter((column) => column.sort);
            sorted.sort((one, other) => one.sortIndex - other.sortIndex);
            const sortModel = sorted.map(({colId, sort}) => ({colId, sort}));
            say("runs-all-asked", {data: {sortModel, filterModel: api.getFilterModel(), at: Date.now()}});
        }
    }

    function addAll(answer) {
        if (answer) {
            all = {question, runs: answer.runs};
            answer.runs.forEach((run) => ticked.add(run));
            show();
            tell();
        }
        return nothing();
    }

    /* How many are found is told after each answer to the grid. */
    function hearFound(amount) {
        if (follow()) {
            found = amount || 0;
            tell();
        }
    }

    function hearQuestion(...parts) {
        question = JSON.stringify(parts);
        grid() && followed.has(grid()) && tell();
        return nothing();
    }

    function compare(clicks) {
        const most = Number(document.getElementById("runs-compare").dataset.most);
        const chosen = [...ticked].slice(0, most);
        return clicks ? window.dashAgGridFunctions.compareLink(chosen) : nothing();
    }

    /* The box in the head of the column of boxes. */
    function TickAll() {
        const React = window.React;
        const [now, watch] = React.useState(state());
        React.useEffect(() => {
            watching.add(watch);
            return () => watching.delete(watch);
        }, []);
        return React.createElement("input", {
            type: "checkbox",
            className: "lossmon-tick-all",
            "aria-label": "Tick all runs found",
            title: now === "all" ? "Untick all" : "Tick all that are found",
            checked: now === "all",
            ref: (box) => box && (box.indeterminate = now === "some"),
            onChange: tickAll,
        });
    }

    window.dashAgGridComponentFunctions = Object.assign(window.dashAgGridComponentFunctions || {}, {
        TickAll,
    });
    window.lossmon_ticked = {runs: () => [...ticked], untick, tickAll, hearFound};
    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        lossmon_ticks: {
            addAll,
            compare,
            hearQuestion,
            untick: (clicks) => (clicks ? untick() : nothing()),
        },
    });
})();
