"""The README's table of rules: `python -m tests.readme_rules` writes it anew."""

from __future__ import annotations

from lossmon.rules import rule_pages
from tests.documents import README

BEGIN = "<!-- rules: begin (written by `python -m tests.readme_rules`) -->\n"
END = "<!-- rules: end -->\n"


def rule_table() -> str:
    """Every rule as a row of a Markdown table."""
    rows = (
        f"| {page.code} | `{page.name}` | {page.severity} | {page.summary} |"
        for page in rule_pages()
    )
    return "\n".join(("| code | rule | severity | what it finds |", "|---|---|---|---|", *rows, ""))


def with_current_rules(text: str) -> str:
    """The README with the table between its markers replaced by the current one."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{rule_table()}{END}{after}"


if __name__ == "__main__":
    README.write_text(with_current_rules(README.read_text(encoding="utf-8")), encoding="utf-8")
