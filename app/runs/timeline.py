"""The timeline of a run: what happened to it, entry by entry, in light records without payloads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from app import clock
from app.durations import format_duration
from app.history.entry import Entry
from app.history.explore import kinds_of
from app.history.kinds import (
    Failure,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
    RunNoted,
    RunPaused,
    RunReleased,
    RunResumed,
    RunRetrying,
    RunStarted,
    RunSuspended,
    RunUnwinding,
    RunWoken,
    StepCompleted,
    StepFailed,
    StepInvoking,
    StepSleeping,
    StepWaiting,
)
from app.runs import noun, reading
from app.runs.state import step_name, step_path
from storage import history
from storage.contract import Storage, Transaction
from storage.records import EntryRecord

LIMIT_DEFAULT = 200
LIMIT_MAX = 1_000
SCANNED_MAX = 20_000
"""Entries that are looked at for one page."""

_ROUTINE = frozenset(fact.kind for fact in (RunStarted, RunSuspended, RunWoken, RunReleased, RunNoted))
_STATUS = {
    RunCreated.kind: "waiting_for_capacity",
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
    StepFailed.kind: "failed",
    StepSleeping.kind: "sleeping",
    StepWaiting.kind: "waiting",
    StepInvoking.kind: "waiting",
}


@dataclass(frozen=True, slots=True)
class Record:
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
    code: str = ""
    message: str = ""
    bytes: int = 0
    output_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Records in order. `before` and `after` are positions to read on from, 0 if there is nothing there; a page of
    chosen records may be short, or empty, and have them. `newest` is the run's last entry."""

    records: Sequence[Record]
    before: int
    after: int
    newest: Record


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records: of the steps with that id, id without the run, or name; of kinds or patterns such as `step.*`."""

    step: str = ""
    kinds: tuple[str, ...] = ()


class Timelines:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def page(
        self,
        environment: str,
        run_id: str,
        wanted: Wanted = Wanted(),
        *,
        after: int = 0,
        before: int = history.END,
        until: int = history.END,
        backward: bool = False,
        limit: int = LIMIT_DEFAULT,
    ) -> TimelinePage:
        """The records between two positions, none past `until`: the first `limit` of them, or backward the last. Raises
        RunNotFound, InvalidArgument."""
        kinds = frozenset(kinds_of(wanted.kinds))
        return await self._storage.read(
            lambda tx: _page(
                tx, environment, run_id, _chooser(wanted.step, kinds), after, min(before, until + 1), backward, limit
            )
        )


def _chooser(step: str, kinds: frozenset[str]) -> Callable[[Record], bool] | None:
    """What a record must be, None if it may be anything."""
    if not step and not kinds:
        return None

    def fits(record: Record) -> bool:
        return (not kinds or record.kind in kinds) and (
            not step or (record.step_id != "" and step in (record.name, record.step_id, step_path(record.step_id)))
        )

    return fits


def _page(
    tx: Transaction,
    environment: str,
    run_id: str,
    fits: Callable[[Record], bool] | None,
    after: int,
    before: int,
    backward: bool,
    limit: int,
) -> TimelinePage:
    stream = noun.stream(run_id)
    newest = history.last_of_stream(tx, environment, stream) if "\0" not in run_id else None
    if newest is None:
        raise reading.not_found(environment, run_id)
    low = _version_at(tx, environment, stream, after)
    high = newest.version if before > newest.position else _version_at(tx, environment, stream, before - 1)
    records: list[Record] = []
    scanned = 0
    first, last = low, high  # versions outside of which there is more to read
    while len(records) < limit and scanned < SCANNED_MAX and low < high:
        size = min(LIMIT_MAX, high - low, limit - len(records) if fits is None else LIMIT_MAX)
        start = high - size if backward else low
        rows = history.of_stream(tx, environment, stream, after_version=start, limit=size)
        made = [one for one in _records(tx, environment, rows) if fits is None or fits(one)]
        scanned += size
        room = limit - len(records)
        if backward:
            kept = made[-room:]
            records, high = kept + records, kept[0].version - 1 if len(made) >= room else start
        else:
            kept = made[:room]
            records, low = records + kept, kept[-1].version if len(made) >= room else start + size
    if backward:
        first = high
    else:
        last = low
    return TimelinePage(
        records,
        before=_position_of(tx, environment, stream, first + 1) if 0 < first < newest.version else 0,
        after=_position_of(tx, environment, stream, last) if last < newest.version else 0,
        newest=record_of(Entry(newest), ""),
    )


def _version_at(tx: Transaction, environment: str, stream: str, position: int) -> int:
    """How many entries the stream had by then."""
    found = history.last_of_stream(tx, environment, stream, until=position) if position > 0 else None
    return found.version if found else 0


def _position_of(tx: Transaction, environment: str, stream: str, version: int) -> int:
    found = history.version_of_stream(tx, environment, stream, version) if version else None
    return found.position if found else 0


def _records(tx: Transaction, environment: str, rows: Sequence[EntryRecord]) -> Iterator[Record]:
    """Records of entries that follow one another, with the worker that had the run."""
    if not rows:
        return
    before = history.page(
        tx,
        environment,
        stream=rows[0].stream,
        kinds=(RunStarted.kind,),
        before=rows[0].position,
        backwards=True,
        limit=1,
    )
    worker_id = _worker(Entry(before[0])) if before else ""
    for row in rows:
        entry = Entry(row)
        if row.kind == RunStarted.kind:
            worker_id = _worker(entry)
        yield record_of(entry, worker_id)


def _worker(entry: Entry) -> str:
    assert isinstance(entry.fact, RunStarted)
    return entry.fact.worker_id


def record_of(entry: Entry, worker_id: str) -> Record:
    """The entry in brief. `worker_id` is the worker that had the run by then: only what a worker told carries it."""
    fact: Any = entry.fact

    def told(name: str, default: Any = "") -> Any:
        return getattr(fact, name, default)

    step_id = told("step_id")
    error: Failure | None = told("error", None)
    duration_ms, started_at = told("duration_ms", None), told("started_at", None)
    if duration_ms is not None:
        started_at = started_at or entry.recorded_at - duration_ms * 1_000
    payload = told("output", None) or told("value", None)  # a wait has a text for a value
    execution = told("execution_seq", 0)
    return Record(
        position=entry.position,
        version=entry.version,
        kind=entry.kind,
        at=entry.recorded_at,
        summary=_summary(entry),
        significant=entry.kind not in _ROUTINE,
        status=_status(entry),
        actor=entry.actor,
        worker_id=told("worker_id") or (worker_id if execution else ""),
        execution=execution,
        attempt=told("attempt", 0),
        step_id=step_id,
        name=told("name") or (step_name(step_id) if step_id else ""),
        type=told("type") if step_id else "",
        started_at=started_at or None,
        duration_ms=duration_ms,
        until=told("until", 0) or told("deadline", 0) or told("due_at", 0) or None,
        event=told("event") if isinstance(fact, StepWaiting) else told("event_name"),
        event_id=told("event_id"),
        function_id=told("function_id"),
        child_run_id=told("child_run_id"),
        compensation_for=told("compensation_for"),
        code=error.code if error else "",
        message=error.message[: reading.MESSAGE_CHARS_MAX] if error else "",
        bytes=len(entry.data),
        output_bytes=len(bytes(payload)) if isinstance(payload, msgspec.Raw) else None,
    )


def _status(entry: Entry) -> str:
    match entry.fact:
        case RunSuspended(ready=ready):
            return "waiting_for_capacity" if ready else "waiting"
        case RunCreated(start_at=start_at) if start_at > entry.recorded_at:
            return "waiting"
        case StepFailed(type=StepWaiting.type):
            return "timed_out"
        case _:
            return _STATUS.get(entry.kind, "")


def _summary(entry: Entry) -> str:
    """What happened, in a line for people."""
    told = _summary_of_step(entry) or _summary_of_run(entry) or _summary_by_kind(entry)
    return told[: reading.MESSAGE_CHARS_MAX]


def _summary_of_run(entry: Entry) -> str:
    match entry.fact:
        case RunCreated() as fact:
            return f"{fact.function_id}@{fact.function_version} created by {fact.event_name}"
        case RunStarted() as fact:
            return f"started on {fact.worker_id}, attempt {fact.attempt}"
        case RunSuspended() as fact:
            return f"waits until {clock.rfc3339(fact.due_at)}" if fact.due_at else "waits"
        case RunWoken() as fact:
            return f"woken by {step_name(fact.step_id)}"
        case RunReleased() as fact:
            return f"given back: {fact.reason}"
        case RunRetrying() as fact:
            return f"attempt {fact.attempt - 1} failed, attempt {fact.attempt} follows: {_error(fact.error)}"
        case RunFailed() as fact:
            return f"failed: {_error(fact.error)}"
        case RunPaused() as fact:
            return f"paused: {_error(fact.error) if fact.error else fact.reason}"
        case RunResumed() as fact:
            return f"resumed from {step_name(fact.from_step)}" if fact.from_step else "resumed"
        case RunUnwinding() as fact:
            return f"undoes what it did: {fact.reason or fact.cause}"
        case RunCancelled() as fact:
            return f"cancelled: {fact.reason or fact.cause}"
        case RunNoted() as fact:
            return f"noted {fact.name}"
    return ""


def _summary_of_step(entry: Entry) -> str:
    match entry.fact:
        case StepCompleted() as fact:
            return f"{fact.name} completed after {format_duration(fact.duration_ms * 1_000)}"
        case StepFailed() as fact:
            return f"{fact.name} failed, attempt {fact.attempt}: {_error(fact.error)}"
        case StepSleeping() as fact:
            return f"{fact.name} sleeps until {clock.rfc3339(fact.until)}"
        case StepWaiting() as fact:
            return f"{fact.name} waits for {fact.event}"
        case StepInvoking() as fact:
            return f"{fact.name} invoked {fact.function_id}: {fact.child_run_id}"
    return ""


def _summary_by_kind(entry: Entry) -> str:
    """By the words of its kind, the step and the reason."""
    fact: Any = entry.fact
    noun_of, _, verb = entry.kind.partition(".")
    step_id, reason = getattr(fact, "step_id", ""), getattr(fact, "reason", "")
    what = f"{step_name(step_id) if step_id else noun_of} {verb.replace('_', ' ')}"
    return f"{what}: {reason}" if reason else what


def _error(error: Failure) -> str:
    return f"{error.code}: {error.message}" if error.code else error.message
