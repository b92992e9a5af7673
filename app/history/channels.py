"""What subscribers call the entries of history. Every entry is in one channel; patterns choose among channels.

    events:<name>                               an event that was emitted
    topic:<topic>                               a message that was published
    entity:<type>.<id>.<name>                   an event that was appended to an entity
    system.run.<run id>.<verb>                  created, updated, completed, failed, cancelled, resumed
    system.run.<run id>.step.<step id>.<verb>   completed, failed, sleeping, waiting, invoking,
                                                patched, injected, restored, carried
    system.projection.<name>.<partition>.updated    its state, as it is saved: told as it happens, and not again
    system.<noun>.<id>.<verb>                   everything else: registered, put, deleted, …

A pattern has wildcards for whole segments after its prefix: `*` one, a last `>` one or more. One without a prefix means
events. An id is one segment, whatever dots it has: `entity:order.a.1.>` is the entity `a.1`, or what `a` calls `1.…`,
and never lets through what merely begins like it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from app import patterns
from app.errors import InvalidArgument
from app.history.entry import Entry
from app.history.kinds import EventEmitted, TopicPublished
from app.history.kinds.entity import entity_of
from app.history.kinds.projection import ProjectionUpdated
from app.patterns import Pattern

EVENTS, TOPIC, ENTITY, SYSTEM = "events", "topic", "entity", "system"
PATTERN_BYTES_MAX = 1_024

Channel: TypeAlias = tuple[str, ...]
"""The prefix, then the segments; an id is one of them."""

_RUN_VERBS = frozenset(("created", "completed", "failed", "cancelled", "resumed"))
_SEPARATORS = {EVENTS: ":", TOPIC: ":", ENTITY: ":", SYSTEM: "."}
_RESERVED = frozenset(f"{prefix}:" for prefix in (EVENTS, TOPIC, ENTITY))


def of(entry: Entry) -> Channel:
    """The channel that an entry is in."""
    channel = entry.channel
    if channel is None:
        channel = entry.channel = _of(entry)
    return channel


def _of(entry: Entry) -> Channel:
    told = said(entry.kind)
    if told is None:
        return _NAMED[entry.kind](entry)
    noun, _, identity = entry.record.stream.partition("/")
    if not told.of_step:
        return (SYSTEM, noun, identity, told.verb)
    step: Any = entry.fact  # every fact about a step has its id
    return (SYSTEM, noun, identity, "step", step.step_id, told.verb)


class Said(NamedTuple):
    """What the kind of an entry says of its system channel: whether it names a step, and the verb that it ends with."""

    of_step: bool
    verb: str


@lru_cache(1_024)
def said(kind: str) -> Said | None:
    """None for a kind whose channels are named by what its facts tell."""
    if kind in _NAMED:
        return None
    about, _, verb = kind.partition(".")
    return Said(about == "step", "updated" if about == "run" and verb not in _RUN_VERBS else verb)


def _of_event(entry: Entry) -> Channel:
    fact = entry.fact
    assert isinstance(fact, EventEmitted)
    entity = entity_of(entry.record.stream)
    return _named(EVENTS, fact.name) if entity is None else (ENTITY, *entity, *_named("", fact.name)[1:])


def _of_message(entry: Entry) -> Channel:
    message = entry.fact
    assert isinstance(message, TopicPublished)
    return _named(TOPIC, message.topic)


def _of_update(entry: Entry) -> Channel:
    update = entry.fact
    assert isinstance(update, ProjectionUpdated)
    return (SYSTEM, "projection", entry.stream.partition("/")[2], update.partition, "updated")


_NAMED: Mapping[str, Callable[[Entry], Channel]] = {
    EventEmitted.kind: _of_event,
    TopicPublished.kind: _of_message,
    ProjectionUpdated.kind: _of_update,
}


@lru_cache(4_096)
def text(channel: Channel) -> str:
    """The channel as it is written."""
    return f"{channel[0]}{_SEPARATORS[channel[0]]}{'.'.join(channel[1:])}"


def name(channel: Channel) -> str:
    """What is in the channel, without where: the name of an event, a topic, or all of a system channel."""
    if channel[0] == SYSTEM:
        return text(channel)
    return ".".join(channel[3:] if channel[0] == ENTITY else channel[1:])


@lru_cache(4_096)
def compile(pattern: str, *, field: str = "pattern") -> tuple[Pattern, ...]:
    """The patterns of channels that a text means: more than one where dots may belong to an id. Raises
    InvalidArgument."""
    prefix, rest = _prefixed(pattern)
    if not rest:
        raise InvalidArgument(
            f"{field} {pattern[:80]!r} has nothing after its prefix", field=field, hint=f'such as "{pattern[:80]}>"'
        )
    segments = patterns.compile(rest, field=field, bytes_max=PATTERN_BYTES_MAX).segments
    return tuple(Pattern((prefix, *read)) for read in dict.fromkeys(_readings(prefix, segments)))


def canonical(pattern: str) -> str:
    """The pattern with its prefix."""
    prefix, rest = _prefixed(pattern)
    return f"{prefix}{_SEPARATORS[prefix]}{rest}"


def _prefixed(pattern: str) -> tuple[str, str]:
    prefix, colon, rest = pattern.partition(":")
    if colon and f"{prefix}:" in _RESERVED:
        return prefix, rest
    if pattern.startswith(f"{SYSTEM}."):
        return SYSTEM, pattern.removeprefix(f"{SYSTEM}.")
    return EVENTS, pattern


def _readings(prefix: str, segments: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The segments, and what else they may be where several of them, without wildcards, are one id."""
    found = [segments]
    if prefix == ENTITY:
        found += [_joined(segments, 1, end) for end in range(3, len(segments))]
    elif prefix == SYSTEM and segments[0] == "run" and len(segments) > 4 and segments[2] == "step":
        found += [_joined(segments, 3, end) for end in range(5, len(segments))]
    elif prefix == SYSTEM and segments[0] == "projection" and segments[-1] == "updated":
        found += [
            _joined(_joined(segments, middle, len(segments) - 1), 1, middle) for middle in range(2, len(segments) - 1)
        ]
    elif prefix == SYSTEM and segments[0] != "run":
        found += [_joined(segments, 1, end) for end in range(3, len(segments))]
    return found


def _joined(segments: tuple[str, ...], start: int, end: int) -> tuple[str, ...]:
    id = segments[start:end]
    if "*" in id or ">" in id:
        return segments
    return (*segments[:start], ".".join(id), *segments[end:])


@lru_cache(4_096)
def _named(prefix: str, dotted: str) -> Channel:
    return (prefix, *dotted.split("."))
