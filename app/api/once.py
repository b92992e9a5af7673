"""What is made of an entry for everybody who follows it live, made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from app.history.entry import Entry
from storage.records import EntryRecord

T = TypeVar("T")

ENTRIES_MAX = 512
DATA_CHARS_MAX = 64 * 2**10
"""Entries with more are made anew for each: what is kept stays small."""


class Once(Generic[T]):
    """`make`, remembering what it made of the newest entries: each has its slot, by its position. Those who follow what
    happens are given the same record; who reads the past has read it for itself."""

    def __init__(self, make: Callable[[Entry], T]) -> None:
        self._make = make
        self._made: list[tuple[EntryRecord, T] | None] = [None] * ENTRIES_MAX

    def __call__(self, entry: Entry) -> T:
        record = entry.record
        slot = record.position % ENTRIES_MAX
        kept = self._made[slot]
        if kept is not None and kept[0] is record:
            return kept[1]
        made = self._make(entry)
        if len(record.data) <= DATA_CHARS_MAX:
            self._made[slot] = record, made
        return made
