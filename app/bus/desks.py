"""Where guests of our NATS take from consumer groups. To a guest's client we are JetStream, under a prefix of its own:

    guest ► <prefix>.CONSUMER.MSG.NEXT.<group>.<any name>    {"batch", "expires", "no_wait"}: so many, for so long
            <prefix>.CONSUMER.INFO.<group>.<any name>        what clients look at before they begin
            <prefix>.ACK.<group>.<attempt>.<position>        `+ACK` or nothing, `-NAK {"delay": ns}`, `+TERM reason`
    us    ► its inbox, with that last subject to reply to    the payload that app/bus/frames.py writes
            its inbox                                        a status: 404 nothing there, 408 time is over, 400 refused,
                                                             409 refused for now

JetStream itself would send on what it is asked for to any subject that the guest names (app/bus/guests.py); we answer
in the guest's inbox only. nats-server lets nobody ask for replies on $JS.ACK, so a message has no metadata of
JetStream's: headers say what they would. All of a guest's programs are one member of the group, from the first request
until nobody has asked for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import msgspec

from app import clock
from app.bus import subjects
from app.bus.desk import Desk, Request, refuse
from app.bus.groups import GroupBus
from app.bus.guests import DESKS, Guests, inbox_of
from app.bus.members import WINDOW_MAX
from app.bus.place import Place, failures
from app.errors import InvalidArgument, IronflowError
from app.events.groups import Groups
from app.ids import Ids
from storage.contract import StorageError

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

NO_WAIT_S = 0.25
"""How long one that does not want to wait waits, since what there is has to come from the queue first."""
EXPIRES_NS_MAX = 300 * 10**9


class Asked(msgspec.Struct):
    """A request as JetStream's clients make it; times in ns."""

    batch: int = 1
    expires: int = 0
    no_wait: bool = False


_asked = msgspec.json.Decoder(Asked)


class Desks:
    """Those of all guests."""

    def __init__(self, *, place: Place, guests: Guests, groups: Groups, bus: GroupBus, ids: Ids) -> None:
        self._place = place
        self._guests = guests
        self._groups = groups
        self._bus = bus
        self._ids = ids
        self._open: dict[tuple[str, str], Desk] = {}

    async def run(self) -> None:
        """Hear guests until cancelled; whatever happens to NATS is waited out."""
        await self._place.stay_connected(self._listen)

    async def _listen(self, client: Client, closed: asyncio.Event) -> None:
        """Returns when the connection is lost."""
        try:
            async with asyncio.TaskGroup() as tasks:

                async def hear(message: Msg) -> None:
                    await self._hear(client, tasks, message)

                await client.subscribe(f"{DESKS}.*.*.CONSUMER.>", cb=hear)
                await closed.wait()
                for desk in list(self._open.values()):
                    desk.close()
        finally:
            self._open.clear()

    async def _hear(self, client: Client, tasks: asyncio.TaskGroup, message: Msg) -> None:
        _, name, where, _, *call = message.subject.split(".")
        environment = subjects.text(where)
        if not message.reply.startswith(f"{inbox_of(name)}."):
            return  # nobody is answered on somebody else's subject
        try:
            match call:
                case ["MSG", "NEXT", group, _]:
                    acks = f"{DESKS}.{name}.{where}.ACK.{group}"
                    self._desk(client, tasks, name, environment, subjects.text(group), acks).ask(_request(message))
                case ["INFO", group, consumer]:
                    work = self._tell(client, message, name, environment, group, consumer)
                    tasks.create_task(work, name="desk-info")
                case _:
                    raise InvalidArgument(f"there is no {'.'.join(call)[:80]} here", hint="MSG.NEXT and INFO")
        except IronflowError as error:
            await refuse(client, message.reply, error)

    def _desk(
        self, client: Client, tasks: asyncio.TaskGroup, name: str, environment: str, group: str, acks: str
    ) -> Desk:
        """Raises PermissionDenied, GroupNotFound, Unavailable."""
        self._guests.consumes(name, group, environment)
        key = (name, f"{environment}/{group}")
        desk = self._open.get(key)
        if desk is None:
            by = self._guests.subscriber(name, self._ids.subscription())
            member = self._bus.join(environment, group, label=name, window=1, sees=self._guests.sees(name), by=by)
            settings = self._groups.get(environment, group).settings
            desk = self._open[key] = Desk(client, self._bus, member, settings, acks=acks)
            tasks.create_task(self._run(key, desk), name="desk")
        return desk

    async def _run(self, key: tuple[str, str], desk: Desk) -> None:
        try:
            await desk.run(lambda: self._open.pop(key, None))
        except Exception as error:
            if not isinstance(error, failures()):
                raise  # else the connection is over, and all begins anew

    async def _tell(self, client: Client, message: Msg, name: str, environment: str, token: str, consumer: str) -> None:
        try:
            content = await self._info(name, environment, token, consumer)
        except (IronflowError, StorageError) as error:
            code = error.status if isinstance(error, IronflowError) else 503
            told = {"code": code, "err_code": 0, "description": str(error)}
            content = {"type": "io.nats.jetstream.api.v1.consumer_info_response", "error": told}
        with contextlib.suppress(*failures()):
            await client.publish(message.reply, msgspec.json.encode(content))

    async def _info(self, name: str, environment: str, token: str, consumer: str) -> dict[str, Any]:
        """What JetStream says of a durable pull consumer. Raises PermissionDenied, GroupNotFound, Unavailable,
        StorageError."""
        self._guests.consumes(name, subjects.text(token), environment)
        group = self._groups.get(environment, subjects.text(token))
        lag = await self._bus.lag(group)
        at = {"consumer_seq": lag.position, "stream_seq": lag.position}
        return {
            "type": "io.nats.jetstream.api.v1.consumer_info_response",
            "stream_name": token,
            "name": consumer,
            "created": clock.rfc3339(group.created_at),
            "config": {
                "durable_name": consumer,
                "deliver_policy": "all",
                "ack_policy": "explicit",
                "ack_wait": group.settings.ack_wait_ms * 1_000_000,
                "max_deliver": -1,
                "max_ack_pending": group.settings.max_inflight,
                "replay_policy": "instant",
            },
            "delivered": at,
            "ack_floor": at,
            "num_ack_pending": lag.inflight,
            "num_redelivered": lag.redelivered,
            "num_waiting": 0,
            "num_pending": lag.pending,
        }


def _request(message: Msg) -> Request:
    """Raises InvalidArgument."""
    told = message.data.strip()
    try:
        asked = Asked(batch=int(told)) if told.isdigit() else _asked.decode(told or b"{}")
    except (msgspec.DecodeError, ValueError) as error:
        raise InvalidArgument(f"the request cannot be read: {error}"[:200]) from None
    if not 1 <= asked.batch <= WINDOW_MAX:
        raise InvalidArgument(f"batch {asked.batch} is out of range", field="batch", hint=f"1 to {WINDOW_MAX}")
    least_ns = int(NO_WAIT_S * 1e9) if asked.no_wait else EXPIRES_NS_MAX
    wait_ns = min(asked.expires, EXPIRES_NS_MAX) if asked.expires > 0 else least_ns  # a number of any length is told
    until = asyncio.get_running_loop().time() + wait_ns / 1e9
    return Request(message.reply, asked.batch, until, no_wait=asked.no_wait and not asked.expires)
