/* The chart of a run, or of several, that is followed: what is new is put into the one that stands. */
(function () {
    "use strict";
    const held = {};
    const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

    /* A figure that came with the page stands already; what colours it has was said by a cookie. */
    function draw(drawn, identity, figure, scheme) {
        const {no_update, lossmon} = window.dash_clientside;
        if (!drawn) {
            return [no_update, no_update];
        }
        if (!drawn.figure) {
            hold(identity, {...drawn, figure});
            drawn.of.scheme === scheme || drawAnew(scheme);
            return [no_update, no_update];
        }
        hold(identity, drawn);
        watch(identity);
        return lossmon.keepView(drawn.figure, identity);
    }

    /* The next that is told is the whole chart, and that is asked for at once. */
    function drawAnew(scheme) {
        const one = held[standingChart()];
        if (one) {
            one.mark = null;
            one.of = {...one.of, scheme: scheme || one.of.scheme};
            window.lossmon_pulse.askNow();
        }
    }

    const CHARTS = ["run-history", "compare-overlay"];
    const chartOf = (identity) => document.querySelector(`#${identity} .js-plotly-plot`);

    /* The one of the page that stands; that of a page before it may still be held. */
    function standingChart() {
        return CHARTS.find(function (identity) {
            const chart = chartOf(identity);
            const one = chart && held[identity];
            if (one && !one.chart) {
                one.chart = chart;
                watch(identity);
            }
            return one && one.chart === chart;
        });
    }

    /* Which part of its axis the chart shows; nothing while it shows all of it. */
    function shownSpan(identity) {
        const chart = chartOf(identity);
        const {xaxis, meta} = (chart && chart.layout) || {};
        const zoomed = meta && xaxis && xaxis.autorange === false && xaxis.range;
        return zoomed ? [meta.axis, ...xaxis.range.map(Number)] : null;
    }

    /* A part that is zoomed to is drawn at once from what is there; here its finer data follow.
       Told of another part, Dash would draw the same a second time before it is seen. */
    function watch(identity) {
        const chart = chartOf(identity);
        if (chart && !chart.lossmonWatched) {
            chart.lossmonWatched = true;
            chart.removeAllListeners("plotly_relayout");
            window.lossmon_pointer.follow(chart);
            chart.on("plotly_afterplot", () => looked(identity));
        }
    }

    function looked(identity) {
        const one = held[identity];
        const span = shownSpan(identity);
        if (one && one.of && !same(span, one.span)) {
            one.span = span;
            window.setTimeout(() => askFor(span, identity, one));
            window.lossmon_pointer.afterFrame(() =>
                window.dash_clientside.set_props("run-span", {data: span})
            );
        }
    }

    async function askFor(zoom, identity, one) {
        const place = window.location.pathname;
        let drawn = null;
        try {
            const answer = await window.fetch(window.lossmon.base() + "/chart", {
                method: "POST",
                headers: {"Content-Type": "application/json"},
                body: JSON.stringify({place, ...one.of, zoom}),
            });
            drawn = answer.ok && (await answer.json());
        } catch (_) {
            /* The server is away: what is there stays. */
        }
        const chart = chartOf(identity);
        /* Meanwhile another part may be looked at, or another view. */
        if (drawn && chart && held[identity] === one && same(one.span, zoom)) {
            window.dash_clientside.lossmon.keepView(drawn.figure, identity);
            hold(identity, drawn);
            window.Plotly.react(chart, drawn.figure.data, drawn.figure.layout);
        }
    }

    /* A whole chart that was told, in the place of the one that stands. */
    function replace(drawn, identity) {
        const {lossmon, set_props} = window.dash_clientside;
        const [figure, style] = lossmon.keepView(drawn.figure, identity);
        hold(identity, drawn);
        watch(identity);
        set_props(identity, {figure, style});
        drawn.events && set_props("run-events", {children: drawn.events});
    }

    function hold(identity, {figure, mark, settled, of, step, heard}) {
        const steady = steadyAxes(figure.layout);
        const span = (of && of.zoom) || null;
        held[identity] = {mark, settled, of, step, heard, steady, span, chart: chartOf(identity)};
    }

    /* What the chart shows, for who asks what is new of it; nothing where there is none. */
    function standing() {
        const one = held[standingChart()];
        if (!one) {
            return {};
        }
        const {of, mark, step, heard, whole} = one;
        return {...of, mark, step, heard, whole};
    }

    /* More than points is new: it is looked at what stands on the chart as well. */
    function renew() {
        const one = held[standingChart()];
        if (one) {
            one.whole = true;
        }
    }

    /* Takes what is new, unless what it was asked for is no longer what is there. */
    function add(points, asked, token) {
        const identity = standingChart();
        const one = held[identity];
        if (!one || one.mark !== asked.mark) {
            return;
        }
        one.whole = one.whole && !asked.whole;
        if (!points) {
            return;
        }
        if (points.figure) {
            replace(points, identity);
        } else if (!append(points, identity)) {
            drawAnew();
            return;
        }
        Object.assign(held[identity], {step: points.step, heard: token});
    }

    const ofBatches = (uid) => /-(batch|smooth|low|high)$/.test(uid);
    const measureOf = (uid) => uid.split("-")[0];
    const list = (values) => (values ? Array.from(values) : []);

    function append(drawn, identity) {
        const chart = chartOf(identity);
        const before = held[identity];
        if (!chart || !before) {
            return false;
        }
        const places = Object.fromEntries(chart.data.map((trace, place) => [trace.uid, place]));
        const told = Object.entries(drawn.new);
        const known = ([uid, points]) =>
            uid in places && fits(before.steady, chart.data[places[uid]], points);
        if (!told.every(known)) {
            return false;
        }
        const changed = new Map();
        for (const [uid, points] of told) {
            const trace = chart.data[places[uid]];
            const kept = ofBatches(uid)
                ? before.settled[measureOf(uid)]
                : list(trace.x).findLastIndex((x) => x < (points.late ?? drawn.late)) + 1;
            changed.set(uid, uid.endsWith("-lost") ? union(trace, points) : spliced(trace, points, kept));
        }
        raiseLost(chart, changed);
        lengthenBehind(chart, changed);
        for (const [measure, count] of Object.entries(drawn.settled)) {
            before.settled[measure] += count;
        }
        before.mark = drawn.mark;
        if (changed.size) {
            const values = [...changed.values()];
            const keys = ["x", "y", "text", ...(values.some((one) => one.mode) ? ["mode"] : [])];
            const update = Object.fromEntries(keys.map((key) => [key, values.map((one) => one[key])]));
            window.Plotly.restyle(chart, update, [...changed.keys()].map((uid) => places[uid]));
        }
        return true;
    }

    function spliced(trace, points, kept) {
        const join = (key) => list(trace[key]).slice(0, kept).concat(points[key]);
        const x = join("x");
        const text = points.text.length || trace.text ? join("text") : null;
        /* So few points are marked that a line through them may not be seen. */
        const few = trace.meta && trace.meta.few;
        const mode = few && x.length > few && trace.mode !== "lines" ? "lines" : undefined;
        return {x, y: join("y"), text, mode};
    }

    /* Behind the curve of each run that is drawn apart stand all of them, with gaps between. */
    function lengthenBehind(chart, changed) {
        const behind = chart.data.filter((one) => one.uid && one.uid.startsWith("behind-"));
        if (!behind.length || !changed.size) {
            return;
        }
        const own = chart.data.filter((one) => one.uid && !behind.includes(one));
        const joined = (key) => own.flatMap((one) => [...list((changed.get(one.uid) || one)[key]), null]);
        const all = {x: joined("x"), y: joined("y"), text: null};
        behind.forEach((one) => changed.set(one.uid, all));
    }

    /* Marks of values that are not finite: those that stand, and those that are new. */
    function union(trace, points) {
        const known = new Set(list(trace.x).map((x, place) => x + " " + trace.text[place]));
        const fresh = list(points.x)
            .map((x, place) => [x, points.text[place]])
            .filter(([x, text]) => !known.has(x + " " + text));
        return {
            x: list(trace.x).concat(fresh.map(([x]) => x)),
            y: list(trace.y).concat(fresh.map(() => null)),
            text: list(trace.text).concat(fresh.map(([, text]) => text)),
        };
    }

    /* They stand at the top of the values seen. */
    function raiseLost(chart, changed) {
        for (const trace of chart.data.filter((one) => one.uid && one.uid.endsWith("-lost"))) {
            const measure = measureOf(trace.uid);
            const of = chart.data.filter(
                (one) => one.uid && measureOf(one.uid) === measure && !/-(lost|low|high)$/.test(one.uid)
            );
            let top = -Infinity;
            for (const one of of) {
                for (const y of list((changed.get(one.uid) || one).y)) {
                    top = y !== null && y > top ? y : top;
                }
            }
            const own = changed.get(trace.uid) || trace;
            if (top > -Infinity && list(own.y).some((y) => y !== top)) {
                const {x, text} = own;
                changed.set(trace.uid, {x, y: list(x).map(() => top), text});
            }
        }
    }

    /* Axes whose range is set because all their values are alike, not by the reader. */
    const steadyAxes = (layout) =>
        Object.keys(layout).filter(function (name) {
            const {range, fixedrange, autorange} = layout[name] || {};
            return name.startsWith("yaxis") && range && !fixedrange && autorange !== false;
        });

    /* The first value that differs asks for another range. */
    function fits(steady, trace, points) {
        if (!steady.includes((trace.yaxis || "y").replace("y", "yaxis"))) {
            return true;
        }
        const usual = list(trace.y).find((y) => y !== null);
        return list(points.y).every((y) => y === null || y === usual);
    }

    window.lossmon_follow = {standing, add, renew, shownSpan, watch};
    window.dash_clientside = Object.assign({}, window.dash_clientside, {lossmon_follow: {draw}});
})();
