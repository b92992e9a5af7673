"""What is made of an entry for everybody who follows it live, made once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from app.history.entry import Entry

T = TypeVar("T")

ENTRIES_MAX = 512
DATA_BYTES_MAX = 64 * 2**10
"""Entries with more are made anew for each: what is kept stays small."""


class Once(Generic[T]):
    """`make`, remembering what it made of the newest entries."""

    def __init__(self, make: Callable[[Entry], T]) -> None:
        self._make = make
        self._made: OrderedDict[int, T] = OrderedDict()

    def __call__(self, entry: Entry) -> T:
        made = self._made.get(entry.position)
        if made is None:
            made = self._make(entry)
            if len(entry.data) <= DATA_BYTES_MAX:
                self._made[entry.position] = made
                if len(self._made) > ENTRIES_MAX:
                    self._made.popitem(last=False)
        return made
