"""What happens to functions, and the parts of their definition."""

from __future__ import annotations

import msgspec

from app.history.kinds.base import EMPTY, Fact


class RetryPolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    max_attempts: int = 25
    initial_delay_ms: int = 1_000
    backoff_factor: float = 2.0
    delay_ms_max: int = 300_000
    on_exhausted: str = "pause"


class Trigger(msgspec.Struct, frozen=True, omit_defaults=True):
    """Events of a pattern, or the ticks of a clock: then `event` names what is emitted, `missed` (skip, once or all)
    says what becomes of ticks at which no server ran, and each tick comes up to `jitter_ms` late."""

    event: str = ""
    expression: str = ""
    cron: str = ""
    timezone: str = "UTC"
    missed: str = "skip"
    jitter_ms: int = 0


class Concurrency(msgspec.Struct, frozen=True, omit_defaults=True):
    """At most so many runs execute at a time, for each value of the key."""

    limit: int
    key: str = ""


class Throttle(msgspec.Struct, frozen=True, omit_defaults=True):
    """At most so many runs start in any period; the others wait."""

    limit: int
    period_ms: int
    key: str = ""


class RateLimit(msgspec.Struct, frozen=True, omit_defaults=True):
    """At most so many runs are created in any period; events beyond start none."""

    limit: int
    period_ms: int
    key: str = ""


class Debounce(msgspec.Struct, frozen=True, omit_defaults=True):
    """A run for the last event, once none came for `period_ms`, or `max_wait_ms` after the first (0: never)."""

    period_ms: int
    key: str = ""
    max_wait_ms: int = 0


class Batch(msgspec.Struct, frozen=True, omit_defaults=True):
    """One run for `size` events, or for those that came within `timeout_ms` of the first."""

    size: int
    timeout_ms: int
    key: str = ""


class Singleton(msgspec.Struct, frozen=True, omit_defaults=True):
    """One unfinished run at a time: an event beyond is skipped, or its run replaces the one there is."""

    key: str = ""
    mode: str = "skip"


class CancelOn(msgspec.Struct, frozen=True, omit_defaults=True):
    """A later event that cancels the run: `match` is a path with the same value in both events, `expression` must hold
    for the later one."""

    event: str
    match: str = ""
    expression: str = ""


class CircuitBreaker(msgspec.Struct, frozen=True, omit_defaults=True):
    """When an endpoint that fails is left alone: after so many failures in a row, at first for `open_ms`, twice as long
    each time it fails again, at most for `open_ms_max`."""

    failure_threshold: int = 5
    open_ms: int = 60_000
    open_ms_max: int = 600_000


class FunctionRegistered(Fact, frozen=True):
    """stream function/<id>; a full snapshot, one for each version. The version is the stream's at this entry."""

    kind = "function.registered"
    id: str
    name: str
    version: int
    triggers: tuple[Trigger, ...] = ()
    description: str = ""
    retry: RetryPolicy = RetryPolicy()
    timeout_ms: int = 600_000
    preferred_mode: str = "pull"
    metadata: msgspec.Raw = EMPTY
    endpoint_url: str = ""
    circuit_breaker: CircuitBreaker = CircuitBreaker()
    concurrency: Concurrency | None = None
    throttle: Throttle | None = None
    rate_limit: RateLimit | None = None
    debounce: Debounce | None = None
    batch: Batch | None = None
    singleton: Singleton | None = None
    priority: str = ""
    idempotency: str = ""
    cancel_on: tuple[CancelOn, ...] = ()
    actor_key: str = ""
    on_failure: str = ""
    delay_ms: int = 0
    step_timeout_ms: int = 0
    secrets: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    change: str = "update"
    reason: str = ""


class FunctionStatusChanged(Fact, frozen=True):
    """active, paused (its runs wait), archived (nothing starts it) or deleted"""

    kind = "function.status_changed"
    status: str
    reason: str = ""


class FunctionPinned(Fact, frozen=True):
    """What workers and endpoints register from now on changes nothing."""

    kind = "function.pinned"
    reason: str = ""


class FunctionUnpinned(Fact, frozen=True):
    """What is registered next counts again."""

    kind = "function.unpinned"
    reason: str = ""


FACTS: tuple[type[Fact], ...] = (FunctionRegistered, FunctionStatusChanged, FunctionPinned, FunctionUnpinned)
