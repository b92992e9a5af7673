"""Consumer groups on JetStream, as one node sees them: for each group a feeder, and for each that has members here the
work of delivering. Everything begins anew whenever the connection to NATS is lost; members stay, and wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import structlog

from app.bus import queues
from app.bus.feeder import Feeder, OutOfStep
from app.bus.members import WINDOW_DEFAULT, WINDOW_MAX, Member, Sees
from app.bus.place import Place, failures
from app.bus.work import Lost, Settlement, Work
from app.cancelling import end
from app.errors import GroupNotFound, InvalidArgument, MemberNotFound, Unavailable
from app.events.group import Group
from app.events.groups import Groups
from app.history.entry import Entry
from app.history.fold import Fold
from app.history.subscriber import Subscriber
from app.history.tail import Tail
from app.ids import Ids
from storage import history
from storage.contract import Storage, StorageError, Transaction
from storage.records import EntryRecord

if TYPE_CHECKING:
    from nats.aio.client import Client

    from app.bus.peeking import Peeked

log = structlog.get_logger(__name__)

RETRY_S = (0.1, 5.0)
LAG_TIMEOUT_S = 5.0
LAGS_AT_ONCE = 8
LAGS_MAX = 200
"""Of so many groups a list tells where they are."""

Key = tuple[str, str]


class Lag(msgspec.Struct, frozen=True):
    """Where a group is. Everything up to `position` is settled; `pending` wait in its queue, `inflight` are with its
    members, and history was looked at up to `fed_to`: what is beyond has not been counted. `redelivered` of those in
    flight were delivered before."""

    position: int
    fed_to: int
    pending: int
    inflight: int
    redelivered: int
    stream: str
    consumer: str


class _Kept:
    """What this node keeps for one generation of a group."""

    def __init__(self, group: Group, feeder: Feeder, work: Work) -> None:
        self.group = group
        self.feeder = feeder
        self.work = work
        self.feeding: asyncio.Task[None] | None = None
        self.working: asyncio.Task[None] | None = None
        self.resting: asyncio.Task[None] | None = None


class GroupBus:
    """`up` says whether NATS is connected."""

    def __init__(self, *, place: Place, groups: Groups, storage: Storage, tail: Tail, fold: Fold, ids: Ids) -> None:
        self._place = place
        self._groups = groups
        self._storage = storage
        self._tail = tail
        self._fold = fold
        self._ids = ids
        self._kept: dict[Key, _Kept] = {}
        self._members: dict[str, Member] = {}
        self._client: Client | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._stopping = False
        groups.watch(self._changed)

    @property
    def up(self) -> bool:
        return self._client is not None

    @property
    def members(self) -> int:
        return len(self._members)

    @property
    def delivered_total(self) -> int:
        return sum(kept.work.delivered_total for kept in self._kept.values())

    @property
    def settled_total(self) -> int:
        return sum(kept.work.settled_total for kept in self._kept.values())

    def __iter__(self) -> Iterator[Member]:
        """Members that are connected to this node."""
        return iter(list(self._members.values()))

    def member_count(self, group: Group) -> int:
        """Members that are connected to this node."""
        kept = self._kept.get((group.environment, group.name))
        return len(kept.work.members) if kept else 0

    # Members.

    def join(
        self,
        environment: str,
        name: str,
        *,
        label: str = "",
        window: int = 0,
        sees: Sees | None = None,
        by: Subscriber | None = None,
    ) -> Member:
        """A new member; one that is given what it may not see, as `sees` raises, is ended with that. Raises
        GroupNotFound, InvalidArgument, Unavailable when the server stops."""
        if self._stopping:
            raise Unavailable("the server is stopping")
        group = self._groups.get(environment, name)
        if not 0 <= window <= WINDOW_MAX:
            raise InvalidArgument(f"window {window} is out of range", field="window", hint=f"1 to {WINDOW_MAX}")
        window = window or min(WINDOW_DEFAULT, group.settings.max_inflight)
        id = by.id if by is not None else self._ids.subscription()
        member = Member(id, environment, name, label=label[:255], window=window, sees=sees, by=by)
        self._members[member.id] = member
        kept = self._kept[environment, name]
        kept.work.join(member)
        self._work(kept)
        return member

    def leave(self, member: Member) -> None:
        """What it had in its hands goes to the others at once."""
        if self._members.pop(member.id, None) is None:
            return
        kept = self._kept.get((member.environment, member.group))
        if kept is not None:
            kept.work.leave(member)
            if not kept.work.members:
                self._rest(kept)

    def make_room(self, member: Member, count: int) -> None:
        """The member takes so many more than it has."""
        member.wants(count)
        if (kept := self._kept.get((member.environment, member.group))) is not None:
            kept.work.look()

    def give_back(self, member: Member) -> None:
        """What the member has not taken yet goes to others, and it gets no more until there is room again."""
        if (kept := self._kept.get((member.environment, member.group))) is not None:
            kept.work.give_back(member)

    def member(self, environment: str, name: str, member_id: str) -> Member:
        """Raises GroupNotFound, MemberNotFound."""
        self._groups.get(environment, name)
        member = self._members.get(member_id)
        if member is None or (member.environment, member.group) != (environment, name):
            raise MemberNotFound(
                f"group {name} has no member {member_id[:80]!r} here",
                field="consumer_id",
                hint="settle with the subscription id of the stream that delivered the event, while it is open",
            )
        return member

    async def settle(self, member: Member, settlements: Sequence[Settlement]) -> None:
        """Returns once NATS has it; what the member does not have is settled already. Raises Unavailable if nothing
        could be settled now, MemberNotFound if its group is gone."""
        if self._client is None:
            raise Unavailable("NATS is not connected", hint="settle it again in a moment")
        kept = self._kept.get((member.environment, member.group))
        if kept is None or member.id not in kept.work.members:
            raise MemberNotFound(f"member {member.id} is gone", field="consumer_id", hint="join again")
        await kept.work.settle(member, settlements)

    async def lag(self, group: Group) -> Lag:
        """Raises Unavailable while NATS is away."""
        client, kept = self._client, self._kept.get((group.environment, group.name))
        if client is None or kept is None:
            raise Unavailable("NATS is not connected", hint="see `ironflow outbox`")
        js = client.jetstream(timeout=LAG_TIMEOUT_S)
        try:
            queue = await queues.ensure(js, group, self._place.copies)
            info = await queues.progress(js, queue)
        except Exception as error:
            if isinstance(error, failures()):
                raise Unavailable(f"NATS does not answer: {error or type(error).__name__}") from None
            raise
        position = max(await self._groups.position(group), kept.feeder.settled)
        pending, inflight = info.num_pending or 0, info.num_ack_pending or 0
        if not pending and not inflight:
            position = max(position, kept.feeder.position)
        return Lag(
            position=position,
            fed_to=kept.feeder.position,
            pending=pending,
            inflight=inflight,
            redelivered=info.num_redelivered or 0,
            stream=queue.stream,
            consumer=queue.consumer,
        )

    async def lags(self, groups: Sequence[Group]) -> Mapping[str, Lag]:
        """Where each group is, by name; of those of which NATS tells nothing in LAG_TIMEOUT_S for all, nothing."""
        turns = asyncio.Semaphore(LAGS_AT_ONCE)
        until = asyncio.get_running_loop().time() + LAG_TIMEOUT_S

        async def told(group: Group) -> Lag | None:
            try:
                async with asyncio.timeout_at(until), turns:
                    return await self.lag(group)
            except (Unavailable, TimeoutError):
                return None

        found = await asyncio.gather(*map(told, groups[:LAGS_MAX]))
        return {group.name: lag for group, lag in zip(groups, found, strict=False) if lag is not None}

    async def peek(self, group: Group, *, limit: int) -> Sequence[Peeked]:
        """What its members get next, in order, at most `limit`; nothing is delivered. Raises Unavailable while NATS is
        away, and while its queue is ahead of history, until that is filled anew."""
        from app.bus import peeking

        client = self._client
        if client is None:
            raise Unavailable("NATS is not connected", hint="see `ironflow outbox`")
        js = client.jetstream(timeout=LAG_TIMEOUT_S)
        try:
            queue = await queues.ensure(js, group, self._place.copies)
            seen = await peeking.seen(js, queue, limit)
        except Exception as error:
            if isinstance(error, failures()):
                raise Unavailable(f"NATS does not answer: {error or type(error).__name__}") from None
            raise

        def read(tx: Transaction) -> tuple[int, list[EntryRecord | None]]:
            return history.head(tx)[0], [history.at(tx, one.position) for one in seen]

        head, records = await self._storage.read(read)
        if queue.fed > head:  # see Feeder.run
            raise Unavailable("the group's queue is filled anew from history", hint="look again in a moment")
        return [
            peeking.Peeked(Entry(record), one.delivered)
            for one, record in zip(seen, records, strict=True)
            if record is not None
        ]

    # What is kept going.

    async def run(self) -> None:
        """Deliver until cancelled; whatever happens to NATS is waited out."""
        await self._place.stay_connected(self._deliver)

    def stop(self) -> None:
        """Take no new member, and end those there are."""
        self._stopping = True
        for member in list(self._members.values()):
            member.end(Unavailable("the server is stopping"))

    async def _deliver(self, client: Client, closed: asyncio.Event) -> None:
        """Deliver for as long as the connection holds."""
        await self._sweep(client)
        async with asyncio.TaskGroup() as tasks:
            self._client, self._tasks = client, tasks
            try:
                for kept in self._kept.values():
                    self._feed(kept)
                    self._work(kept)
                await closed.wait()
            finally:
                self._client = self._tasks = None
                ending = [task for kept in self._kept.values() for task in (kept.feeding, kept.working)]
                for kept in self._kept.values():
                    kept.feeding = kept.working = None
                await end(*ending)

    async def _sweep(self, client: Client) -> None:
        """Take away the queues of generations that are over."""
        js = client.jetstream(timeout=LAG_TIMEOUT_S)
        for name in await queues.names(js):
            environment, group_name, generation = queues.of_name(name)
            known = self._groups.known(environment, group_name)
            if known is not None and (known.generation > generation or not known.exists):
                await queues.delete(js, name)

    def _changed(self, group: Group) -> None:
        key = (group.environment, group.name)
        before = self._kept.get(key)
        if before is not None and group.exists and group.generation == before.group.generation:
            again = group.settings != before.group.settings
            before.group = group
            before.work.change(group)
            if again and before.working is not None:  # its consumer is made as the settings say
                self._rest(before)
                self._work(before)
            return
        if before is not None:
            self._drop(before, group)
        if group.exists:
            copies = self._place.copies
            feeder = Feeder(group, storage=self._storage, tail=self._tail, fold=self._fold, copies=copies)
            work = Work(group, groups=self._groups, tail=self._tail, settled=feeder.touch, copies=copies)
            kept = self._kept[key] = _Kept(group, feeder, work)
            if before is not None:
                for member in before.work.members.values():
                    member.forget()
                    work.join(member)
            self._feed(kept)
            self._work(kept)

    def _drop(self, kept: _Kept, now: Group) -> None:
        """The generation is over; its members go on with the next one, if there is one."""
        self._end(kept.feeding)
        self._rest(kept)
        if not now.exists:
            self._kept.pop((now.environment, now.name))
            for member in kept.work.members.values():
                self._members.pop(member.id, None)
                member.end(GroupNotFound(f"group {now.name} was deleted", field="name"))
        if self._tasks is not None and self._client is not None:
            js = self._client.jetstream(timeout=LAG_TIMEOUT_S)
            work = partial(self._deleted, partial(queues.delete, js, queues.stream_name(kept.group)))
            self._tasks.create_task(work())

    async def _deleted(self, delete: Callable[[], Awaitable[None]]) -> None:
        try:
            await delete()
        except Exception as error:
            if not isinstance(error, failures()):
                raise  # else it is swept when NATS is connected again

    def _feed(self, kept: _Kept) -> None:
        if self._tasks is not None and self._client is not None:
            run = partial(kept.feeder.run, self._client)
            kept.feeding = self._tasks.create_task(self._insist(run, kept.group, "feeding"))

    def _work(self, kept: _Kept) -> None:
        if self._tasks is not None and self._client is not None and kept.work.members and kept.working is None:
            run = partial(self._after, kept.resting, partial(kept.work.run, self._client))
            kept.working = self._tasks.create_task(self._insist(run, kept.group, "delivering"))

    def _rest(self, kept: _Kept) -> None:
        """Deliver no more; whoever delivers for it next begins when this has ended."""
        if kept.working is not None:
            kept.resting, kept.working = self._end(kept.working, kept.resting), None

    def _end(
        self, task: asyncio.Task[None] | None, before: asyncio.Task[None] | None = None
    ) -> asyncio.Task[None] | None:
        """What ends the task, and is over when the one before is as well, for which the task may still have waited;
        there is none if NATS is not connected."""
        return self._tasks.create_task(self._ended(task, before)) if self._tasks is not None else None

    async def _ended(self, task: asyncio.Task[None] | None, before: asyncio.Task[None] | None) -> None:
        await end(task)
        if before is not None:
            await asyncio.wait((before,))

    async def _after(self, before: asyncio.Task[None] | None, run: Callable[[], Awaitable[None]]) -> None:
        if before is not None:
            await asyncio.wait((before,))
        await run()

    async def _insist(self, run: Callable[[], Awaitable[None]], group: Group, doing: str) -> None:
        """Run it again and again while it fails for reasons that pass."""
        delay_s, complained = RETRY_S[0], False
        while True:
            started = asyncio.get_running_loop().time()
            try:
                await run()
                return
            except Exception as error:
                if not _passing(error):
                    raise
                if asyncio.get_running_loop().time() - started > RETRY_S[1]:
                    delay_s, complained = RETRY_S[0], False
                if not complained:
                    log.info("a group is interrupted, trying again", group=group.name, doing=doing, reason=_told(error))
                complained = True
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_S[1])


def _passing(error: BaseException) -> bool:
    """Whether it may go better the next time."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(_passing, error.exceptions))
    return isinstance(error, (OutOfStep, Lost, StorageError, *failures()))


def _told(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__
