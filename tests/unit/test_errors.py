"""Errors: one stable code each, and a body that says no more than there is to say."""

from __future__ import annotations

from collections.abc import Iterator

from app import errors
from app.errors import Conflict, InvalidArgument, IronflowError, NotFound, RunNotFound, Unavailable, VersionConflict

CONNECT_CODES = frozenset(
    (
        "aborted",
        "already_exists",
        "deadline_exceeded",
        "failed_precondition",
        "internal",
        "invalid_argument",
        "not_found",
        "permission_denied",
        "resource_exhausted",
        "unauthenticated",
        "unavailable",
        "unimplemented",
    )
)


def every_class() -> Iterator[type[IronflowError]]:
    for value in vars(errors).values():
        if isinstance(value, type) and issubclass(value, IronflowError) and value is not IronflowError:
            yield value


def test_every_error_has_a_code_of_its_own_a_status_a_connect_code_and_a_meaning() -> None:
    classes = list(every_class())

    assert len({one.code for one in classes}) == len(classes)
    for one in classes:
        assert one.code.isupper()
        assert 400 <= one.status < 600
        assert one.connect in CONNECT_CODES
        assert one.__doc__


def test_a_body_leaves_out_what_is_not_there() -> None:
    assert InvalidArgument("no").body() == {"error": "no", "code": "INVALID_ARGUMENT"}
    assert Unavailable("no", hint="wait", field="x").body() == {
        "error": "no",
        "code": "UNAVAILABLE",
        "hint": "wait",
        "field": "x",
        "retryable": True,
    }


def test_a_special_error_is_caught_as_the_general_one() -> None:
    assert issubclass(RunNotFound, NotFound)
    assert issubclass(VersionConflict, Conflict)
    assert str(RunNotFound("run_1 is not here")) == "run_1 is not here"
