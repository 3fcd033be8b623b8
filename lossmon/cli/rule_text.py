"""The rules' documentation as text for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.padding import Padding
from rich.syntax import Syntax
from rich.text import Text

from lossmon.cli.words import WIDE, styled, table
from lossmon.rules import RulePage


def print_rules(console: Console, pages: Sequence[RulePage]) -> None:
    """The catalogue; a narrow terminal gets the summaries on lines of their own."""
    if console.width < WIDE:
        for page in pages:
            console.print(f"[bold]{page.code}[/] {page.name} ({styled(page.severity)})")
            console.print(Padding(escape(page.summary), (0, 0, 0, 6), expand=False))
        return
    rows = table("code", "rule", "severity", "what it finds")
    for page in pages:
        rows.add_row(page.code, page.name, styled(page.severity), escape(page.summary))
    console.print(rows)


def print_rule(console: Console, page: RulePage) -> None:
    """One rule's documentation."""
    console.print(f"[bold]{page.code} {page.name}[/] ({styled(page.severity)})")
    console.print(Markdown(page.summary))
    for title, text in page.sections.items():
        console.print(f"\n[bold]{escape(title)}[/]")
        for index, part in enumerate(text.split("```")):
            if index % 2:
                code = part.removeprefix("python").strip("\n")
                syntax = Syntax(code, "python", background_color="default")
                # Lines of code stay whole, so that they can be copied.
                for line in syntax.highlight(code).split("\n"):
                    console.print(Text("  ").append_text(line), soft_wrap=True)
            elif part.strip():
                console.print(Markdown(part, hyperlinks=False))
