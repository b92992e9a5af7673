"""Entities: streams of events that belong to one thing. `aggregate` folds and decides them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar

from ironflow.calls import Call, Json, Page, Plan, quoted
from ironflow.errors import from_answer

if TYPE_CHECKING:
    from ironflow.parts import Follows, FollowsAsync
    from ironflow.upcasting import Upcasters

PAGE = 1_000
DELETED = "$stream.deleted"

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EntityEvent:
    """An event of an entity. `version` is its place in the stream, from 1; 0 before it is saved."""

    name: str
    data: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    schema_version: int = 1
    version: int = 0
    id: str = ""


@dataclass(frozen=True, slots=True)
class Appended:
    """`version` is that of the last event; `duplicate` tells that the idempotency key was known."""

    version: int
    event_ids: tuple[str, ...]
    run_ids: tuple[str, ...]
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Append:
    """What is to be appended to one of several entities at once; no events for a mere condition."""

    type: str
    id: str
    events: Sequence[EntityEvent] = ()
    expected_version: int | None = None


def append(
    type: str,
    id: str,
    *events: EntityEvent,
    expected_version: int | None = None,
    idempotency_key: str | None = None,
) -> Plan[Appended]:
    """Append to an entity, which comes into being with its first event. Without an expected version any will do; 0 is
    an entity that does not exist yet. Raises Conflict (VERSION_CONFLICT); with a key it is safe to try again."""
    return appended_of((yield append_call([Append(type, id, events, expected_version)], idempotency_key)))[0]


def append_all(*appends: Append, idempotency_key: str | None = None) -> Plan[list[Appended]]:
    """Append to several entities, all or nothing; one answer each. Raises Conflict (VERSION_CONFLICT)."""
    return appended_of((yield append_call(appends, idempotency_key)))


def read(
    type: str,
    id: str,
    *,
    from_version: int = 0,
    limit: int = 100,
    direction: str = "forward",
    at: int | str | None = None,
) -> Plan[Page]:
    """Events as dicts, oldest first, or with direction `backward` newest first. `next_cursor` is the version to go on
    from. `at` is a position of history or a time: what was there then."""
    params = {"type": type, "from_version": from_version, "limit": limit, "direction": direction, "at": at}
    answer = yield Call("GET", path_of(id, "/events"), _given(params), again=True)
    return Page(answer["events"], str(answer.get("nextVersion", "")), answer["totalCount"])


def events(
    type: str,
    id: str,
    *,
    after_version: int = 0,
    at: int | str | None = None,
    upcasters: Upcasters | None = None,
) -> Plan[list[EntityEvent]]:
    """Every event after a version, oldest first, without the deletion at the end; with `upcasters` as of their newest
    version. Raises NotFound, UpcastError."""
    found = (yield from all_events(type, id, after_version, at)) or []
    return [upcasters.event(event) for event in found] if upcasters else found


def info(type: str, id: str, *, at: int | str | None = None) -> Plan[Json]:
    """Version, count of events, times, and whether the entity was deleted. Raises NotFound."""
    found: Json = yield Call("GET", path_of(id), _given({"type": type, "at": at}), again=True)
    return found


def history(type: str, id: str, *, from_version: int = 0, limit: int = 100) -> Plan[Page]:
    """Events as dicts with the runs each of them started, and their steps."""
    params = {"type": type, "from_version": from_version, "limit": limit}
    answer = yield Call("GET", path_of(id, "/history"), _given(params), again=True)
    return Page(answer["events"], str(answer.get("nextVersion", "")), answer["totalCount"])


def list_streams(
    *,
    type: str | None = None,
    search: str | None = None,
    include_deleted: bool = False,
    limit: int = 100,
    cursor: str | None = None,
) -> Plan[Page]:
    """Entities as dicts, by id."""
    params = {"type": type, "search": search, "limit": limit, "cursor": cursor}
    if include_deleted:
        params["include_deleted"] = "true"
    answer = yield Call("GET", "/api/v1/streams", _given(params), again=True)
    return Page(answer["streams"], answer.get("next_cursor", ""), answer["total"])


def delete(
    type: str, id: str, *, expected_version: int | None = None, reason: str | None = None, purge: bool = False
) -> Plan[int]:
    """The version at the end. The past can still be read, nothing can be appended. With `purge` what its events said
    goes for good, also of an entity that is deleted already. Raises NotFound, Conflict."""
    params = {"type": type, "expected_version": expected_version, "reason": reason, "purge": "true" if purge else None}
    version: int = (yield Call("DELETE", path_of(id), _given(params), again=True))["version"]
    return version


def save_snapshot(type: str, id: str, *, version: int, state: Any) -> Plan[Json]:
    """Keep what the entity's events up to a version were folded to."""
    body = {"entityType": type, "version": version, "state": state}
    kept: Json = yield Call("PUT", path_of(id, "/snapshot"), body=body, again=True)
    return kept


