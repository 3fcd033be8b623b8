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

    /* A text that a spreadsheet would calculate gets a ' before it; numbers stay as they are. */
    function cell(value) {
        if (value === null || value === undefined || typeof value === "number") {
            return value === null || value === undefined ? "" : String(value);
        }
        const text = String(value).replaceAll("<br>", "; ");
        const safe = FORMULA.test(text) ? "'" + text : text;
        return /[",\r\n]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
    }

    const list = (values) => (values ? Array.from(values) : []);

    function* points(trace, within) {
        const [x, y, said] = [list(trace.x), list(trace.y), list(trace.hovertext || trace.text)];
        if (trace.z) {
            for (const [i, row] of list(trace.z).entries()) {
                for (const [j, value] of list(row).entries()) {
                    if (value !== null) {
                        yield [trace.name, x[j], y[i], value, list(said[i])[j]];
                    }
                }
            }
            return;
        }
        for (const [i, at] of x.entries()) {
            if (at !== null && within(at)) {
                yield [trace.name, at, y[i], "", said[i]];
            }
        }
    }

    function numbers(chart, name) {
        const axis = chart.layout.xaxis || {};
        const [first, last] = axis.autorange === false && axis.range ? axis.range : [-Infinity, Infinity];
        const within = (at) => typeof at !== "number" || (at >= first && at <= last);
        const rows = [["line", "x", "y", "value", "said"]];
        for (const trace of chart.data.filter((one) => one.visible !== "legendonly")) {
            rows.push(...points(trace, within));
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
