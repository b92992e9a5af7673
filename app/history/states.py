"""States of streams as the committer holds them: those used of late, and those that one command reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from app.history.fold import Slot

STATES_MAX = 10_000


class Slots(dict[str, Slot]):
    """The slots of one command by stream; one that is missing is loaded. It must not refer to its view: such a cycle a
    command is work for the collector."""

    def __init__(self, load: Callable[[str], Slot]) -> None:
        self.load = load

    def __missing__(self, stream: str) -> Slot:
        slot = self[stream] = self.load(stream)
        return slot


class View(Mapping[str, Any]):
    """The states of slots, as a decision sees them."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots

    def __getitem__(self, stream: str) -> Any:
        return self._slots[stream].state

    def __iter__(self) -> Iterator[str]:
        return iter(self._slots)

    def __len__(self) -> int:
        return len(self._slots)


class States:
    """Recently used states, at most twice STATES_MAX: two generations, of which the older is dropped whole."""

    def __init__(self) -> None:
        self._young: dict[tuple[str, str], Slot] = {}
        self._old: dict[tuple[str, str], Slot] = {}

    def get(self, key: tuple[str, str]) -> Slot | None:
        slot = self._young.get(key)
        if slot is None and (slot := self._old.pop(key, None)) is not None:
            self.put(key, slot)
        return slot

    def put(self, key: tuple[str, str], slot: Slot) -> None:
        if len(self._young) >= STATES_MAX:
            self._old, self._young = self._young, {}
        self._young[key] = slot

    def drop(self, key: tuple[str, str]) -> None:
        self._young.pop(key, None)
        self._old.pop(key, None)

    def clear(self) -> None:
        self._young.clear()
        self._old.clear()