def snapshot(type: str, id: str, *, version: int | None = None) -> Plan[Json]:
    """The newest snapshot, or the newest that is not of a later version. Raises NotFound."""
    found: Json = yield Call("GET", path_of(id, "/snapshot"), _given({"type": type, "version": version}), again=True)
    return found


class _Bound(Generic[P, T]):
    """An operation on an entity as a blocking method of its stream."""

    def __init__(self, operation: Callable[Concatenate[str, str, P], Plan[T]]) -> None:
        self.__doc__ = operation.__doc__
        self._operation = operation

    def __get__(self, stream: Stream, owner: type) -> Callable[P, T]:
        @functools.wraps(self._operation)
        def method(*args: P.args, **kwargs: P.kwargs) -> T:
            return stream.client.follow(self._operation(stream.type, stream.id, *args, **kwargs))

        return method


class _BoundAsync(Generic[P, T]):
    """The same, to be awaited."""

    def __init__(self, operation: Callable[Concatenate[str, str, P], Plan[T]]) -> None:
        self.__doc__ = operation.__doc__
        self._operation = operation

    def __get__(self, stream: AsyncStream, owner: type) -> Callable[P, Coroutine[Any, Any, T]]:
        @functools.wraps(self._operation)
        async def method(*args: P.args, **kwargs: P.kwargs) -> T:
            return await stream.client.follow(self._operation(stream.type, stream.id, *args, **kwargs))

        return method


@dataclass(frozen=True, slots=True)
class Stream:
    """The stream of one entity: `Stream(client, "order", "42").append(EntityEvent("order.placed"))`."""

    client: Follows
    type: str
    id: str

    append = _Bound(append)
    read = _Bound(read)
    events = _Bound(events)
    info = _Bound(info)
    history = _Bound(history)
    delete = _Bound(delete)
    save_snapshot = _Bound(save_snapshot)
    snapshot = _Bound(snapshot)


@dataclass(frozen=True, slots=True)
class AsyncStream:
    """As `Stream`, over an AsyncClient, with methods to be awaited."""

    client: FollowsAsync
    type: str
    id: str

    append = _BoundAsync(append)
    read = _BoundAsync(read)
    events = _BoundAsync(events)
    info = _BoundAsync(info)
    history = _BoundAsync(history)
    delete = _BoundAsync(delete)
    save_snapshot = _BoundAsync(save_snapshot)
    snapshot = _BoundAsync(snapshot)


def all_events(
    type: str, id: str, after_version: int, at: int | str | None, *, deletion: bool = False
) -> Plan[list[EntityEvent] | None]:
    """With `deletion`, the deletion at the end too, and None for a stream that is none; else NotFound is raised."""
    found: list[EntityEvent] = []
    version: int | None = after_version + 1
    while version:
        params = _given({"type": type, "from_version": version, "limit": PAGE, "at": at})
        answer = yield Call("GET", path_of(id, "/events"), params, again=True, accept=(404,) if deletion else ())
        if "events" not in answer:
            if answer.get("code") == "STREAM_NOT_FOUND":
                return None
            raise from_answer(404, answer)
        found += [_entity_event(one) for one in answer["events"] if deletion or one["name"] != DELETED]
        version = answer.get("nextVersion")
    return found


def append_call(appends: Sequence[Append], idempotency_key: str | None) -> Call:
    body: Json = {
        "appends": [
            {
                "entityType": one.type,
                "entityId": one.id,
                "expectedVersion": -1 if one.expected_version is None else one.expected_version,
                "events": [_event(event) for event in one.events],
            }
            for one in appends
        ]
    }
    if idempotency_key is not None:
        body["idempotencyKey"] = idempotency_key
    return Call("POST", "/api/v1/streams", body=body, again=idempotency_key is not None)


def _event(event: EntityEvent) -> Json:
    body: Json = {"name": event.name, "data": event.data}
    if event.metadata:
        body["metadata"] = dict(event.metadata)
    if event.schema_version != 1:
        body["version"] = event.schema_version
    return body


def _entity_event(told: Json) -> EntityEvent:
    return EntityEvent(told["name"], told["data"], told["metadata"], told["schemaVersion"], told["version"], told["id"])


def appended_of(answer: Json) -> list[Appended]:
    run_ids, duplicate = tuple(answer["runIds"]), bool(answer.get("duplicate", False))
    return [Appended(one["entityVersion"], tuple(one["eventIds"]), run_ids, duplicate) for one in answer["streams"]]


def _given(params: Mapping[str, Any]) -> Json:
    return {name: value for name, value in params.items() if value not in (None, "")}


def path_of(id: str, rest: str = "") -> str:
    return f"/api/v1/streams/{quoted(id)}{rest}"
