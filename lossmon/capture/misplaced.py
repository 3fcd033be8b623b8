"""What is said of a Monitor that Keras is given where or as it cannot record."""

from __future__ import annotations

from functools import cache

from lossmon.capture.terminal import say
from lossmon.errors import InvalidArgument


def demand_instance(given: object, expected: type) -> None:
    """Refuse what stands in the place of an instance.

    Args:
        given: what Keras calls a method of the class on: a model where it was given the class.
        expected: the class.

    Raises:
        InvalidArgument: it is no instance.
    """
    if not isinstance(given, expected):
        raise InvalidArgument(
            "`callbacks` expected an instance of lossmon.Monitor. Received: the class itself. "
            "Fix: callbacks=[lossmon.Monitor()]"
        )


@cache
def say_no_fit(call: str) -> None:
    """Say, once in a process, that nothing was recorded.

    Args:
        call: what the Monitor was given to, "evaluate" or "predict".
    """
    say(
        f"nothing was recorded: a Monitor records `fit`, and one was given to `{call}` alone. Fix: "
        f"model.fit(…, callbacks=[lossmon.Monitor()]), or leave it out of `{call}`."
    )
