/* Names stay in sight where the list of runs is scrolled sideways; a phone has no room for that. */
(function () {
    "use strict";
    const wide = window.matchMedia("(min-width: 768px)");
    let list = null;

    function pinNames(api) {
        list = api;
        const pinned = wide.matches ? "left" : null;
        if (api.getColumn("name").getPinned() !== pinned) {
            api.applyColumnState({state: [{colId: "name", pinned}]});
        }
    }

    wide.addEventListener("change", () => list && !list.isDestroyed() && pinNames(list));
    window.lossmon_pinned = {pinNames};
})();
