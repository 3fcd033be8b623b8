/* Before anything else is loaded: what the server must know of who looks, and what every page asks. */
(function () {
    "use strict";
    const keep = (name, value) =>
        (document.cookie = `lossmon_${name}=${value}; path=/; max-age=31536000; SameSite=Lax`);

    /* Before Mantine says it, what it will say: the reader's choice, else what the system has. */
    function expectedScheme() {
        let kept = null;
        try {
            kept = window.localStorage.getItem("mantine-color-scheme-value");
        } catch (_) {
            /* A browser that keeps nothing follows the system. */
        }
        const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
        return kept === "light" || kept === "dark" ? kept : dark ? "dark" : "light";
    }

    keep("zone", encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC"));
    keep("scheme", expectedScheme());

    /* Dash asks for these once it is loaded, and the server is idle until then. */
    const ask = window.fetch;
    const early = new Map();
    for (const name of ["_dash-layout", "_dash-dependencies"]) {
        const {pathname} = new URL("../../" + name, document.currentScript.src);
        early.set(pathname, ask(pathname, {credentials: "same-origin"}));
    }

    window.fetch = function (question, ...how) {
        const answer = early.get(question);
        early.delete(question);
        return answer || ask.call(this, question, ...how);
    };

    window.lossmon_viewer = {keep, expectedScheme};
})();
