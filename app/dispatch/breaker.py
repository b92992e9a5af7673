"""The circuit breaker: an endpoint that fails again and again is left alone for a while, then tried with one request.

               failures in a row           the window is over
    closed ─────────────────────► open ─────────────────────► half-open
      ▲                             ▲                            │ │
      │                             └─ the probe failed: a window twice as long
      └──────────────── the probe succeeded ───────────────────────┘

Before that many failures, an endpoint that could not even be reached is given moments of growing length. Instants are
µs. Only requests of the present era count: what a request that began before the last change of state or the last such
moment comes to says nothing new. So many requests that find nobody there at once are one failure.
"""

from __future__ import annotations

from typing import Literal

from app.history.kinds import CircuitBreaker

State = Literal["closed", "open", "half-open"]

PAUSE_US = (250_000, 5_000_000)
"""After the first failure to reach the endpoint, and at most."""


class Breaker:
    def __init__(self, policy: CircuitBreaker) -> None:
        self.policy = policy
        self.state: State = "closed"
        self.failures = 0
        self.era = 0
        self.failed_at: int | None = None
        self.reason = ""
        self.wake_at: int | None = None
        """When `wake` has something to change."""
        self._window_us = 0

    def admits(self, concurrency: int) -> int:
        """How many requests there may be at a time."""
        if self.state == "half-open":
            return 1
        return 0 if self.wake_at is not None else concurrency

    def succeeded(self, era: int) -> None:
        """The endpoint answered as it should."""
        if era == self.era:
            self.failures = 0
            if self.state != "closed":
                self._change("closed")

    def failed(self, era: int, *, now: int, reason: str, reached: bool) -> None:
        """The endpoint answered wrongly or not at all, or (`reached` false) there was no connection."""
        if era != self.era or self.state == "open":
            return
        self.failures += 1
        self.failed_at, self.reason = now, reason
        if self.state == "half-open":
            self._open(now, self._window_us * 2)
        elif self.failures >= self.policy.failure_threshold:
            self._open(now, self.policy.open_ms * 1_000)
        elif not reached:
            first, longest = PAUSE_US
            self.wake_at = now + min(first * 2 ** (self.failures - 1), longest)
            self.era += 1

    def wake(self, now: int) -> None:
        """Let time do what it does: a window ends, a pause is over."""
        if self.wake_at is not None and self.wake_at <= now:
            self.wake_at = None
            if self.state == "open":
                self._change("half-open")

    def reset(self) -> None:
        """As if nothing had happened."""
        self.failures, self.failed_at, self.reason, self.wake_at = 0, None, "", None
        self._change("closed")

    def _open(self, now: int, window_us: int) -> None:
        self._window_us = min(window_us, self.policy.open_ms_max * 1_000)
        self.wake_at = now + self._window_us
        self._change("open")

    def _change(self, state: State) -> None:
        self.state = state
        self.era += 1
