"""WebSockets (RFC 6455): the handshake, and which conversation follows it.

    /ws                                         many subscriptions: socket_subscriptions.py
    /api/v1/kv/buckets/{bucket}/watch[?key=…]   revisions of keys: socket_watches.py
    /api/v1/config/{name}/watch                 revisions of documents

What is refused is refused by the status of the handshake.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import parse_qs

import structlog
from granian._granian import RSGIProtocolClosed as ProtocolClosed
from granian._granian import RSGIProtocolError as ProtocolError
from granian.rsgi import Scope

from app.api import socket_watches
from app.api.answers import error_of, note
from app.api.browsers import Browsers
from app.api.caller import Caller, Header
from app.api.proxies import address_of
from app.api.services import Services
from app.api.socket_subscriptions import SubscriptionSocket
from app.errors import IronflowError, PermissionDenied, Unauthenticated
from storage.contract import StorageError

log = structlog.get_logger(__name__)

PATH = "/ws"
TELL_TIMEOUT_S = 2.0

Query = dict[str, str]


class Sockets:
    def __init__(self, services: Services, browsers: Browsers) -> None:
        self._services = services
        self._browsers = browsers
        self._open: dict[Any, Callable[[], Collection[asyncio.Task[Any]]]] = {}

    async def stop(self) -> None:
        """Close every socket, once its clients are told what ended: the server stops. Subscriptions are to be ended
        before."""
        telling = [task for sending in self._open.values() for task in sending()]
        if telling:
            await asyncio.wait(telling, timeout=TELL_TIMEOUT_S)
        for protocol in list(self._open):
            # Granian closes without a code (1005), whatever it is told; published clients come back then.
            protocol.close(None)

    async def answer(self, scope: Scope, protocol: Any) -> None:
        """Converse until either side ends it."""
        query = {name: values[-1] for name, values in parse_qs(scope.query_string).items()}
        header = _header(scope, query)
        try:
            self._browsers.check(header, path=scope.path)
            who = self._admitted(scope, header)
            watch = None
            if scope.path != PATH:
                watch = await socket_watches.watch(self._services, who, scope.path, query)
        except (IronflowError, StorageError) as error:
            note(error, method="websocket")
            protocol.close(error_of(error).status)
            return
        try:
            transport = await protocol.accept()
            with self._services.door.live.going(who.grant):
                if watch is None:
                    subscriptions = SubscriptionSocket(self._services, who, transport)
                    self._open[protocol] = subscriptions.sending
                    await subscriptions.converse()
                else:
                    conversing = asyncio.ensure_future(watch.converse(transport))
                    self._open[protocol] = lambda: [conversing]
                    await conversing
        except (ProtocolClosed, ProtocolError):
            pass  # the client is gone
        except (PermissionDenied, Unauthenticated) as cut:
            log.info("a socket was cut", code=cut.code, actor=who.actor)
        finally:
            self._open.pop(protocol, None)
            if watch is not None:
                watch.close()
        protocol.close(None)

    def _admitted(self, scope: Scope, header: Header) -> Caller:
        """Who asks, if they may. Raises what the door refuses with."""
        action, resource = socket_watches.about(scope.path) if scope.path != PATH else ("events:subscribe", "event/*")
        return self._services.door.admit(
            header, action, resource, method=scope.path, address=address_of(scope.client), safe=True
        )


def _header(scope: Scope, query: Query) -> Header:
    """What the handshake says. Browsers cannot set headers there, and say some of it in the query."""
    told = {"x-ironflow-environment-id": query.get("env")}
    if "token" in query:
        told["authorization"] = f"Bearer {query['token']}"
    if scope.authority:
        told["host"] = scope.authority

    def header(name: str) -> str | None:
        found: str | None = scope.headers.get(name.lower())
        return told.get(name.lower()) if found is None else found

    return header
