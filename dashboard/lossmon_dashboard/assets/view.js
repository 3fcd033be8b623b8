/* What only the browser knows or can do: its colour scheme, and the address that carries the view. */
(function () {
    "use strict";
    /* What stands before every address, where a proxy serves the dashboard below a path. */
    function base() {
        const config = JSON.parse(document.getElementById("_dash-config").textContent);
        return config.requests_pathname_prefix.replace(/\/$/, "");
    }

    /* Which page it is: what a page has to say may come when the next one stands in the address. */
    const placeNow = () => window.location.pathname.slice(base().length) || "/";
    const stands = (page) => placeNow() === page || placeNow().startsWith(page + "/");

    window.lossmon = {base, stands};

    function remember(page, values) {
        if (!stands(page)) {
            return window.dash_clientside.no_update;
        }
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

    const {keep, expectedScheme} = window.lossmon_viewer;
    const root = document.documentElement;
    const scheme = () => root.getAttribute("data-mantine-color-scheme") || expectedScheme();

    /* What waits for the scheme draws anew: it is told where the layout was made for another. */
    let toldScheme = scheme();
    function newScheme(known) {
        toldScheme = scheme();
        return known === toldScheme ? window.dash_clientside.no_update : toldScheme;
    }

    new MutationObserver(function () {
        keep("scheme", scheme());
        if (scheme() !== toldScheme) {
            window.dash_clientside.set_props("scheme", {data: (toldScheme = scheme())});
        }
    }).observe(root, {attributes: true, attributeFilter: ["data-mantine-color-scheme"]});

    /* What a page is called may be drawn after it is told that there is another. */
    let named = null;
    function nameTab() {
        let left = 40;
        (function look() {
            const heading = document.querySelector("#page h1, #page h2");
            document.title = heading ? heading.textContent + " · lossmon" : "lossmon";
            if ((!heading || heading === named) && (left -= 1)) {
                window.setTimeout(look, 50);
            } else {
                named = heading;
            }
        })();
        return window.dash_clientside.no_update;
    }

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
        for (const name of Object.keys(figure.layout).filter((one) => /^[xy]axis\d*$/.test(one))) {
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

    const USUAL = [
        ...["name", "flags", "status", "verified", "sparkline", "val_loss", "val_accuracy"],
        ...["val_intended_accuracy", "accuracy_metric", "best_val_loss", "best_val_accuracy"],
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
            showPlace: function (address, known) {
                const path = address.slice(base().length) || "/";
                return [
                    newScheme(known),
                    place(path === "/" || /^\/(run|compare)\b/.test(path)),
                    place(/^\/rules\b/.test(path)),
                ];
            },
            rememberComparison: (runs, split, need, fp, fn, threshold, by, axis, view, measure, all) =>
                remember("/compare", {
                    runs: (runs || []).join(","),
                    split: unless(split, "val"),
                    ...{need, fp, fn, threshold, by},
                    axis: unless(axis, "epoch"),
                    view: unless(view, (runs || []).length > 6 ? "apart" : "overlaid"),
                    measure: unless(measure, "loss"),
                    all: all ? "1" : "",
                }),
            rememberRules: (search, found) =>
                remember("/rules", {q: search, found: found ? "1" : ""}),
            usualColumns: () => USUAL,
            rememberRuns: function (search, filters, columns, archived, by, group, shown) {
                const sorted = (columns || []).filter((column) => column.sort);
                const sort = sorted.map((column) => column.colId + ":" + column.sort).join(",");
                remember("/", {
                    q: search,
                    filter: filters && Object.keys(filters).length ? JSON.stringify(filters) : "",
                    sort: unless(sort, "started:desc"),
                    archived: archived ? "1" : "",
                    by: by || "",
                    group: by && group !== null ? group : "",
                    cols: chosen(shown),
                });
                stands("/") && window.lossmon_back.rememberList();
                return window.dash_clientside.no_update;
            },
        },
    });
})();
