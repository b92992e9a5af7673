"""Events that come by NATS: a message on `ironflow.<project>.<environment>.events.ingest.<name>` is emitted.

The payload is the event's data, as JSON; the header Nats-Msg-Id is its idempotency key, Ironflow-Metadata a JSON
object, Ironflow-Version the version of its schema. Where the project is a guest (app/bus/guests.py), whoever that acts
for is asked about as at any other face. The answer comes when the event is durable, and is also what a
client's JetStream `publish` expects: {"stream", "seq", "duplicate", "event_id", "run_ids"}, or {"error": {…}, "code",
"hint"}. Of several nodes one takes each message. Who wants no answer is not told of a refusal: that is in the log, and
counted.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from app import patterns
from app.bus import subjects
from app.bus.guests import INBOX_OF_GUESTS, PREFIX, Guests, inbox_of
from app.bus.place import Place, failures
from app.errors import InvalidArgument, IronflowError, Unavailable
from app.events.emit import Emitter
from app.events.new_event import NewEvent
from storage.contract import StorageError

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

log = structlog.get_logger(__name__)

QUEUE = "ironflow"
STREAM = "IRONFLOW_INGEST"
"""What the answer calls the stream: there is none, but JetStream clients want a name."""
AT_ONCE_MAX = 2_000
ATTEMPTS = 5
RETRY_S = (0.1, 5.0)
_OURS = (f"{subjects.ROOT}.", "_IRONFLOW.", "$", INBOX_OF_GUESTS)

_encode = msgspec.json.Encoder().encode


class Ingest:
    """`taken_total` and `refused_total` count messages."""

    def __init__(self, *, place: Place, emitter: Emitter, guests: Guests | None = None) -> None:
        self._place = place
        self._emitter = emitter
        self._guests = guests
        self._room = asyncio.Semaphore(AT_ONCE_MAX)
        self.taken_total = 0
        self.refused_total = 0

    async def run(self) -> None:
        """Take messages until cancelled; whatever happens to NATS is waited out."""
        await self._place.stay_connected(self._listen)

    async def _listen(self, client: Client, closed: asyncio.Event) -> None:
        """Returns when the connection is lost."""
        async with asyncio.TaskGroup() as tasks:

            async def take(message: Msg) -> None:
                await self._room.acquire()
                tasks.create_task(self._take(client, message))

            await client.subscribe(subjects.INGEST, queue=QUEUE, cb=take)
            await closed.wait()

    async def _take(self, client: Client, message: Msg) -> None:
        try:
            answer = await self._answer(message)
            if is_answerable(message) and not client.is_closed:
                await client.publish(message.reply, _encode(answer))
        except Exception as error:
            if not isinstance(error, failures()):
                raise  # else whoever asked is told by the end of its own connection
        finally:
            self._room.release()

    async def _answer(self, message: Msg) -> dict[str, Any]:
        try:
            emitted = await self._emit(self._admitted(message, event_of(message)))
        except IronflowError as error:
            self.refused_total += 1
            if not message.reply:
                log.warning(
                    "an event from NATS was refused", subject=message.subject, code=error.code, reason=str(error)
                )
            told = {"code": error.status, "description": str(error), "err_code": 0}
            return {"error": told, "code": error.code, "hint": error.hint}
        self.taken_total += 1
        return {"stream": STREAM, "seq": self.taken_total, **emitted}

    def _admitted(self, message: Msg, event: NewEvent) -> NewEvent:
        """The event, from whoever sends it, if they may. Raises PermissionDenied."""
        name = message.subject.split(".")[1]
        if not name.startswith(PREFIX) or self._guests is None:
            return event
        actor = self._guests.asker(name, event.environment)
        self._guests.allow(actor, event.name, event.environment)
        return msgspec.structs.replace(event, actor=actor.id)

    async def _emit(self, event: NewEvent) -> dict[str, Any]:
        """What the answer says of it. Refusals that pass are waited out, for a while."""
        delay_s = RETRY_S[0]
        for attempt in range(1, ATTEMPTS + 1):
            try:
                emitted = await self._emitter.emit(event)
            except (IronflowError, StorageError) as error:
                passing = isinstance(error, StorageError) or error.retryable
                if not passing or attempt == ATTEMPTS:
                    raise error if isinstance(error, IronflowError) else Unavailable(str(error)) from error
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, RETRY_S[1])
            else:
                return {
                    "duplicate": emitted.duplicate,
                    "event_id": emitted.event_id,
                    "run_ids": emitted.run_ids,
                }
        raise AssertionError("unreachable")


def is_answerable(message: Msg) -> bool:
    """Whether an answer may be published where it is wanted: we may publish anywhere, so that an answer on somebody
    else's subject would be our word. That of a guest is its own inbox."""
    name = message.subject.split(".")[1]
    if name.startswith(PREFIX):
        return message.reply.startswith(f"{inbox_of(name)}.")
    return bool(message.reply) and not message.reply.startswith(_OURS)


def event_of(message: Msg) -> NewEvent:
    """Raises InvalidArgument."""
    _, _, environment, _, _, *name = message.subject.split(".")
    headers = message.headers or {}
    version = headers.get("Ironflow-Version", "1")
    if not version.isdecimal() or len(version) > 9:
        raise InvalidArgument(f"version {version[:40]!r} is not a number", field="Ironflow-Version")
    environment = subjects.text(environment)
    patterns.validate_name(environment, field="environment")
    return NewEvent(
        environment=environment,
        name=".".join(map(subjects.text, name)),
        data=message.data or b"null",
        idempotency_key=headers.get("Nats-Msg-Id", ""),
        metadata=headers.get("Ironflow-Metadata", "{}").encode(),
        version=int(version),
        source="nats",
        actor="nats",
    )
