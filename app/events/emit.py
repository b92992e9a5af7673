"""Emit: an event and the runs it starts are one commit.

The answer means: durable, and its runs exist. An idempotency key names the event: its id is derived from the key, so
a repeat finds the first one and returns its ids, and a repeat with other content is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from app import clock, ids, jsonvalue, patterns
from app.clock import Clock
from app.errors import IdempotencyConflict, InvalidArgument, IronflowError
from app.events import noun
from app.events.noun import Event
from app.events.schemas import Schemas
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft
from app.history.kinds import EventEmitted, RunCreated, entity
from app.ids import Ids
from app.runs import noun as run_noun
from app.runs import triggers
from app.runs.functions import Function, Functions

BATCH_MAX = 1_000
KEY_BYTES_MAX = 255
SOURCE_BYTES_MAX = 255
VERSION_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event as it came in: `data` and `metadata` are JSON texts, not yet checked. `entity` is the type and id of
    what it is appended to."""

    environment: str
    name: str
    data: bytes
    idempotency_key: str = ""
    metadata: bytes = b"{}"
    version: int = 1
    source: str = "api"
    actor: str = ""
    run_id: str = ""
    entity: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """An event that passed the door, and the runs it starts. `drafts` are its entry and theirs, in that order."""

    event_id: str
    drafts: tuple[Draft, ...]
    run_ids: tuple[str, ...]
    function_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Emitted:
    """`duplicate` tells that the key was known and nothing was recorded now; the functions are then not named."""

    event_id: str
    run_ids: tuple[str, ...]
    duplicate: bool = False
    function_ids: tuple[str, ...] = ()


class Emitter:
    def __init__(self, *, committer: Committer, functions: Functions, schemas: Schemas, ids: Ids, clock: Clock) -> None:
        self._committer = committer
        self._functions = functions
        self._schemas = schemas
        self._ids = ids
        self._clock = clock

    async def emit(self, event: NewEvent) -> Emitted:
        """Raises InvalidArgument, PayloadTooLarge, IdempotencyConflict."""
        emitted: Emitted = await self._committer.commit(self.command(event))
        return emitted

    async def emit_batch(self, events: Sequence[NewEvent | IronflowError]) -> Sequence[Emitted | BaseException]:
        """One answer an event, in order: what was recorded, or why this one was not. An error among the events stands
        for one that could not be read, and is its own answer. Raises InvalidArgument for more than BATCH_MAX."""
        if len(events) > BATCH_MAX:
            raise InvalidArgument(
                f"{len(events)} events are too many at once", field="events", hint=f"at most {BATCH_MAX}"
            )
        answers: list[Any] = list(events)
        waiting = 1
        answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(number: int, answer: Any, error: BaseException | None) -> None:
            nonlocal waiting
            answers[number] = answer if error is None else error
            waiting -= 1
            if not waiting and not answered.done():
                answered.set_result(None)

        for number, event in enumerate(events):
            if isinstance(event, IronflowError):
                continue
            try:
                command = self.command(event)
            except IronflowError as error:
                answers[number] = error
                continue
            waiting += 1
            self._committer.submit(command, partial(done, number))
        waiting -= 1
        if waiting:
            await answered
        return answers

    def prepare(self, event: NewEvent, event_id: str = "") -> Prepared:
        """The event, checked, and the runs it starts, to be recorded by one command; without an id it gets one.
        Raises InvalidArgument, PayloadTooLarge."""
        patterns.validate_name(event.name, field="name")
        data = jsonvalue.check(event.data, field="data")
        metadata = _checked_metadata(event.metadata)
        check_key(event.idempotency_key)
        _check_source(event.source)
        if not 1 <= event.version <= VERSION_MAX:
            raise InvalidArgument(f"version {event.version} is out of range", field="version", hint="1 or more")
        self._schemas.check(event.environment, event.name, event.version, data)
        event_id = event_id or self._ids.event()
        functions = triggers.matching(
            self._functions.triggered(event.environment, event.name),
            lambda: _variables(event, event_id, data, metadata, self._clock.now_us()),
        )
        run_ids = tuple(self._ids.run() for _ in functions)
        drafts = tuple(_drafts(event, event_id, functions, run_ids))
        return Prepared(event_id, drafts, run_ids, tuple(function.fact.id for function in functions))

    def command(self, event: NewEvent) -> Command:
        """What records the event and its runs; its answer is an Emitted. Raises as `emit` does."""
        key = event.idempotency_key
        prepared = self.prepare(event, keyed_id(event.environment, key) if key else "")
        event_id, run_ids = prepared.event_id, prepared.run_ids
        emitted = Emitted(event_id, run_ids, function_ids=prepared.function_ids)
        where = noun.stream(event_id)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            known: Event | None = states[where]
            if known is None:
                return Decision(prepared.drafts, emitted)
            if known.fingerprint != noun.fingerprint(event.name, event.data):
                raise key_conflict(key, f"another event ({known.row.name})" if known.row else "an append to a stream")
            return Decision((), Emitted(event_id, known.run_ids, duplicate=True))

        runs = tuple(map(run_noun.stream, run_ids))
        if key:
            return Command(event.environment, (where,), decide, new=runs)
        return Command(event.environment, (), decide, new=(where, *runs))


