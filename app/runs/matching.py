"""Which events a wait accepts: by name or pattern, and by a path's value or a CEL expression.

A path is rooted at the event's envelope (`data.orderId`, `$.data.orderId`, `data.items.0.id`); values are compared as
texts, so that 7 and "7" are the same. Anything that is not a path is CEL over the variables of triggers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

from app import clock, expressions
from app.errors import InvalidArgument
from app.history.entry import Entry
from app.history.kinds import EventEmitted, StepWaiting, entity
from app.patterns import PatternIndex
from app.runs.limits import VARIABLES

MATCH_CHARS_MAX = 4_096

_PATH = re.compile(r"(?:\$\.)?[A-Za-z_][\w-]*(?:\.[\w-]+|\[\d+\])*")
_SEGMENT = re.compile(r"[\w-]+")
_decode = msgspec.json.Decoder().decode

Key: TypeAlias = tuple[str, str, str]
"""Environment, run id, step id."""


def check(match: str) -> None:
    """Returns for a path or an expression. Raises InvalidArgument."""
    if len(match) > MATCH_CHARS_MAX or "\0" in match:
        raise InvalidArgument(f"match {match[:40]!r} is too long, or has a NUL", field="match")
    if not is_path(match):
        expressions.compile(match, variables=VARIABLES, field="match")


def is_path(match: str) -> bool:
    return _PATH.fullmatch(match) is not None


def value_at(envelope: Any, path: str) -> str | None:
    """The text of the scalar at a path; None where there is none."""
    value = envelope
    for segment in _SEGMENT.findall(path.removeprefix("$.")):
        if isinstance(value, dict) and segment in value:
            value = value[segment]
        elif isinstance(value, list) and segment.isdecimal() and int(segment) < len(value):
            value = value[int(segment)]
        else:
            return None
    return text_of(value)


def text_of(value: Any) -> str | None:
    """A JSON scalar as the text it is compared by; None for an object or a list."""
    match value:
        case str():
            return value
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 2**53:
            return str(int(value))
        case int() | float():
            return str(value)
        case _:
            return None


class Candidate:
    """An event that waits are compared with; its data are decoded once, when first asked for."""

    __slots__ = ("_envelope", "entry", "fact")

    def __init__(self, entry: Entry) -> None:
        fact = entry.fact
        assert isinstance(fact, EventEmitted)
        self.entry = entry
        self.fact = fact
        self._envelope: dict[str, Any] | None = None

    @property
    def envelope(self) -> Mapping[str, Any]:
        if self._envelope is None:
            fact = self.fact
            self._envelope = {
                "id": fact.id,
                "name": fact.name,
                "data": _decode(fact.data),
                "metadata": _decode(self.entry.record.metadata),
                "source": fact.source,
                "version": fact.version,
                "timestamp": clock.rfc3339(self.entry.recorded_at),
            }
            if (place := entity.entity_of(self.entry.stream)) is not None:
                self._envelope["entity_type"], self._envelope["entity_id"] = place
        return self._envelope

    def value_at(self, path: str) -> str | None:
        return value_at(self.envelope, path)

    def variables(self) -> Mapping[str, Any]:
        """The CEL variables of the event (see limits.VARIABLES)."""
        name = self.fact.name
        return {
            **self.envelope,
            "event": self.envelope,
            "topic": name,
            "eventNamespace": name.partition(".")[0],
        }

    def satisfies(self, expression: str) -> bool:
        """Whether the CEL expression is true of the event; one that cannot be evaluated is not."""
        compiled = expressions.compile(expression, variables=VARIABLES, field="match")
        return compiled.true(self.variables(), on_error=False)

    def fits(self, wait: StepWaiting) -> bool:
        """Whether the wait accepts the event, names aside."""
        if not wait.match:
            return True
        if is_path(wait.match):
            return self.value_at(wait.match) == wait.value
        return self.satisfies(wait.match)


def event_output(entry: Entry) -> msgspec.Raw:
    """The event as the waiting code is given it."""
    fact = entry.fact
    assert isinstance(fact, EventEmitted)
    told: dict[str, Any] = {
        "id": fact.id,
        "name": fact.name,
        "data": fact.data,
        "timestamp": clock.rfc3339(entry.recorded_at),
        "version": fact.version,
        "source": fact.source,
    }
    if fact.idempotency_key:
        told["idempotency_key"] = fact.idempotency_key
    if len(entry.metadata) > 2:
        told["metadata"] = msgspec.Raw(entry.metadata)
    if entry.actor:
        told["emittedBy"] = entry.actor
    return msgspec.Raw(msgspec.json.encode(told))


class Wait(msgspec.Struct, frozen=True):
    """One open wait, and the position and the instant (µs) at which it began."""

    key: Key
    fact: StepWaiting
    position: int
    at: int


class _Group(msgspec.Struct, eq=False):
    """The waits under one pattern."""

    any: dict[Key, Wait] = msgspec.field(default_factory=dict)
    by_value: dict[str, dict[str, dict[Key, Wait]]] = msgspec.field(default_factory=dict)
    by_expression: dict[str, dict[Key, Wait]] = msgspec.field(default_factory=dict)

    def place(self, fact: StepWaiting) -> dict[Key, Wait]:
        if not fact.match:
            return self.any
        if is_path(fact.match):
            return self.by_value.setdefault(fact.match, {}).setdefault(fact.value, {})
        return self.by_expression.setdefault(fact.match, {})

    def tidy(self, fact: StepWaiting) -> None:
        """Drop what is empty now that a wait like this one is gone."""
        if fact.match in self.by_value:
            values = self.by_value[fact.match]
            if not values.get(fact.value, True):
                del values[fact.value]
            if not values:
                del self.by_value[fact.match]
        elif not self.by_expression.get(fact.match, True):
            del self.by_expression[fact.match]

    def __bool__(self) -> bool:
        return bool(self.any or self.by_value or self.by_expression)

    def fitting(self, event: Candidate) -> Iterator[Wait]:
        yield from self.any.values()
        for path, values in self.by_value.items():
            text = event.value_at(path)
            if text is not None:
                yield from values.get(text, {}).values()
        for expression, waits in self.by_expression.items():
            if event.satisfies(expression):
                yield from waits.values()


class WaitIndex:
    """Open waits; finds those that an event resolves in time proportional to what it finds, and to the number of
    distinct paths and expressions under its name."""

    def __init__(self) -> None:
        self._waits: dict[Key, Wait] = {}
        self._by_run: dict[tuple[str, str], set[Key]] = {}
        self._groups: dict[tuple[str, str], _Group] = {}
        self._patterns: dict[str, PatternIndex[_Group]] = {}

    def __len__(self) -> int:
        return len(self._waits)

    def __iter__(self) -> Iterator[Wait]:
        return iter(self._waits.values())

    def add(self, wait: Wait) -> None:
        """Adding a wait again replaces it."""
        self.remove(wait.key)
        environment, run_id, _ = wait.key
        group = self._groups.get((environment, wait.fact.event))
        if group is None:
            group = self._groups[environment, wait.fact.event] = _Group()
            if _is_pattern(wait.fact.event):
                self._patterns.setdefault(environment, PatternIndex()).add(wait.fact.event, group)
        group.place(wait.fact)[wait.key] = wait
        self._waits[wait.key] = wait
        self._by_run.setdefault((environment, run_id), set()).add(wait.key)

    def remove(self, key: Key) -> None:
        wait = self._waits.pop(key, None)
        if wait is None:
            return
        environment, run_id, _ = key
        of_run = self._by_run[environment, run_id]
        of_run.discard(key)
        if not of_run:
            del self._by_run[environment, run_id]
        group = self._groups[environment, wait.fact.event]
        del group.place(wait.fact)[key]
        group.tidy(wait.fact)
        if not group:
            del self._groups[environment, wait.fact.event]
            if _is_pattern(wait.fact.event):
                self._patterns[environment].remove(group)

    def remove_run(self, environment: str, run_id: str) -> None:
        for key in list(self._by_run.get((environment, run_id), ())):
            self.remove(key)

    def resolved_by(self, entry: Entry) -> list[Wait]:
        """The waits that the event ends, each at most once: begun before it, not over when it was recorded."""
        if not self._waits:
            return []
        fact = entry.fact
        assert isinstance(fact, EventEmitted)
        patterns = self._patterns.get(entry.environment)
        groups = patterns.matching(fact.name) if patterns else []
        exact = self._groups.get((entry.environment, fact.name))
        if exact is not None:
            groups.append(exact)
        if not groups:
            return []
        event = Candidate(entry)
        return [
            wait
            for group in groups
            for wait in group.fitting(event)
            if wait.position < entry.position and entry.recorded_at < wait.fact.deadline
        ]


def _is_pattern(name: str) -> bool:
    return "*" in name or ">" in name
