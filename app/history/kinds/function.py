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
    event: str = ""
    expression: str = ""
    cron: str = ""


class CircuitBreaker(msgspec.Struct, frozen=True, omit_defaults=True):
    """When an endpoint that fails is left alone: after so many failures in a row, at first for `open_ms`, twice as long
    each time it fails again, at most for `open_ms_max`."""

    failure_threshold: int = 5
    open_ms: int = 60_000
    open_ms_max: int = 600_000


class FunctionRegistered(Fact, frozen=True):
    """stream function/<id>; a full snapshot, one for each version"""

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


FACTS: tuple[type[Fact], ...] = (FunctionRegistered,)
