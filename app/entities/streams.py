"""Entity streams: append events under an expected version, to one entity or to several at once, and delete.

An append is one command: every condition holds and everything is recorded, with the runs it starts, or nothing is.
An idempotency key names the whole append: a repeat returns what the first one did, whatever the versions are by now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from app import ids, texts
from app.entities import names
from app.entities.noun import Entity
from app.errors import InvalidArgument, StreamDeleted, StreamNotFound, VersionConflict
from app.events import noun as event_noun
from app.events.emit import Emitter
from app.events.keys import check_key, key_conflict, keyed_id
from app.events.new_event import NewEvent
from app.events.noun import Event
from app.events.prepared import Prepared
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft
from app.history.kinds import AppendedPart, EntityDeleted, EventKeyed
from app.history.kinds.entity import stream
from app.history.redaction import Redaction
from app.ids import Ids

STREAMS_MAX = 100
EVENTS_MAX = 1_000
VERSION_MAX = 2**53
PURGED_AT_ONCE = 1_000
"""So that nobody who appends meanwhile waits for long, however long the stream is."""

ANY = -1
NEW = 0


class Append(msgspec.Struct, frozen=True):
    """Events for one entity; with none it is a mere condition. `expected` is the version that the entity must have:
    ANY, NEW (it must not exist) or the version itself. The events' own keys are not used."""

    type: str
    id: str
    events: tuple[NewEvent, ...] = ()
    expected: int = ANY


class Appended(msgspec.Struct, frozen=True):
    """`parts` in the order of the append. `duplicate` tells that the key was known and nothing was recorded now."""

    parts: tuple[AppendedPart, ...]
    run_ids: tuple[str, ...]
    duplicate: bool = False


class Streams:
    def __init__(self, *, committer: Committer, emitter: Emitter, ids: Ids) -> None:
        self._committer = committer
        self._emitter = emitter
        self._ids = ids

    async def append(self, environment: str, appends: Sequence[Append], *, idempotency_key: str = "") -> Appended:
        """Raises InvalidArgument, VersionConflict, StreamDeleted, IdempotencyConflict, PayloadTooLarge."""
        _check(appends, idempotency_key)
        prepared = self._prepared(environment, appends, idempotency_key)
        key_id = keyed_id(environment, idempotency_key) if idempotency_key else ""
        key_stream = event_noun.stream(key_id) if key_id else ""
        told = fingerprint(appends) if idempotency_key else b""

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            if key_stream and (known := states[key_stream]) is not None:
                return Decision((), _repeated(known, told, idempotency_key))
            drafts: list[Draft] = []
            parts: list[AppendedPart] = []
            started: list[str] = []
            for append, where, events in prepared:
                entity: Entity | None = states[where]
                require(entity, append)
                version = entity.version if entity else 0
                for event in events:
                    version += 1
                    recorded = event.record(states, now)
                    assert recorded is not None, "an appended event claims nothing"
                    drafts += _placed(recorded.drafts, where, version)
                    started += recorded.emitted.run_ids
                parts.append(AppendedPart(append.type, append.id, version, tuple(event.event_id for event in events)))
            run_ids = tuple(started)
            if key_stream:
                keyed = EventKeyed(key_id, told.hex(), tuple(parts), run_ids)
                drafts.append(msgspec.structs.replace(drafts[0], stream=key_stream, fact=keyed, metadata="{}"))
            return Decision(drafts, Appended(tuple(parts), run_ids))

        streams = tuple(where for _, where, _ in prepared) + ((key_stream,) if key_stream else ())
        runs = tuple(run for _, _, events in prepared for event in events for run in event.runs)
        appended: Appended = await self._committer.commit(Command(environment, streams, decide, new=runs))
        return appended

    def _prepared(
        self, environment: str, appends: Sequence[Append], key: str
    ) -> list[tuple[Append, str, list[Prepared]]]:
        """Each append with its stream and its events, which know now what they are appended to."""
        event_ids = _event_ids(environment, key)
        found = []
        for append in appends:
            entity = append.type, append.id
            events = [
                self._emitter.prepare(
                    msgspec.structs.replace(event, entity=entity, idempotency_key=key), next(event_ids)
                )
                for event in append.events
            ]
            found.append((append, stream(*entity), events))
        return found

    async def delete(
        self,
        environment: str,
        type: str,
        id: str,
        *,
        expected: int = ANY,
        reason: str = "",
        purge: bool = False,
        actor: str = "",
    ) -> int:
        """The version at the end, which a deleted entity keeps. Its past can be read, nothing can be added. Deleting
        again changes nothing. Raises StreamNotFound, VersionConflict, InvalidArgument.

        With `purge` the payloads of its events are redacted too, also those of an entity that is deleted already: the
        first PURGED_AT_ONCE in the transaction that deletes it, then as many in each that follows. Who was not
        answered purges again, and what is left then goes."""
        names.check_type(type)
        names.check_id(id)
        texts.reason(reason)
        where = stream(type, id)

        def command(after_version: int) -> Command:
            redaction = Redaction(self._ids.redaction(), where, after_version, PURGED_AT_ONCE, reason, actor)

            def decide(states: Mapping[str, Any], now: int) -> Decision:
                entity: Entity | None = states[where]
                if entity is None:
                    raise StreamNotFound(f"nothing was appended to {type}/{id}")
                drafts: list[Draft] = []
                if entity.deleted_at is None:
                    require(entity, Append(type, id, expected=expected))
                    drafts.append(Draft(where, EntityDeleted(reason), actor=actor))
                version = entity.version + len(drafts)
                return Decision(drafts, version, redaction=redaction if purge else None)

            return Command(environment, (where,), decide, weight=PURGED_AT_ONCE if purge else 1)

        version: int = await self._committer.commit(command(0))
        if purge:
            for after_version in range(PURGED_AT_ONCE, version, PURGED_AT_ONCE):
                await self._committer.commit(command(after_version))
        return version


