/* Behind plotly.js: kinds of traces that are no lines are prepared where they are drawn, or else
   one by one while the browser has nothing to do. */
(function (plotly) {
    "use strict";
    const kinds = plotly.lossmonKinds;
    const isLine = ({type}) => type === undefined || type === "scatter";
    const traces = (what) => (Array.isArray(what) ? what : (what && what.data) || [what || {}]);

    /* What each draws: its argument at that place. */
    for (const [name, place] of [["newPlot", 1], ["react", 1], ["addTraces", 1], ["toImage", 0]]) {
        const draw = plotly[name];
        plotly[name] = function (...given) {
            if (kinds.length && !traces(given[place]).every(isLine)) {
                plotly.register(kinds.splice(0).map((kind) => kind()));
            }
            return draw.apply(this, given);
        };
    }

    function goOn() {
        window.requestIdleCallback(function () {
            if (kinds.length) {
                plotly.register(kinds.shift()());
                goOn();
            }
        });
    }

    window.requestIdleCallback && window.setTimeout(goOn, 3000);
})(window.Plotly);
