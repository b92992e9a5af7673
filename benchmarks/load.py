"""A closed-loop load generator, as thin as it can be, since it shares two cores with what it measures: for HTTP/1.1,
and for whatever else is asked and answered over a connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias, cast
from urllib.parse import urlsplit

from benchmarks.machine import percentile

CASE_TIMEOUT_S = 300.0


@dataclass
class Load:
    """What a case did: one latency a request. `errors` counts answers that were not the ones expected."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    errors: int = 0

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def ms(self, share: float) -> float:
        return percentile(self.latencies, share) * 1_000


Read: TypeAlias = Callable[[bytes], bool | None]
"""Whether an answer is right; None of one that is not complete."""


class _Client(asyncio.Protocol):
    """One connection: sends a request, and the next as soon as the answer is complete, until `go_on` says no."""

    def __init__(self, request: Callable[[], bytes], read: Read, go_on: Callable[[], bool], load: Load) -> None:
        self._request = request
        self._read = read
        self._go_on = go_on
        self._load = load
        self._buffer = b""
        self._sent_at = 0.0
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by class
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        right = self._read(self._buffer)
        if right is None:
            return
        self._load.latencies.append(time.perf_counter() - self._sent_at)
        self._load.errors += not right
        self._buffer = b""
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(error or ConnectionError("the server closed the connection"))

    def _next(self) -> None:
        if not self._go_on():
            self.finished.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(self._request())


async def run(
    url: str,
    path: str,
    body: Callable[[], bytes],
    *,
    clients: int,
    seconds: float = 0.0,
    requests: int = 0,
    expected: bytes = b"",
) -> Load:
    """POST with that many clients, for so many seconds or requests; a right answer is 2xx and has `expected` in it."""
    return await send(
        url, lambda: ("POST", path, body()), clients=clients, seconds=seconds, requests=requests, expected=expected
    )


async def send(
    url: str,
    ask: Callable[[], tuple[str, str, bytes]],
    *,
    clients: int,
    seconds: float = 0.0,
    requests: int = 0,
    expected: bytes = b"",
    token: str = "",
) -> Load:
    """The same with any requests: `ask` gives method, path and body of the next. `token` is the bearer's, if any."""
    split = urlsplit(url)
    host, port = split.hostname or "127.0.0.1", split.port or 80
    bearer = f"authorization: Bearer {token}\r\n" if token else ""
    head = f"HTTP/1.1\r\nhost: {split.netloc}\r\n{bearer}content-type: application/json\r\ncontent-length:"

    def request() -> bytes:
        method, path, content = ask()
        return f"{method} {path} {head} {len(content)}\r\n\r\n".encode() + content

    def read(answer: bytes) -> bool | None:
        return _read(answer, expected)

    return await closed_loop(host, port, request, read, clients=clients, seconds=seconds, requests=requests)


def _read(answer: bytes, expected: bytes) -> bool | None:
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = answer[:end].lower()
    start = head.index(b"content-length:") + 15
    stop = head.find(b"\r", start)
    length = int(head[start : stop if stop > 0 else len(head)])
    if len(answer) < end + 4 + length:
        return None
    return answer[9:10] == b"2" and expected in answer[end + 4 :]


async def closed_loop(
    host: str,
    port: int,
    request: Callable[[], bytes],
    read: Read,
    *,
    clients: int,
    seconds: float = 0.0,
    requests: int = 0,
) -> Load:
    """So many connections, each with one request at a time, for so many seconds or requests over all."""
    load = Load()
    left = requests
    until = time.perf_counter() + seconds

    def go_on() -> bool:
        nonlocal left
        left -= 1
        return left >= 0 if requests else time.perf_counter() < until

    started = time.perf_counter()
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: _Client(request, read, go_on, load), host, port) for _ in range(clients)
    ]
    async with asyncio.timeout(seconds + CASE_TIMEOUT_S):
        await asyncio.gather(*(client.finished for _, client in made))
    load.seconds = time.perf_counter() - started
    return load
