/* What Dash's components ask of polyfills: generators that a compiler has written down as the steps
   of a switch, none of which catches an error. Browsers of today lack nothing else. */
(function () {
    "use strict";

    function started(step) {
        const place = {prev: 0, next: 0, sent: undefined};
        let done = false;
        place.stop = function () {
            done = true;
        };

        function goOn(sent) {
            place.sent = sent;
            const value = done ? undefined : step(place);
            return {value, done};
        }

        function fail(error) {
            done = true;
            throw error;
        }

        return {next: goOn, throw: fail};
    }

    window.regeneratorRuntime = {mark: (generator) => generator, wrap: started};
})();
