"""How many requests a key, and all keys of an organization, may make: a bucket of tokens for each, refilled by time."""

from __future__ import annotations

from collections import OrderedDict

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
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self.any = bool(per_key or per_org)

    def take(self, key: str, org: str) -> None:
        """One request. Raises RateLimited."""
        if self._per_key:
            self._take(key, self._per_key, "this key")
        if self._per_org:
            self._take(org, self._per_org, f"organization {org}")

    def _take(self, name: str, per_s: int, what: str) -> None:
        now, capacity = self._clock.now_us(), float(per_s * BURST_S)
        tokens, at = self._buckets.pop(name, (capacity, now))
        tokens = min(capacity, tokens + max(0, now - at) * per_s / 1_000_000)
        if tokens < 1:
            self._keep(name, tokens, now)
            wait_s = max(1, round((1 - tokens) / per_s))
            raise RateLimited(f"{what} may make {per_s} requests a second", retry_after_s=wait_s)
        self._keep(name, tokens - 1, now)

    def _keep(self, name: str, tokens: float, now: int) -> None:
        """As the one that was used last; of too many the one goes that was not used for longest, and may be full."""
        self._buckets[name] = (tokens, now)
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)

    def __len__(self) -> int:
        return len(self._buckets)
