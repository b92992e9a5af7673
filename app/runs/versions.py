"""The versions of a function: every change of it, who made it and why, and what differs between two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from app.errors import FunctionNotFound, InvalidArgument
from app.history.entry import Entry
from app.history.kinds import FunctionPinned, FunctionRegistered, FunctionStatusChanged, FunctionUnpinned
from app.runs import function as noun
from app.runs.function import Function
from storage import history
from storage.contract import Storage, Transaction

LIMIT_DEFAULT = 50
LIMIT_MAX = 1_000


class Version(msgspec.Struct, frozen=True):
    """The function as a change left it. `change` is create, update, rollback, status_change, pin, unpin
    or delete."""

    function: Function
    change: str
    reason: str
    actor: str
    recorded_at: int
    position: int

    @property
    def number(self) -> int:
        return self.function.version


class Change(msgspec.Struct, frozen=True):
    """One difference: where, and the values on both sides; what is missing on a side is None there."""

    path: str
    before: Any
    after: Any


class VersionReader:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def list(
        self, environment: str, function_id: str, *, limit: int = LIMIT_DEFAULT, before: int = 0
    ) -> tuple[Sequence[Version], bool]:
        """Newest first, those with a number less than `before` if it is given, and whether there are more. Raises
        FunctionNotFound, InvalidArgument."""
        if not 1 <= limit <= LIMIT_MAX:
            raise InvalidArgument(f"limit {limit} is out of range", field="limit", hint=f"1 to {LIMIT_MAX}")
        versions = await self._storage.read(lambda tx: _all(tx, environment, function_id))
        chosen = [one for one in reversed(versions) if not before or one.number < before]
        return chosen[:limit], len(chosen) > limit

    async def get(self, environment: str, function_id: str, number: int) -> Version:
        """Raises FunctionNotFound, also for a number that there is no version of."""
        versions = await self._storage.read(lambda tx: _all(tx, environment, function_id))
        if not 1 <= number <= len(versions):
            raise FunctionNotFound(
                f"function {function_id[:255]!r} has no version {number}", hint=f"it has 1 to {len(versions)}"
            )
        return versions[number - 1]

    async def at(self, environment: str, function_id: str, position: int) -> tuple[Function, int]:
        """The function as of a position, and the time it was then (µs). Raises FunctionNotFound, also if it was not
        registered yet, or deleted."""
        return await self._storage.read(lambda tx: _at(tx, environment, function_id, position))


def diff(before: Any, after: Any, path: str = "") -> Iterator[Change]:
    """What differs between two JSON values, by path (`retry.max_attempts`, `triggers[0].event`), in order."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            below = f"{path}.{key}" if path else str(key)
            yield from diff(before.get(key), after.get(key), below)
    elif isinstance(before, list) and isinstance(after, list):
        for number in range(max(len(before), len(after))):
            old = before[number] if number < len(before) else None
            new = after[number] if number < len(after) else None
            yield from diff(old, new, f"{path}[{number}]")
    elif before != after or type(before) is not type(after):
        yield Change(path, before, after)


def _all(tx: Transaction, environment: str, function_id: str) -> list[Version]:
    """Every version, oldest first: the one with number n at place n - 1."""
    versions: list[Version] = []
    state: Function | None = None
    for record in history.whole_stream(tx, environment, noun.stream(function_id)):
        entry = Entry(record)
        state = noun.apply(state, entry)
        versions.append(_version(state, entry))
    if not versions:
        raise noun.not_found(environment, function_id)
    return versions


def _at(tx: Transaction, environment: str, function_id: str, position: int) -> tuple[Function, int]:
    state: Function | None = None
    for record in history.whole_stream(tx, environment, noun.stream(function_id), until=position):
        state = noun.apply(state, Entry(record))
    reached = history.at(tx, position)
    if state is None or state.status == "deleted" or reached is None:
        raise noun.not_found(environment, function_id)
    return state, reached.recorded_at


def _version(state: Function, entry: Entry) -> Version:
    match entry.fact:
        case FunctionRegistered(change=change, reason=reason):
            pass
        case FunctionStatusChanged(status=status, reason=reason):
            change = "delete" if status == "deleted" else "status_change"
        case FunctionPinned(reason=reason):
            change = "pin"
        case FunctionUnpinned(reason=reason):
            change = "unpin"
        case _:
            raise AssertionError(f"{entry} does not belong to a function")
    return Version(state, change, reason, entry.actor, entry.recorded_at, entry.position)
