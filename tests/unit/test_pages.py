"""Pages of the past: what is forgotten while one is made is read anew."""

from __future__ import annotations

import asyncio
from typing import Any
from weakref import WeakSet

from app.history.interests import Interest
from app.history.pages import Page, Pages


class Counting(Pages):
    """Finds nothing, and notes from where it looked."""

    __slots__ = ("read_from",)

    def __init__(self) -> None:
        nothing: Any = None
        super().__init__(nothing, Interest("default"), WeakSet())
        self.read_from: list[int] = []

    async def _read(self, after: int, head: int) -> Page:
        self.read_from.append(after)
        return Page([], after + 1)


async def test_a_page_that_was_redacted_just_before_it_is_told_is_read_again() -> None:
    pages = Counting()
    telling = asyncio.create_task(pages.after(0, 10))
    await asyncio.sleep(0)
    assert pages.read_from == [0]
    pages.forget()

    assert (await telling).until == 1
    assert [position for position in pages.read_from if position == 0] == [0, 0]
