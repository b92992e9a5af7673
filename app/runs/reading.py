"""Runs as they are read: a row, or the whole run with its payloads, folded from its own stream."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from app.errors import AmbiguousId, RunNotFound
from app.history.entry import Entry
from app.history.kinds import (
    NULL,
    EventEmitted,
    Failure,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
    RunNoted,
    RunResumed,
    RunStarted,
    RunUnwinding,
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
from app.runs import folding, noun
from app.runs.forgetting import forgotten
from app.runs.listing import COUNT_MAX, LIMIT_DEFAULT, Order, RunFilter, RunPage
from app.runs.state import Run, mark
from storage import events, history, runs
from storage.contract import Storage, Transaction
from storage.records import EntryRecord, RunRow

PREFIX_CHARS_MIN, ID_CHARS = 8, 30
CANDIDATES_MAX = 5
MESSAGE_CHARS_MAX = 500

_OF_STEPS = (StepCompleted, StepFailed, StepSleeping, StepWaiting, StepInvoking)


class StepRecord(msgspec.Struct):
    """What is known of one step: its last report. Instants in µs; `output` and `input` are JSON. `status` is running,
    sleeping, waiting, completed, failed, timed_out, or dead: it was waited for when the run ended. `position` is that
    of the entry which made it what it is, `began_position` that of the first which told of it."""

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
    began_position: int = 0
    position: int = 0
    ended_position: int = 0
    duration_ms: int = 0
    input: msgspec.Raw | None = None
    sleep_until: int | None = None
    wait_event: str = ""
    wait_match: str = ""
    wait_timeout: int | None = None
    event_id: str = ""
    function_id: str = ""
    child_run_id: str = ""
    compensation_for: str = ""
    corrections: tuple[Correction, ...] = ()
    carried_from: int = 0

    @property
    def output_bytes(self) -> int:
        return len(bytes(self.output)) if self.output is not None and self.status == "completed" else 0

    @property
    def original(self) -> msgspec.Raw | None:
        """The output before any correction, None if there was none."""
        first = self.corrections[0].before if self.corrections else None
        return first.output if first is not None and first.error is None else None

    def corrected_by(self, kind: str) -> bool:
        return any(one.kind == kind for one in self.corrections)


class Correction(msgspec.Struct, frozen=True):
    """A person gave the step another output (`kind`: step.patched, step.injected). `before` is the step as it was,
    None if the code had not come to it."""

    kind: str
    reason: str
    actor: str
    at: int
    position: int
    before: StepRecord | None


class Note(msgspec.Struct, frozen=True):
    """A value that the code showed in the timeline."""

    name: str
    value: msgspec.Raw
    at: int
    position: int = 0


class RunRecord(msgspec.Struct):
    """A run with its payloads: the state, the event that started it, its steps in the order they began, and the newest
    note of each name."""

    state: Run
    created: RunCreated
    input: msgspec.Raw = msgspec.field(default_factory=lambda: NULL)
    event: Entry | None = None
    output: msgspec.Raw | None = None
    reason: str = ""
    steps: dict[str, StepRecord] = msgspec.field(default_factory=dict)
    notes: dict[str, Note] = msgspec.field(default_factory=dict)
    executions: int = 0
    failed_step: str = ""
    had_failed: bool = False
    sequence_next: int = 1


class RunReader:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def get(self, environment: str, run_id: str) -> RunRecord:
        """Raises RunNotFound."""
        _check_id(environment, run_id)
        return await self._storage.read(lambda tx: load(tx, environment, run_id))

    async def row(self, environment: str, run_id: str) -> RunRow:
        """Raises RunNotFound."""
        return await self._storage.read_once(lambda tx: row_of(tx, environment, run_id))

    async def list(
        self,
        environment: str,
        chosen: RunFilter,
        *,
        order: Order = "newest",
        limit: int = LIMIT_DEFAULT,
        cursor: str = "",
        with_progress: bool = False,
    ) -> RunPage:
        """Newest first, or in another order. How far they are is looked up in history, for whoever shows it. Raises
        InvalidArgument naming what cannot be asked for."""
        from app.runs import orders  # with the first list that somebody asks for

        orders.check(chosen, order, limit=limit, cursor=cursor)
        return await self._storage.read(
            lambda tx: orders.page(tx, environment, chosen, order, limit, cursor, with_progress=with_progress)
        )

    async def by_status(self, environment: str, chosen: RunFilter) -> dict[str, int]:
        """How many of the newest COUNT_MAX that fit have each status."""
        found = await self._storage.read(
            lambda tx: runs.grouped(tx, environment, by="function", limit=COUNT_MAX, **chosen.told())
        )
        counts: dict[str, int] = {}
        for _, status, count, _ in found:
            counts[status] = counts.get(status, 0) + count
        return counts

    async def whole_id(self, environment: str, given: str) -> str:
        """The id that is meant by an id or a unique beginning of one. Raises RunNotFound, AmbiguousId."""
        if not PREFIX_CHARS_MIN <= len(given) < ID_CHARS:
            return given
        if "\0" in given:
            raise not_found(environment, given)
        limit = CANDIDATES_MAX + 1
        found = await self._storage.read(lambda tx: runs.with_prefix(tx, environment, given, limit=limit))
        if not found:
            raise not_found(environment, given)
        if len(found) > 1:
            some = ", ".join(found[:CANDIDATES_MAX])
            raise AmbiguousId(
                f"several runs begin with {given!r}", hint=f"give more characters: {some}", field="run_id"
            )
        return found[0]


def row_of(tx: Transaction, environment: str, run_id: str) -> RunRow:
    """The run as lists have it. Raises RunNotFound."""
    _check_id(environment, run_id)
    found = runs.get(tx, environment, run_id)
    if found is None:
        raise not_found(environment, run_id)
    return found


def load(tx: Transaction, environment: str, run_id: str, *, until: int = history.END) -> RunRecord:
    """The run as of position `until`. Raises RunNotFound."""
    record: RunRecord | None = None
    for row in history.whole_stream(tx, environment, noun.stream(run_id), until=until):
        record = apply(record, Entry(row))
    if record is None:
        raise not_found(environment, run_id)
    return with_event(tx, record)


def apply(run: RunRecord | None, entry: Entry) -> RunRecord:
    """The run after `entry`, without its event. Takes over `run` and may change it, and its steps."""
    if run is None:
        assert isinstance(entry.fact, RunCreated)
        run = RunRecord(folding.apply(None, entry), entry.fact, reason=entry.fact.reason)
    else:
        run.state = folding.apply(run.state, entry)
    _record(run, entry)
    step = run.steps.get(entry.fact.step_id) if isinstance(entry.fact, _OF_STEPS) else None
    if step is not None:
        step.began_position, step.position = step.began_position or entry.position, entry.position
    return run


def with_event(tx: Transaction, run: RunRecord) -> RunRecord:
    """The run with the event that started it, as that is now: it may have been redacted."""
    record = events.entry(tx, run.state.environment, run.state.event_id)
    assert record is not None, f"the event of {run.state.id} is missing"
    run.event = noun.given(run.created, Entry(record))
    assert isinstance(run.event.fact, EventEmitted)
    run.input = run.event.fact.data
    return run


def _check_id(environment: str, run_id: str) -> None:
    if "\0" in run_id:  # no id has one, and Postgres cannot be asked
        raise not_found(environment, run_id)


def newest(tx: Transaction, environment: str, run_id: str) -> EntryRecord:
    """The run's last entry. Raises RunNotFound."""
    last = history.last_of_stream(tx, environment, noun.stream(run_id)) if "\0" not in run_id else None
    if last is None:
        raise not_found(environment, run_id)
    return last


