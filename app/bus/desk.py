"""One guest of our NATS at one consumer group: what it asks for, what it has in its hands, and how it settles that, in
the words of JetStream. app/bus/desks.py says who gets here, and what is said on which subject."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from app.bus import frames
from app.bus.groups import GroupBus
from app.bus.guests import inbox_of
from app.bus.members import WINDOW_MAX, Delivery, Member
from app.bus.place import failures
from app.bus.work import Settlement
from app.cancelling import end
from app.errors import InvalidArgument, IronflowError
from app.history.kinds import GroupSettings

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

LINGER_S = 5.0
"""Nobody asks for so long: what was not handed out yet goes to other members."""
REQUESTS_MAX = 1_000
REASON_BYTES_MAX = 1_000
ID, TOPIC, ATTEMPT = "Ironflow-Event-Id", "Ironflow-Topic", "Ironflow-Attempt"
DELAY_MS_MAX = 24 * 3_600_000
REFUSED, NOTHING, OVER, AGAIN = 400, 404, 408, 409
"""What JetStream's clients take for an error, and for something that passes."""


class Delay(msgspec.Struct):
    """What may come with a nak, in ns."""

    delay: int = 0


_delay = msgspec.json.Decoder(Delay)


class Request:
    """So many more for the inbox `reply`, until a time of the loop's clock."""

    def __init__(self, reply: str, left: int, until: float, *, no_wait: bool) -> None:
        self.reply = reply
        self.left = left
        self.until = until
        self.no_wait = no_wait


