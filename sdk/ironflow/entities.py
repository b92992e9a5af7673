"""Entities: streams of events that belong to one thing, and aggregates that fold and decide them.

class Order(Aggregate):
    entity_type = "order"

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.status = "new"

    def place(self, lines: list[str]) -> None:            # decides: refuses, or records what happened
        if self.status != "new":
            raise ValueError(f"{self.id} is {self.status}")
        self.record("order.placed", {"lines": lines})

    def apply(self, event: EntityEvent) -> None:           # folds: changes fields, never refuses
        match event.name:
            case "order.placed":
                self.status = "placed"

Order.change(client, "42", lambda order: order.place(["a book"]))
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic, ParamSpec, Self, TypeVar, overload
from urllib.parse import quote

from ironflow.calls import Call, Json, Page, Plan
from ironflow.errors import Conflict, from_answer

if TYPE_CHECKING:
    from ironflow.parts import Follows, FollowsAsync

PAGE = 1_000
ATTEMPTS = 10
NEW = 0
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
    return _appended((yield _append([Append(type, id, events, expected_version)], idempotency_key)))[0]


def append_all(*appends: Append, idempotency_key: str | None = None) -> Plan[list[Appended]]:
    """Append to several entities, all or nothing; one answer each. Raises Conflict (VERSION_CONFLICT)."""
    return _appended((yield _append(appends, idempotency_key)))


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
    answer = yield Call("GET", _path(id, "/events"), _given(params), again=True)
    return Page(answer["events"], str(answer.get("nextVersion", "")), answer["totalCount"])


def events(type: str, id: str, *, after_version: int = 0, at: int | str | None = None) -> Plan[list[EntityEvent]]:
    """Every event after a version, oldest first, without the deletion at the end. Raises NotFound."""
    return (yield from _all_events(type, id, after_version, at)) or []


def info(type: str, id: str, *, at: int | str | None = None) -> Plan[Json]:
    """Version, count of events, times, and whether the entity was deleted. Raises NotFound."""
    found: Json = yield Call("GET", _path(id), _given({"type": type, "at": at}), again=True)
    return found


def history(type: str, id: str, *, from_version: int = 0, limit: int = 100) -> Plan[Page]:
    """Events as dicts with the runs each of them started, and their steps."""
    params = {"type": type, "from_version": from_version, "limit": limit}
    answer = yield Call("GET", _path(id, "/history"), _given(params), again=True)
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


def delete(type: str, id: str, *, expected_version: int | None = None, reason: str | None = None) -> Plan[int]:
    """The version at the end. The past can still be read, nothing can be appended. Raises NotFound, Conflict."""
    params = {"type": type, "expected_version": expected_version, "reason": reason}
    version: int = (yield Call("DELETE", _path(id), _given(params), again=True))["version"]
    return version


def save_snapshot(type: str, id: str, *, version: int, state: Any) -> Plan[Json]:
    """Keep what the entity's events up to a version were folded to."""
    body = {"entityType": type, "version": version, "state": state}
    kept: Json = yield Call("PUT", _path(id, "/snapshot"), body=body, again=True)
    return kept


def snapshot(type: str, id: str, *, version: int | None = None) -> Plan[Json]:
    """The newest snapshot, or the newest that is not of a later version. Raises NotFound."""
    found: Json = yield Call("GET", _path(id, "/snapshot"), _given({"type": type, "version": version}), again=True)
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