def not_found(environment: str, run_id: str) -> RunNotFound:
    return RunNotFound(
        f"no run {run_id[:80]!r} in environment {environment!r}", hint="`ironflow run list` shows the runs there are"
    )


def _record(run: RunRecord, entry: Entry) -> None:
    match entry.fact:
        case StepCompleted() as fact:
            step = _step(run, fact.step_id, fact.name, fact.type)
            step.status, step.output, step.error, step.attempt = "completed", fact.output, None, fact.attempt
            _timed(step, entry, fact.started_at, fact.duration_ms)
            step.compensation_for, step.event_id = fact.compensation_for, fact.event_id
            step.child_run_id = step.child_run_id or fact.child_run_id
        case StepFailed() as fact:
            step = _step(run, fact.step_id, fact.name, fact.type)
            timed_out = fact.type == StepWaiting.type
            step.status, step.error, step.attempt = "timed_out" if timed_out else "failed", fact.error, fact.attempt
            _timed(step, entry, fact.started_at, fact.duration_ms)
            step.compensation_for = fact.compensation_for
        case StepSleeping() as fact:
            step = _began(run, fact, "sleeping", entry)
            step.sleep_until = fact.until
        case StepWaiting() as fact:
            step = _began(run, fact, "waiting", entry)
            step.wait_event, step.wait_match, step.wait_timeout = fact.event, fact.match, fact.deadline
            step.input = None if bytes(fact.payload) == b"null" else fact.payload
        case StepInvoking() as fact:
            step = _began(run, fact, "waiting", entry)
            step.function_id, step.child_run_id = fact.function_id, fact.child_run_id
            step.wait_timeout = fact.deadline or None
        case RunNoted() as fact:
            run.notes[fact.name] = Note(fact.name, fact.value, entry.recorded_at, entry.position)
        case RunStarted():
            run.executions += 1
        case StepPatched() | StepInjected() as fact:
            _correct(run, fact, entry)
        case StepRestored(step_id=step_id):
            before = run.steps[step_id].corrections[-1].before
            if before is None:
                del run.steps[step_id]
            else:
                run.steps[step_id] = before
        case StepCarried() as fact:
            step = _step(run, fact.step_id, fact.name, fact.type)
            step.status, step.error = "completed" if fact.error is None else "failed", fact.error
            step.output, step.attempt, step.carried_from = fact.output, fact.attempt, fact.position
            step.event_id, step.child_run_id = fact.event_id, fact.child_run_id
            step.position = step.began_position = entry.position
            _timed(step, entry, fact.started_at, fact.duration_ms)
        case RunResumed(from_step=from_step):
            _forget(run, from_step)
        case RunCompleted() as fact:
            run.output = fact.output
            _give_up(run, entry)
        case RunFailed(step_id=step_id):
            run.failed_step, run.had_failed = step_id, True
            _give_up(run, entry)
        case RunCancelled() | RunUnwinding():
            _give_up(run, entry)
        case _:
            pass