class Desk:
    """One guest at one group: its open requests, served in the order of their coming, and what it has in its hands."""

    def __init__(self, client: Client, bus: GroupBus, member: Member, settings: GroupSettings, *, acks: str) -> None:
        self._client = client
        self._bus = bus
        self._member = member
        self._acks = acks
        self._ack_wait_s = settings.ack_wait_ms / 1_000
        self._auto = settings.ack_mode == "auto"
        self._requests: deque[Request] = deque()
        self._asked = asyncio.Event()
        self._waiting: asyncio.Timeout | None = None
        self._given: dict[int, str] = {}
        self._settlements: list[tuple[str, Settlement]] = []
        self._settled = asyncio.Event()
        self._closed = False

    def ask(self, request: Request) -> None:
        """Raises InvalidArgument."""
        if len(self._requests) >= REQUESTS_MAX:
            raise InvalidArgument(f"{REQUESTS_MAX} requests are open", hint="ask for more at once")
        self._requests.append(request)
        self._make_room()
        self._asked.set()
        if self._waiting is not None and (when := self._waiting.when()) is not None and request.until < when:
            self._waiting.reschedule(request.until)

    def close(self) -> None:
        """Serve nobody any more."""
        self._closed = True
        self._asked.set()
        if self._waiting is not None:
            self._waiting.reschedule(0)

    async def run(self, over: Callable[[], object]) -> None:
        """Serve until nobody asks any more; `over` is called as soon as nothing more can be asked here. Raises what
        nats-py raises when the connection is lost."""
        settling = asyncio.create_task(self._settle(), name="desk-settling")
        subscription = await self._client.subscribe(f"{self._acks}.>", cb=self._hear)
        ended: IronflowError | None = None
        try:
            await self._serve()
        except IronflowError as error:
            ended = error
        finally:
            over()
            for request in self._requests:
                if ended is not None:
                    await refuse(self._client, request.reply, ended)
                else:
                    await status(self._client, request.reply, OVER)
            await end(settling)
            self._bus.leave(self._member)
            with contextlib.suppress(*failures()):
                await subscription.unsubscribe()

    async def _serve(self) -> None:
        """Raises what the member is ended with."""
        while not self._closed:
            if self._requests:
                await self._serve_first()
            elif not await self._asked_within(LINGER_S):
                self._bus.give_back(self._member)
                if not self._member.inflight or not await self._asked_within(self._ack_wait_s):
                    return

    async def _serve_first(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(min(one.until for one in self._requests)) as self._waiting:
                batch = await self._member.taken(self._requests[0].left)
        except TimeoutError:
            await self._expire(loop.time())
            return
        finally:
            self._waiting = None
        request = self._requests.popleft()
        for given in batch:
            await self._deliver(request.reply, given)
            if self._auto:
                self._take(Settlement(given.event_id, "ack"), "")
        request.left -= len(batch)
        if request.left:
            self._requests.append(request)

    async def _expire(self, now: float) -> None:
        over = [one for one in self._requests if one.until <= now]
        self._requests = deque(one for one in self._requests if one.until > now)
        self._make_room()
        for request in over:
            await status(self._client, request.reply, NOTHING if request.no_wait else OVER)

    async def _asked_within(self, seconds: float) -> bool:
        self._asked.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._asked.wait()
        except TimeoutError:
            return bool(self._requests)
        return True

    def _make_room(self) -> None:
        self._bus.make_room(self._member, min(sum(one.left for one in self._requests), WINDOW_MAX))

    async def _deliver(self, inbox: str, given: Delivery) -> None:
        if len(self._given) > 2 * len(self._member.inflight) + REQUESTS_MAX:
            self._given = {position: id for position, id in self._given.items() if id in self._member.inflight}
        self._given[given.position] = given.event_id
        attempt, position = str(given.attempt), str(given.position)
        await self._client.publish(
            inbox,
            frames.envelope(given.entry, self._client.max_payload) if given.entry is not None else b"null",
            reply=f"{self._acks}.{attempt}.{position}",
            headers={frames.MESSAGE_ID: position, ATTEMPT: attempt, ID: given.event_id, TOPIC: given.told.topic},
        )

    # What becomes of it.

    async def _hear(self, message: Msg) -> None:
        position = message.subject.rpartition(".")[2]
        event_id = self._given.get(int(position), "") if position.isdecimal() else ""
        settlement = _settlement(event_id, message.data)
        if settlement is not None:
            self._take(settlement, message.reply)

    def _take(self, settlement: Settlement, reply: str) -> None:
        self._settlements.append((reply, settlement))
        self._settled.set()

    async def _settle(self) -> None:
        """Settle what was told, as much at once as came while the last was under way, until cancelled."""
        while True:
            await self._settled.wait()
            self._settled.clear()
            told, self._settlements = self._settlements, []
            answer = b""
            try:
                await self._bus.settle(self._member, [settlement for _, settlement in told])
            except IronflowError as error:
                answer = f"-ERR {error}".encode()
            self._make_room()
            for reply, _ in told:
                if reply.startswith(f"{inbox_of(self._member.label)}."):
                    with contextlib.suppress(*failures()):
                        await self._client.publish(reply, answer)


def _settlement(event_id: str, told: bytes) -> Settlement | None:
    """What is said of an event; None where that is nothing."""
    word, _, rest = told.partition(b" ")
    match word:
        case b"" | b"+ACK":
            return Settlement(event_id, "ack")
        case b"-NAK":
            try:
                delay_ms = _delay.decode(rest).delay // 1_000_000 if rest else -1
            except msgspec.DecodeError:
                delay_ms = -1
            return Settlement(event_id, "nak", min(delay_ms, DELAY_MS_MAX))
        case b"+TERM":
            return Settlement(event_id, "term", reason=rest[:REASON_BYTES_MAX].decode(errors="replace"))
        case _:
            return None


async def refuse(client: Client, inbox: str, error: IronflowError) -> None:
    """Tell whoever asked why it gets nothing, and whether it is to ask again."""
    await status(client, inbox, AGAIN if error.retryable else REFUSED, str(error))


async def status(client: Client, inbox: str, code: int, told: str = "") -> None:
    """Tell whoever asked how the request ended."""
    said = told or {NOTHING: "No Messages", OVER: "Request Timeout"}[code]
    printable = said.encode("ascii", "replace").decode().replace("\r", " ").replace("\n", " ")
    with contextlib.suppress(*failures()):
        await client.publish(inbox, b"", headers={"Status": str(code), "Description": printable[:500]})