class Aggregate:
    """An entity as an object: methods decide and `record`, `apply` folds. See the module's example.

    With `snapshot_every` N its fields are kept every N versions, and loading goes on from there; they must be JSON
    then, or `to_snapshot` and `from_snapshot` make them so.
    """

    entity_type: ClassVar[str]
    snapshot_every: ClassVar[int] = 0

    def __init__(self, id: str) -> None:
        self.id = id
        self.version = 0
        """Of the last event that was saved; 0 for an entity that does not exist yet."""
        self.deleted = False
        self._unsaved: list[EntityEvent] = []

    def apply(self, event: EntityEvent) -> None:
        """Fold an event into the fields. It must not refuse: the event has happened."""
        raise NotImplementedError(f"{type(self).__name__}.apply")

    def record(
        self, name: str, data: Any = None, *, metadata: Mapping[str, Any] | None = None, schema_version: int = 1
    ) -> None:
        """What a decision came to: applied at once, appended by `save`."""
        event = EntityEvent(name, data, metadata or {}, schema_version)
        self.apply(event)
        self._unsaved.append(event)

    @property
    def unsaved(self) -> Sequence[EntityEvent]:
        """What was recorded since the last save."""
        return tuple(self._unsaved)

    def to_snapshot(self) -> Any:
        """The fields, for `from_snapshot`."""
        return {name: value for name, value in vars(self).items() if name not in _OWN}

    def from_snapshot(self, state: Any) -> None:
        """Take the fields up again."""
        vars(self).update(state)

    @overload
    @classmethod
    def load(cls, client: Follows, id: str, *, at: int | str | None = None) -> Self: ...
    @overload
    @classmethod
    def load(cls, client: FollowsAsync, id: str, *, at: int | str | None = None) -> Coroutine[Any, Any, Self]: ...
    @classmethod
    def load(cls, client: Any, id: str, *, at: int | str | None = None) -> Any:
        """The entity, folded from its events; a new one, at version 0, if it has none. `at` is a position of history
        or a time. To be awaited with an AsyncClient."""
        fetched = client.follow(_fetched(cls.entity_type, id, at, snapshots=bool(cls.snapshot_every)))
        if inspect.isawaitable(fetched):
            return _loaded_async(cls, id, fetched)
        return _loaded(cls, id, fetched)

    @overload
    def save(self, client: Follows, *, idempotency_key: str | None = None) -> Appended | None: ...
    @overload
    def save(
        self, client: FollowsAsync, *, idempotency_key: str | None = None
    ) -> Coroutine[Any, Any, Appended | None]: ...
    def save(self, client: Any, *, idempotency_key: str | None = None) -> Any:
        """Append what was recorded, if nobody else did since it was loaded; None if nothing was. Raises Conflict: load
        again and decide again, or leave that to `change`."""
        after, every = self.version + len(self._unsaved), self.snapshot_every
        state = self.to_snapshot() if every and self.version // every != after // every else None
        return client.follow(_saved(self, idempotency_key, state, after))

    @overload
    @classmethod
    def change(
        cls, client: Follows, id: str, decide: Callable[[Self], object], *, attempts: int = ATTEMPTS
    ) -> Self: ...
    @overload
    @classmethod
    def change(
        cls, client: FollowsAsync, id: str, decide: Callable[[Self], object], *, attempts: int = ATTEMPTS
    ) -> Coroutine[Any, Any, Self]: ...
    @classmethod
    def change(cls, client: Any, id: str, decide: Callable[[Self], object], *, attempts: int = ATTEMPTS) -> Any:
        """Load, decide, save: the entity as it is then. When another was faster, it is loaded and decided again, so
        `decide` may be called several times. Raises Conflict after so many attempts, and whatever `decide` raises."""
        if inspect.iscoroutinefunction(client.follow):
            return _changed_async(cls, client, id, decide, attempts)
        for left in reversed(range(attempts)):
            aggregate = cls.load(client, id)
            decide(aggregate)
            try:
                aggregate.save(client)
            except Conflict as conflict:
                _give_up(conflict, left)
            else:
                return aggregate
        raise ValueError(f"{attempts} attempts are none")


_OWN = frozenset(("id", "version", "deleted", "_unsaved"))

A = TypeVar("A", bound=Aggregate)


# What is fetched is folded outside of a plan: an error of user code is none of the server's answer.


@dataclass(frozen=True, slots=True)
class _Fetched:
    snapshot: Json | None
    events: Sequence[EntityEvent]


