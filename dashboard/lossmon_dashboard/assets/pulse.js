/* Asks again and again what is new of the page that stands: one small question, no callback. */
(function () {
    "use strict";
    /* New points are to be seen within two seconds of their commit, and drawing takes some of it. */
    const ACTIVE_MS = 1800;
    /* More is read, told and drawn where several runs go on at once. */
    const COMPARED_MS = 1400;
    const IDLE_MS = 4000;
    /* What takes more than points is asked for at most so often, and once more at the end. */
    const RENEW_MS = 5000;
    const MANY_RUNS = 20;
    const RENEW_MANY_MS = 30000;
    /* Panels of a comparison look through all epochs; so that takes a few hundredths of the time. */
    const RENEW_MS_AN_EPOCH = 4;
    const RENEW_AT_MOST_MS = 120000;
    const say = (id, props) => window.dash_clientside.set_props(id, props);
    const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
    let known = null;
    let heard = null;
    let renewed = -Infinity;
    let pending = null;
    let waiting = null;
    let asking = false;
    let again = false;
    let asked = -Infinity;

    /* What is known of the page, be it that it was just opened or that it was told here. */
    function follow(seen, revision) {
        const {triggered} = window.dash_clientside.callback_context;
        const told = triggered.some(({prop_id}) => prop_id === "revision.data") ? revision : seen;
        if (told && told.path !== undefined) {
            if (!known || known.path !== told.path) {
                renewed = -Infinity;
            }
            if (told !== known) {
                known = heard = told;
            }
            asked = Math.max(asked, performance.now() - ACTIVE_MS / 2);
            wait();
        }
        return indicator(told || {});
    }

    /* Counted from the last question: what its answer took is part of what new points may take. */
    function wait() {
        clearTimeout(waiting);
        if (!document.hidden) {
            const {compared} = window.lossmon_follow.standing();
            const active = compared ? COMPARED_MS : ACTIVE_MS;
            const after = (heard || known).running ? active : IDLE_MS;
            waiting = setTimeout(ask, Math.max(0, asked + after - performance.now()));
        }
    }

    async function ask() {
        if (asking || !known) {
            again = asking;
            return;
        }
        asking = true;
        again = false;
        asked = performance.now();
        const {path} = known;
        const question = {
            place: path,
            ...window.lossmon_follow.standing(),
            ...window.lossmon_runs.standing(),
        };
        try {
            const answer = await window.fetch(window.lossmon.base() + "/news", {
                method: "POST",
                headers: {"Content-Type": "application/json"},
                body: JSON.stringify(question),
            });
            const told = answer.ok && (await answer.json());
            told && path === known.path && hear(told, question);
        } catch (_) {
            /* The server is away: it is asked again. */
        }
        asking = false;
        again ? ask() : wait();
    }

    function askNow() {
        clearTimeout(waiting);
        ask();
    }

    function hear({points, trainings, ...revision}, question) {
        window.lossmon_follow.add(points, question, revision.token);
        trainings && window.lossmon_runs.moveOn(trainings);
        heard = revision;
        if (same(heard, known)) {
            return;
        }
        /* That epochs end may be told a little later, that a training does may not. */
        const left = renewed + pauseOf(question) - performance.now();
        if (left <= 0 || !same({...heard, token: known.token}, known)) {
            renew();
        } else if (!pending) {
            pending = setTimeout(renew, left);
        }
    }

    function pauseOf({compared, mark}) {
        if (!compared) {
            return RENEW_MS;
        }
        const usual = compared.runs.length > MANY_RUNS ? RENEW_MANY_MS : RENEW_MS;
        const epochs = Object.values((mark && mark.goes_on) || {}).map(([last]) => last);
        const sum = epochs.reduce((one, other) => one + other, 0);
        return Math.max(usual, Math.min(RENEW_MS_AN_EPOCH * sum, RENEW_AT_MOST_MS));
    }

    function renew() {
        clearTimeout(pending);
        pending = null;
        if (document.hidden || same(heard, known)) {
            return;
        }
        /* `latest` is another run once a training begins, and so is a name given again. */
        const newer = heard.run && heard.run !== known.run;
        known = heard;
        renewed = performance.now();
        say("revision", {data: known});
        window.lossmon_follow.renew();
        newer && say("newer", {data: known.run});
    }

    /* Nobody asks for a page that nobody sees; when it is seen again, it asks at once. */
    document.addEventListener("visibilitychange", function () {
        clearTimeout(waiting);
        document.hidden || askNow();
    });

    const mantine = (type, props) => ({namespace: "dash_mantine_components", type, props});
    const badge = (children, color, more) =>
        mantine("Badge", {
            children,
            color,
            variant: "dot",
            size: "lg",
            className: "lossmon-badge" + more,
        });

    /* How many runs are training right now; nothing at all while none is. */
    function indicator({running, trouble}) {
        if (trouble) {
            const children = badge(["!", onWideScreens(" nothing to read")], "orange", "");
            return mantine("Tooltip", {children, label: trouble, multiline: true, w: 320});
        }
        if (!running) {
            return null;
        }
        const noun = running === 1 ? " run training" : " runs training";
        return badge([String(running), onWideScreens(noun)], "blue", " lossmon-pulse");
    }

    function onWideScreens(children) {
        const props = {children, className: "lossmon-wide"};
        return {namespace: "dash_html_components", type: "Span", props};
    }

    window.lossmon_pulse = {askNow, pauseOf};
    window.dash_clientside = Object.assign({}, window.dash_clientside, {lossmon_pulse: {follow}});
})();
