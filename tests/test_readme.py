"""README and docs tell the truth: code runs, queries answer, tables are current, links lead."""

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
from typing import Any, NamedTuple

import click
import keras
import pytest
from keras.src.trainers.data_adapters.array_slicing import train_validation_split

import lossmon
from lossmon.cli import cli
from lossmon.demo import EXAMPLES
from lossmon.recompute import definitions
from lossmon.rules.selection import KEYS
from lossmon.store.schema import VERSION_TABLE, metadata
from tests.documents import (
    ALL,
    DOCUMENTS,
    PROJECT,
    PROSE,
    README,
    TEXT,
    anchors_of,
    blocks,
    blocks_of,
    links_of,
    section,
    text_of,
)
from tests.readme_rules import with_current_rules


class _Run(NamedTuple):
    database: Path
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def program() -> dict[str, Any]:
    """What the names of the quick start stand for."""
    names: dict[str, Any] = {}
    _, quick_start, *_ = blocks_of(README, "python")
    exec(compile(quick_start.split("model =")[0], README.name, "exec"), names)
    return names


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> _Run:
    """All Python blocks, run one after the other as a reader would: a page needs no other page."""
    directory = tmp_path_factory.mktemp("readme")
    stdout, stderr = io.StringIO(), io.StringIO()
    readme: dict[str, object] = {}
    keras.utils.set_random_seed(0)
    with (
        contextlib.chdir(directory),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
        warnings.catch_warnings(),
    ):
        # Of Keras, on its way to save weights.
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        for document in DOCUMENTS:
            names = readme if document == README else dict(readme)
            for block in blocks_of(document, "python"):
                exec(compile(block, document.name, "exec"), names)
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
        "own-loss": [],
        "own-definitions": [],
        "in-two-parts": [],
        "through-the-night": [],
    }
    assert not any(store.run(name)["troubles"] for name in runs if name != "refused")
    refused = runs.pop("refused")
    assert (refused["status"], refused["batches"]) == ("failed", 0)
    assert {run["status"] for run in runs.values()} == {"finished"}
    assert {run["verified"] for run in runs.values()} == {1.0}


def test_no_scaler_has_seen_the_validation_data(program: dict[str, Any]) -> None:
    parts: Any = train_validation_split((program["x"],), validation_split=0.2)
    trained, validated = (abs(part.mean(axis=0)).max() for (part,) in parts)
    assert trained < 1e-6
    assert validated > 0.1
    sources = [TEXT, *(path.read_text() for path in (PROJECT / "examples").rglob("*.py"))]
    assert not any("fit_transform(" in source for source in sources)


def test_strict_block_prints_what_its_comment_says(executed: _Run) -> None:
    assert "['LM301']" in executed.stdout.splitlines()


def test_the_guide_prints_what_it_shows(executed: _Run) -> None:
    (shown,) = (block for block in blocks("text") if block.strip().startswith("losses ["))
    assert shown.strip() in executed.stdout


def test_reasons_of_the_audited_run_are_the_ones_shown(executed: _Run) -> None:
    (shown,) = (block for block in blocks("text") if "evaluated with the weights" in block)
    assert _without_numbers(shown) in _without_numbers(executed.stdout)


def test_message_of_the_seed_case_is_the_one_shown(executed: _Run) -> None:
    (shown,) = (block for block in blocks("text") if "lossmon error" in block)
    assert " ".join(shown.split()) in " ".join(executed.stderr.split())


def _without_numbers(text: str) -> str:
    return re.sub(r"[\d.]+", "#", " ".join(text.split()))


@pytest.mark.parametrize("query", blocks("sql"))
def test_sql_blocks_answer(query: str, executed: _Run) -> None:
    with contextlib.closing(sqlite3.connect(executed.database)) as connection:
        assert connection.execute(query).fetchall()


def test_sql_blocks_are_at_least_three() -> None:
    assert len(blocks("sql")) >= 3


