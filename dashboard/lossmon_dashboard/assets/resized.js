/* Charts whose window has changed its size are laid out a second time. */
(function () {
    "use strict";
    const SETTLED_MS = 300;
    let waiting;

    /* Plotly breaks a legend into lines by the width before: it would lie over what is below. */
    function layOut() {
        document.querySelectorAll(".js-plotly-plot").forEach((chart) => {
            if (chart.offsetParent && chart.querySelector(".legend")) {
                window.Plotly.redraw(chart);
            }
        });
    }

    window.addEventListener("resize", function () {
        clearTimeout(waiting);
        waiting = setTimeout(layOut, SETTLED_MS);
    });
})();
