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


FACTS: tuple[type[Fact], ...] = (FunctionRegistered,)
