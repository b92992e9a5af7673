"""How many requests a key, and all keys of an organization, may make: a bucket of tokens for each, refilled by time."""

from __future__ import annotations

from app.clock import Clock
from app.errors import RateLimited

BURST_S = 2
"""Of requests saved up while there were none."""
BUCKETS_MAX = 10_000


class RateLimits:
    """`per_key` and `per_org` are requests a second; 0 is no limit. They are counted by each node for itself."""

    def __init__(self, clock: Clock, *, per_key: int = 0, per_org: int = 0) -> None:
        self._clock = clock
        self._per_key = per_key
        self._per_org = per_org
        self._buckets: dict[str, tuple[float, int]] = {}
        self.any = bool(per_key or per_org)

    def take(self, key: str, org: str) -> None:
        """One request. Raises RateLimited."""
        if self._per_key:
            self._take(key, self._per_key, "this key")
        if self._per_org:
            self._take(org, self._per_org, f"organization {org}")

    def _take(self, name: str, per_s: int, what: str) -> None:
        now, capacity = self._clock.now_us(), float(per_s * BURST_S)
        tokens, at = self._buckets.get(name, (capacity, now))
        tokens = min(capacity, tokens + max(0, now - at) * per_s / 1_000_000)
        if tokens < 1:
            self._buckets[name] = (tokens, now)
            wait_s = max(1, round((1 - tokens) / per_s))
            raise RateLimited(f"{what} may make {per_s} requests a second", retry_after_s=wait_s)
        self._buckets[name] = (tokens - 1, now)
        if len(self._buckets) > BUCKETS_MAX:
            self._forget(now)

    def _forget(self, now: int) -> None:
        """Those that are full again are as good as none; if all are in use, the oldest go."""
        full_after = BURST_S * 1_000_000
        self._buckets = {name: one for name, one in self._buckets.items() if now - one[1] < full_after}
        while len(self._buckets) > BUCKETS_MAX:
            del self._buckets[next(iter(self._buckets))]
