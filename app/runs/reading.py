"""Runs as they are read: a row of the list, or the whole run with its payloads, folded from its own stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from app import texts
from app.errors import InvalidArgument, RunNotFound
from app.history.entry import Entry
from app.history.kinds import (
    NULL,
    EventEmitted,
    Failure,
    RunCompleted,
    RunStarted,
    StepCompleted,
    StepFailed,
    StepSleeping,
)
from app.runs import machine, noun
from app.runs.machine import Run
from storage import history, runs
from storage.contract import Storage, Transaction
from storage.records import RunRow

LIMIT_DEFAULT = 50
LIMIT_MAX = 1_000
COUNT_MAX = 10_000


@dataclass(slots=True)
class StepRecord:
    """What is known of one step: its last report. Instants in µs; `output` and `input` are JSON."""

    step_id: str
    name: str
    type: str
    status: str
    sequence: int
    attempt: int = 1
    output: msgspec.Raw | None = None
    error: Failure | None = None
    started_at: int | None = None
    ended_at: int | None = None
    duration_ms: int = 0
    sleep_until: int | None = None
    compensation_for: str = ""


@dataclass(slots=True)
class RunRecord:
    """A run with its payloads: the state, the event that started it, and its steps in the order they began."""

    state: Run
    input: msgspec.Raw
    event: Entry
    output: msgspec.Raw | None = None
    steps: dict[str, StepRecord] = field(default_factory=dict)
    executions: int = 0


@dataclass(frozen=True, slots=True)
class RunFilter:
    function_id: str = ""
    event_id: str = ""
    statuses: tuple[str, ...] = ()
    search: str = ""
    since: int = 0
    until: int = 2**62


@dataclass(frozen=True, slots=True)
class RunPage:
    """`total` counts no further than COUNT_MAX; `total_exact` tells whether it did not have to stop."""

    rows: Sequence[RunRow]
    next_cursor: str
    total: int
    total_exact: bool


class RunReader:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def get(self, environment: str, run_id: str) -> RunRecord:
        """Raises RunNotFound."""
        _check_id(environment, run_id)
        return await self._storage.read(lambda tx: load(tx, environment, run_id))

    async def row(self, environment: str, run_id: str) -> RunRow:
        """Raises RunNotFound."""
        _check_id(environment, run_id)
        row = await self._storage.read(lambda tx: runs.get(tx, environment, run_id))
        if row is None:
            raise not_found(environment, run_id)
        return row

    async def list(
        self, environment: str, chosen: RunFilter, *, limit: int = LIMIT_DEFAULT, cursor: str = ""
    ) -> RunPage:
        """Newest first. Raises InvalidArgument naming what cannot be asked for."""
        for name in ("function_id", "event_id", "search"):
            texts.check(getattr(chosen, name), field=name)
        texts.check(cursor, field="cursor")
        for status in chosen.statuses:
            if status not in machine.STATUSES:
                raise InvalidArgument(
                    f"status {status!r} is unknown", field="status", hint=f"one of {', '.join(machine.STATUSES)}"
                )
        if not 1 <= limit <= LIMIT_MAX:
            raise InvalidArgument(f"limit {limit} is out of range", field="limit", hint=f"1 to {LIMIT_MAX}")
        return await self._storage.read(lambda tx: _page(tx, environment, chosen, limit, cursor))

    async def find(self, environment: str, prefix: str, *, limit: int = 10) -> Sequence[str]:
        """Ids that begin with `prefix`."""
        if "\0" in prefix:
            return ()
        return await self._storage.read(lambda tx: runs.with_prefix(tx, environment, prefix, limit=limit))


def load(tx: Transaction, environment: str, run_id: str, *, until: int = history.END) -> RunRecord:
    """The run as of position `until`. Raises RunNotFound."""
    entries = [Entry(record) for record in history.whole_stream(tx, environment, noun.stream(run_id), until=until)]
    state: Run | None = None
    for entry in entries:
        state = machine.apply(state, entry)
    if state is None:
        raise not_found(environment, run_id)
    [event] = history.of_stream(tx, environment, f"event/{state.event_id}", limit=1)
    emitted = Entry(event)
    assert isinstance(emitted.fact, EventEmitted)
    record = RunRecord(state=state, input=emitted.fact.data, event=emitted)
    for entry in entries:
        _record(record, entry)
    return record


def _check_id(environment: str, run_id: str) -> None:
    if "\0" in run_id:  # no id has one, and Postgres cannot be asked
        raise not_found(environment, run_id)


def not_found(environment: str, run_id: str) -> RunNotFound:
    return RunNotFound(
        f"no run {run_id[:80]!r} in environment {environment!r}", hint="`ironflow run list` shows the runs there are"
    )


def _page(tx: Transaction, environment: str, chosen: RunFilter, limit: int, cursor: str) -> RunPage:
    rows = runs.page(
        tx,
        environment,
        function_id=chosen.function_id,
        event_id=chosen.event_id,
        statuses=chosen.statuses,
        search=chosen.search,
        since=chosen.since,
        until=chosen.until,
        before=cursor or runs.LAST,
        limit=limit + 1,
    )
    total = runs.count(
        tx,
        environment,
        function_id=chosen.function_id,
        event_id=chosen.event_id,
        statuses=chosen.statuses,
        search=chosen.search,
        since=chosen.since,
        until=chosen.until,
        limit=COUNT_MAX + 1,
    )
    more = len(rows) > limit
    return RunPage(rows[:limit], rows[limit - 1].id if more else "", min(total, COUNT_MAX), total <= COUNT_MAX)


def _record(run: RunRecord, entry: Entry) -> None:
    match entry.fact:
        case StepCompleted() as fact:
            step = _step(run, fact.step_id, fact.name, fact.type)
            step.status, step.output, step.error, step.attempt = "completed", fact.output, None, fact.attempt
            _timed(step, entry, fact.started_at, fact.duration_ms)
            step.compensation_for = fact.compensation_for
        case StepFailed() as fact:
            step = _step(run, fact.step_id, fact.name, fact.type)
            step.status, step.error, step.attempt = "failed", fact.error, fact.attempt
            _timed(step, entry, fact.started_at, fact.duration_ms)
            step.compensation_for = fact.compensation_for
        case StepSleeping() as fact:
            step = _step(run, fact.step_id, fact.name, "sleep")
            step.status, step.started_at, step.sleep_until = "sleeping", entry.recorded_at, fact.until
        case RunStarted():
            run.executions += 1
        case RunCompleted() as fact:
            run.output = fact.output
        case _:
            pass


def _step(run: RunRecord, step_id: str, name: str, kind: str) -> StepRecord:
    if step_id not in run.steps:
        run.steps[step_id] = StepRecord(step_id, name, kind, "running", sequence=len(run.steps) + 1, output=NULL)
    return run.steps[step_id]


def _timed(step: StepRecord, entry: Entry, started_at: int, duration_ms: int) -> None:
    step.duration_ms = duration_ms
    step.ended_at = entry.recorded_at
    step.started_at = step.started_at or started_at or entry.recorded_at - duration_ms * 1000
