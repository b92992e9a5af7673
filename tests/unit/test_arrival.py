"""How long the body of a request is waited for, with times of milliseconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.api import arrival
from app.api.arrival import EMPTY_PARTS_MAX, WHOLE_BYTES_MAX, Arrival, Body, Parts, Patience, arriving
from app.errors import BodyCut, BodyTimeout

SOON_S, LATER_S, NEVER_S = 0.02, 0.1, 3_600.0


class Sent:
    """A body whose parts come after as many seconds each as are told."""

    def __init__(self, *parts: tuple[float, bytes]) -> None:
        self._parts = parts

    async def __call__(self) -> bytes:
        return b"".join([part async for part in self])

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for after_s, part in self._parts:
            loop = asyncio.get_running_loop()
            come: asyncio.Future[bytes] = loop.create_future()
            loop.call_later(after_s, come.set_result, part)
            yield await come


async def test_what_comes_in_time_is_all_there() -> None:
    sent = Sent((0, b"a"), (0, b""), (0, b"bc"))

    assert [part async for part in Arrival(sent, 30)] == [b"a", b"", b"bc"]
    assert await Body(sent, 3, Patience(30)).read() == b"abc"
    large = Sent((0, b"a"), (0, b"b" * WHOLE_BYTES_MAX))
    assert await Body(large, WHOLE_BYTES_MAX + 1, Patience(30)).read() == b"a" + b"b" * WHOLE_BYTES_MAX


@pytest.mark.parametrize("length", [3, WHOLE_BYTES_MAX + 1])
async def test_a_body_that_stops_is_not_waited_for(length: int) -> None:
    with pytest.raises(BodyTimeout) as told:
        await Body(Sent((0, b"a"), (NEVER_S, b"bc")), length, Patience(SOON_S)).read()

    assert (told.value.status, told.value.code, told.value.retryable) == (408, "BODY_TIMEOUT", True)


BROKEN = [(0.0, b"")] * (EMPTY_PARTS_MAX + 1)
"""What comes of a broken connection over HTTP/2, and goes on."""


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ({"content-length": "3"}, [(0.0, b"ab")]),
        ({"content-length": "3"}, []),
        ({"content-length": "3"}, [(0.0, b"ab"), *BROKEN]),
        ({"transfer-encoding": "chunked"}, [(0.0, b"abc"), (0.0, b""), (0.0, b"")]),
        ({"transfer-encoding": "chunked"}, [(0.0, b""), (0.0, b"")]),
        ({}, [(0.0, b"abc"), *BROKEN]),
    ],
)
async def test_a_part_is_no_whole(headers: dict[str, str], sent: list[tuple[float, bytes]]) -> None:
    with pytest.raises(BodyCut) as told:
        [part async for part in arriving(Sent(*sent), headers, 30)]

    assert (told.value.status, told.value.code, told.value.retryable) == (400, "BODY_CUT", True)


@pytest.mark.parametrize("length", [3, WHOLE_BYTES_MAX + 1])
async def test_nor_is_it_one_if_it_is_read_at_once(length: int) -> None:
    with pytest.raises(BodyCut):
        await Body(Sent((0, b"ab")), length, Patience(30)).read()


@pytest.mark.parametrize("headers", [{"content-length": "3"}, {"transfer-encoding": "chunked"}, {}])
async def test_a_whole_may_end_with_an_empty_part(headers: dict[str, str]) -> None:
    sent = Sent((0, b"ab"), (0, b""), (0, b"c"), (0, b""))

    assert b"".join([part async for part in arriving(sent, headers, 30)]) == b"abc"


async def test_a_stream_that_breaks_is_not_read_for_ever() -> None:
    with pytest.raises(BodyCut):
        [part async for part in Parts(Sent((0, b"abc"), *BROKEN))]


async def test_bytes_pay_for_time_and_a_trickle_pays_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrival, "PACE_BYTES", 100)  # ten bytes are a tenth of a second

    assert [part async for part in Arrival(Sent((0, b"x" * 1_000), (3 * LATER_S, b"y")), 2 * LATER_S)][1:] == [b"y"]
    with pytest.raises(BodyTimeout):
        [part async for part in Arrival(Sent(*[(SOON_S, b"z")] * 100), LATER_S)]  # half of the time that they take


async def test_waits_with_one_timer_end_each_in_its_time() -> None:
    patience = Patience(LATER_S)

    async def wait(after_s: float) -> str:
        await asyncio.sleep(after_s)
        began = asyncio.get_running_loop().time()
        try:
            await patience.wait(asyncio.Event().wait())
        except TimeoutError:
            return "late" if asyncio.get_running_loop().time() - began >= LATER_S * 0.99 else "early"
        return "come"

    assert await patience.wait(asyncio.sleep(0, "at once")) == "at once"
    assert await asyncio.gather(*(wait(number * LATER_S / 4) for number in range(6))) == ["late"] * 6
    assert await patience.wait(asyncio.sleep(0, "again")) == "again"


async def test_who_is_cancelled_while_waiting_is_cancelled() -> None:
    patience = Patience(30)
    waiting = asyncio.create_task(patience.wait(asyncio.Event().wait()))
    await asyncio.sleep(0)
    waiting.cancel("from outside")

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert waiting.cancelled()
