"""HTTP to users' endpoints: which addresses are dialled, and what hostile or clumsy servers can do (little)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from app.outbound import url
from app.outbound.client import Broken, Client, TooLarge, Unreached
from app.outbound.reach import LOOPBACK, Reach

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
HEADERS = [("content-type", "application/json")]

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    """A server on loopback; its port."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def request_of(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    return head + await reader.readexactly(length)


async def serve_ok(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await request_of(reader)
        writer.write(OK)


def client(place: str, reach: Reach | None = None, *, names: dict[str, Sequence[str]] | None = None) -> Client:
    """A client of `place` whose resolver knows `names` only; loopback is allowed unless `reach` says otherwise."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        if host not in (names or {}):
            raise OSError(-2, "Name or service not known")
        return (names or {})[host]

    return Client(url.parse(place, field="url"), reach or Reach(LOOPBACK), resolve=resolve)


async def ask(asked: Client, body: bytes = b"{}", *, bytes_max: int = 1_000) -> tuple[int, bytes]:
    async with asyncio.timeout(10), asked.post(HEADERS, body) as answer:
        return answer.status, await answer.body(bytes_max)


async def test_a_request_is_sent_with_the_host_of_the_url_and_the_connection_kept() -> None:
    seen: list[bytes] = []
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            seen.append(await request_of(reader))
            writer.write(OK)

    async with listening(serve) as port:
        asked = client(f"http://app.example:{port}/run?x=1", names={"app.example": ["127.0.0.1"]})
        answers = [await ask(asked, b'{"n":%d}' % number) for number in range(3)]
        asked.close()

    assert answers == [(200, b"ok")] * 3
    assert connections == 1
    assert seen[0].startswith(b"POST /run?x=1 HTTP/1.1\r\n")
    assert f"host: app.example:{port}\r\n".encode() in seen[0].lower()
    assert [request[-7:] for request in seen] == [b'{"n":0}', b'{"n":1}', b'{"n":2}']


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.5", "192.168.1.1"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["fe80::1%1"],
        ["0.0.0.0"],
        [],
    ],
)
async def test_a_name_that_leads_inside_is_not_dialled(addresses: Sequence[str]) -> None:
    async with listening(serve_ok) as port:
        asked = client(f"http://innocent.example:{port}/", Reach(), names={"innocent.example": addresses})
        with pytest.raises(Unreached, match=r"innocent\.example must not be called"):
            await ask(asked)


async def test_of_several_addresses_only_permitted_ones_are_dialled() -> None:
    async with listening(serve_ok) as port:
        asked = client(f"http://mixed.example:{port}/", names={"mixed.example": ["10.0.0.1", "127.0.0.1", "0.0.0.0"]})
        assert await ask(asked) == (200, b"ok")
        asked.close()


async def test_a_name_that_changes_its_mind_gains_nothing() -> None:
    """DNS rebinding: public when it was looked at, private at the next look. Each dial looks once, and dials that."""
    looks: list[Sequence[str]] = [["127.0.0.2"], ["169.254.169.254"]]

    async def resolve(host: str, port: int) -> Sequence[str]:
        return looks.pop(0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))

    server = await asyncio.start_server(serve, "127.0.0.2", 0)
    port = server.sockets[0].getsockname()[1]
    asked = Client(url.parse(f"http://rebind.example:{port}/", field="url"), Reach(LOOPBACK), resolve=resolve)

    assert await ask(asked) == (200, b"ok")
    assert len(looks) == 1
    with pytest.raises(Unreached, match="metadata"):
        await ask(asked)
    server.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_not_followed(status: int) -> None:
    asked_for: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked_for.append(await request_of(reader))
        writer.write(b"HTTP/1.1 %d X\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n" % status)

    async with listening(serve) as port:
        assert await ask(client(f"http://127.0.0.1:{port}/")) == (status, b"")
    assert len(asked_for) == 1


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async with listening(serve_ok) as port:
        asked = client(f"http://127.0.0.1:{port}/")
        assert await ask(asked) == (200, b"ok")
        asked.close()


async def test_nobody_listening_is_told_as_unreached() -> None:
    async with listening(serve_ok) as port:
        pass

    with pytest.raises(Unreached, match="could not be connected to"):
        await ask(client(f"http://127.0.0.1:{port}/"))
    with pytest.raises(Unreached, match="cannot be resolved"):
        await ask(client("http://nobody.example/"))


async def test_plain_http_is_not_taken_for_tls() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)

    async with listening(serve) as port:
        with pytest.raises(Unreached):
            await ask(client(f"https://127.0.0.1:{port}/"))


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"INFO {}\r\n",
        b"SSH-2.0-x\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000,
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000,
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ],
)
async def test_what_is_no_whole_answer_breaks_and_does_not_hang(sent: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(sent)

    async with listening(serve) as port:
        with pytest.raises(Broken):
            await ask(client(f"http://127.0.0.1:{port}/"))


async def test_an_endless_answer_is_cut_off() -> None:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10737418240\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
        finally:
            ended.set()

    async with listening(serve) as port:
        with pytest.raises(TooLarge):
            await ask(client(f"http://127.0.0.1:{port}/"), bytes_max=1_000_000)
        async with asyncio.timeout(10):
            await ended.wait()


async def test_lines_come_as_they_are_sent_and_an_endless_one_is_cut_off() -> None:
    go_on = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\none\ntw")
        await go_on.wait()
        writer.write(b"o\n\nthree\n")
        for _ in range(100):
            writer.write(b"x" * 1_000)
            await writer.drain()

    lines: list[bytes] = []

    async def read(place: str) -> None:
        async with asyncio.timeout(10), client(place).post([], b"") as answer:
            async for line in answer.lines(10_000):
                lines.append(line)
                go_on.set()

    async with listening(serve) as port:
        with pytest.raises(TooLarge):
            await read(f"http://127.0.0.1:{port}/")
    assert lines == [b"one", b"two", b"", b"three"]


async def test_the_last_line_needs_no_line_feed() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\na\nb")

    async with (
        listening(serve) as port,
        asyncio.timeout(10),
        client(f"http://127.0.0.1:{port}/").post([], b"") as answer,
    ):
        assert [line async for line in answer.lines(100)] == [b"a", b"b"]


async def test_a_kept_connection_that_ended_meanwhile_is_made_anew() -> None:
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await request_of(reader))
        writer.write(OK)
        if len(requests) == 1:
            await request_of(reader)  # the second one is dropped, as by a server that closes idle connections

    async with listening(serve) as port:
        asked = client(f"http://127.0.0.1:{port}/")
        assert await ask(asked, b"1") == (200, b"ok")
        assert await ask(asked, b"2") == (200, b"ok")
        asked.close()
    assert [request[-1:] for request in requests] == [b"1", b"2"]


async def test_what_comes_unasked_is_not_taken_for_the_next_answer() -> None:
    poisoned = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(OK + (b"" if poisoned.is_set() else b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged"))
        poisoned.set()
        await request_of(reader)

    async with listening(serve) as port:
        asked = client(f"http://127.0.0.1:{port}/")
        assert await ask(asked) == (200, b"ok")
        assert await ask(asked) == (200, b"ok")
        asked.close()


async def test_idle_connections_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.outbound.client.IDLE_S_MAX", 0.01)
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(OK)
        assert await reader.read() == b""
        closed.set()

    async with listening(serve) as port:
        asked = client(f"http://127.0.0.1:{port}/")
        await ask(asked)
        async with asyncio.timeout(10):
            await closed.wait()
        assert await ask(asked) == (200, b"ok")
        asked.close()


async def test_a_request_that_is_given_up_closes_its_connection() -> None:
    begun, closed = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        begun.set()
        await reader.read()
        closed.set()

    async with listening(serve) as port:
        asking = asyncio.create_task(ask(client(f"http://127.0.0.1:{port}/")))
        async with asyncio.timeout(10):
            await begun.wait()
            asking.cancel()
            await closed.wait()
    with pytest.raises(asyncio.CancelledError):
        await asking
