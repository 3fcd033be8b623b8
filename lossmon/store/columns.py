"""The kinds of columns that the tables are made of."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Dialect,
    Double,
    ForeignKey,
    LargeBinary,
    Table,
    Text,
    TypeDecorator,
    func,
    literal_column,
)

from lossmon.store.nonfinite import decode_json, encode_json


class Document(TypeDecorator[Any]):
    """A JSON document whose floats may be NaN or infinite."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        """Encode on the way in."""
        return encode_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        """Restore on the way out."""
        return decode_json(value)


def text_column(name: str, comment: str, *, nullable: bool = True) -> Column[str]:
    """Return a column of text."""
    return Column(name, Text, nullable=nullable, comment=comment)


def real_column(name: str, comment: str, *, nullable: bool = True) -> Column[float]:
    """Return a column of floats; one that is not finite is stored as NULL."""
    return Column(name, Double, nullable=nullable, comment=comment)


def integer_column(name: str, comment: str, *, nullable: bool = True) -> Column[int]:
    """Return a column of integers."""
    return Column(name, BigInteger, nullable=nullable, comment=comment)


def counter_column(name: str, comment: str) -> Column[int]:
    """Return a column of integers that begin at 0."""
    return Column(name, BigInteger, nullable=False, server_default="0", comment=comment)


def blob_column(name: str, comment: str, *, nullable: bool = False) -> Column[bytes]:
    """Return a column of bytes."""
    return Column(name, LargeBinary, nullable=nullable, comment=comment)


def document_column(name: str, comment: str) -> Column[Any]:
    """Return a column of JSON documents."""
    return Column(name, Document, comment=comment)


def run_id_column() -> Column[str]:
    """Return the column that says of which run a row is."""
    return Column(
        "run_id",
        Text,
        ForeignKey("runs.id", ondelete="CASCADE"),
        nullable=False,
        comment="the run: runs.id",
    )


def output_key(table: Table) -> ColumnElement[str]:
    """Return the output as the indexes hold it: unlike NULL, an empty name equals itself."""
    return func.coalesce(table.c.output, literal_column("''"))


def kinds_column() -> Column[str]:
    """Return the column that names the values of a row that are not finite."""
    return text_column(
        "nonfinite_kinds",
        'values of this row that were not finite and are therefore NULL, as JSON: {"loss": "nan"};'
        " NULL when all were finite",
    )
