"""Copies history outward, in order, to one JetStream stream. NATS itself remembers how far: the last message's id.

The message id is the position, and after any interruption the publisher asks the stream for its last message and goes
on behind it, so that a crash cannot publish twice and a wiped NATS is filled again. A batch is acknowledged by its
last message alone; if that does not come, or the count does not fit, the publisher asks again where it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from app.bus import subjects
from app.bus.frames import MESSAGE_ID, envelope, frame
from app.bus.nats_server import NatsServer
from app.history.entry import Entry
from app.history.tail import Tail

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

log = structlog.get_logger(__name__)

STREAM = "IRONFLOW"
MAX_BYTES = 512 * 2**20
MAX_AGE_S = 7 * 24 * 3_600
DUPLICATE_WINDOW_S = 10
"""Short, because ids kept cost memory: it only has to cover the retry of one batch."""
BATCH_MAX = 2_000
GATHER_S = 0.005
"""Between two writes: what is committed meanwhile goes out together. The first after a rest goes at once."""
ACK_TIMEOUT_S = 10.0
RETRY_S = (0.1, 5.0)


class Publisher:
    """`server` is our own child, or None for the one at `url`. `position` is the last that JetStream has."""

    def __init__(self, tail: Tail, *, server: NatsServer | None, url: str = "") -> None:
        self._tail = tail
        self._server = server
        self._url = url
        self.up = False
        self.position = 0
        self.published_total = 0

    async def run(self) -> None:
        """Publish until cancelled; whatever happens to NATS is waited out."""
        delay_s, complained = RETRY_S[0], False
        while True:
            started = asyncio.get_running_loop().time()
            try:
                await self._publish()
            except Exception as error:
                if not isinstance(error, (OSError, TimeoutError, _OutOfStep, *_nats_errors())):
                    raise
                if not complained:
                    log.warning(
                        "publishing to NATS interrupted, trying again", reason=str(error) or type(error).__name__
                    )
                complained = True
            finally:
                self.up = False
            if asyncio.get_running_loop().time() - started > RETRY_S[1]:
                delay_s, complained = RETRY_S[0], False
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_S[1])

    async def _publish(self) -> None:
        client = await self._connect()
        try:
            stream = client.jetstream(timeout=ACK_TIMEOUT_S)
            await _ensure_stream(stream)
            self.position, sequence = await _last(stream)
            self.up = True
            async for batch in self._tail.follow(self.position):
                for start in range(0, len(batch), BATCH_MAX):
                    part = batch[start : start + BATCH_MAX]
                    acked = await _send(client, part)
                    if acked != sequence + len(part):
                        raise _OutOfStep(f"expected sequence {sequence + len(part)}, JetStream is at {acked}")
                    sequence = acked
                    self.position = part[-1].position
                    self.published_total += len(part)
                await asyncio.sleep(GATHER_S)
        finally:
            await client.close()

    async def _connect(self) -> Client:
        import nats

        if self._server is None:
            return await nats.connect(self._url, allow_reconnect=False, connect_timeout=5)
        url = await self._server.ready()
        return await nats.connect(
            url,
            user=self._server.user,
            password=self._server.password,
            allow_reconnect=False,
            connect_timeout=5,
            pending_size=64 * 2**20,
        )


class _OutOfStep(Exception):
    """JetStream holds something else than what was published."""


async def _ensure_stream(stream: JetStreamContext) -> None:
    from nats.js.api import DiscardPolicy, StorageType, StreamConfig
    from nats.js.errors import NotFoundError

    config = StreamConfig(
        name=STREAM,
        subjects=[subjects.ALL],
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_bytes=MAX_BYTES,
        max_age=MAX_AGE_S,
        duplicate_window=DUPLICATE_WINDOW_S,
        allow_direct=True,
    )
    try:
        await stream.stream_info(STREAM)
    except NotFoundError:
        await stream.add_stream(config)
    else:
        await stream.update_stream(config)


async def _last(stream: JetStreamContext) -> tuple[int, int]:
    """Position and sequence of the last message published; the position is 0 for an empty stream."""
    from nats.js.errors import NotFoundError

    info = await stream.stream_info(STREAM)
    try:
        message = await stream.get_last_msg(STREAM, subjects.ALL)
    except NotFoundError:
        return 0, info.state.last_seq
    return int((message.headers or {})[MESSAGE_ID]), info.state.last_seq


async def _send(client: Client, entries: Sequence[Entry]) -> int:
    """Publish the entries with one write; the sequence that JetStream gave the last."""
    *head, last = entries
    size_max = client.max_payload
    if head:
        # One write for all: nats-py's `publish` would cost as much as committing them did. The release is pinned.
        await client._send_command(b"".join([frame(entry, size_max) for entry in head]))
    answer = await client.request(
        subjects.of(last),
        envelope(last, size_max),
        timeout=ACK_TIMEOUT_S,
        headers={MESSAGE_ID: str(last.position)},
    )
    told: dict[str, Any] = msgspec.json.decode(answer.data)
    if "error" in told:
        raise _OutOfStep(str(told["error"]))
    return int(told["seq"])


def _nats_errors() -> tuple[type[Exception], ...]:
    """What nats-py raises; asked for only when something was raised, so that nats-py is loaded late."""
    from nats.errors import Error

    return (Error,)
