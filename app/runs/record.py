"""A record: one entry of a run in brief, as a timeline shows it, without payloads."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import msgspec

from app import clock
from app.durations import format_duration
from app.history.entry import Entry
from app.history.kinds import (
    Fact,
    Failure,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
    RunLogged,
    RunNoted,
    RunPaused,
    RunPauseExplained,
    RunPauseWithdrawn,
    RunReleased,
    RunResumed,
    RunRetrying,
    RunStarted,
    RunSuspended,
    RunTagged,
    RunUnwinding,
    RunWoken,
    StepCarried,
    StepCompleted,
    StepFailed,
    StepInjected,
    StepInvoking,
    StepPatched,
    StepRestored,
    StepSleeping,
    StepWaiting,
)
from app.runs import reading
from app.runs.state import step_name

_ROUTINE = frozenset(
    fact.kind for fact in (RunStarted, RunSuspended, RunWoken, RunReleased, RunNoted, RunLogged, RunTagged, StepCarried)
)
_STATUS = {
    RunStarted.kind: "running",
    RunWoken.kind: "waiting_for_capacity",
    RunReleased.kind: "waiting_for_capacity",
    RunRetrying.kind: "waiting",
    RunCompleted.kind: "completed",
    RunFailed.kind: "failed",
    RunPaused.kind: "paused",
    RunResumed.kind: "waiting_for_capacity",
    RunUnwinding.kind: "waiting_for_capacity",
    RunCancelled.kind: "cancelled",
    StepCompleted.kind: "completed",
    StepPatched.kind: "completed",
    StepInjected.kind: "completed",
    StepSleeping.kind: "sleeping",
    StepWaiting.kind: "waiting",
    StepInvoking.kind: "waiting",
}
"""The status after a fact; what is missing leaves it, or see _STATUS_BY."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One entry of a run, without payloads; instants in µs. `status` is that of the step, or of the run for what
    happened to the run as a whole, after it: "" where it stays. `bytes` is the size of what the entry says,
    `output_bytes` of the output or value in it. `significant`: a person who skims wants to see it."""

    position: int
    version: int
    kind: str
    at: int
    summary: str
    significant: bool
    status: str = ""
    actor: str = ""
    worker_id: str = ""
    execution: int = 0
    attempt: int = 0
    step_id: str = ""
    name: str = ""
    type: str = ""
    started_at: int | None = None
    duration_ms: int | None = None
    until: int | None = None
    event: str = ""
    event_id: str = ""
    function_id: str = ""
    child_run_id: str = ""
    compensation_for: str = ""
    reason: str = ""
    code: str = ""
    message: str = ""
    bytes: int = 0
    output_bytes: int | None = None


def record_of(entry: Entry, worker_id: str) -> Record:
    """The entry in brief. `worker_id` is the worker that had the run by then: only what a worker told carries it."""
    row, fact = entry.record, entry.fact
    telling = _telling(type(fact))
    told = dict(zip(telling.names, telling.values(fact)))  # noqa: B905 - as long as each other, and strict costs as much again
    if telling.of_step and not told.get("name"):
        told["name"] = step_name(told["step_id"]) if told["step_id"] else ""
    if telling.of_worker and told["execution"] and not told.get("worker_id"):
        told["worker_id"] = worker_id
    if telling.timed and not told["started_at"]:
        told["started_at"] = row.recorded_at - told["duration_ms"] * 1_000
    if telling.until and not told["until"]:
        told["until"] = None
    if telling.failed and (error := told.pop("error")) is not None:
        told["code"], told["message"] = error.code, error.message[: reading.MESSAGE_CHARS_MAX]
    if telling.payload:
        told["output_bytes"] = len(bytes(told.pop("payload")))
    return Record(
        row.position,
        row.version,
        row.kind,
        row.recorded_at,
        telling.summary(fact)[: reading.MESSAGE_CHARS_MAX],
        telling.significant,
        telling.status if telling.status_by is None else telling.status_by(fact, row.recorded_at),
        row.actor,
        bytes=len(row.data),
        **told,
    )


_FIELDS = (
    ("step_id", "step_id"),
    ("name", "name"),
    ("type", "type"),
    ("execution", "execution_seq"),
    ("attempt", "attempt"),
    ("worker_id", "worker_id"),
    ("started_at", "started_at"),
    ("duration_ms", "duration_ms"),
    ("until", "until"),
    ("until", "deadline"),
    ("until", "due_at"),
    ("event", "event"),
    ("event", "event_name"),
    ("event_id", "event_id"),
    ("function_id", "function_id"),
    ("child_run_id", "child_run_id"),
    ("compensation_for", "compensation_for"),
    ("reason", "reason"),
    ("error", "error"),
    ("payload", "output"),
)
"""What a record tells, and the fields of facts that say so: by name, so that kinds to come are told, too."""

_FIELDS_OF: Mapping[Any, Sequence[tuple[str, str]]] = {
    RunNoted: (*_FIELDS, ("payload", "value")),
    # Lines and tags are about the run, whichever step said them: who pairs the records of a step is not to find them.
    RunLogged: (("execution", "execution_seq"), ("attempt", "attempt"), ("payload", "lines")),
    RunTagged: (("execution", "execution_seq"), ("reason", "reason")),
}


class _Telling(NamedTuple):
    """How facts of a kind are told: which `names` of a record have the `values` of a fact, and what else is to be done;
    looked up once for all of the kind."""

    names: Sequence[str]
    values: Callable[[Fact], Sequence[Any]]
    summary: Callable[[Any], str]
    significant: bool
    status: str
    status_by: Callable[[Any, int], str] | None
    of_step: bool
    of_worker: bool
    timed: bool
    until: bool
    failed: bool
    payload: bool


@cache
def _telling(kind: type[Fact]) -> _Telling:
    fields = _FIELDS_OF.get(kind, _FIELDS)
    told = [(name, field) for name, field in fields if hasattr(kind, field)]
    names, wanted = [name for name, _ in told], [field for _, field in told]
    return _Telling(
        names,
        operator.attrgetter(*wanted) if len(wanted) > 1 else lambda fact: [getattr(fact, one) for one in wanted],
        _SUMMARIES.get(kind, _by_kind),
        kind.kind not in _ROUTINE,
        _STATUS.get(kind.kind, ""),
        _STATUS_BY.get(kind),
        of_step="step_id" in names,
        of_worker="execution" in names,
        timed="duration_ms" in names,
        until="until" in names,
        failed="error" in names,
        payload="payload" in names,
    )


_STATUS_BY: Mapping[type[Fact], Callable[[Any, int], str]] = {
    RunSuspended: lambda fact, _: "waiting_for_capacity" if fact.ready else "waiting",
    RunCreated: lambda fact, at: "waiting" if fact.start_at > at else "waiting_for_capacity",
    StepFailed: lambda fact, _: "timed_out" if fact.type == StepWaiting.type else "failed",
    StepCarried: lambda fact, _: "completed" if fact.error is None else "failed",
}
"""The status after facts that do not all lead to the same; by the fact, and when it was recorded."""

_SUMMARIES: Mapping[type[Fact], Callable[[Any], str]] = {
    RunCreated: lambda fact: f"{fact.function_id}@{fact.function_version} {_origin(fact)}",
    RunStarted: lambda fact: f"started on {fact.worker_id}, attempt {fact.attempt}",
    RunSuspended: lambda fact: f"waits until {clock.rfc3339(fact.due_at)}" if fact.due_at else "waits",
    RunWoken: lambda fact: f"woken by {step_name(fact.step_id)}",
    RunReleased: lambda fact: f"given back: {fact.reason}",
    RunRetrying: lambda fact: f"attempt {fact.attempt - 1} failed, {fact.attempt} follows: {_error(fact.error)}",
    RunFailed: lambda fact: f"failed: {_error(fact.error)}",
    RunPaused: lambda fact: f"paused: {_error(fact.error) if fact.error else fact.reason}",
    RunPauseExplained: lambda fact: f"pause explained: {fact.reason}",
    RunPauseWithdrawn: lambda fact: "goes on: it is not to be paused after all",
    RunResumed: lambda fact: f"resumed from {step_name(fact.from_step)}" if fact.from_step else "resumed",
    RunUnwinding: lambda fact: f"undoes what it did: {fact.reason or fact.cause}",
    RunCancelled: lambda fact: f"cancelled: {fact.reason or fact.cause}",
    RunNoted: lambda fact: f"noted {fact.name}",
    RunLogged: lambda fact: f"{_said_by(fact)} logged {_lines(fact)}",
    RunTagged: lambda fact: "; ".join(_tagged(fact)),
    StepCompleted: lambda fact: f"{fact.name} completed after {format_duration(fact.duration_ms * 1_000)}",
    StepFailed: lambda fact: f"{fact.name} failed, attempt {fact.attempt}: {_error(fact.error)}",
    StepSleeping: lambda fact: f"{fact.name} sleeps until {clock.rfc3339(fact.until)}",
    StepWaiting: lambda fact: f"{fact.name} waits for {fact.event}",
    StepPatched: lambda fact: f"{fact.name} patched: {fact.reason}",
    StepInjected: lambda fact: f"{fact.name} given an output: {fact.reason}",
    StepRestored: lambda fact: f"{fact.name} put back to what it was: {fact.reason}",
    StepCarried: lambda fact: f"{fact.name} carried over from position {fact.position}",
    StepInvoking: lambda fact: f"{fact.name} invoked {fact.function_id}: {fact.child_run_id}",
}
"""What happened, in a line for people."""


def _tagged(fact: RunTagged) -> list[str]:
    told = [f"tagged {', '.join(fact.added)}"] if fact.added else []
    told += [f"tags removed: {', '.join(fact.removed)}"] if fact.removed else []
    return told + ([f"no room for {fact.dropped} of its tags"] if fact.dropped else [])


def _said_by(fact: RunLogged) -> str:
    return step_name(fact.step_id) if fact.step_id else "the function"


def _lines(fact: RunLogged) -> str:
    kept = f"{fact.count} line" if fact.count == 1 else f"{fact.count} lines"
    return f"{kept}, {fact.dropped} more were too many" if fact.dropped else kept


def _by_kind(fact: Any) -> str:
    """The same of any kind: by its words, the step and the reason."""
    noun_of, _, verb = fact.kind.partition(".")
    step_id, reason = getattr(fact, "step_id", ""), getattr(fact, "reason", "")
    what = f"{step_name(step_id) if step_id else noun_of} {verb.replace('_', ' ')}"
    return f"{what}: {reason}" if reason else what


def _origin(fact: RunCreated) -> str:
    origin = fact.forked_from
    if origin is None:
        return f"created by {fact.event_name}"
    how = (
        f"forked from {origin.run_id} at position {origin.position}" if origin.position else f"replays {origin.run_id}"
    )
    return f"{how}: {fact.reason}" if fact.reason else how


def _error(error: Failure) -> str:
    return f"{error.code}: {error.message}" if error.code else error.message
