"""HTTP/1.1 to one URL of a user's: connections kept for the next request, addresses judged when they are dialled.

A name is resolved when a connection is made, each of its addresses is judged, and the one that is dialled is one that
was judged: a name that changes its mind gains nothing. The Host header and the TLS name stay those of the URL.
Redirects are not followed, proxies of the environment not used, packed bodies not unpacked, cookies not kept.
"""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import cast

import h11

from app.outbound.reach import Reach
from app.outbound.url import Url

CONNECT_S_MAX = 5.0
ADDRESSES_MAX = 4
IDLE_S_MAX = 3.5
"""Less than what servers wait before they close an idle connection (5 s is usual)."""
UNREAD_BYTES_MAX = 2**20

Headers = Sequence[tuple[str, str]]
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name, in the order in which they are to be tried. Raises OSError."""


class Unreached(Exception):
    """No connection was made, so nobody was asked anything."""


class Broken(Exception):
    """The connection ended early, or what came over it is no answer."""


class TooLarge(Exception):
    """The answer has more bytes than are taken."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """What the system says."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Client:
    """What can be asked of one URL. There are as many connections as there are requests at a time."""

    def __init__(self, url: Url, reach: Reach, *, resolve: Resolve = resolve) -> None:
        self._url = url
        self._reach = reach
        self._resolve = resolve
        self._idle: list[_Connection] = []
        self._closed = False

    @asynccontextmanager
    async def post(self, headers: Headers, body: bytes) -> AsyncIterator[Answer]:
        """The answer, as soon as its headers are there. Raises Unreached, Broken; both say why. The request is sent a
        second time if a connection kept from an earlier one ends before a single byte of an answer."""
        connection, answer = await self._asked(headers, body)
        try:
            yield answer
        finally:
            if not self._closed and connection.rest():
                self._idle.append(connection)
                connection.close_after(IDLE_S_MAX, self._idle)
            else:
                connection.abort()

    def close(self) -> None:
        """Close what is idle now, and what is in use when it is no longer."""
        self._closed = True
        for connection in self._idle:
            connection.abort()
        self._idle.clear()

    async def _asked(self, headers: Headers, body: bytes) -> tuple[_Connection, Answer]:
        kept = self._kept()
        connection = kept or await self._dialled()
        try:
            return connection, await connection.ask(self._url, headers, body)
        except Broken:
            if kept is None or kept.answered:
                raise
        except BaseException:
            connection.abort()
            raise
        connection = await self._dialled()
        try:
            return connection, await connection.ask(self._url, headers, body)
        except BaseException:
            connection.abort()
            raise

    def _kept(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.take():
                return connection
        return None

    async def _dialled(self) -> _Connection:
        url = self._url
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                return await self._dial(await self._addresses())
        except TimeoutError:
            raise Unreached(f"{url.authority} could not be connected to within {CONNECT_S_MAX:g} s") from None

    async def _addresses(self) -> Sequence[str]:
        """Addresses that may be dialled."""
        url = self._url
        try:
            found = [url.address] if url.address else await self._resolve(url.host, url.port)
        except OSError as error:
            raise Unreached(f"{url.host} cannot be resolved: {error.strerror or error}") from None
        refusals = {address: self._reach.refusal(address, url.port) for address in found}
        usable = [address for address, refusal in refusals.items() if not refusal]
        if not usable:
            reason = "; ".join(refusals.values()) or "it has no address"
            raise Unreached(f"{url.host} must not be called: {reason} (see --push-allow)")
        return usable[:ADDRESSES_MAX]

    async def _dial(self, addresses: Sequence[str]) -> _Connection:
        url = self._url
        loop = asyncio.get_running_loop()
        reason = ""
        for address in addresses:
            try:
                _, connection = await loop.create_connection(
                    _Connection,
                    address,
                    url.port,
                    ssl=_tls() if url.secure else None,
                    server_hostname=url.host if url.secure else None,
                    flags=socket.AI_NUMERICHOST,  # nothing is resolved a second time
                )
            except OSError as error:  # TLS errors are of this kind too
                reason = str(error)
            else:
                return connection
        raise Unreached(f"{url.authority} could not be connected to: {reason}")


class Answer:
    """Status and headers; then its body, or its lines, once."""

    def __init__(self, connection: _Connection, response: h11.Response) -> None:
        self._connection = connection
        self.status = response.status_code
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers}

    async def body(self, bytes_max: int) -> bytes:
        """All of it. Raises TooLarge, Broken."""
        parts, size = [], 0
        async for part in self._connection.parts():
            size += len(part)
            if size > bytes_max:
                raise TooLarge(f"the answer has more than {bytes_max} bytes")
            parts.append(part)
        return b"".join(parts)

    async def lines(self, bytes_max: int) -> AsyncIterator[bytes]:
        """Its lines as they come, without their ends; what follows the last line feed is one more. Raises TooLarge for
        a line of more bytes, Broken."""
        rest = bytearray()
        async for part in self._connection.parts():
            seen = len(rest)
            rest += part
            while (end := rest.find(b"\n", seen)) >= 0:
                yield bytes(rest[:end])
                del rest[: end + 1]
                seen = 0
            if len(rest) > bytes_max:
                raise TooLarge(f"a line of the answer has more than {bytes_max} bytes")
        if rest:
            yield bytes(rest)

    async def finish(self, seconds: float) -> None:
        """Read what little may be left, so that the connection can be kept; if it takes longer, it is not."""
        with suppress(TimeoutError, Broken):
            async with asyncio.timeout(seconds):
                async for _ in self._connection.parts():
                    return  # more than the end: not worth the while


