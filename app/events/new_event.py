"""An event as it came in, and what is asked of it at the door, whichever way it comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from app import clock, jsonvalue, patterns
from app.errors import InvalidArgument
from app.events.keys import check_key
from app.history.kinds import Fact
from app.runs import tags
from app.runs.gates import Gate

SOURCE_BYTES_MAX = 255
VERSION_MAX = 2**31 - 1
START_US_MAX = 366 * 24 * 3_600 * 1_000_000
"""How far ahead of now the runs of an event may start."""


class Claim(NamedTuple):
    """An event that is emitted once, by whoever comes first: the gate that remembers, and what it is told. `decide`
    gives nothing if somebody was first."""

    stream: str
    decide: Callable[[Gate | None, str], Fact | None]


class NewEvent(msgspec.Struct, frozen=True):
    """An event as it came in: `data` and `metadata` are JSON texts, not yet checked.

    Its runs start at `start_at` (µs) or `delay_ms` from now, or at once, and have the `tags`. `function_ids` start too,
    whether or not it fits them, and alone if `only_these`. `waits` tells that the caller waits for the runs, which an
    option that holds events would make endless; `owes_nothing` that no on_failure function runs for them. `entity` is
    the type and id of what the event is appended to. `reemitted_from` is the event that it is emitted anew of, which
    is recorded as `cause`.
    """

    environment: str
    name: str
    data: bytes
    idempotency_key: str = ""
    metadata: bytes = b"{}"
    version: int = 1
    source: str = "api"
    actor: str = ""
    run_id: str = ""
    start_at: int = 0
    delay_ms: int = 0
    function_ids: tuple[str, ...] = ()
    only_these: bool = False
    entity: tuple[str, str] | None = None
    waits: bool = False
    owes_nothing: bool = False
    claim: Claim | None = None
    tags: tuple[str, ...] = ()
    reemitted_from: str = ""
    cause: str = ""


class Seen:
    """A new event as expressions see it: decoded, and made into an object and into CEL variables when first asked
    for."""

    __slots__ = ("_envelope", "_variables", "data", "event", "id", "metadata", "now")

    def __init__(self, event: NewEvent, event_id: str, data: Any, metadata: Any, now: int) -> None:
        self.event = event
        self.id = event_id
        self.data = data
        self.metadata = metadata
        self.now = now
        self._envelope: Mapping[str, Any] | None = None
        self._variables: Mapping[str, Any] | None = None

    def envelope(self) -> Mapping[str, Any]:
        if self._envelope is None:
            event = self.event
            envelope = {
                "id": self.id,
                "name": event.name,
                "data": self.data,
                "metadata": self.metadata,
                "source": event.source,
                "version": event.version,
                "timestamp": clock.rfc3339(self.now),
            }
            if event.entity:
                envelope["entity_type"], envelope["entity_id"] = event.entity
            self._envelope = envelope
        return self._envelope

    def variables(self) -> Mapping[str, Any]:
        """The CEL variables of the event (see limits.VARIABLES)."""
        if self._variables is None:
            name, envelope = self.event.name, self.envelope()
            self._variables = {
                **envelope,
                "event": envelope,
                "topic": name,
                "eventNamespace": name.partition(".")[0],
            }
        return self._variables


def check(event: NewEvent) -> tuple[Any, Any]:
    """Data and metadata, decoded. Raises InvalidArgument naming the field, PayloadTooLarge."""
    patterns.validate_name(event.name, field="name")
    data = jsonvalue.check(event.data, field="data")
    metadata = {} if event.metadata == b"{}" else _checked_metadata(event.metadata)
    check_key(event.idempotency_key)
    _check_source(event.source)
    if not 1 <= event.version <= VERSION_MAX:
        raise InvalidArgument(f"version {event.version} is out of range", field="version", hint="1 or more")
    if event.tags:
        tags.check(event.tags)
    return data, metadata


def starts_at(event: NewEvent, now: int) -> int:
    """When the runs may start, 0 for at once. Raises InvalidArgument naming the field."""
    if not event.delay_ms and not event.start_at:
        return 0
    if event.start_at and event.delay_ms:
        raise InvalidArgument("an event starts its runs at an instant or after a delay", field="delay", hint="send one")
    field, start_at = ("delay", now + event.delay_ms * 1_000) if event.delay_ms else ("at", event.start_at)
    if start_at > now + START_US_MAX or event.delay_ms < 0:
        raise InvalidArgument(f"{field} is out of range", field=field, hint="at most a year from now")
    return start_at


def _checked_metadata(metadata: bytes) -> Any:
    value = jsonvalue.check(metadata, field="metadata")
    if not isinstance(value, dict):
        raise InvalidArgument("metadata must be an object", field="metadata", hint='such as {"tenant": "a"}')
    return value


@lru_cache(1_024)
def _check_source(source: str) -> None:
    if not source.isprintable() or len(source.encode()) > SOURCE_BYTES_MAX:
        raise InvalidArgument(
            f"source {source[:40]!r} is not usable",
            field="source",
            hint=f"at most {SOURCE_BYTES_MAX} bytes of printable characters",
        )
