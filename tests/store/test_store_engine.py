from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from lossmon.errors import InvalidArgument, StoreError
from lossmon.store import RunWriter, open_store, without_passwords
from lossmon.store.engine import database_url, describe, open_engine, plain_url
from tests.store.made import open_writer, run_record


def test_the_default_is_a_file_in_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOSSMON_DB", raising=False)
    assert database_url().database == str(tmp_path / "lossmon.db")


def test_the_variable_goes_before_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LOSSMON_DB", str(tmp_path / "other.db"))
    assert database_url().database == str(tmp_path / "other.db")
    assert database_url("here.db").database == str(Path.cwd() / "here.db")


def test_paths_and_urls_name_the_same_file(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    assert database_url(str(file)) == database_url(file) == database_url(f"sqlite:///{file}")


def test_a_relative_file_stays_the_same_when_the_working_directory_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    url = database_url("a.db")
    monkeypatch.chdir("/")
    assert url.database == str(tmp_path / "a.db")


@pytest.mark.parametrize(
    "db",
    ["", ":memory:", "sqlite://", "mysql://h/d", "://", "http://h/x", "~no-such-user/x", "\ud800"],
)
def test_what_is_no_database_is_refused(db: str) -> None:
    with pytest.raises(InvalidArgument, match=r"Received: .* Fix: "):
        database_url(db)


def test_postgresql_is_reached_by_psycopg_and_its_password_is_never_shown() -> None:
    url = database_url("postgresql://me:secret@host/d")
    assert url.drivername == "postgresql+psycopg"
    assert "secret" not in describe(url)


@pytest.mark.parametrize(
    "db",
    [
        "postgresql://me:secret@host/d?password=secret&sslmode=off&sslpassword=secret",
        "postgresql://me:secret@host:no-port/d",
        "postgresql://me:an@secret@host/d",
        "mysql://me:secret@host/d",
        "redis://me:secret@host",
    ],
)
def test_no_message_about_a_database_tells_a_password(db: str) -> None:
    try:
        url = database_url(db)
    except InvalidArgument as error:
        told = str(error)
    else:
        told = describe(url) + plain_url(db)
    assert "secret" not in told
    assert "me" in told
    assert "host" in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("--db=postgresql+psycopg://me:a/b@c@host/d", "--db=postgresql+psycopg://me:***@host/d"),
        ("https://me:secret@host/path", "https://me:***@host/path"),
        ("postgresql://host:5432/d", "postgresql://host:5432/d"),
        ("http://host:80/a@b", "http://host:80/a@b"),
    ],
)
def test_passwords_within_texts_are_hidden(text: str, told: str) -> None:
    assert without_passwords({"argv": [text], "seed": 1}) == {"argv": [told], "seed": 1}


@pytest.mark.parametrize("name", ["a b.db", "50%.db", "what?.db", "a#b.db", "naïve.db", "x&y=z.db"])
def test_any_file_name_will_do(tmp_path: Path, name: str) -> None:
    open_writer(tmp_path / "new folder" / name).close()
    assert (tmp_path / "new folder" / name).is_file()
    assert len(open_store(tmp_path / "new folder" / name).run_rows()) == 1


def test_a_missing_database_names_the_path_and_what_to_do(path: Path) -> None:
    with pytest.raises(StoreError, match=r"no such file.*callbacks=\[lossmon.Monitor\(\)\]") as e:
        open_store(path)
    assert str(path) in str(e.value)
    assert not path.exists()


def test_a_path_that_is_too_long_is_a_store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="too long"):
        open_store(tmp_path / ("é" * 300))


def test_a_directory_is_not_a_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="a directory"):
        open_store(tmp_path)
    said = f"{re.escape(str(tmp_path))}.*which is a directory: name a file in it"
    with pytest.raises(StoreError, match=said):
        RunWriter.open(str(tmp_path), run_record())


def test_a_file_of_another_kind_is_refused_and_left_alone(path: Path) -> None:
    path.write_bytes(b"not a database, but long enough to look like something" * 20)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a database"):
        open_store(path)
    with pytest.raises(StoreError, match="not a database"):
        open_writer(path)
    assert path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        open_writer(tmp_path / "file" / "lossmon.db")


@pytest.mark.parametrize("statement", ["DELETE FROM runs", "CREATE TABLE mine (x INTEGER)"])
def test_readers_cannot_write(writer: RunWriter, db: str, statement: str) -> None:
    """The database itself refuses what comes by a connection of the read side."""
    store = open_store(db)
    refused = pytest.raises(DBAPIError, match=r"readonly database|read-only transaction")
    with store._engine.connect() as connection, refused:
        connection.execute(text(statement))
    assert store.resolve("latest") == writer.run_id


def test_the_file_is_in_wal_mode_and_guards_foreign_keys(
    file_writer: RunWriter, path: Path
) -> None:
    assert file_writer.run_id
    with open_engine(database_url(path)).connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