class _Connection(asyncio.Protocol):
    """One connection: in use by one request, or idle. Whatever comes while it is idle makes it useless: it would be
    taken for the answer to the next request."""

    def __init__(self) -> None:
        self.answered = False
        self._http = h11.Connection(h11.CLIENT)
        self._idle = False
        self._lost = False
        self._unread = 0
        self._paused = False
        self._arrival: asyncio.Future[None] | None = None
        self._closing: asyncio.TimerHandle | None = None

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by class

    def data_received(self, data: bytes) -> None:
        if self._idle:
            self.abort()
            return
        self.answered = True
        self._http.receive_data(data)
        self._unread += len(data)
        if self._unread > UNREAD_BYTES_MAX and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._arrived()

    def eof_received(self) -> bool:
        self._end()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._end()

    # What a client calls.

    async def ask(self, url: Url, headers: Headers, body: bytes) -> Answer:
        """The answer's beginning. Raises Broken."""
        http = self._http
        self.answered = False
        if self._lost:
            raise Broken("the connection was closed before anything was asked")
        request = h11.Request(
            method="POST",
            target=url.target,
            headers=[("host", url.authority), ("content-length", str(len(body))), *headers],
        )
        sent = [http.send(request), http.send(h11.Data(data=body)), http.send(h11.EndOfMessage())]
        self._transport.write(b"".join(part for part in sent if part))
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                return Answer(self, event)
            if not isinstance(event, h11.InformationalResponse):
                raise Broken("the connection was closed instead of an answer")

    async def parts(self) -> AsyncIterator[bytes]:
        """The parts of the body. Raises Broken."""
        while True:
            event = await self._event()
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return
            else:
                raise Broken("the connection was closed within the answer")

    def rest(self) -> bool:
        """Be idle, if another request can follow."""
        http = self._http
        if self._lost or http.our_state is not h11.DONE or http.their_state is not h11.DONE or http.trailing_data[0]:
            return False
        http.start_next_cycle()
        self._idle = True
        return True

    def take(self) -> bool:
        """Be in use again, if it still can be."""
        self._idle = False
        if self._closing is not None:
            self._closing.cancel()
        return not self._lost

    def close_after(self, seconds: float, among: list[_Connection]) -> None:
        """Close it if it is idle for so long, and take it from those."""

        def close() -> None:
            among.remove(self)
            self.abort()

        self._closing = asyncio.get_running_loop().call_later(seconds, close)

    def abort(self) -> None:
        self._lost = True
        self._transport.abort()

    async def _event(self) -> h11.Event | type[h11.PAUSED]:
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise Broken(f"not HTTP/1.1, or not all of it: {error}") from None
            if event is not h11.NEED_DATA:
                return event  # type: ignore[return-value]
            if self._paused:
                self._paused = False
                self._transport.resume_reading()
            self._unread = 0
            self._arrival = asyncio.get_running_loop().create_future()
            try:
                await self._arrival
            finally:
                self._arrival = None

    def _end(self) -> None:
        if not self._lost:
            self._lost = True
            if not self._idle:
                self._http.receive_data(b"")
        self._arrived()

    def _arrived(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)


@functools.cache
def _tls() -> ssl.SSLContext:
    """The system's trust, or where it has none (a bare container) that of certifi."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not paths.cafile and not paths.capath:
        import certifi

        context.load_verify_locations(certifi.where())
    return context
