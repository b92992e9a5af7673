"""Watching values over WebSockets: `/api/v1/kv/buckets/{bucket}/watch?key=…` and `/api/v1/config/{name}/watch`, with
the parameters of the streams of server-sent events of the same addresses.

    server ► {"type":"kv_update",…}  {"type":"bucket_deleted",…}  {"type":"config_update",…}    each revision, in order
             {"type":"gap","dropped":N}: left out by the policy that was asked for
             {"type":"heartbeat","position":…}: nothing came, and history was looked at up to there
             {"type":"error","message":…,"code":…,"retrying":…}: the last one

What a client says is not listened to. `after` a position resumes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from granian._granian import RSGIProtocolClosed as ProtocolClosed
from granian._granian import RSGIProtocolError as ProtocolError
from granian.rsgi import WebsocketMessageType

from app.access.sight import reading
from app.api import config, kv
from app.api.answers import encode, error_of, note
from app.api.caller import Caller
from app.api.parameters import read
from app.api.services import Services
from app.api.shapes.base import FollowQuery
from app.api.shapes.kv import WatchBucketQuery
from app.api.subscribers import subscriber
from app.errors import NotFound
from app.history.entry import Entry
from app.history.interests import Ended, Interest
from app.history.live import POLICIES, Subscription
from storage.contract import StorageError

HEARTBEAT_S = 30.0

_PATH = re.compile(r"/api/v1/(?:kv/buckets/(?P<bucket>[^/]+)|config/(?P<name>[^/]+))/watch")


def about(path: str) -> tuple[str, str]:
    """What watching at a path needs, and what it is about. Raises NotFound."""
    found = _found(path)
    if bucket := found["bucket"]:
        return "kv:read", f"kv/{bucket}"
    return "config:read", f"config/{found['name']}"


async def watch(services: Services, who: Caller, path: str, query: Mapping[str, str]) -> Watch:
    """What is watched at a path, to be closed. Raises NotFound, InvalidArgument, ResourceExhausted, StorageError."""
    found = _found(path)
    if bucket := found["bucket"]:
        asked = read(query, WatchBucketQuery)
        interest = await kv.watched(services.keyspace, who.environment, bucket, asked.key)
        return _opened(services, who, interest, asked, kv.update_shown)
    interest = config.watched(who.environment, found["name"])
    return _opened(services, who, interest, read(query, FollowQuery), config.update_shown)


def _found(path: str) -> re.Match[str]:
    found = _PATH.fullmatch(path)
    if found is None:
        raise NotFound(f"there is no socket at {path[:200]}")
    return found


class Watch:
    def __init__(self, subscription: Subscription, show: Callable[[Entry], Any]) -> None:
        self._subscription = subscription
        self._show = show

    async def converse(self, transport: Any) -> None:
        """Until either side ends it."""
        sending = asyncio.create_task(self._send(transport), name="socket-watch")
        reading = asyncio.create_task(_left(transport), name="socket-watch-reading")
        try:
            await asyncio.wait((sending, reading), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            reading.cancel()

    def close(self) -> None:
        self._subscription.close()

    async def _send(self, transport: Any) -> None:
        with suppress(ProtocolClosed, ProtocolError):
            try:
                await self._deliver(transport)
            except Ended as ended:
                told = {"message": str(ended), "code": ended.code, "retrying": ended.retrying}
                await transport.send_str(encode({"type": "error", **told}).decode())
            except StorageError as error:
                note(error, method="watch")
                broken = error_of(error)
                told = {"message": broken.message, "code": broken.code, "retrying": True}
                await transport.send_str(encode({"type": "error", **told}).decode())

    async def _deliver(self, transport: Any) -> None:
        subscription, dropped = self._subscription, 0
        while True:
            entries = await subscription.batch(HEARTBEAT_S)
            if not entries:
                beat = {"type": "heartbeat", "position": subscription.position}
                await transport.send_str(encode(beat).decode())
            for entry in entries:
                await transport.send_str(encode(self._show(entry)).decode())
            if subscription.dropped > dropped:
                lost, dropped = subscription.dropped - dropped, subscription.dropped
                await transport.send_str(encode({"type": "gap", "dropped": lost}).decode())


async def _left(transport: Any) -> None:
    """Returns when the client is gone."""
    with suppress(ProtocolClosed, ProtocolError):
        while (await transport.receive()).kind != WebsocketMessageType.close:
            pass


def _opened(
    services: Services, who: Caller, interest: Interest, asked: FollowQuery, show: Callable[[Entry], Any]
) -> Watch:
    policy, sees = POLICIES[asked.backpressure], services.door.sight(who, reading)
    by = subscriber(services, who, "websocket")
    return Watch(services.live.subscribe(interest, after=asked.after, policy=policy, sees=sees, by=by), show)
