"""The README tells the truth: its code runs, its queries answer, its tables are current."""

from __future__ import annotations

import contextlib
import inspect
import io
import re
import shlex
import sqlite3
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import keras
import pytest

import lossmon
from lossmon.cli import cli
from lossmon.demo import EXAMPLES
from lossmon.recompute import definitions
from lossmon.rules.selection import KEYS
from lossmon.store.schema import VERSION_TABLE, metadata
from tests.readme_rules import README, with_current_rules

PROJECT = README.parent
TEXT = README.read_text(encoding="utf-8")
PROSE = re.sub(r"^```.*?^```", "", TEXT, flags=re.MULTILINE | re.DOTALL)


def _blocks(language: str) -> list[str]:
    """The code blocks of a language, each after as many empty lines as come before it."""
    found = re.finditer(rf"^```{language}\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)
    return ["\n" * TEXT.count("\n", 0, match.start(1)) + match[1] for match in found]


class _Run(NamedTuple):
    database: Path
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> _Run:
    """All Python blocks, run one after the other as a reader would."""
    directory = tmp_path_factory.mktemp("readme")
    stdout, stderr = io.StringIO(), io.StringIO()
    names: dict[str, object] = {}
    keras.utils.set_random_seed(0)
    with (
        contextlib.chdir(directory),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
        warnings.catch_warnings(),
    ):
        # Of Keras, on its way to save weights.
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        for block in _blocks("python"):
            exec(compile(block, "README.md", "exec"), names)
    return _Run(directory / "lossmon.db", stdout.getvalue(), stderr.getvalue())


def test_python_blocks_record_the_runs_that_they_name(executed: _Run) -> None:
    store = lossmon.open_store(str(executed.database))
    runs = {row["name"]: row for row in store.run_rows()}
    codes = {name: [f["code"] for f in run["findings"]] for name, run in runs.items()}
    assert codes == {
        "breast-cancer": [],
        "regression": ["LM301", "LM504"],
        "audited": [],
        "refused": ["LM301"],
        "stopped-early": [],
        "own-definitions": [],
        "in-two-parts": [],
        "through-the-night": [],
    }
    assert not any(store.run(name)["troubles"] for name in runs if name != "refused")
    refused = runs.pop("refused")
    assert (refused["status"], refused["batches"]) == ("failed", 0)
    assert {run["status"] for run in runs.values()} == {"finished"}
    assert {run["verified"] for run in runs.values()} == {1.0}


def test_strict_block_prints_what_its_comment_says(executed: _Run) -> None:
    assert "['LM301']" in executed.stdout.splitlines()


def test_the_guide_prints_what_it_shows(executed: _Run) -> None:
    (shown,) = (block for block in _blocks("text") if block.strip().startswith("losses ["))
    assert shown.strip() in executed.stdout


def test_reasons_of_the_audited_run_are_the_ones_shown(executed: _Run) -> None:
    (shown,) = (block for block in _blocks("text") if "evaluated with the weights" in block)
    assert _without_numbers(shown) in _without_numbers(executed.stdout)


def test_message_of_the_seed_case_is_the_one_shown(executed: _Run) -> None:
    (shown,) = (block for block in _blocks("text") if "lossmon error" in block)
    assert " ".join(shown.split()) in " ".join(executed.stderr.split())


def _without_numbers(text: str) -> str:
    return re.sub(r"[\d.]+", "#", " ".join(text.split()))


@pytest.mark.parametrize("query", _blocks("sql"))
def test_sql_blocks_answer(query: str, executed: _Run) -> None:
    with contextlib.closing(sqlite3.connect(executed.database)) as connection:
        assert connection.execute(query).fetchall()


def test_sql_blocks_are_at_least_three() -> None:
    assert len(_blocks("sql")) >= 3


def _shell_lines() -> list[list[str]]:
    lines = "\n".join(_blocks("sh")).splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


@pytest.mark.parametrize("words", _shell_lines(), ids=" ".join)
def test_shell_lines_are_understood(words: list[str]) -> None:
    program, *arguments = words
    if program == "make":
        assert f"\n{arguments[0]}:" in (PROJECT / "Makefile").read_text()
    elif program == "pip":
        extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
        named = re.findall(r"\[(.*)\]", arguments[-1])
        assert set(named) <= set(extras["optional-dependencies"])
    else:
        assert program == "lossmon"
        _parse(arguments)


def _parse(arguments: list[str]) -> None:
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        _, found, arguments = command.resolve_command(context, arguments)
        assert found is not None
        command = found
    command.make_context(command.name, list(arguments))


def test_rule_table_is_current() -> None:
    assert with_current_rules(TEXT) == TEXT, "Fix: .venv/bin/python -m tests.readme_rules"


def _commands(group: click.Group, path: str = "lossmon") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


@pytest.mark.parametrize(("path", "command"), list(_commands(cli)), ids=str)
def test_every_command_is_in_the_table_with_its_options(path: str, command: click.Command) -> None:
    assert re.search(rf"^\| `{path}[ `]", TEXT, flags=re.MULTILINE)
    for parameter in command.params:
        longest = max(parameter.opts, key=len)
        assert not longest.startswith("--") or re.search(rf"`{longest}[ `]", PROSE), longest


@pytest.mark.parametrize("argument", inspect.signature(lossmon.Monitor).parameters)
def test_every_argument_of_the_monitor_is_in_the_table(argument: str) -> None:
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", TEXT, flags=re.MULTILINE)
    assert f"`{argument}`" in ", ".join(rows)


def test_every_environment_variable_is_mentioned() -> None:
    sources = (*PROJECT.glob("lossmon/**/*.py"), *PROJECT.glob("dashboard/**/*.py"))
    named = {n for file in sources for n in re.findall(r"LOSSMON_[A-Z_]+", file.read_text())}
    assert "LOSSMON_DB" in named
    assert all(f"`{name}`" in TEXT for name in named)


def test_every_config_key_and_every_extra_is_mentioned() -> None:
    asked = PROSE.partition("### Which rules are asked")[2].partition("\n### ")[0]
    assert all(f"`{key}`" in asked for key in KEYS)
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    extras = set(project["optional-dependencies"]) - {"dev", "bench"}
    told = TEXT.partition("## Installation")[2].partition("\n## ")[0]
    assert {
        extra for extra in extras if f"`{extra}`" not in told and f"[{extra}]" not in told
    } == set()


@pytest.mark.parametrize("name", sorted({*definitions._LOSSES, *definitions._METRICS}))
def test_every_definition_is_listed(name: str) -> None:
    assert f"`{name}`" in PROSE.partition("### What is computed twice")[2]


@pytest.mark.parametrize("table", [*metadata.tables, VERSION_TABLE])
def test_every_table_is_described(table: str) -> None:
    assert f"`{table}`" in PROSE.partition("### In SQL")[2]


def test_columns_of_the_schema_table_exist() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*) \|$", PROSE, flags=re.MULTILINE)
    described = {name: re.findall(r"`(\w+)`", columns) for name, columns in rows}
    schema = {name: columns for name, columns in described.items() if name in metadata.tables}
    assert set(schema) == set(metadata.tables)
    for name, columns in schema.items():
        assert set(columns) <= set(metadata.tables[name].columns.keys())


def test_summary_of_the_demo_names_its_examples() -> None:
    (summary,) = (block for block in _blocks("text") if "digits-overfit" in block)
    table, _, _ = summary.partition("\n*")
    shown = [line.split()[0].replace("-", "_") for line in table.split("\n")[-len(EXAMPLES) :]]
    assert shown[::-1] == list(EXAMPLES)


def test_local_links_and_images_exist() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", TEXT)
    headings = re.findall(r"^#+ (.+)$", PROSE, flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in headings}
    local = [target for target in targets if "://" not in target]
    assert any(target.endswith(".png") for target in local)
    for target in local:
        path, _, anchor = target.partition("#")
        assert (PROJECT / path).exists(), target
        assert not anchor or anchor in anchors, target