def _fetched(type: str, id: str, at: int | str | None, *, snapshots: bool) -> Plan[_Fetched]:
    """The newest snapshot, if one is wanted and there, and the events after it; nothing for a stream that is none."""
    snapshot = None
    if snapshots and at is None:
        found = yield Call("GET", _path(id, "/snapshot"), {"type": type}, again=True, accept=(404,))
        snapshot = found if "state" in found else None
    after_version = snapshot["version"] if snapshot else 0
    found_events = yield from _all_events(type, id, after_version, at, deletion=True)
    return _Fetched(snapshot, found_events or ())


def _loaded(kind: type[A], id: str, fetched: _Fetched) -> A:
    aggregate = kind(id)
    if fetched.snapshot is not None:
        aggregate.from_snapshot(fetched.snapshot["state"])
        aggregate.version = fetched.snapshot["version"]
    for event in fetched.events:
        if event.name == DELETED:
            aggregate.deleted = True
        else:
            aggregate.apply(event)
        aggregate.version = event.version
    return aggregate


async def _loaded_async(kind: type[A], id: str, fetched: Awaitable[_Fetched]) -> A:
    return _loaded(kind, id, await fetched)


async def _changed_async(
    kind: type[A], client: FollowsAsync, id: str, decide: Callable[[A], object], attempts: int
) -> A:
    for left in reversed(range(attempts)):
        aggregate = await kind.load(client, id)
        decide(aggregate)
        try:
            await aggregate.save(client)
        except Conflict as conflict:
            _give_up(conflict, left)
        else:
            return aggregate
    raise ValueError(f"{attempts} attempts are none")


def _give_up(conflict: Conflict, left: int) -> None:
    """Returns if deciding again may help."""
    if conflict.code != "VERSION_CONFLICT" or not left:
        raise conflict


def _saved(aggregate: Aggregate, idempotency_key: str | None, state: Any, after: int) -> Plan[Appended | None]:
    """`state` is kept as of version `after`, if there is one. Raises Conflict; the aggregate is as it was then."""
    if not aggregate._unsaved:
        return None
    kind = type(aggregate)
    append = Append(kind.entity_type, aggregate.id, aggregate._unsaved, aggregate.version)
    [appended] = _appended((yield _append([append], idempotency_key)))
    aggregate.version = appended.version
    aggregate._unsaved.clear()
    if state is not None and appended.version == after:
        body = {"entityType": kind.entity_type, "version": after, "state": state}
        # The events are recorded, so that it is no error if somebody deleted the entity since.
        yield Call("PUT", _path(aggregate.id, "/snapshot"), body=body, again=True, accept=(404, 412))
    return appended


def _all_events(
    type: str, id: str, after_version: int, at: int | str | None, *, deletion: bool = False
) -> Plan[list[EntityEvent] | None]:
    """With `deletion`, the deletion at the end too, and None for a stream that is none; else NotFound is raised."""
    found: list[EntityEvent] = []
    version: int | None = after_version + 1
    while version:
        params = _given({"type": type, "from_version": version, "limit": PAGE, "at": at})
        answer = yield Call("GET", _path(id, "/events"), params, again=True, accept=(404,) if deletion else ())
        if "events" not in answer:
            if answer.get("code") == "STREAM_NOT_FOUND":
                return None
            raise from_answer(404, answer)
        found += [_entity_event(one) for one in answer["events"] if deletion or one["name"] != DELETED]
        version = answer.get("nextVersion")
    return found


def _append(appends: Sequence[Append], idempotency_key: str | None) -> Call:
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


def _appended(answer: Json) -> list[Appended]:
    run_ids, duplicate = tuple(answer["runIds"]), bool(answer.get("duplicate", False))
    return [Appended(one["entityVersion"], tuple(one["eventIds"]), run_ids, duplicate) for one in answer["streams"]]


def _given(params: Mapping[str, Any]) -> Json:
    return {name: value for name, value in params.items() if value not in (None, "")}


def _path(id: str, rest: str = "") -> str:
    return f"/api/v1/streams/{quote(id, safe='')}{rest}"
