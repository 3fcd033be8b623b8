/* A chart as a file: a picture, or the numbers that are shown. Nothing leaves the machine. */
(function () {
    "use strict";
    const SCALE = 2;
    const FORMULA = /^[=+\-@\t\r\n']/;

    function keep(name, address) {
        const link = document.createElement("a");
        Object.assign(link, {href: address, download: name});
        link.click();
    }

    const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

    async function picture(chart, name, format) {
        const {width, height} = chart.getBoundingClientRect();
        const ground = style("--lossmon-surface") || "#ffffff";
        const heading = chart.closest(".lossmon-panel");
        const title = heading && heading.querySelector("h2, h3");
        const layout = Object.assign({}, chart.layout, {
            paper_bgcolor: ground,
            plot_bgcolor: ground,
            title: {text: "", subtitle: {text: ""}},
        });
        layout.annotations = (layout.annotations || []).concat({
            text: (title ? title.textContent : "").replaceAll("<", "&lt;"),
            x: 0, y: 1, xref: "paper", yref: "paper", xanchor: "left", yanchor: "bottom",
            yshift: 44, showarrow: false, font: {size: 14},
        });
        // A picture cannot bring the page's own font along: its legend would be cut.
        layout.font = Object.assign({}, layout.font, {family: "sans-serif"});
        layout.margin = Object.assign({}, layout.margin, {t: 84, r: 24, l: 24, b: 24});
        const size = {format, width, height: height + 80, scale: format === "png" ? SCALE : 1};
        const address = await window.Plotly.toImage({data: chart.data, layout}, size);
        keep(`${name}.${format}`, address);
    }

    /* Names stand in a chart as markup that says nothing but themselves. */
    const plain = (text) =>
        text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

    /* A text that a spreadsheet would calculate gets a ' before it; numbers stay as they are. */
    function cell(value) {
        if (value === null || value === undefined || typeof value === "number") {
            return value === null || value === undefined ? "" : String(value);
        }
        const text = plain(String(value).replaceAll("<br>", "; "));
        const safe = FORMULA.test(text) ? "'" + text : text;
        return /[",\r\n]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
    }

    const list = (values) => (values ? Array.from(values) : []);

    const HEADINGS = ["measure", "line", "along", "x", "y", "value", "said"];

    /* What an axis counts. Of axes that lie along one another only one says so. */
    function axisTitle(layout, letter, reference) {
        const titled = (axis) => (axis && axis.title && axis.title.text) || "";
        const names = Object.keys(layout).filter((name) => name.startsWith(letter + "axis"));
        const own = letter + "axis" + String(reference || letter).slice(1);
        return titled(layout[own]) || names.map((name) => titled(layout[name])).find(Boolean) || "";
    }

    /* What a trace is of, before its points; `figures/saved.py` says what its axes do not. */
    function heading(trace, layout) {
        const saved = savedAs(trace);
        const titles = [axisTitle(layout, "x", trace.xaxis), axisTitle(layout, "y", trace.yaxis)];
        const [along, across] = trace.orientation === "h" ? titles.reverse() : titles;
        return [saved.measure || across, saved.line || trace.name, along];
    }

    const savedAs = (trace) => (trace.meta && trace.meta.saved) || {};

    function* points(trace, layout, within) {
        const said = list(trace.hovertext || trace.text);
        const head = heading(trace, layout);
        if (trace.z) {
            for (const [i, row] of list(trace.z).entries()) {
                for (const [j, value] of list(row).entries()) {
                    if (value !== null) {
                        yield [...head, trace.x[j], trace.y[i], value, list(said[i])[j]];
                    }
                }
            }
            return;
        }
        const {mark} = savedAs(trace);
        const [x, y] = trace.orientation === "h" ? [list(trace.y), list(trace.x)] : [list(trace.x), list(trace.y)];
        const shown = [...x.keys()].filter((i) => x[i] !== null && within(x[i]));
        // A mark that is drawn as a line has points all along it; its ends say where it is.
        const told = mark && trace.mode === "lines" ? [...new Set([shown[0], shown.at(-1)])] : shown;
        for (const i of told.filter((one) => one !== undefined)) {
            yield [...head, x[i], mark ? "" : y[i], "", said[i]];
        }
    }

    function numbers(chart, name) {
        const axis = chart.layout.xaxis || {};
        const [first, last] = axis.autorange === false && axis.range ? axis.range : [-Infinity, Infinity];
        const within = (at) => typeof at !== "number" || (at >= first && at <= last);
        const rows = [HEADINGS];
        const shown = (trace) => trace.visible !== "legendonly" && !savedAs(trace).left_out;
        for (const trace of chart.data.filter(shown)) {
            rows.push(...points(trace, chart.layout, within));
        }
        const text = rows.map((row) => row.map(cell).join(",")).join("\n") + "\n";
        const address = URL.createObjectURL(new Blob([text], {type: "text/csv"}));
        keep(`${name}.csv`, address);
        window.setTimeout(() => URL.revokeObjectURL(address), 10000);
    }

    /* An open menu closes by a choice, by a click elsewhere and by the escape key. */
    function close(event) {
        for (const menu of document.querySelectorAll(".lossmon-save[open]")) {
            if (event.key === "Escape" && menu.contains(document.activeElement)) {
                menu.querySelector("summary").focus();
            }
            if (event.key === "Escape" || !menu.contains(event.target) || event.target.closest("button, a")) {
                menu.removeAttribute("open");
            }
        }
    }

    document.addEventListener("click", close);
    document.addEventListener("keydown", (event) => event.key === "Escape" && close(event));

    document.addEventListener("click", function (event) {
        const item = event.target.closest && event.target.closest("[data-save]");
        if (!item) {
            return;
        }
        const {save, chart: identity} = item.dataset;
        const chart = document.querySelector(`#${identity} .js-plotly-plot`);
        const name = "lossmon-" + identity;
        if (chart) {
            (save === "csv" ? numbers : picture)(chart, name, save);
        }
    });
})();
