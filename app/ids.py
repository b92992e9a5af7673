"""Ids: a prefix and 26 characters of Crockford's base 32 (lower case) for 16 bytes, UUIDv7 of RFC 9562 §5.7.

They sort in the order in which a process made them, also within one millisecond: the 12 bits after the version are
a counter (RFC 9562 §6.2, method 1), which runs on into the next millisecond when it overflows.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

from app.clock import Clock

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
RANDOM_BUFFER_BYTES = 8 * 512

_PAIRS = [a + b for a in ALPHABET for b in ALPHABET]
_VERSION_7 = 0x7 << 76
_VERSION_8 = 0x8 << 76
_VARIANT = 0x2 << 62
_LOW_62 = (1 << 62) - 1


def encode(prefix: str, number: int) -> str:
    """The id of a 128-bit number."""
    pairs = _PAIRS
    text = "".join([pairs[(number >> shift) & 1023] for shift in range(120, -1, -10)])
    return f"{prefix}_{text}"


def keyed(prefix: str, *parts: str) -> str:
    """The same id for the same parts, for ever: a UUIDv8 (RFC 9562 §5.8) of their SHA-256, each with its length."""
    told = hashlib.sha256()
    for part in parts:
        raw = part.encode()
        told.update(len(raw).to_bytes(8, "big") + raw)
    number = int.from_bytes(told.digest()[:16], "big")
    number &= ~(0xF << 76) & ~(0x3 << 62)
    return encode(prefix, number | _VERSION_8 | _VARIANT)


class Ids:
    """Makes ids; `random` gives that many random bytes."""

    def __init__(self, clock: Clock, random: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        self._random = random
        self._buffer = b""
        self._offset = 0
        self._tick = 0

    def event(self) -> str:
        return encode("evt", self._next())

    def run(self) -> str:
        return encode("run", self._next())

    def job(self) -> str:
        return encode("job", self._next())

    def worker(self) -> str:
        return encode("wrk", self._next())

    def request(self) -> str:
        return encode("req", self._next())

    def _next(self) -> int:
        # A tick is a millisecond and a 12-bit counter; time that stands still or runs backwards only counts on.
        self._tick = tick = max(self._tick + 1, self._clock.now_us() // 1000 << 12)
        if self._offset >= len(self._buffer):
            self._buffer, self._offset = self._random(RANDOM_BUFFER_BYTES), 0
        low = int.from_bytes(self._buffer[self._offset : self._offset + 8], "big") & _LOW_62
        self._offset += 8
        return (tick >> 12) << 80 | _VERSION_7 | (tick & 0xFFF) << 64 | _VARIANT | low
