from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from lossmon.errors import SchemaOutdated, SchemaTooNew, StoreError
from lossmon.store import RunWriter, info, open_store, upgrade
from lossmon.store.engine import database_url, opened
from lossmon.store.schema import HEAD, VERSION_TABLE, metadata
from tests.store.made import open_writer
from tests.store.postgres import PostgresServer


def set_revision(path: Path, revision: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = ?", (revision,))
    connection.commit()
    connection.close()


def statements_of(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    return {" ".join(sql.split()) for (sql,) in rows if VERSION_TABLE not in sql}


def structure_of(path: Path) -> dict[str, object]:
    """Tables by their columns and keys, for a column that was added is spelt after the keys."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
        tables = {name for kind, name, _ in rows if kind == "table" and name != VERSION_TABLE}
        pragmas = ("table_info", "foreign_key_list")
        found: dict[str, object] = {
            f"{pragma} {name}": connection.execute(f"PRAGMA {pragma}({name})").fetchall()
            for name in tables
            for pragma in pragmas
        }
    return found | {name: sql for kind, name, sql in rows if kind == "index" and sql}


def test_migrations_from_nothing_make_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    migrated, created = tmp_path / "migrated.db", tmp_path / "created.db"
    assert upgrade(migrated) == (None, HEAD)
    engine = create_engine(f"sqlite:///{created}")
    metadata.create_all(engine)
    engine.dispose()
    assert structure_of(migrated) == structure_of(created)


def test_the_head_is_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "lossmon.store:migrations")
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [HEAD]
    revisions = [migration.revision for migration in script.walk_revisions()]
    assert revisions == sorted(revisions, reverse=True)


def test_an_upgrade_of_what_is_up_to_date_changes_nothing(
    file_writer: RunWriter, path: Path
) -> None:
    before = statements_of(path)
    assert upgrade(path) == (HEAD, HEAD)
    assert statements_of(path) == before
    assert open_store(path).resolve("latest") == file_writer.run_id


@pytest.mark.parametrize("use", [open_store, open_writer])
def test_an_older_schema_names_the_command(path: Path, use: Callable[[Path], object]) -> None:
    open_writer(path).close()
    set_revision(path, "0000")
    with pytest.raises(
        SchemaOutdated, match=r"Received: the older schema 0000.*lossmon db upgrade"
    ):
        use(path)


@pytest.mark.parametrize("use", [open_store, open_writer, upgrade])
def test_a_newer_schema_says_so(path: Path, use: Callable[[Path], object]) -> None:
    open_writer(path).close()
    set_revision(path, "9999")
    with pytest.raises(SchemaTooNew, match=r"newer schema 9999.*pip install --upgrade lossmon"):
        use(path)


def test_a_server_is_held_to_its_schema_too(postgres: PostgresServer) -> None:
    db = postgres.take()
    upgrade(db)
    with opened(database_url(db)) as engine:

        def say(revision: str) -> None:
            with engine.begin() as connection:
                connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{revision}'"))

        for revision, error in (("0000", SchemaOutdated), ("9999", SchemaTooNew)):
            say(revision)
            with pytest.raises(error):
                open_store(db)
        say(HEAD)
    assert open_store(db).run_rows() == []
    postgres.give_back(db)


@pytest.mark.parametrize("use", [open_writer, upgrade])
def test_another_programs_tables_are_left_alone(path: Path, use: Callable[[Path], object]) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE runs (run_uuid TEXT)")
    connection.close()
    before = statements_of(path)
    with pytest.raises(StoreError, match=r"another program's table\(s\) runs"):
        use(path)
    assert statements_of(path) == before


def test_a_database_without_lossmon_says_so(path: Path) -> None:
    sqlite3.connect(path).execute("CREATE TABLE unrelated (x)").connection.close()
    with pytest.raises(StoreError, match="lossmon never recorded"):
        open_store(path)


def test_info_of_any_schema(path: Path) -> None:
    with pytest.raises(StoreError, match="no such file"):
        info(path)
    open_writer(path).close()
    set_revision(path, "0000")
    told = info(path)
    assert told.pop("bytes") == path.stat().st_size
    assert told == {
        "database": str(path),
        "engine": "sqlite",
        "schema": "0000",
        "expected_schema": HEAD,
        "runs": 1,
    }


def make_at_once(path: str) -> None:
    open_writer(Path(path)).close()


def test_processes_may_make_one_new_database_at_once(path: Path) -> None:
    context = get_context("spawn")
    processes = [context.Process(target=make_at_once, args=(str(path),)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 3
    assert len(open_store(path).run_rows()) == 3
