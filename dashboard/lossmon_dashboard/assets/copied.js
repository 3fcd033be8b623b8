/* What is copied is what can be read: without the places of no width where long names may go on in the
   next line, see `breakable` in `wording.py`. */
(function () {
    "use strict";

    document.addEventListener("copy", (event) => {
        const text = String(window.getSelection());
        if (text.includes("\u200b")) {
            event.clipboardData.setData("text/plain", text.replaceAll("\u200b", ""));
            event.preventDefault();
        }
    });
})();
