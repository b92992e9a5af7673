"""Names of resources, and patterns of them and of actions.

    irn:ironflow:{org}:{project}:{type}:{environment}:{id}      such as irn:ironflow:org_default:*:secret:prod:stripe

In a pattern `*` stands for any characters within one part; the last part that is given stands for all that follow it if
it is `*` alone, and ids keep their colons. `{type}/{id}` is short for that type in every environment. Policies choose
environments, not projects, so that part of a pattern is `*`. A last `>` of events and topics, as subscribers write it
(`event/order.>`), stands for any characters too. An action is `{resource}:{operation}`, such as `secrets:read`; in its
pattern `*` stands for any characters at all.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from app.errors import InvalidArgument

PREFIX = "irn:ironflow:"
CHARS_MAX = 1_024
PARTS = 5

Glob = Callable[[str], bool]


class Resource(NamedTuple):
    """What is asked for: the parts of an IRN that are known."""

    org: str
    type: str
    environment: str
    id: str

    @property
    def irn(self) -> str:
        return f"{PREFIX}{self.org}:*:{self.type}:{self.environment}:{self.id}"


def resource(org: str, environment: str, name: str) -> Resource:
    """The resource that a request calls `type/id`."""
    type, _, id = name.partition("/")
    return Resource(org, type, environment, id)


class Pattern(NamedTuple):
    """A compiled pattern of resources; None for a part stands for anything."""

    org: Glob | None = None
    type: Glob | None = None
    environment: Glob | None = None
    id: Glob | None = None

    def matches(self, resource: Resource) -> bool:
        return (
            (self.type is None or self.type(resource.type))
            and (self.id is None or self.id(resource.id))
            and (self.environment is None or self.environment(resource.environment))
            and (self.org is None or self.org(resource.org))
        )


@lru_cache(4_096)
def compile(pattern: str, *, field: str = "resources") -> Pattern:
    """Raises InvalidArgument."""
    _check(pattern, field)
    if pattern == "*":
        return Pattern()
    if not pattern.startswith(PREFIX):
        type, slash, id = pattern.partition("/")
        if not slash or not type or not id or ":" in type:
            raise _unusable(pattern, field)
        return Pattern(type=_part(type), id=_id(type, id))
    parts = pattern.removeprefix(PREFIX).split(":", PARTS - 1)
    if "" in parts or (len(parts) < PARTS and parts[-1] != "*"):
        raise _unusable(pattern, field)
    org, project, type, environment, id = [*parts, *["*"] * (PARTS - len(parts))]
    if project != "*":
        raise InvalidArgument(
            f"{field} {pattern[:80]!r} names a project",
            field=field,
            hint="write * for the project, and name its environments",
        )
    return Pattern(_part(org), _part(type), _part(environment), _id(type, id))


@lru_cache(4_096)
def compile_action(pattern: str, *, field: str = "actions") -> Glob:
    """Raises InvalidArgument."""
    _check(pattern, field)
    if pattern != "*" and (":" not in pattern or pattern.startswith(":") or pattern.endswith(":")):
        raise InvalidArgument(
            f"{field} {pattern[:80]!r} is no action", field=field, hint='such as "secrets:read", "runs:*" or "*:read"'
        )
    return glob(pattern)


def glob(pattern: str) -> Glob:
    """Whether a text fits: `*` stands for any characters, none too. In time proportional to both lengths at worst."""
    if "*" not in pattern:
        return pattern.__eq__
    head, *middle, tail = pattern.split("*")
    if not any(middle):
        if not head and not tail:
            return _anything
        if not tail:
            return lambda text: text.startswith(head)
    parts = [part for part in middle if part]
    least = len(head) + len(tail)

    def fits(text: str) -> bool:
        if len(text) < least or not text.startswith(head) or not text.endswith(tail):
            return False
        at, end = len(head), len(text) - len(tail)
        for part in parts:
            found = text.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    return fits


def _anything(text: str) -> bool:
    return True


def _part(pattern: str) -> Glob | None:
    return None if pattern == "*" else glob(pattern)


def _id(type: str, pattern: str) -> Glob | None:
    """As subscribers write patterns of events and topics, a last `>` stands for all that may follow."""
    subscribers = type in ("event", "topic", "*") and (pattern == ">" or pattern.endswith((".>", ":>")))
    return _part(f"{pattern[:-1]}*" if subscribers else pattern)


def _check(pattern: str, field: str) -> None:
    if not pattern or len(pattern) > CHARS_MAX or not pattern.isprintable() or " " in pattern:
        raise InvalidArgument(
            f"{field} {pattern[:80]!r} must have 1 to {CHARS_MAX} characters, without spaces and controls", field=field
        )


def _unusable(pattern: str, field: str) -> InvalidArgument:
    return InvalidArgument(
        f"{field} {pattern[:80]!r} is no pattern of resources",
        field=field,
        hint='such as "secret/stripe-*", "irn:ironflow:*:*:secret:prod:*" or "*"',
    )
