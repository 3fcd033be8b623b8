/* The page of a run: its address carries tab and controls, charts tell what they show. */
(function () {
    "use strict";

    /* Parts of the address that are not told stay as they are: each tab knows its own alone. */
    function remember(values) {
        if (!window.lossmon.stands("/run")) {
            return window.dash_clientside.no_update;
        }
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

    /* The part that is shown goes with each question about the chart; on another axis it is all. */
    function shownSpan(_, __, before) {
        const {triggered} = window.dash_clientside.callback_context;
        const turned = triggered.some((part) => part.prop_id === "run-axis.value");
        window.lossmon_follow.watch("run-history");
        turned && before && window.dash_clientside.set_props("run-span", {data: null});
    }

    /* A part of the page that a tab may still have to bring. */
    function goTo(name, tab) {
        if (tab) {
            window.dash_clientside.set_props("run-tabs", {value: tab});
        }
        let left = 40;
        (function look() {
            const found = document.querySelector(`[data-target="${window.CSS.escape(name)}"]`);
            if (found) {
                const folded = found.closest("details");
                folded && (folded.open = true);
                found.setAttribute("tabindex", "-1");
                found.scrollIntoView({behavior: "smooth", block: "start"});
                found.focus({preventScroll: true});
            } else if ((left -= 1)) {
                window.setTimeout(look, 100);
            }
        })();
    }

    /* An address may name a part of the page: it is gone to once of each page that is opened. */
    function followHash() {
        const {hash} = window.location;
        let left = 40;
        hash && (function look() {
            const room = document.getElementById("run-findings");
            if (room && room.dataset.followed !== hash) {
                room.dataset.followed = hash;
                goTo(decodeURIComponent(hash.slice(1)));
            } else if (!room && (left -= 1)) {
                window.setTimeout(look, 100);
            }
        })();
        return window.dash_clientside.no_update;
    }

    document.addEventListener("click", function (event) {
        const link = event.target.closest && event.target.closest("[data-goes-to]");
        if (link) {
            goTo(link.dataset.goesTo, link.dataset.tab);
        }
    });

    /* The pointer answers for all panes together: only a click into the lane means an event. */
    let pressed = 0;
    document.addEventListener("pointerdown", (event) => (pressed = event.clientY), true);

    function goToEvent(click) {
        const lane = document.querySelector("#run-history .nsewdrag");
        const point = click && click.points.find((one) => typeof one.customdata === "string");
        if (point && lane && pressed <= lane.getBoundingClientRect().bottom) {
            const name = point.customdata;
            goTo(name, name.startsWith("episode") ? "divergence" : null);
        }
        return window.dash_clientside.no_update;
    }

    const components = (window.dashMantineFunctions = window.dashMantineFunctions || {});
    components.epochLabel = (value) => "epoch " + value;

    window.dash_clientside = Object.assign({}, window.dash_clientside, {
        lossmon_run: {
            openTab,
            shownSpan,
            goToEvent,
            followHash,
            rememberOutput: (output) => remember({output}),
            rememberCurves: (detail, value, axis, smooth, log) =>
                remember({
                    detail: unless(detail, "both"),
                    value: unless(value, "recomputed"),
                    axis: unless(axis, "epoch"),
                    smooth: unless(smooth, "0"),
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
