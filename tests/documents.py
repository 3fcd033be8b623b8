"""The README and the pages of `docs`, as tests read them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parent.parent
README = PROJECT / "README.md"
ALL = [README, *sorted((PROJECT / "docs").glob("*.md"))]
DOCUMENTS = [path for path in ALL if path.stem not in ("CHANGELOG", "CONTRIBUTING")]
"""For users, in the order in which their code runs: that of a page goes on from the README's."""


def text_of(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def prose_of(document: Path) -> str:
    """What is no code block."""
    return re.sub(r"^```.*?^```", "", text_of(document), flags=re.MULTILINE | re.DOTALL)


TEXT = "\n".join(map(text_of, DOCUMENTS))
"""Of all that are for users."""
PROSE = "\n".join(map(prose_of, DOCUMENTS))
"""Of the same."""


def blocks_of(document: Path, language: str) -> Iterator[str]:
    """Its code blocks of a language, each after as many empty lines as come before it."""
    text = text_of(document)
    for found in re.finditer(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
        yield "\n" * text.count("\n", 0, found.start(1)) + found[1]


def blocks(language: str) -> list[str]:
    """Those of all documents for users."""
    return [block for document in DOCUMENTS for block in blocks_of(document, language)]


def section(title: str) -> str:
    """The prose below the one heading of that title, up to the next one as high."""
    (heading,) = re.finditer(rf"^(#+) {re.escape(title)}\n", PROSE, flags=re.MULTILINE)
    following = rf"^#{{1,{len(heading[1])}}} "
    return re.split(following, PROSE[heading.end() :], maxsplit=1, flags=re.MULTILINE)[0]


def anchors_of(document: Path) -> list[str]:
    """Where links into it can lead, as GitHub names its headings."""
    titles = re.findall(r"^#+ (.+)$", prose_of(document), flags=re.MULTILINE)
    return [re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles]


def links_of(document: Path) -> list[str]:
    """The targets of its links and images but those elsewhere on the web."""
    targets = re.findall(r"\]\(([^)]+)\)", text_of(document))
    return [target for target in targets if "://" not in target]
