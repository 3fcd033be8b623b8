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

    const place = (here) => "lossmon-nav" + (here ? " lossmon-nav-here" : "");

    const unless = (value, usual) => (value === usual ? "" : value);

    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        lossmon: {
            nameTab,
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
            rememberComparison: (runs, split) =>
                remember({runs: (runs || []).join(","), split: unless(split, "val")}),
            rememberRuns: function (search, filters, columns) {
                const sorted = (columns || []).filter((column) => column.sort);
                const sort = sorted.map((column) => column.colId + ":" + column.sort).join(",");
                return remember({
                    q: search,
                    filter: filters && Object.keys(filters).length ? JSON.stringify(filters) : "",
                    sort: unless(sort, "started:desc"),
                });
            },
        },
    });
})();
