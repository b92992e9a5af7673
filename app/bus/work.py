"""What one node does for one group: asks its queue for as much as its members have room for, hands it to whoever has
most, and tells the queue what became of each.

A settlement is answered once NATS has it. What cannot be delivered any more is recorded in history first, as a dead
letter, and only then taken out of the queue: nothing is lost between the two.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from app import clock
from app.bus import queues
from app.bus.members import Delivery, Envelope, Member, delivery
from app.bus.telling import Telling
from app.cancelling import end, through
from app.errors import Unavailable
from app.events.deliveries import Delivery as Told
from app.events.group import Group
from app.events.groups import Groups
from app.history.insist import insist
from app.history.kinds import EMPTY, NULL, GroupDeadLettered
from app.history.tail import Tail
from storage import history
from storage.records import EntryRecord

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

PULL_EXPIRES_S = 30.0
HEARTBEAT_S = 2.0
SILENCE_S = 5.0
"""Two heartbeats did not come: whoever was to answer a request is gone, and took it along."""
TIMEOUT_S = 10.0
FINISH_TIMEOUT_S = 12.0

ACK, TERM, NAK_NOW, NAK_SOON = b"+ACK", b"+TERM", b"-NAK", b'-NAK {"delay": 1000000000}'

_envelope = msgspec.json.Decoder(Envelope)

Verdict = Literal["ack", "nak", "term"]


class Settlement(NamedTuple):
    """What a member says of an event; a delay under 0 means the group's own. One that is `unseen` goes back at once,
    and its delivery does not count."""

    event_id: str
    verdict: Verdict
    delay_ms: int = -1
    reason: str = ""
    unseen: bool = False


class Pull(NamedTuple):
    """A request to the queue: its number, how many messages it may still bring, and when it is over for certain. There
    is one at a time: NATS serves several in turns and messages do not tell which one they answer, so that nobody could
    say how much is still coming."""

    number: int
    left: int
    until: float


class Lost(Exception):
    """The queue does not answer as it should: begin anew."""


class Work:
    """`settled` is called when something was settled here."""

    def __init__(self, group: Group, *, groups: Groups, tail: Tail, settled: Callable[[], None], copies: int) -> None:
        self.group = group
        self._copies = copies
        self.members: dict[str, Member] = {}
        self._groups = groups
        self._tail = tail
        self._settled = settled
        self._consumer = ""
        self._resting = False
        self._pull: Pull | None = None
        self._heard_at = 0.0
        self._number = 0
        self._wake = asyncio.Event()
        self._telling = Telling()
        self._burying: set[int] = set()
        self._uncounted: dict[int, int] = {}
        self._failure: Exception | None = None
        self.delivered_total = 0
        self.settled_total = 0

    @property
    def _ack_wait_s(self) -> float:
        return self.group.settings.ack_wait_ms / 1_000

    # Members.

    def join(self, member: Member) -> None:
        self.members[member.id] = member
        member.pause(self.group.status != "active")
        self._wake.set()

    def leave(self, member: Member) -> None:
        """What it had goes to the others at once. What was not sent to it does not count as delivered; of the rest
        one may be what it died of."""
        self.members.pop(member.id, None)
        self.give_back(member)
        for given in member.drain():
            self._tell(given, NAK_NOW)
        self._wake.set()

    def look(self) -> None:
        """A member has room that it had not."""
        self._wake.set()

    def give_back(self, member: Member) -> None:
        """What the member did not take yet goes to others, and does not count as delivered; it gets no more."""
        member.leaving = True
        for given in member.unsent():
            self._give_back(given, NAK_NOW)

    def change(self, group: Group) -> None:
        """The group changed within its generation."""
        self.group = group
        for member in self.members.values():
            member.pause(group.status != "active")
        self._wake.set()

    async def settle(self, member: Member, settlements: Sequence[Settlement]) -> None:
        """Returns once NATS has it, also where delivering begins anew meanwhile; what is not in the member's hands is
        settled already. Raises Unavailable if NATS does not take it in time: then it can be settled again."""
        if any(told.unseen for told in settlements):
            member.leaving = True
        popped: list[Delivery] = []
        for told in settlements:
            given = member.inflight.pop(told.event_id, None)
            if given is not None:
                popped.append(given)
                self._settle(given, told)
        self.settled_total += len(popped)
        self._wake.set()
        try:
            await self._telling.sent()
        except Unavailable:
            for given in popped:
                member.inflight.setdefault(given.event_id, given)
            raise
        self._settled()

    def _settle(self, given: Delivery, told: Settlement) -> None:
        settings = self.group.settings
        if told.unseen:
            self._give_back(given, NAK_NOW)
            return
        if told.verdict != "nak":
            self._uncounted.pop(given.number, None)
        if told.verdict == "ack":
            self._tell(given, ACK)
        elif told.verdict == "term":
            self._bury(given, "terminated", told.reason)
        elif given.attempt > settings.max_redeliveries:
            self._bury(given, "redelivered", told.reason)
        else:
            delay_ms = told.delay_ms if told.delay_ms >= 0 else settings.redeliver_delay_ms
            self._tell(given, b'-NAK {"delay": %d}' % (delay_ms * 1_000_000) if delay_ms else NAK_NOW)

    def _give_back(self, given: Delivery, verdict: bytes) -> None:
        """Nobody looked at it: the delivery does not count."""
        self._uncounted[given.number] = self._uncounted.get(given.number, 0) + 1
        self._tell(given, verdict)

    def _bury(self, given: Delivery, cause: str, reason: str) -> None:
        if given.number in self._burying:
            return
        self._burying.add(given.number)
        fact = GroupDeadLettered(
            group=self.group.name,
            entry=given.position,
            fed=given.fed,
            event_id=given.event_id,
            topic=given.told.topic,
            deliveries=given.attempt,
            cause=cause,
            reason=reason,
        )

        def done(answer: Any, error: BaseException | None) -> None:
            self._burying.discard(given.number)
            if error is None:
                self._tell(given, TERM)
                self._settled()

        insist(lambda told: self._groups.bury(self.group.environment, fact, told), done)

    # What is written to NATS.

    def _tell(self, given: Delivery, verdict: bytes) -> None:
        if f".{self._consumer}." in given.reply:  # else it is of a queue that is gone
            self._telling.tell(given.reply, verdict)

    def _over(self, last: asyncio.Event, writing: asyncio.Task[None]) -> None:
        """Whatever ended the writing too soon, asking ends as well: nothing that is told would be written any more. The
        task group alone does not see to it, as nats-py swallows cancellations."""
        if not last.is_set():
            self._failure = Lost("what was told can be written no more")
            self._wake.set()

    async def _finish(
        self, client: Client, received: Subscription, writing: asyncio.Task[None], last: asyncio.Event
    ) -> None:
        """Take no more. What is on its way here still finds a member, or goes back, and NATS has what was told of
        it: otherwise it would be with nobody until it is due again."""
        self._resting = True
        try:
            async with asyncio.timeout(FINISH_TIMEOUT_S):
                if not client.is_closed:
                    await received.drain()  # type: ignore[no-untyped-call]
                last.set()
                self._telling.look()
                await writing
        finally:
            await end(writing)
            if client.is_closed:
                self._telling.drop()

    # What is read from it.

    async def run(self, client: Client) -> None:
        """Deliver until cancelled. Raises Lost, and what nats-py raises."""
        js = client.jetstream(timeout=TIMEOUT_S)
        queue = await queues.ensure(js, self.group, self._copies)
        if queue.consumer != self._consumer:
            self._consumer = queue.consumer
            self._uncounted = {}
            for member in self.members.values():
                member.forget()
        inbox = client.new_inbox()
        received = await client.subscribe(f"{inbox}.*", cb=self._receive)
        self._failure = None
        self._pull = None
        self._resting = False
        self._wake.set()
        last = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._telling.write(client, last))
            writing.add_done_callback(partial(self._over, last))
            try:
                await self._ask(client, queue, inbox)
            finally:
                await through(self._finish(client, received, writing, last))

    async def _ask(self, client: Client, queue: queues.Queue, inbox: str) -> None:
        """Ask for as much as there is room for."""
        loop = asyncio.get_running_loop()
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{queue.stream}.{queue.consumer}"
        looked_at = loop.time()
        while True:
            with suppress(TimeoutError):  # look again whether what was asked for is over
                # wait_for may miss its cancelling
                async with asyncio.timeout(min(SILENCE_S / 2, self._ack_wait_s)):
                    await self._wake.wait()
            self._wake.clear()
            if self._failure is not None:
                raise self._failure
            now = loop.time()
            if now - looked_at > SILENCE_S:  # it was us who stood still: what was said meanwhile is yet to be read
                self._heard_at = now
            looked_at = now
            if self._pull is not None and now - self._heard_at > SILENCE_S:
                raise Lost("nobody answers for the queue")
            if self._pull is not None and self._pull.until <= now:
                self._pull = None
            if self.group.status != "active":
                continue
            for member in self.members.values():
                member.expire(now - self._ack_wait_s)
            room = sum(max(0, member.free) for member in self.members.values())
            wanted = min(room, self.group.settings.max_inflight)
            if wanted <= 0 or self._pull is not None:
                continue
            self._number += 1
            self._pull = Pull(self._number, wanted, now + PULL_EXPIRES_S + 1)
            self._heard_at = now
            asked = {"batch": wanted, "expires": int(PULL_EXPIRES_S * 1e9), "idle_heartbeat": int(HEARTBEAT_S * 1e9)}
            await client.publish(subject, msgspec.json.encode(asked), reply=f"{inbox}.{self._number}")

    async def _receive(self, message: Msg) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        if not message.reply:
            self._status(message)
            return
        if self._pull is not None:
            left = self._pull.left - 1
            self._pull = self._pull._replace(left=left) if left else None
        attempt, number = _counts(message.reply)
        fed = int((message.headers or {})[queues.FED])
        try:
            record = await self._record(_envelope.decode(message.data))
            attempt -= self._uncounted.get(number, 0)
            given = delivery(record, attempt=attempt, reply=message.reply, number=number, fed=fed)
        except Exception as error:  # noqa: BLE001 - of a later release, say: whatever it is, it must not be forgotten
            await self._unreadable(fed, attempt, message.reply, number, error)
        else:
            self._hand_out(given)

    async def _unreadable(self, fed: int, attempt: int, reply: str, number: int, error: Exception) -> None:
        record = await self._tail.read(lambda tx: history.at(tx, fed))
        assert record is not None, f"history has nothing at {fed}"
        told = Told(f"entry_{fed}", record.stream, record.kind, NULL, EMPTY, "")
        given = Delivery(fed, told, record.recorded_at, attempt, reply, number, fed)
        self._bury(given, "unreadable", f"{type(error).__name__}: {error}")

    def _status(self, message: Msg) -> None:
        """A request is over without all that it asked for; or it goes on, and there is nothing to bring."""
        status = (message.headers or {}).get("Status", "")
        if status == "100":
            return
        over = message.subject.rpartition(".")[2]
        if self._pull is not None and over == str(self._pull.number):
            self._pull = None
        described = (message.headers or {}).get("Description", "")
        if status == "503" or (status == "409" and "deleted" in described.lower()):
            self._failure = Lost(f"the queue is gone: {status} {described}")
        self._wake.set()

    def _hand_out(self, given: Delivery) -> None:
        if given.attempt > self.group.settings.max_redeliveries + 1:
            self._bury(given, "redelivered", "")
            return
        members = [one for one in self.members.values() if not one.leaving and not one.holds(given)]
        if not members:
            self._give_back(given, NAK_NOW if self._resting else NAK_SOON)
            return
        max(members, key=lambda member: member.free).give(given)
        self.delivered_total += 1
        self._wake.set()

    async def _record(self, told: Envelope) -> EntryRecord:
        if told.data_omitted:
            record = await self._tail.read(lambda tx: history.at(tx, told.position))
            assert record is not None, f"history has nothing at {told.position}"
            return record
        return EntryRecord(
            position=told.position,
            environment=told.environment,
            stream=told.stream,
            version=told.version,
            kind=told.kind,
            data=bytes(told.data).decode(),
            metadata=bytes(told.metadata).decode(),
            actor="",
            correlation="",
            causation="",
            recorded_at=clock.parse_rfc3339(told.recorded_at, field="recorded_at"),
            digest=b"",
        )


def _counts(reply: str) -> tuple[int, int]:
    """How often it was delivered, and its number in the stream:
    $JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<times>.<number>.<number of the delivery>.<instant>.<pending>"""
    tokens = reply.split(".")
    first = 4 if len(tokens) == 9 else 6
    return int(tokens[first]), int(tokens[first + 1])
