/* A part of a chart that is zoomed to is seen first; what the pointer says of it comes after that. */
(function () {
    "use strict";
    let dragged = null;
    let asked = null;

    function follow(chart) {
        chart.on("plotly_relayouting", () => (dragged = chart));
        chart.on("plotly_beforehover", function (event) {
            if (dragged === chart) {
                asked = event.target;
            }
            return dragged !== chart;
        });
    }

    function goOn({clientX, clientY}) {
        dragged = null;
        if (asked && asked.isConnected) {
            asked.dispatchEvent(new MouseEvent("mousemove", {clientX, clientY, bubbles: true}));
        }
        asked = null;
    }

    const afterFrame = (act) => window.requestAnimationFrame(() => window.setTimeout(act));

    for (const end of ["mouseup", "touchend"]) {
        window.addEventListener(end, (event) => dragged && afterFrame(() => goOn(event)), true);
    }

    window.lossmon_pointer = {follow, afterFrame};
})();
