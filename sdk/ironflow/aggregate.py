"""Aggregates: entities as objects that decide and fold their events.

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

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, overload

from ironflow.calls import Call, Json, Plan
from ironflow.entities import DELETED, Append, Appended, EntityEvent, all_events, append_call, appended_of, path_of
from ironflow.errors import Conflict

if TYPE_CHECKING:
    from ironflow.parts import Follows, FollowsAsync
    from ironflow.upcasting import Upcasters

ATTEMPTS = 10


class Aggregate:
    """An entity as an object: methods decide and `record`, `apply` folds. See the module's example.

    With `snapshot_every` N its fields are kept every N versions, and loading goes on from there; they must be JSON
    then, or `to_snapshot` and `from_snapshot` make them so. With `upcasters`, `apply` sees events as of their newest
    version, and those that are recorded have it.
    """

    entity_type: ClassVar[str]
    snapshot_every: ClassVar[int] = 0
    upcasters: ClassVar[Upcasters | None] = None

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
        self, name: str, data: Any = None, *, metadata: Mapping[str, Any] | None = None, schema_version: int = 0
    ) -> None:
        """What a decision came to: applied at once, appended by `save`. Its version is the newest that the upcasters
        know, 1 without any."""
        version = schema_version or (self.upcasters.newest(name) if self.upcasters else 0) or 1
        event = EntityEvent(name, data, metadata or {}, version)
        self.apply(self.upcasters.event(event) if self.upcasters else event)
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
        found = yield Call("GET", path_of(id, "/snapshot"), {"type": type}, again=True, accept=(404,))
        snapshot = found if "state" in found else None
    after_version = snapshot["version"] if snapshot else 0
    found_events = yield from all_events(type, id, after_version, at, deletion=True)
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
            aggregate.apply(kind.upcasters.event(event) if kind.upcasters else event)
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
    [appended] = appended_of((yield append_call([append], idempotency_key)))
    aggregate.version = appended.version
    aggregate._unsaved.clear()
    if state is not None and appended.version == after:
        body = {"entityType": kind.entity_type, "version": after, "state": state}
        # The events are recorded, so that it is no error if somebody deleted the entity since.
        yield Call("PUT", path_of(aggregate.id, "/snapshot"), body=body, again=True, accept=(404, 412))
    return appended