def _began(run: RunRecord, fact: StepSleeping | StepWaiting | StepInvoking, status: str, entry: Entry) -> StepRecord:
    step = _step(run, fact.step_id, fact.name, fact.type)
    step.status, step.started_at, step.ended_at, step.error = status, entry.recorded_at, None, None
    return step


def _give_up(run: RunRecord, entry: Entry) -> None:
    """What the run still waited for is not waited for any more."""
    for step in run.steps.values():
        if step.status in ("sleeping", "waiting"):
            step.status, step.ended_at, step.position = "dead", entry.recorded_at, entry.position


def _correct(run: RunRecord, fact: StepPatched | StepInjected, entry: Entry) -> None:
    """A corrected step stays where it was in the order of reports."""
    before = run.steps.get(fact.step_id)
    step = replace(before) if before is not None else _step(run, fact.step_id, fact.name, fact.type)
    correction = Correction(fact.kind, fact.reason, entry.actor, entry.recorded_at, entry.position, before)
    step.corrections = (*(before.corrections if before is not None else ()), correction)
    step.status, step.output, step.error = "completed", fact.output, None
    step.position, step.began_position = entry.position, step.began_position or entry.position
    if not step.ended_position:
        _timed(step, entry, entry.recorded_at, 0)
    run.steps[fact.step_id] = step


def _forget(run: RunRecord, from_step: str) -> None:
    """As the state does: results that count no longer, and with `from_step` what still waits."""
    ended = sorted((step for step in run.steps.values() if step.ended_position), key=lambda step: step.ended_position)
    gone = forgotten(
        {step.step_id: mark("completed" if step.error is None else "failed", step.type) for step in ended},
        had_failed=run.had_failed,
        failed_step=run.failed_step,
        from_step=from_step,
        corrected={step.step_id for step in ended if step.corrections},
    )
    if from_step in run.steps:
        gone += [step.step_id for step in run.steps.values() if not step.ended_position]
    for step_id in gone:
        del run.steps[step_id]
    run.failed_step, run.had_failed = "", False


def _step(run: RunRecord, step_id: str, name: str, kind: str) -> StepRecord:
    step = run.steps.get(step_id)
    if step is None:
        step = run.steps[step_id] = StepRecord(step_id, name, kind, "running", sequence=run.sequence_next, output=NULL)
        run.sequence_next += 1
    step.type = kind
    return step


def _timed(step: StepRecord, entry: Entry, started_at: int, duration_ms: int) -> None:
    step.duration_ms = duration_ms
    step.ended_at = entry.recorded_at
    step.ended_position = entry.position
    step.started_at = step.started_at or started_at or entry.recorded_at - duration_ms * 1000
