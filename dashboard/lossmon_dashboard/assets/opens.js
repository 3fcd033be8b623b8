/* What Mantine does not say to screen readers, or says in the wrong place. */
(function () {
    "use strict";
    const SAID = ["aria-haspopup", "aria-expanded", "aria-controls"];

    /* That a button opens something is said of the box around it. */
    function hand(box) {
        const button = box.querySelector(":scope > button");
        if (!button || box.hasAttribute("role")) {
            return;
        }
        for (const name of SAID.filter((name) => box.hasAttribute(name))) {
            button.setAttribute(name, box.getAttribute(name));
            box.removeAttribute(name);
        }
        if (button.getAttribute("aria-expanded") === "false") {
            button.removeAttribute("aria-controls");
        }
    }

    /* The head of a dialog is not that of the page; what is focused first in a menu is no item. */
    const ROLES = {
        ".mantine-Modal-header:not([role])": "presentation",
        "[role=menu] > [data-autofocus]:not([role])": "group",
    };

    /* Charts change with each move of the pointer, and are none of this. */
    const concerned = ({type, addedNodes}) =>
        type === "attributes" || [...addedNodes].some((node) => node instanceof HTMLElement);

    new MutationObserver(function (changes) {
        if (!changes.some(concerned)) {
            return;
        }
        document.querySelectorAll("div[aria-haspopup], div[aria-expanded]").forEach(hand);
        for (const [which, role] of Object.entries(ROLES)) {
            document.querySelectorAll(which).forEach((part) => part.setAttribute("role", role));
        }
    }).observe(document.documentElement, {
        subtree: true,
        childList: true,
        attributes: true,
        attributeFilter: SAID,
    });
})();
