"""What an error says, without the places in code that TensorFlow puts into its words."""

from __future__ import annotations

import re

MOST = 2000
"""Characters."""

_PLACE = re.compile(r"^(File \"|Detected at node|Stack trace for op|<frozen |\(\d+\) )")


def last_words(error: BaseException) -> str:
    """Return an error's class and what it says, on one line.

    TensorFlow tells of a failed step in a hundred lines of files, and what was wrong in the last.

    Args:
        error: what ended a training.

    Returns:
        At most `MOST` characters.
    """
    lines = (line.strip() for line in str(error).splitlines())
    said = " ".join(line for line in lines if line and not _PLACE.match(line))
    return f"{type(error).__name__}: {said}"[:MOST].rstrip(": ")
