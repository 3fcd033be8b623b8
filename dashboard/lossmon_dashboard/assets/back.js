/* The way back to the list leads to it as it was when it was left: searched, filtered, sorted. */
(function () {
    "use strict";
    const LEFT = "lossmon-list";

    function rememberList() {
        try {
            window.sessionStorage.setItem(LEFT, window.location.search);
        } catch (_) {
            /* A browser that keeps nothing goes back to the whole list. */
        }
    }

    function lastList() {
        try {
            return window.sessionStorage.getItem(LEFT) || "";
        } catch (_) {
            return "";
        }
    }

    document.addEventListener(
        "click",
        function (event) {
            const link = event.target.closest(".lossmon-back");
            const held = event.ctrlKey || event.metaKey || event.shiftKey || event.button;
            if (link && !held) {
                event.preventDefault();
                event.stopPropagation();
                window.dashAgGridFunctions.openPage(new URL(link.href).pathname + lastList());
            }
        },
        true
    );

    window.lossmon_back = {rememberList};
})();
