"""When the engine leaves an endpoint alone that fails."""

from __future__ import annotations

from dataclasses import dataclass

from ironflow.durations import Duration, milliseconds


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """After so many failures in a row the endpoint is not called for `open_duration`, then with one request; each time
    that one fails the duration doubles, up to `max_open_duration`. Runs wait meanwhile."""

    failure_threshold: int = 5
    open_duration: Duration = 60.0
    max_open_duration: Duration = 600.0

    def __post_init__(self) -> None:
        if type(self.failure_threshold) is not int or not 1 <= self.failure_threshold <= 1_000:
            raise ValueError(f"failure_threshold must be 1 to 1000, not {self.failure_threshold!r}")
        first = milliseconds(self.open_duration, what="open_duration")
        if not 1 <= first <= milliseconds(self.max_open_duration, what="max_open_duration"):
            raise ValueError(f"max_open_duration {self.max_open_duration!r} must not be less than open_duration")
