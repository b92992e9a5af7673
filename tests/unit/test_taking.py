"""Answers in parts wait for clients that do not take them."""

from __future__ import annotations

import asyncio
import socket

import pytest
from granian._granian import RSGIProtocolClosed as ProtocolClosed

from app.api import taking
from app.api.accepted import OPEN_FILES, number_of
from app.api.taking import AHEAD_BYTES_MAX, LOOK_BYTES, PacedStream, bytes_acknowledged, hang_up

PART = b"x" * LOOK_BYTES


class Sink:
    """Takes all at once, as Granian does."""

    def __init__(self) -> None:
        self.bytes = 0

    async def send_bytes(self, part: bytes) -> None:
        self.bytes += len(part)


class Client:
    """One that has acknowledged what it is told to."""

    def __init__(self) -> None:
        self.acknowledged: int | None = 1_000_000
        self.looked = asyncio.Event()

    async def taken(self) -> int | None:
        self.looked.set()
        return self.acknowledged


def never() -> None:
    pytest.fail("it takes what it is given, or may go on to wait")


async def flood(stream: PacedStream) -> None:
    while True:
        await stream.send_bytes(PART)
        await asyncio.sleep(0)


async def test_who_stops_reading_is_given_no_more_until_they_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "WAIT_S_MIN", 0.001)
    sink, client = Sink(), Client()
    flooding = asyncio.create_task(flood(PacedStream(sink, client.taken, never)))

    async def looks(times: int) -> None:
        for _ in range(times):
            client.looked.clear()
            await client.looked.wait()

    await looks(10)
    stalled = sink.bytes
    assert AHEAD_BYTES_MAX < stalled <= AHEAD_BYTES_MAX + LOOK_BYTES
    await looks(3)
    assert sink.bytes == stalled

    assert client.acknowledged is not None
    client.acknowledged += 10 * stalled  # more than was given: nothing of that is for what comes later
    await looks(10)
    assert AHEAD_BYTES_MAX < sink.bytes - stalled <= AHEAD_BYTES_MAX + LOOK_BYTES

    flooding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await flooding


async def test_who_takes_nothing_for_too_long_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "WAIT_S_MIN", 0.001)
    monkeypatch.setattr(taking, "STALLED_S_MAX", 0.01)
    sink, client, gone = Sink(), Client(), asyncio.Event()

    with pytest.raises(ProtocolClosed):
        await asyncio.wait_for(flood(PacedStream(sink, client.taken, gone.set)), 10)

    assert gone.is_set()
    assert AHEAD_BYTES_MAX < sink.bytes <= AHEAD_BYTES_MAX + LOOK_BYTES


async def test_where_nobody_knows_nothing_is_waited_for() -> None:
    sink, client = Sink(), Client()
    client.acknowledged = None
    stream = PacedStream(sink, client.taken, never)

    for _ in range(2 * AHEAD_BYTES_MAX // LOOK_BYTES):
        await stream.send_bytes(PART)

    assert sink.bytes == 2 * AHEAD_BYTES_MAX


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="this system does not list a process' files")
def test_the_system_counts_what_a_client_took() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client, listening.accept()[0] as ours:
            name = "{}:{}".format(*client.getsockname())
            number = number_of(name, port)
            assert number == ours.fileno()
            before = bytes_acknowledged(number, name, port)
            assert before is not None
            ours.sendall(b"12345")
            assert client.recv(5) == b"12345"
            client.sendall(b"x")
            assert ours.recv(1) == b"x"  # which acknowledges what came before

            assert bytes_acknowledged(number, name, port) == before + 5
            assert bytes_acknowledged(number, "127.0.0.1:1", port) is None, "it is another's connection by now"
            assert bytes_acknowledged(client.fileno(), name, port) is None, "it was not accepted here"

            hang_up(number, "127.0.0.1:1", port)
            ours.sendall(b"6")
            assert client.recv(5) == b"6", "another's connection is not ended"
            hang_up(number, name, port)
            assert client.recv(5) == b""
        assert number_of(name, port) is None
