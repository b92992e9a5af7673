"""Members of consumer groups on `/ws`: what they get, and how they settle it.

An acknowledgement names the event alone, as published; where several groups on the socket have it, the one that has
joined first settles it, unless `subscriptionId` says which. Acknowledgements are settled together, as many as came
while the last were. One with an `ackId` is answered once it is settled:

    server ► {"type":"ack_result","ackId":…,"eventId":…,"code":"OK"}    or another code, with a message

of the others only failures are told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from app.api.answers import in_one
from app.api.caller import Caller
from app.api.connect_json import whole
from app.api.services import Services
from app.api.shapes.socket_frames import Ack
from app.api.shapes.subscriptions import socket_frame
from app.api.socket_sending import Send, send_all
from app.bus.members import Delivery, Member
from app.bus.work import Settlement
from app.errors import InvalidArgument, IronflowError, NotFound
from app.events.subscriptions import Wanted
from app.rpc import group_streams
from app.rpc.groups import DELAY_MS_MAX

ACKS_WAITING_MAX = 20_000
REASON_CHARS_MAX = 1_000


class Membership:
    """One subscription of a socket as a member of a group. `auto`: what is sent is settled thereby."""

    def __init__(self, services: Services, member: Member, *, auto: bool, metadata: bool) -> None:
        self.id = member.id
        self.member = member
        self._services = services
        self._auto = auto
        self._metadata = metadata

    async def deliver(self, batch: Sequence[Delivery], send_text: Callable[[str], Awaitable[None]]) -> None:
        """Send what the member has taken."""
        prefix = f'{{"type":"event","subscriptionId":"{self.id}",'
        await send_all(send_text, (prefix + self._shown(given) for given in batch))
        if self._auto:
            await group_streams.acknowledge(self._services, self.member, batch)

    def _shown(self, given: Delivery) -> str:
        return socket_frame(
            given.told, given.position, given.recorded_at, metadata=self._metadata, attempt=given.attempt
        )

    def close(self) -> None:
        """What it has in its hands goes to the others."""
        self._services.bus.groups.leave(self.member)


class Members:
    """Those of one socket."""

    def __init__(self, services: Services, who: Caller, send: Send) -> None:
        self._services = services
        self._who = who
        self._send = send
        self._open: dict[str, Membership] = {}
        self._acks: list[tuple[Ack, Settlement]] = []
        self._acked = asyncio.Event()
        self._emptied = asyncio.Event()

    async def join(self, group: str, wanted: Wanted, *, ack_mode: str, metadata: bool) -> Membership:
        """Raises GroupNotFound, InvalidArgument, Unavailable."""
        member, auto = await group_streams.subscribed(
            self._services, self._who, group, wanted, ack_mode, transport="websocket"
        )
        membership = Membership(self._services, member, auto=auto, metadata=metadata)
        self._open[membership.id] = membership
        return membership

    def forget(self, id: str) -> None:
        self._open.pop(id, None)

    async def hear(self, ack: Ack) -> None:
        """Take it; it is settled soon. Raises InvalidArgument."""
        self._acks.append((ack, _settlement(ack)))
        self._acked.set()
        if len(self._acks) > ACKS_WAITING_MAX:
            self._emptied.clear()
            await self._emptied.wait()

    async def settle(self) -> None:
        """Settle what is acknowledged, until cancelled. Raises ProtocolClosed."""
        while True:
            await self._acked.wait()
            self._acked.clear()
            acks, self._acks = self._acks, []
            self._emptied.set()
            by_member: dict[str, list[tuple[Ack, Settlement]]] = {}
            claimed: set[tuple[str, str]] = set()
            for ack, settlement in acks:
                by_member.setdefault(self._holder(ack, claimed), []).append((ack, settlement))
            for id, told in by_member.items():
                await self._settled(id, told)

    def _holder(self, ack: Ack, claimed: set[tuple[str, str]]) -> str:
        """Whose event it is; nobody's if nobody has it."""
        if ack.subscription_id is not None:
            return ack.subscription_id
        for id, membership in self._open.items():
            if ack.event_id in membership.member.inflight and (id, ack.event_id) not in claimed:
                claimed.add((id, ack.event_id))
                return id
        return ""

    async def _settled(self, id: str, told: list[tuple[Ack, Settlement]]) -> None:
        failed: IronflowError | None = None
        membership = self._open.get(id)
        try:
            if membership is not None:
                await self._services.bus.groups.settle(membership.member, [settlement for _, settlement in told])
            elif id:
                raise NotFound(f"no member {id[:80]!r} of a group on this socket", hint="its result had the id")
        except IronflowError as error:
            failed = error
        code, message = (failed.code, in_one(failed)) if failed else ("OK", "")
        for ack, _ in told:
            if ack.ack_id is not None:
                result = {"type": "ack_result", "ackId": ack.ack_id, "eventId": ack.event_id, "code": code}
                await self._send({**result, "message": message} if message else result)
            elif failed:
                await self._send({"type": "error", "code": code, "message": message, "eventId": ack.event_id})


def _settlement(ack: Ack) -> Settlement:
    """Raises InvalidArgument."""
    delay_ms = whole(ack.redeliver_delay, "redeliverDelay")
    if not 0 <= delay_ms <= DELAY_MS_MAX:
        raise InvalidArgument(
            f"redeliverDelay {delay_ms} is out of range", field="redeliverDelay", hint=f"0 to {DELAY_MS_MAX} ms"
        )
    if not ack.event_id:
        raise InvalidArgument("eventId is empty", field="eventId", hint="the id of the event that was delivered")
    given = -1 if ack.redeliver_delay is None else delay_ms
    return Settlement(ack.event_id, ack.ack_type, given, (ack.reason or "")[:REASON_CHARS_MAX])
