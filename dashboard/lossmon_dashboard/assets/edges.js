/* A grid that can be scrolled on to the right says so by a shade at that edge: touch screens show no
   bar to scroll by. What is no grid does the same by style alone, see `.lossmon-scroll`. */
(function () {
    "use strict";
    const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});

    functions.shadeEdges = function () {
        for (const grid of document.querySelectorAll(".lossmon-grid")) {
            const part = grid.querySelector(".ag-center-cols-viewport");
            const more = part && part.scrollWidth - part.clientWidth - part.scrollLeft > 1;
            grid.toggleAttribute("data-more", Boolean(more));
        }
    };
})();
