"""Names of arguments that there are not are answered with the one that was meant."""

# A name that type checkers take needs no comment: `make lint` fails where they stop complaining.
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import inspect
from typing import Any, cast

import pytest

import lossmon
from lossmon import LossmonError, Monitor, UnknownArgument


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("name", "run"),
        ("run_name", "run"),
        ("store", "db"),
        ("db_url", "db"),
        ("Database", "db"),
        ("log_dir", "db"),
        ("experiment", "project"),
        ("project_name", "project"),
        ("tag", "tags"),
        ("note", "notes"),
        ("description", "notes"),
        ("hparams", "config"),
        ("verfy", "verify"),
        ("rule", "rules"),
        ("custom_loss", "losses"),
        ("stric", "strict"),
        ("audit", "audit_train"),
        ("sample", "samples"),
    ],
)
def test_the_argument_that_was_meant_is_named(name: str, meant: str) -> None:
    with pytest.raises(UnknownArgument) as caught:
        Monitor(**{name: cast("Any", "postgresql://me:secret@host/d")})
    message = str(caught.value)
    assert message.startswith("expected the arguments of `Monitor`: db, run, resume, ")
    assert f"Received: {name}=…, which is none of them. Fix: Monitor({meant}=…)" in message


def test_it_is_a_type_error_as_python_s_own() -> None:
    with pytest.raises(TypeError, match=r"Fix: Monitor\(run=…\)") as caught:
        Monitor(name="x")  # pyright: ignore[reportCallIssue]
    assert isinstance(caught.value, LossmonError)


def test_what_is_near_nothing_or_only_to_what_is_given_gets_the_list() -> None:
    with pytest.raises(UnknownArgument, match="Fix: use one of these"):
        Monitor(zebra=1)  # pyright: ignore[reportCallIssue]
    with pytest.raises(UnknownArgument, match="Fix: use one of these"):
        Monitor(run="a", name="b")  # pyright: ignore[reportCallIssue]


def test_check_answers_likewise() -> None:
    with pytest.raises(UnknownArgument, match=r"Fix: check\(sample_weight=…\)"):
        lossmon.check(None, None, weights=[1])  # pyright: ignore[reportCallIssue]


def test_editors_still_see_the_arguments() -> None:
    assert list(inspect.signature(Monitor).parameters)[:3] == ["db", "run", "resume"]
    assert list(inspect.signature(lossmon.check).parameters)[:2] == ["model", "x"]
