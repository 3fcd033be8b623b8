/* How cells of the grids are drawn. Values arrive as data and leave as React text: never as HTML. */
(function () {
    "use strict";
    const h = (...parts) => window.React.createElement(...parts);
    const renderers = (window.dashAgGridComponentFunctions =
        window.dashAgGridComponentFunctions || {});
    const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});

    function visit(event, href) {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) {
            return;
        }
        event.preventDefault();
        open(href);
    }

    function open(href) {
        window.history.pushState({}, "", href);
        window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
        window.scrollTo(0, 0);
    }

    functions.openPage = open;

    /* The page of a run, at what was found first of a severity where one is named. */
    functions.runLink = function ({id, finding_targets: targets}, severity) {
        const target = severity && targets[severity];
        const place = target ? "#" + encodeURIComponent(target) : "";
        return window.lossmon.base() + "/run/" + encodeURIComponent(id) + place;
    };

    functions.compareLink = (runs) =>
        window.lossmon.base() + "/compare?runs=" + runs.map(encodeURIComponent).join(",");

    /* Rows that are still on their way have no data. */
    const loaded = (draw) => (params) => params.data ? draw(params) : null;

    renderers.RunName = loaded(function ({data}) {
        const href = functions.runLink(data);
        const go = (event) => visit(event, href);
        const [colour, dash] = data.mark;
        const mark = `lossmon-mark-line lossmon-colour-${colour} lossmon-dash-${dash}`;
        const words = {href, onClick: go, className: "lossmon-link", title: data.name};
        const name = h(
            "span",
            {className: "lossmon-name"},
            h("span", {className: mark}),
            h("a", words, data.name),
            data.archived ? h("span", {className: "lossmon-chip"}, "archived") : null
        );
        return h(window.React.Fragment, null, name, data.around ? h(Standing, {data}) : null);
    });

    /* Where a run stands, in the list on a phone, whose other columns are out of sight. */
    function Standing({data}) {
        const meant = data.misread && data.val_intended_accuracy !== null;
        const [measure, value] = [
            ["accuracy" + (meant ? " meant" : ""), meant ? data.val_intended_accuracy : data.val_accuracy],
            ["train accuracy", data.accuracy],
            ["loss", data.val_loss],
            ["train loss", data.loss],
        ].find(([, known]) => known !== null) || ["", ""];
        const misread = data.misread && measure.endsWith("accuracy");
        const struck = misread || (data.misjudged && !measure.startsWith("train"));
        const said = h("span", {className: struck ? "lossmon-misread" : ""}, functions.formatNumber(value));
        return h("span", {className: "lossmon-standing lossmon-quiet"}, measure, " ", said);
    }

    /* All runs of a group at once, or as many as a comparison takes. */
    renderers.CompareGroup = function ({data, value}) {
        if (value.length < 2) {
            return h("span", {className: "lossmon-quiet"}, "–");
        }
        const all = value.length === data.runs;
        const words = `Compare ${all ? "" : "newest "}${value.length}`;
        const whole = `${words} runs of ${data.name}` + (all ? "" : `, which has ${data.runs}`);
        const href = functions.compareLink(value);
        const go = (event) => visit(event, href);
        const link = {href, onClick: go, className: "lossmon-link", title: whole, "aria-label": whole};
        return h("a", link, words);
    };

    renderers.RunStatus = loaded(function ({data}) {
        const {done, share, heard} = data.progress;
        const title = data.status + ": " + done + "; last sign of life " + functions.formatTime(heard);
        const part = data.status !== "finished" && share !== null && share < 1;
        return h(
            "span",
            {className: "lossmon-status lossmon-status-" + data.status, title},
            data.status,
            part ? h("span", {className: "lossmon-quiet"}, Math.floor(share * 100) + " %") : null
        );
    });

    /* Why a printed accuracy does not mean what it says; empty for all other values. */
    function misreadBy({value, data, column}) {
        const name = column.getColId();
        const printed = name.endsWith("accuracy") && !name.includes("intended");
        const why = name.startsWith("best_") ? data.misread_best : data.misread;
        return printed && value !== null ? why : "";
    }

    /* Why a number is struck out; empty for one that is not. */
    function struckBy(params) {
        const misread = misreadBy(params);
        if (misread) {
            return "Does not mean what it says: " + misread;
        }
        const {value, data, column} = params;
        const validated = /^(best_)?val_/.test(column.getColId()) && value !== null;
        return validated && data.misjudged ? "Promises nothing of new samples: " + data.misjudged : "";
    }

    /* A number, struck out where it does not mean what it says, or promises nothing. */
    function figure(params, tag = "span") {
        const title = struckBy(params);
        return h(tag, title ? {className: "lossmon-misread", title} : null, functions.formatNumber(params.value));
    }

    renderers.Measure = loaded(function (params) {
        const {value, data, column} = params;
        const around = data.around[column.getColId()];
        const said = figure(params);
        if (value === null || !around) {
            return said;
        }
        // An interval around what means nothing means nothing either.
        const span = around.span && !struckBy(params) ? spanWords(column.getColId(), around.span) : "";
        return h(
            "span",
            {title: around.words, className: "lossmon-measure"},
            said,
            h("span", {className: "lossmon-quiet"}, span)
        );
    });

    renderers.Ended = (params) =>
        figure(params, params.data.best.includes(params.column.getColId()) ? "strong" : "span");

    function spanWords(column, [low, high]) {
        return column.endsWith("accuracy")
            ? low.toFixed(3) + " – " + high.toFixed(3)
            : "± " + functions.formatNumber((high - low) / 2, 2);
    }

    renderers.Spread = loaded(function ({value}) {
        if (!value) {
            return h("span", {className: "lossmon-quiet"}, "–");
        }
        const deviation =
            value.deviation === null ? "" : " ± " + functions.formatNumber(value.deviation, 2);
        const words = functions.formatNumber(value.mean) + deviation;
        return h("span", {title: value.words}, words);
    });

    functions.bySpread = (one, other) =>
        (one ? one.mean : Infinity) - (other ? other.mean : Infinity);

    renderers.Setting = loaded(function ({value}) {
        const words = value === null || value === undefined ? "–" : String(value);
        return h("span", {title: words, className: words === "–" ? "lossmon-quiet" : ""}, words);
    });

    renderers.Findings = loaded(function ({data}) {
        const chips = ["error", "warning", "info"]
            .map((severity) => [severity, data.severities[severity]])
            .filter(([, amount]) => amount)
            .map(([severity, amount]) => {
                const plural = amount > 1 && severity !== "info" ? "s" : "";
                const words = amount + " " + severity + plural;
                const title = data.finding_words[severity];
                const className = "lossmon-chip lossmon-chip-" + severity;
                const href = functions.runLink(data, severity);
                const onClick = (event) => visit(event, href);
                return h("a", {key: severity, className, title, href, onClick}, words);
            });
        const all = Object.values(data.severities).reduce((sum, amount) => sum + amount, 0);
        const others = all - data.severities[(chips[0] || {}).key];
        // On a phone there is room for the gravest alone, and so it is in a narrow column for all three.
        const title = Object.values(data.finding_words).filter(Boolean).join("\n");
        const more = others
            ? h("span", {className: "lossmon-others lossmon-quiet", title}, "+" + others)
            : null;
        const className = "lossmon-chips" + (chips.length > 2 ? " lossmon-kinds" : "");
        return chips.length
            ? h("span", {className}, chips, more)
            : h("span", {className: "lossmon-quiet"}, data.rules.length ? "none; rules changed" : "none");
    });

    renderers.Verified = function ({value}) {
        if (value === null || value === undefined) {
            return h("span", {className: "lossmon-quiet"}, "–");
        }
        const style = {width: value * 100 + "%"};
        return h(
            "span",
            {className: "lossmon-meter" + (value < 1 ? " lossmon-meter-part" : "")},
            h("span", {className: "lossmon-meter-track"}, h("span", {style})),
            functions.formatShare(value)
        );
    };

    renderers.Verification = ({value}) =>
        h("span", {className: "lossmon-status lossmon-status-" + value}, value);

    renderers.Tags = ({value}) =>
        h(
            "span",
            {className: "lossmon-chips"},
            (value || []).map((tag) => h("span", {key: tag, className: "lossmon-chip"}, tag))
        );

    /* As wide as its column has room. */
    const WIDTH = 74;
    const HEIGHT = 28;

    function across(values, place) {
        return (values.length < 2 ? 0 : (place / (values.length - 1)) * WIDTH).toFixed(1);
    }

    function path(values, low, high) {
        const y = (value) => HEIGHT - 2 - ((value - low) / (high - low || 1)) * (HEIGHT - 4);
        let pen = "M";
        return values
            .map((value, place) => {
                if (!Number.isFinite(value)) {
                    pen = "M";
                    return "";
                }
                const point = pen + across(values, place) + " " + y(value).toFixed(1);
                pen = "L";
                return point;
            })
            .join("");
    }

    // A tick at the upper edge for each value that is not a finite number.
    function ticks(lines) {
        return lines
            .flatMap(([, values]) =>
                values.map((value, place) =>
                    typeof value === "string" ? `M${across(values, place)} 0V6` : ""
                )
            )
            .join("");
    }

    renderers.Sparkline = function ({value}) {
        const lines = ["loss", "val_loss"].map((key) => [key, (value && value[key]) || []]);
        const values = lines.flatMap(([, line]) => line);
        const finite = values.filter(Number.isFinite);
        const broken = [...new Set(values.filter((one) => typeof one === "string"))];
        if (finite.length + broken.length < 2) {
            return h("span", {className: "lossmon-quiet"}, "–");
        }
        const low = Math.min(...finite);
        const high = Math.max(...finite);
        const range = functions.formatNumber(low) + " to " + functions.formatNumber(high);
        const title = ["loss " + (finite.length ? range : "never finite"), ...broken].join(", ");
        const paths = lines.map(([key, line]) =>
            h("path", {key, d: path(line, low, high), className: "lossmon-spark-" + key})
        );
        if (broken.length) {
            paths.push(h("path", {key: "ticks", d: ticks(lines), className: "lossmon-spark-broken"}));
        }
        const box = {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT};
        return h(
            "svg",
            {...box, role: "img", "aria-label": title},
            h("title", null, title),
            paths
        );
    };

    functions.formatNumber = function (value, digits = 4) {
        if (value === null || value === undefined) {
            return "–";
        }
        if (typeof value !== "number") {
            return String(value);
        }
        const size = Math.abs(value);
        if (size !== 0 && (size < 1e-4 || size >= 1e6)) {
            return value.toExponential(Math.max(digits - 2, 1));
        }
        return String(Number(value.toPrecision(digits)));
    };

    functions.formatShare = function (value) {
        if (typeof value !== "number") {
            return "–";
        }
        return (value < 1 ? Math.min(Math.round(value * 1000) / 10, 99.9) : 100) + " %";
    };

    functions.formatDuration = function (seconds) {
        if (typeof seconds !== "number") {
            return "–";
        }
        if (seconds < 10) {
            return seconds.toFixed(1) + " s";
        }
        const whole = Math.round(seconds);
        const pad = (part) => String(part).padStart(2, "0");
        if (whole < 60) {
            return whole + " s";
        }
        if (whole < 3600) {
            return Math.floor(whole / 60) + " min " + pad(whole % 60) + " s";
        }
        return Math.floor(whole / 3600) + " h " + pad(Math.floor((whole % 3600) / 60)) + " min";
    };

    const when = new Intl.DateTimeFormat(undefined, {dateStyle: "medium", timeStyle: "short"});
    functions.formatTime = (value) => (value ? when.format(new Date(value)) : "–");


    functions.rowIdentity = (data) => data.id;
})();
