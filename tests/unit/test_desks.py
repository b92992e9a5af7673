"""What a guest of NATS asks for, by numbers of any length."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from app.bus.desks import NO_WAIT_S, _request
from app.errors import InvalidArgument


def asked(data: bytes) -> Any:
    message: Any = SimpleNamespace(data=data, reply="_INBOX_guest_a.1")
    return _request(message)


@pytest.mark.parametrize(
    ("data", "wait_s"),
    [
        (b"", 300),
        (b"5", 300),
        (b'{"expires": 2000000000}', 2),
        (b'{"expires": -1}', 300),
        (b'{"expires": 1%b}' % (b"0" * 4_000), 300),
        (b'{"no_wait": true}', NO_WAIT_S),
        (b'{"no_wait": true, "expires": 2000000000}', 2),
    ],
    ids=["nothing", "a batch", "some time", "none", "all the time there is", "no wait", "a short wait"],
)
async def test_a_request_waits_for_as_long_as_it_says_and_never_for_ever(data: bytes, wait_s: float) -> None:
    now = asyncio.get_running_loop().time()

    assert asked(data).until - now == pytest.approx(wait_s, abs=1)


@pytest.mark.parametrize("data", [b"0", b"9" * 100, b"9" * 5_000, b"{", b'{"batch": 1%b}' % (b"0" * 4_000), b"[]"])
async def test_what_is_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidArgument):
        asked(data)
