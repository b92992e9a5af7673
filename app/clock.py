"""Time as an argument: instants are microseconds since 1970 (UTC); at the edges they are RFC 3339 with a Z."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

from app.durations import parse_duration
from app.errors import InvalidArgument
from app.listening import listening

# What RFC 3339 can write: the years 1 to 9999 of UTC.
INSTANT_US_MIN = -62_135_596_800_000_000
INSTANT_US_MAX = 253_402_300_799_999_999

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS = tuple(f".{milliseconds:03}Z" for milliseconds in range(1_000))
_RELATIVE = re.compile(r"^-?(?P<duration>[0-9.]+(?:ms|s|m|h|d))(?: ago)?$")


class Clock(Protocol):
    def now_us(self) -> int: ...

    async def wait_until(self, at_us: int | None, wake: asyncio.Event) -> None:
        """Returns when the instant has come (None: never) or `wake` is set, whichever is first."""
        ...


class SystemClock:
    def now_us(self) -> int:
        return time.time_ns() // 1000

    async def wait_until(self, at_us: int | None, wake: asyncio.Event) -> None:
        wait_s = None if at_us is None else max(0.0, (at_us - self.now_us()) / 1_000_000)
        try:
            async with asyncio.timeout(wait_s):
                await wake.wait()
        except TimeoutError:
            return


class ManualClock:
    """A clock that a test moves."""

    def __init__(self, now_us: int) -> None:
        self._now_us = now_us
        self._moved: set[asyncio.Event] = set()

    def now_us(self) -> int:
        return self._now_us

    def advance(self, us: int = 0, *, seconds: float = 0.0) -> None:
        self._now_us += us + int(seconds * 1_000_000)
        for moved in self._moved:
            moved.set()

    async def wait_until(self, at_us: int | None, wake: asyncio.Event) -> None:
        moved = asyncio.Event()
        self._moved.add(moved)
        try:
            while not wake.is_set() and (at_us is None or self._now_us < at_us):
                moved.clear()
                with listening(wake.wait(), moved.wait()) as first:
                    await first(None)
        finally:
            self._moved.discard(moved)


@lru_cache(maxsize=4_096)
def rfc3339(us: int) -> str:
    """The instant as RFC 3339 in UTC: milliseconds where they are exact, else microseconds. What was recorded together
    has the same instant, and is told together."""
    seconds, fraction = divmod(us, 1_000_000)
    milliseconds, rest = divmod(fraction, 1_000)
    return f"{_second(seconds)}.{fraction:06}Z" if rest else _second(seconds) + _MILLISECONDS[milliseconds]


@lru_cache(maxsize=4_096)
def _second(seconds: int) -> str:
    """Many instants that are told after one another are of the same second."""
    return (_EPOCH + timedelta(seconds=seconds)).isoformat(timespec="seconds").removesuffix("+00:00")


def parse_rfc3339(text: str, *, field: str = "timestamp") -> int:
    """The instant of an RFC 3339 text with a zone, within INSTANT_US_MIN and _MAX. Raises InvalidArgument."""
    try:
        instant = datetime.fromisoformat(text.upper())
    except ValueError:
        instant = None
    # By timedelta, since a float of seconds is too coarse for microseconds of far years.
    us = None if instant is None or instant.tzinfo is None else (instant - _EPOCH) // timedelta(microseconds=1)
    if us is None or not INSTANT_US_MIN <= us <= INSTANT_US_MAX:
        raise InvalidArgument(
            f"{field} {text[:80]!r} is not an instant", field=field, hint="RFC 3339, such as 2026-01-31T12:00:00Z"
        )
    return us


def parse_instant(text: str, now_us: int, *, field: str = "timestamp") -> int:
    """An RFC 3339 instant, or one before now such as `15m` or `2h ago`. Raises InvalidArgument."""
    relative = _RELATIVE.match(text.strip())
    if relative is not None:
        return now_us - parse_duration(relative["duration"], field=field)
    return parse_rfc3339(text, field=field)
