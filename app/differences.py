"""What differs between two JSON values, by JSON Pointer (RFC 6901)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Literal

import msgspec

DIFFERENCES_MAX = 1_000


class Absent:
    """The only one, ABSENT, is in place of a value that there is not: null is a value."""


ABSENT = Absent()


class Difference(msgspec.Struct, frozen=True):
    """One difference. `before` and `after` are ABSENT where there is none: added, or removed."""

    op: Literal["add", "remove", "replace"]
    path: str
    before: Any
    after: Any


def differences(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    """What leads from one value to the other, in the order of its members. Of lists, what is the same at both ends is
    left aside, so that one that was put in shows as that. Numbers are compared as numbers; true is not 1."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*before, *after]):
            below = f"{path}/{str(name).replace('~', '~0').replace('/', '~1')}"
            yield from differences(before.get(name, ABSENT), after.get(name, ABSENT), below)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(before, after, path)
    elif before is ABSENT and after is ABSENT:
        return
    elif before is ABSENT:
        yield Difference("add", path, ABSENT, after)
    elif after is ABSENT:
        yield Difference("remove", path, before, ABSENT)
    elif not same(before, after):
        yield Difference("replace", path, before, after)


def first(before: Any, after: Any, limit: int = DIFFERENCES_MAX) -> tuple[list[Difference], bool]:
    """The first differences, and whether there are more."""
    found = list(islice(differences(before, after), limit + 1))
    return found[:limit], len(found) > limit


def same(before: Any, after: Any) -> bool:
    """Equal as JSON."""
    if isinstance(before, bool) or isinstance(after, bool):
        return before is after
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return before.keys() == after.keys() and all(same(value, after[name]) for name, value in before.items())
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(same, before, after))
    return bool(before == after)


def _of_lists(before: list[Any], after: list[Any], path: str) -> Iterator[Difference]:
    shorter = min(len(before), len(after))
    head = next((n for n in range(shorter) if not same(before[n], after[n])), shorter)
    left = shorter - head
    tail = next((n for n in range(left) if not same(before[-1 - n], after[-1 - n])), left)
    for number in range(head, max(len(before), len(after)) - tail):
        old = before[number] if number < len(before) - tail else ABSENT
        new = after[number] if number < len(after) - tail else ABSENT
        yield from differences(old, new, f"{path}/{number}")