def _shell_lines() -> list[list[str]]:
    lines = "\n".join(blocks("sh")).splitlines()
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
    text = text_of(README)
    assert with_current_rules(text) == text, "Fix: .venv/bin/python -m tests.readme_rules"


def _commands(group: click.Group, path: str = "lossmon") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


@pytest.mark.parametrize(("path", "command"), list(_commands(cli)), ids=str)
def test_every_command_is_in_the_table_with_its_options(path: str, command: click.Command) -> None:
    assert re.search(rf"^\| `{path}[ `]", text_of(README), flags=re.MULTILINE)
    for parameter in command.params:
        longest = max(parameter.opts, key=len)
        assert not longest.startswith("--") or re.search(rf"`{longest}[ `]", PROSE), longest


@pytest.mark.parametrize("argument", inspect.signature(lossmon.Monitor).parameters)
def test_every_argument_of_the_monitor_is_in_the_table(argument: str) -> None:
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", text_of(README), flags=re.MULTILINE)
    assert f"`{argument}`" in ", ".join(rows)


def test_every_environment_variable_is_mentioned() -> None:
    sources = (*PROJECT.glob("lossmon/**/*.py"), *PROJECT.glob("dashboard/**/*.py"))
    named = {n for file in sources for n in re.findall(r"LOSSMON_[A-Z_]+", file.read_text())}
    assert "LOSSMON_DB" in named
    assert all(f"`{name}`" in TEXT for name in named)


def test_every_config_key_and_every_extra_is_mentioned() -> None:
    asked = section("Which rules are asked")
    assert all(f"`{key}`" in asked for key in KEYS)
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    extras = set(project["optional-dependencies"]) - {"dev", "bench"}
    told = text_of(README).partition("## Installation")[2].partition("\n## ")[0]
    assert {
        extra for extra in extras if f"`{extra}`" not in told and f"[{extra}]" not in told
    } == set()


@pytest.mark.parametrize("name", sorted({*definitions._LOSSES, *definitions._METRICS}))
def test_every_definition_is_listed(name: str) -> None:
    assert f"`{name}`" in section("What is computed twice")


@pytest.mark.parametrize("table", [*metadata.tables, VERSION_TABLE])
def test_every_table_is_described(table: str) -> None:
    assert f"`{table}`" in section("In SQL")


def test_columns_of_the_schema_table_exist() -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*) \|$", PROSE, flags=re.MULTILINE)
    described = {name: re.findall(r"`(\w+)`", columns) for name, columns in rows}
    schema = {name: columns for name, columns in described.items() if name in metadata.tables}
    assert set(schema) == set(metadata.tables)
    for name, columns in schema.items():
        assert set(columns) <= set(metadata.tables[name].columns.keys())


def test_summary_of_the_demo_names_its_examples() -> None:
    (summary,) = (block for block in blocks("text") if "digits-overfit" in block)
    table, _, _ = summary.partition("\n*")
    shown = [line.split()[0].replace("-", "_") for line in table.split("\n")[-len(EXAMPLES) :]]
    assert shown[::-1] == list(EXAMPLES)


@pytest.mark.parametrize("document", ALL, ids=lambda document: document.name)
def test_local_links_and_images_lead_somewhere(document: Path) -> None:
    anchors = anchors_of(document)
    assert sorted(set(anchors)) == sorted(anchors)
    for link in links_of(document):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert target.is_relative_to(PROJECT.resolve()), link
        assert not anchor or anchor in anchors_of(target), link


def test_the_readme_shows_an_image() -> None:
    assert any(link.endswith(".png") for link in links_of(README))


def test_the_readme_is_a_guide_and_names_every_page() -> None:
    assert text_of(README).count("\n") < 600
    pages = {path.relative_to(PROJECT).as_posix() for path in ALL if path != README}
    contents = text_of(README).partition("## Two commands")[0]
    assert pages <= set(re.findall(r"\]\(([^)#]+)\)", contents))