def keyed_id(environment: str, key: str) -> str:
    """The event id that an idempotency key stands for. Raises InvalidArgument for one that cannot be used."""
    check_key(key)
    return ids.keyed("evt", environment, key)


def key_conflict(key: str, used_for: str) -> IdempotencyConflict:
    return IdempotencyConflict(
        f"idempotency key {key!r} was used for {used_for}",
        field="idempotency_key",
        hint="use a new key for new data, or send the same data again",
    )


def _drafts(event: NewEvent, event_id: str, functions: Sequence[Function], run_ids: Sequence[str]) -> list[Draft]:
    cause = run_noun.stream(event.run_id) if event.run_id else ""
    emitted = EventEmitted(
        id=event_id,
        name=event.name,
        data=msgspec.Raw(event.data),
        source=event.source,
        version=event.version,
        idempotency_key=event.idempotency_key,
        run_id=event.run_id,
        run_ids=tuple(run_ids),
    )
    where = entity.stream(*event.entity) if event.entity else noun.stream(event_id)
    drafts = [Draft(where, emitted, cause, event_id, event.actor, event.metadata.decode())]
    for function, run_id in zip(functions, run_ids, strict=True):
        created = RunCreated(
            function_id=function.fact.id,
            function_version=function.fact.version,
            event_id=event_id,
            event_name=event.name,
            retry=function.fact.retry,
            timeout_ms=function.fact.timeout_ms,
        )
        drafts.append(Draft(run_noun.stream(run_id), created, where, event_id, event.actor))
    return drafts


def _variables(event: NewEvent, event_id: str, data: Any, metadata: Any, now: int) -> Mapping[str, Any]:
    """The CEL variables of a trigger (see triggers.VARIABLES)."""
    timestamp = clock.rfc3339(now)
    envelope = {
        "id": event_id,
        "name": event.name,
        "data": data,
        "metadata": metadata,
        "source": event.source,
        "version": event.version,
        "timestamp": timestamp,
    }
    if event.entity:
        envelope["entity_type"], envelope["entity_id"] = event.entity
    namespace = event.name.partition(".")[0]
    return {**envelope, "event": envelope, "topic": event.name, "eventNamespace": namespace}


def _checked_metadata(metadata: bytes) -> Any:
    value = jsonvalue.check(metadata, field="metadata")
    if not isinstance(value, dict):
        raise InvalidArgument("metadata must be an object", field="metadata", hint='such as {"tenant": "a"}')
    return value


def check_key(key: str) -> None:
    """Returns for an idempotency key that can be used. Raises InvalidArgument."""
    if len(key.encode("utf-8", "surrogatepass")) > KEY_BYTES_MAX or any(
        not c.isprintable() or c.isspace() for c in key
    ):
        raise InvalidArgument(
            "idempotency_key is not usable",
            field="idempotency_key",
            hint=f"at most {KEY_BYTES_MAX} bytes of printable characters without spaces",
        )


def _check_source(source: str) -> None:
    if not source.isprintable() or len(source.encode("utf-8", "surrogatepass")) > SOURCE_BYTES_MAX:
        raise InvalidArgument(
            f"source {source[:40]!r} is not usable",
            field="source",
            hint=f"at most {SOURCE_BYTES_MAX} bytes of printable characters",
        )
