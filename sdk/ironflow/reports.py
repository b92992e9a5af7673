"""What an execution says: each step's result, and how the execution ends. A `Sink` carries it to the engine.

StepCompleted, StepFailed   answered by `Execution.acknowledged` once durable, with the failure that is recorded
                            instead if what a step writes was refused
StepStarted                 said only where steps are to be announced; answered when the step may begin
Noted                       not answered
Waiting, RunCompleted, RunFailed   the last word, said once

What was logged since the report before goes along: `logs` in the step itself, or with the last word by the code between
steps; `logs_before` by that code, with a step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from ironflow.failures import Failure
from ironflow.lines import Logs

RESULT = "invoke"  # the published name of what `step.run` records
COMPENSATION = "compensate"
PUBLISH = "publish"
EMIT = "emit"


@dataclass(frozen=True, slots=True)
class Emission:
    """An event, or with a `topic` a message, that is recorded in the same commit as the result of its step."""

    name: str
    data: bytes
    topic: str = ""
    idempotency_key: str = ""
    metadata: Mapping[str, Any] | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class KvWrite:
    """A write to the key-values, recorded like an Emission. `revision` is what the key must be at, 0 for no value, None
    for whatever is there; `ttl_ms` None is as long as the bucket says."""

    operation: Literal["put", "incr", "delete", "purge"]
    bucket: str
    key: str
    value: bytes = b""
    revision: int | None = None
    ttl_ms: int | None = None
    by: int = 1


@dataclass(frozen=True, slots=True)
class StepCompleted:
    """`output` is JSON. `attempt` counts the tries of a step that has a retry policy of its own, else it is 0."""

    step_id: str
    name: str
    output: bytes
    duration_ms: int
    kind: str = RESULT
    attempt: int = 0
    emissions: Sequence[Emission] = ()
    compensation_for: str = ""
    writes: Sequence[KvWrite] = ()
    logs: Logs | None = None
    logs_before: Logs | None = None


@dataclass(frozen=True, slots=True)
class StepFailed:
    step_id: str
    name: str
    failure: Failure
    duration_ms: int
    kind: str = RESULT
    attempt: int = 0
    compensation_for: str = ""
    logs: Logs | None = None
    logs_before: Logs | None = None


@dataclass(frozen=True, slots=True)
class StepStarted:
    """The step is about to be run. Answered by `Execution.acknowledged`: it may begin; never, if the run is held."""

    step_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Noted:
    """`value` is JSON."""

    name: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Sleep:
    step_id: str
    name: str
    until: datetime
    kind = "sleep"


@dataclass(frozen=True, slots=True)
class EventWait:
    """`match` is a path or a CEL expression. `on_timeout` is `fail`, `error` or `default`, with `default` as JSON."""

    step_id: str
    name: str
    event: str
    until: datetime
    match: str = ""
    match_value: str = ""
    lookback_ms: int = 0
    on_timeout: Literal["fail", "error", "default"] = "error"
    default: bytes = b""
    payload: bytes = b""
    kind = "wait_for_event"


@dataclass(frozen=True, slots=True)
class Invocation:
    """A child run, with its tags, whose result is waited for; `input` is JSON, `timeout_ms` 0 for as long as it
    takes."""

    step_id: str
    name: str
    function_id: str
    input: bytes
    timeout_ms: int
    tags: tuple[str, ...] = ()
    kind = "invoke_function"


@dataclass(frozen=True, slots=True)
class AsyncInvocation:
    """A child run that is only started."""

    step_id: str
    name: str
    function_id: str
    input: bytes
    tags: tuple[str, ...] = ()
    kind = "invoke_function_async"


Wait = Sleep | EventWait | Invocation | AsyncInvocation


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing can go on until one of the waits is over; all that there are are told each time, at least one, in an
    order that depends on their ids only. If `parked`, the execution stays in memory to be resumed in place."""

    waits: Sequence[Wait]
    parked: bool = False
    logs: Logs | None = None


@dataclass(frozen=True, slots=True)
class RunCompleted:
    """`output` is JSON."""

    output: bytes
    logs: Logs | None = None


@dataclass(frozen=True, slots=True)
class Divergence:
    """What history has of a step and what the code asked for, and where: `file:line`."""

    step_id: str
    recorded: str
    requested: str
    location: str


@dataclass(frozen=True, slots=True)
class RunFailed:
    failure: Failure
    divergence: Divergence | None = None
    logs: Logs | None = None


Report = StepStarted | StepCompleted | StepFailed | Noted | Waiting | RunCompleted | RunFailed


class Sink(Protocol):
    """Where reports go, in order. It may call `Execution.acknowledged` within `report`."""

    def report(self, report: Report) -> None: ...
