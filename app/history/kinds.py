"""Every kind of entry that history can hold, and the shape of its data. The only place that spells a kind.

A fact is what happened, in the past tense, with what is needed to derive state from it and nothing else. Fields are
only ever added, with a default, so that old entries keep decoding. Instants are microseconds since 1970 (UTC).
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

NULL = msgspec.Raw(b"null")


class Fact(msgspec.Struct, frozen=True, omit_defaults=True):
    kind: ClassVar[str]


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a step or a run failed, as the worker told it."""

    message: str
    code: str = ""
    retryable: bool = True
    stack: str = ""
    retry_after_ms: int = 0


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


class EventEmitted(Fact, frozen=True):
    """stream event/<id>"""

    kind = "event.emitted"
    id: str
    name: str
    data: msgspec.Raw
    source: str = "api"
    version: int = 1
    idempotency_key: str = ""
    run_id: str = ""
    run_ids: tuple[str, ...] = ()


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
    metadata: msgspec.Raw = msgspec.Raw(b"{}")


class RunCreated(Fact, frozen=True):
    """stream run/<id>, as are all that follow"""

    kind = "run.created"
    function_id: str
    function_version: int
    event_id: str
    event_name: str
    retry: RetryPolicy
    timeout_ms: int


class RunStarted(Fact, frozen=True):
    """A worker was handed the run; execution_seq is the fence that its reports must carry. timeout_at 0: no limit."""

    kind = "run.started"
    execution_seq: int
    attempt: int
    worker_id: str
    timeout_at: int = 0


class RunReleased(Fact, frozen=True):
    """The worker was lost or gave the run back: it may be handed out again. Uses no attempt."""

    kind = "run.released"
    execution_seq: int
    reason: str


class RunRetrying(Fact, frozen=True):
    """The execution failed; the next attempt may start at due_at."""

    kind = "run.retrying"
    execution_seq: int
    attempt: int
    due_at: int
    error: Failure


class RunCompleted(Fact, frozen=True):
    kind = "run.completed"
    execution_seq: int
    output: msgspec.Raw = NULL


class RunFailed(Fact, frozen=True):
    kind = "run.failed"
    execution_seq: int
    error: Failure


class RunPaused(Fact, frozen=True):
    kind = "run.paused"
    execution_seq: int
    reason: str
    error: Failure | None = None


class RunResumed(Fact, frozen=True):
    """A paused run may be handed out again, with a fresh budget of attempts."""

    kind = "run.resumed"


class RunCancelled(Fact, frozen=True):
    kind = "run.cancelled"
    reason: str
    cause: str


class StepCompleted(Fact, frozen=True):
    kind = "step.completed"
    step_id: str
    name: str
    output: msgspec.Raw = NULL
    type: str = "invoke"
    execution_seq: int = 0
    attempt: int = 1
    duration_ms: int = 0
    started_at: int = 0
    compensation_for: str = ""


class StepFailed(Fact, frozen=True):
    kind = "step.failed"
    step_id: str
    name: str
    error: Failure
    type: str = "invoke"
    execution_seq: int = 0
    attempt: int = 1
    duration_ms: int = 0
    started_at: int = 0
    compensation_for: str = ""


class StepSleeping(Fact, frozen=True):
    kind = "step.sleeping"
    step_id: str
    name: str
    until: int
    execution_seq: int = 0


_FACTS: tuple[type[Fact], ...] = (
    EventEmitted,
    FunctionRegistered,
    RunCreated,
    RunStarted,
    RunReleased,
    RunRetrying,
    RunCompleted,
    RunFailed,
    RunPaused,
    RunResumed,
    RunCancelled,
    StepCompleted,
    StepFailed,
    StepSleeping,
)
KINDS: dict[str, type[Fact]] = {fact.kind: fact for fact in _FACTS}
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {kind: msgspec.json.Decoder(fact) for kind, fact in KINDS.items()}
_encode = msgspec.json.Encoder().encode


def encode(fact: Fact) -> bytes:
    """The fact as JSON, users' payloads byte for byte as they came."""
    return _encode(fact)


def decode(kind: str, data: bytes | str) -> Fact:
    """The fact of an entry. Raises KeyError for a kind that this release does not know."""
    fact: Fact = _DECODERS[kind].decode(data)
    return fact
