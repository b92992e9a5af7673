"""Names and patterns of events, as in NATS: segments between dots, `*` for one, a last `>` for one or more."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Generic, TypeVar

import msgspec

from app.errors import InvalidArgument

NAME_BYTES_MAX = 255

V = TypeVar("V")


class Pattern(msgspec.Struct, frozen=True):
    segments: tuple[str, ...]

    def matches(self, name: str) -> bool:
        return self.fits(name.split("."))

    def fits(self, segments: Sequence[str]) -> bool:
        """Whether a name that consists of these segments matches."""
        own = self.segments
        count = len(own)
        if own[-1] == ">":
            if len(segments) < count:
                return False
            count -= 1
        elif len(segments) != count:
            return False
        for place in range(count):  # noqa: SIM110 - a generator takes three times as long, for every entry that is read
            if own[place] != segments[place] and own[place] != "*":
                return False
        return True


@lru_cache(4096)
def compile(pattern: str, *, field: str = "pattern", bytes_max: int = NAME_BYTES_MAX) -> Pattern:
    """Raises InvalidArgument."""
    segments = _segments(pattern, field, bytes_max)
    if ">" in segments[:-1]:
        raise InvalidArgument(
            f"{field} {pattern[:80]!r}: `>` must be the last segment", field=field, hint='such as "order.>"'
        )
    for segment in segments:
        if segment not in ("*", ">") and ("*" in segment or ">" in segment):
            raise InvalidArgument(
                f"{field} {pattern[:80]!r}: a wildcard stands for a whole segment",
                field=field,
                hint='such as "order.*"',
            )
    return Pattern(segments)


@lru_cache(4096)
def validate_name(name: str, *, field: str = "name") -> None:
    """Returns for a name without wildcards. Raises InvalidArgument."""
    if any("*" in segment or ">" in segment for segment in _segments(name, field)):
        raise InvalidArgument(
            f"{field} {name[:80]!r}: wildcards belong into patterns", field=field, hint='such as "order.placed"'
        )


def _segments(text: str, field: str, bytes_max: int = NAME_BYTES_MAX) -> tuple[str, ...]:
    if not text or len(text.encode("utf-8", "surrogatepass")) > bytes_max:
        raise InvalidArgument(
            f"{field} {text[:80]!r} must have 1 to {bytes_max} bytes", field=field, hint='such as "order.placed"'
        )
    if not text.isprintable() or " " in text:
        raise InvalidArgument(
            f"{field} {text[:80]!r} has spaces or control characters", field=field, hint='such as "order.placed"'
        )
    segments = tuple(text.split("."))
    if "" in segments:
        raise InvalidArgument(
            f"{field} {text[:80]!r} has an empty segment", field=field, hint="no dot at the ends, no two in a row"
        )
    return segments


class _Branch(msgspec.Struct, Generic[V]):
    below: dict[str, _Branch[V]] = msgspec.field(default_factory=dict)
    here: list[tuple[int, V]] = msgspec.field(default_factory=list)
    rest: list[tuple[int, V]] = msgspec.field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.here or self.rest or self.below)

    def drop(self, value: V, *, rest: bool) -> None:
        if rest:
            self.rest = [numbered for numbered in self.rest if numbered[1] != value]
        else:
            self.here = [numbered for numbered in self.here if numbered[1] != value]


class PatternIndex(Generic[V]):
    """Values under patterns; finds those that fit a name in time proportional to its segments."""

    def __init__(self) -> None:
        self._root: _Branch[V] = _Branch()
        self._count = 0

    def add(self, pattern: str, value: V) -> None:
        """Raises InvalidArgument for a pattern that is none."""
        self.add_compiled(compile(pattern), value)

    def add_compiled(self, pattern: Pattern, value: V) -> None:
        branch = self._root
        *head, last = pattern.segments
        for segment in head:
            branch = branch.below.setdefault(segment, _Branch())
        self._count += 1
        if last == ">":
            branch.rest.append((self._count, value))
        else:
            branch.below.setdefault(last, _Branch()).here.append((self._count, value))

    def __bool__(self) -> bool:
        return not self._root.empty

    def remove(self, value: V) -> None:
        """Forget the value under every pattern."""
        self._prune(self._root, value)

    def remove_compiled(self, pattern: Pattern, value: V) -> None:
        """Forget the value under one pattern; it takes no longer than finding it."""
        *head, last = pattern.segments
        path = [self._root]
        for segment in head if last == ">" else pattern.segments:
            below = path[-1].below.get(segment)
            if below is None:
                return
            path.append(below)
        path[-1].drop(value, rest=last == ">")
        for above, segment, below in reversed([*zip(path, pattern.segments, path[1:], strict=False)]):
            if not below.empty:
                return
            del above.below[segment]

    def matching(self, name: str) -> list[V]:
        """Values whose pattern fits, in the order they were added."""
        return self.fitting(name.split("."))

    def fitting(self, segments: Sequence[str]) -> list[V]:
        """The same for a name that consists of these segments."""
        found: list[tuple[int, V]] = []
        branches = [self._root]
        for segment in segments:
            reached: list[_Branch[V]] = []
            for branch in branches:
                found += branch.rest
                reached += [branch.below[key] for key in (segment, "*") if key in branch.below]
            branches = reached
        for branch in branches:
            found += branch.here
        if len(found) > 1:
            found.sort(key=lambda numbered: numbered[0])
        return [value for _, value in found]

    def _prune(self, branch: _Branch[V], value: V) -> None:
        branch.drop(value, rest=False)
        branch.drop(value, rest=True)
        for key, below in list(branch.below.items()):
            self._prune(below, value)
            if below.empty:
                del branch.below[key]
