"""The chain of a failure's causes, read from tracebacks as the SDK records them."""

from __future__ import annotations

import pytest

from app.debugger.causes import chain
from app.debugger.dap.looking import _inner
from ironflow.failures import stack_of


class Declined(Exception):
    pass


def raised() -> str:
    """The stack of an error with a cause, which came while another one was handled."""
    try:
        try:
            try:
                {}["card"]
            except KeyError:
                raise ConnectionError("gateway: away\ntry later")  # noqa: B904
        except ConnectionError as error:
            raise Declined("card declined") from error
    except Declined as error:
        return stack_of(error)
    raise AssertionError


def test_causes_are_told_the_nearest_first() -> None:
    found = chain(raised())

    assert [(one.type, one.message) for one in found] == [
        ("ConnectionError", "gateway: away\ntry later"),
        ("KeyError", "'card'"),
    ]
    assert found[0].stack.startswith("Traceback (most recent call last):")
    inner = _inner(found)["innerException"][0]
    assert (inner["typeName"], inner["innerException"][0]["typeName"]) == ("ConnectionError", "KeyError")
    assert "innerException" not in inner["innerException"][0]


@pytest.mark.parametrize("stack", ["", "boom", "Error: boom\n    at charge (pay.js:7)"])
def test_what_is_no_chain_has_no_causes(stack: str) -> None:
    assert chain(stack) == []
    assert _inner(chain(stack)) == {}
