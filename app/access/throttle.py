"""How fast somebody may try: after a few failures each further one has to wait twice as long as the last."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from app.clock import Clock
from app.errors import RateLimited

FREE = 5
"""Failures that cost nothing."""
DELAY_S_MAX = 900
FORGET_S = 3_600
REMEMBERED_MAX = 10_000


class _Failures(NamedTuple):
    times: int
    at: int


class Throttle:
    """Counts failures by key, such as an account or an address, of the keys that failed last. An attacker who has more
    addresses than are remembered is slowed by the account's count, and the other way round."""

    def __init__(self, clock: Clock, *, remembered_max: int = REMEMBERED_MAX) -> None:
        self._clock = clock
        self._remembered_max = remembered_max
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failures)

    def check(self, *keys: str) -> None:
        """Raises RateLimited if one of them has to wait."""
        now = self._clock.now_us()
        wait_s = max((self._wait_s(key, now) for key in keys), default=0)
        if wait_s:
            raise RateLimited("too many failed attempts", retry_after_s=wait_s)

    def failed(self, *keys: str) -> None:
        now = self._clock.now_us()
        for key in keys:
            known = self._failures.pop(key, None)
            fresh = known is None or now - known.at > FORGET_S * 1_000_000
            self._failures[key] = _Failures(1 if fresh or known is None else known.times + 1, now)
        while len(self._failures) > self._remembered_max:
            self._failures.popitem(last=False)

    def succeeded(self, *keys: str) -> None:
        for key in keys:
            self._failures.pop(key, None)

    def _wait_s(self, key: str, now: int) -> int:
        known = self._failures.get(key)
        if known is None or known.times < FREE:
            return 0
        delay_s: int = min(2 ** min(known.times - FREE, 20), DELAY_S_MAX)
        until = known.at + delay_s * 1_000_000
        return max(0, (until - now + 999_999) // 1_000_000)
