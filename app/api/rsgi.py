"""Where the HTTP server (Granian) hands requests in, as RSGI 1.5: the hottest take the short way, streams that go
both ways and WebSockets are answered as they are, all others are handed on as ASGI 3.0 to the application.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian._granian import RSGIProtocolClosed as ProtocolClosed
from granian.rsgi import Scope

from app.api.arrival import Body, Patience, arriving, closing, cut, late
from app.api.connections import Connections
from app.api.proxies import Proxies, address_of
from app.api.short import CONNECT, ShortWay
from app.api.taking import PacedStream, Pacing
from app.errors import BodyCut, BodyTimeout, IronflowError
from app.events.invoke import CALLER_LEFT, ENDS_WITH_ITS_CALLER

if TYPE_CHECKING:
    from app.api.connect_streams import ConnectStreams
    from app.api.sockets import Sockets

Message = Mapping[str, Any]
Answering = Coroutine[Any, Any, None]
Asgi = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Answering]

BODILESS = ("GET", "HEAD")
"""Methods whose requests have no body that is looked at."""

_ENDS_WITH_ITS_CALLER = f"{CONNECT}IronflowService/{ENDS_WITH_ITS_CALLER}"


class Front:
    """The RSGI application over an ASGI one. What is behind it sees requests as clients sent them, before any proxy;
    what is behind the short way is made when it is needed first."""

    def __init__(
        self,
        short: ShortWay,
        streams: Callable[[], ConnectStreams],
        sockets: Callable[[], Sockets],
        asgi: Callable[[], Asgi],
        proxies: Proxies,
        connections: Connections,
        *,
        receive_timeout_s: float,
    ) -> None:
        self._proxies = proxies
        self._connections = connections
        self._short = short
        self._streams = streams
        self._sockets = sockets
        self._asgi = asgi
        self._patience = Patience(receive_timeout_s)

    async def __call__(self, scope: Scope, protocol: Any) -> None:
        client = scope.client
        self._connections.begun(client)
        try:
            await self._answer(self._proxies.scope_of(scope), protocol, client)
        finally:
            self._connections.ended(client)

    def _paced(self, client: str) -> Pacing:
        return lambda stream: self._connections.paced(stream, client)

    async def _answer(self, scope: Scope, protocol: Any, client: str) -> None:
        """`client` has the connection, which may be a proxy's."""
        if scope.proto != "http":
            await self._sockets().answer(scope, protocol)
        elif (call := self._short.call(scope)) is not None:
            body = None
            if call.method not in BODILESS:
                body = Body(protocol, int(call.headers.get("content-length")), self._patience)
            status, headers, content = await self._short.answer(call, body)
            if body is not None and not body.whole:
                headers += closing(scope.http_version)
            protocol.response_bytes(status, headers, content)
        elif scope.path.startswith(CONNECT) and self._streams().takes(scope.method, scope.path):
            await self._streams().answer(scope, protocol, self._paced(client))
        else:
            bodiless = scope.method in BODILESS
            exchange = _Exchange(protocol, scope, bodiless, self._patience.timeout_s, self._paced(client))
            answering = self._asgi()(_asgi_scope(scope), exchange.receive, exchange.send)
            if scope.path == _ENDS_WITH_ITS_CALLER:
                await _until_left(protocol, answering)
            else:
                await answering


async def _until_left(protocol: HTTPProtocol, answering: Answering) -> None:
    """Answer, unless the client closes the connection before; then the answering is cancelled, and told why."""
    answer = asyncio.ensure_future(answering)
    left = asyncio.ensure_future(protocol.client_disconnect())
    try:
        await asyncio.wait((answer, left), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            answer.cancel(CALLER_LEFT)
            await asyncio.wait((answer,))
        if not answer.cancelled():
            answer.result()
    finally:
        left.cancel()
        answer.cancel()  # if it is the server that stops


class _Exchange:
    """One request and its answer, as ASGI's `receive` and `send`."""

    def __init__(
        self, protocol: HTTPProtocol, scope: Scope, bodiless: bool, receive_timeout_s: float, paced: Pacing
    ) -> None:
        self._protocol = protocol
        self._paced = paced
        self._version = scope.http_version
        self._parts = None if bodiless else arriving(protocol, scope.headers, receive_timeout_s)
        self._begun = False
        self._refusal: Callable[[], IronflowError] | None = None
        self._received = False
        self._start: Message = {}
        self._stream: PacedStream | None = None

    async def receive(self) -> Message:
        if self._received:
            await self._protocol.client_disconnect()
            return {"type": "http.disconnect"}
        if self._refusal is not None:
            raise self._refusal()
        begun, self._begun = self._begun, True
        try:
            if self._parts is not None:
                return {"type": "http.request", "body": await anext(self._parts), "more_body": True}
        except StopAsyncIteration:
            pass
        except (BodyTimeout, BodyCut) as refused:
            self._refusal = late if isinstance(refused, BodyTimeout) else cut
            if begun:
                raise
            # The application asks for the first part before it knows how to answer: it is told with the next one. The
            # error is not kept: its traceback would hold what the connection ends with.
            return {"type": "http.request", "body": b"", "more_body": True}
        self._received = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._stream is None:
            headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._start["headers"]]
            if self._parts is not None and not self._parts.whole:
                headers += closing(self._version)
            if not more:
                self._protocol.response_bytes(self._start["status"], headers, body)
                return
            self._stream = self._paced(self._protocol.response_stream(self._start["status"], headers))
        if body:
            try:
                await self._stream.send_bytes(body)
            except ProtocolClosed as gone:
                raise OSError("the client has closed the connection") from gone


def _asgi_scope(scope: Scope) -> Message:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": scope.http_version,
        "method": scope.method,
        "scheme": scope.scheme,
        "path": scope.path,
        "query_string": scope.query_string.encode("latin-1"),
        "root_path": "",
        "headers": _headers(scope),
        "client": (address_of(scope.client), int(scope.client.rpartition(":")[2])),
        "server": _address(scope.server),
    }


def _headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Those of the request; HTTP/2 tells the host elsewhere."""
    told = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in scope.headers.items()]
    if scope.authority and "host" not in scope.headers:
        told.append((b"host", scope.authority.encode("latin-1")))
    return told


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
