/* The page of a run: its address carries tab and controls, charts tell what they show. */
(function () {
    "use strict";

    /* Parts of the address that are not told stay as they are: each tab knows its own alone. */
    function remember(values) {
        const query = new URLSearchParams(window.location.search);
        for (const [key, value] of Object.entries(values)) {
            query.delete(key);
            if (value) {
                query.set(key, value);
            }
        }
        const words = query.toString();
        const address = window.location.pathname + (words ? "?" + words : "");
        if (address !== window.location.pathname + window.location.search) {
            window.history.replaceState({}, "", address);
        }
        return window.dash_clientside.no_update;
    }

    const unless = (value, usual) => (value === usual ? "" : value);

    function openTab(tab) {
        remember({tab: unless(tab, "curves")});
        const query = Object.fromEntries(new URLSearchParams(window.location.search));
        return Object.assign(query, {tab});
    }

    function shownSpan(_, before) {
        const shown = document.querySelector("#run-history .js-plotly-plot");
        const axis = (shown && shown.layout && shown.layout.xaxis) || {};
        const span = axis.autorange === false && axis.range ? axis.range.map(Number) : null;
        return JSON.stringify(span) === JSON.stringify(before || null) ? window.dash_clientside.no_update : span;
    }

    const components = (window.dashMantineFunctions = window.dashMantineFunctions || {});
    components.epochLabel = (value) => "epoch " + value;

    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        lossmon_run: {
            openTab,
            shownSpan,
            rememberOutput: (output) => remember({output}),
            rememberCurves: (detail, value, log) =>
                remember({
                    detail: unless(detail, "both"),
                    value: unless(value, "recomputed"),
                    scale: log ? "log" : "",
                }),
            rememberEpoch: (epoch, last) => remember({epoch: unless(epoch, last)}),
            rememberSamples: (pair, kind) =>
                remember({
                    epochs: pair ? pair.join("-") : "",
                    kind: unless(kind, "worst"),
                }),
        },
    });
})();
