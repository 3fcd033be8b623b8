/* A dashboard that was started anew asks for its new token: an open page goes to the login. */
(function () {
    "use strict";
    const ask = window.fetch;
    let left = false;

    window.fetch = async function (...question) {
        const answer = await ask.apply(this, question);
        // Every question of a page goes to this dashboard. The page's own address shows the login.
        if (answer.status === 401 && !left) {
            left = true;
            window.location.reload();
        }
        return answer;
    };
})();
