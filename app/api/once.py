"""What is made of an entry for everybody who follows it live, made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from app.history.entry import Entry

T = TypeVar("T")

ENTRIES_MAX = 512
DATA_BYTES_MAX = 64 * 2**10
"""Entries with more are made anew for each: what is kept stays small."""


class Once(Generic[T]):
    """`make`, remembering what it made of the newest entries: each has its slot, by its position."""

    def __init__(self, make: Callable[[Entry], T]) -> None:
        self._make = make
        self._made: list[tuple[int, T] | None] = [None] * ENTRIES_MAX

    def __call__(self, entry: Entry) -> T:
        position = entry.position
        kept = self._made[position % ENTRIES_MAX]
        if kept is not None and kept[0] == position:
            return kept[1]
        made = self._make(entry)
        if len(entry.data) <= DATA_BYTES_MAX:
            self._made[position % ENTRIES_MAX] = position, made
        return made