def require(entity: Entity | None, append: Append) -> None:
    """Returns if the entity is as the append expects it. Raises StreamDeleted, VersionConflict."""
    name = f"{append.type}/{append.id}"
    if entity is not None and entity.deleted_at is not None:
        raise StreamDeleted(f"{name} was deleted at version {entity.version}", hint="use another id")
    version = entity.version if entity else 0
    if append.expected not in (ANY, version):
        expected = "that it does not exist" if append.expected == NEW else f"version {append.expected}"
        raise VersionConflict(
            f"version conflict: {name} is at version {version}, expected was {expected}",
            field="expected_version",
            hint="read the stream again, decide again and retry",
        )


def fingerprint(appends: Sequence[Append]) -> bytes:
    """What tells two appends apart that came with one key: where to and what, not the versions expected."""
    told = hashlib.sha256(b"append\0")
    for append in appends:
        for event in append.events:
            parts = (append.type, append.id, event.name, str(event.version))
            for part in (*(text.encode() for text in parts), event.data):
                told.update(len(part).to_bytes(8, "big") + part)
    return told.digest()


def _check(appends: Sequence[Append], key: str) -> None:
    check_key(key)
    if not 1 <= len(appends) <= STREAMS_MAX:
        raise InvalidArgument(f"an append is to 1 to {STREAMS_MAX} streams, not {len(appends)}", field="appends")
    seen: set[tuple[str, str]] = set()
    for append in appends:
        names.check_type(append.type)
        names.check_new_id(append.id)
        if (append.type, append.id) in seen:
            raise InvalidArgument(
                f"{append.type}/{append.id} is named twice", field="appends", hint="put its events into one list"
            )
        seen.add((append.type, append.id))
        if not ANY <= append.expected <= VERSION_MAX:
            raise InvalidArgument(
                f"expected_version {append.expected} is out of range",
                field="expected_version",
                hint="-1 for any, 0 for a stream that does not exist yet, else the version",
            )
    count = sum(len(append.events) for append in appends)
    if not 1 <= count <= EVENTS_MAX:
        raise InvalidArgument(f"{count} events cannot be appended at once", field="events", hint=f"1 to {EVENTS_MAX}")


def _event_ids(environment: str, key: str) -> Iterator[str]:
    """Ids for an append's events: derived from its key and their order, else empty, for fresh ones."""
    number = 0
    while True:
        yield ids.keyed("evt", environment, key, str(number)) if key else ""
        number += 1


def _placed(drafts: Sequence[Draft], where: str, version: int) -> Iterator[Draft]:
    """The event's entry, and what follows from it, which names it as the cause."""
    emitted, *created = drafts
    yield emitted
    for run in created:
        yield msgspec.structs.replace(run, causation=f"{where}#{version}")


def _repeated(known: Event, told: bytes, key: str) -> Appended:
    if known.fingerprint != told:
        raise key_conflict(key, f"another event ({known.row.name})" if known.row else "another append")
    return Appended(known.parts, known.run_ids, duplicate=True)
