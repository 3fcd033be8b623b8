"""Names for runs whose user gave none."""

from __future__ import annotations

import secrets

from lossmon.errors import InvalidArgument

MOST_SIGNS = 500
"""The longest name: PostgreSQL has an index on it, and takes 2,704 bytes into one."""
# `secrets` and not `random`: the user's seed must neither decide a name nor be moved by one.

_ADJECTIVES = (
    "amber brave bright brisk calm clear clever crisp daring eager early fair fleet gentle glad "
    "golden grand happy hardy honest humble keen kind lively lucid lucky mellow merry mild modest "
    "neat nimble noble patient plain proud quick quiet rapid ready robust rosy round serene sharp "
    "silent silver simple sleek smooth sober solid steady still sunny sure swift tidy true vivid "
    "warm wise witty young"
)
_NOUNS = (
    "acorn aspen badger beacon beech birch bison brook cedar cliff clover comet coral crane creek "
    "delta dune eagle ember falcon fern finch fjord forest fox gecko glacier grove harbor hawk "
    "hazel heron ibis island jay lagoon lark lichen linden lynx maple marsh meadow moss oak orchid "
    "otter owl pebble pine plover prairie quail raven reef river robin sparrow spruce stork summit "
    "thistle tide willow wren"
)


def demand_short(name: str) -> None:
    """Raise an `InvalidArgument` where a name is longer than every database takes.

    Args:
        name: of a run.

    Raises:
        InvalidArgument: it is longer than that.
    """
    if len(name) > MOST_SIGNS:
        raise InvalidArgument(
            f"expected a name of at most {MOST_SIGNS} characters for a run. Received: "
            f"{len(name):,} characters, {name[:40]!r}…. Fix: keep what is long in notes or config."
        )


def new_run_id() -> str:
    """Return a new id: 12 random hexadecimal characters."""
    return secrets.token_hex(6)


def new_run_name() -> str:
    """Return a name that can be spoken, such as "calm-otter-417"."""
    adjective, noun = secrets.choice(_ADJECTIVES.split()), secrets.choice(_NOUNS.split())
    return f"{adjective}-{noun}-{secrets.randbelow(900) + 100}"
