"""The reference is what the code says."""

from __future__ import annotations

import pytest

from app.errors import IronflowError
from tests.support import doors
from tests.support.reference import FOLDER, pages

PAGES = pages()


@pytest.mark.parametrize("name", PAGES)
def test_no_page_of_the_reference_is_stale(name: str) -> None:
    written = (FOLDER / name).read_text("utf-8")

    assert written == PAGES[name], f"docs/reference/{name} is stale: make docs"


def test_there_is_no_page_that_nothing_makes() -> None:
    assert {page.name for page in FOLDER.iterdir()} == set(PAGES)


def test_every_operation_call_and_error_is_told() -> None:
    for asked in doors.operations():
        assert asked.operation.summary in PAGES["rest.md"]
    for call in doors.calls():
        assert f"| `{call.method}` |" in PAGES["rpc.md"]
    for kind in IronflowError.__subclasses__():
        assert kind.code in PAGES["errors.md"] or not kind.__module__.startswith("app.")
