"""How the facts of a run's stream fold to its state."""

from __future__ import annotations

from app.history.entry import Entry
from app.history.kinds import (
    Fact,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
    RunLogged,
    RunNoted,
    RunPaused,
    RunPauseExplained,
    RunPauseRequested,
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
from app.runs.forgetting import COMPENSATION, forgotten
from app.runs.state import AWAITED, Before, Mark, Open, Run, mark
from app.runs.tags import tags_after

_OF_STEPS = (StepCompleted, StepFailed, StepSleeping, StepWaiting, StepInvoking, RunNoted, RunLogged)
_CORRECTIONS = (StepPatched, StepInjected, StepRestored, StepCarried)


def apply(run: Run | None, entry: Entry) -> Run:
    """The run after `entry`. Takes over `run` and may change it."""
    fact, record = entry.fact, entry.record
    if isinstance(fact, RunCreated):
        run = _created(entry, fact)
    assert run is not None, f"{entry}: a run begins with {RunCreated.kind}"
    if isinstance(fact, RunTagged):
        run.tags, run.tagged_at = tags_after(run.tags, fact), record.position
        run.updated_at, run.version, run.steps_shown = record.recorded_at, record.version, run.steps_completed
        _asked(run, fact)
        return run
    if isinstance(fact, _OF_STEPS):
        if not _apply_step(run, entry, fact):
            return run
    elif isinstance(fact, _CORRECTIONS):
        _apply_correction(run, fact)
    elif not _apply_execution(run, entry, fact):
        _apply_steering(run, entry, fact)
    run.updated_at, run.position, run.version = record.recorded_at, record.position, record.version
    run.steps_shown = run.steps_completed
    return run


def _apply_step(
    run: Run,
    entry: Entry,
    fact: StepCompleted | StepFailed | StepSleeping | StepWaiting | StepInvoking | RunNoted | RunLogged,
) -> bool:
    """Whether the run's row shows it: results of steps are not in it, and neither are sleeps."""
    match fact:
        case StepCompleted():
            _ended(run, fact.step_id, mark("completed", fact.type))
            if fact.type not in AWAITED:
                run.worked = run.worked or fact.type != COMPENSATION
                return run.status == "paused"
            if fact.event_id:
                run.events.add(fact.event_id)
            return _resolved(run, fact.step_id)
        case StepFailed():
            _ended(run, fact.step_id, mark("failed", fact.type))
            return (fact.type in AWAITED and _resolved(run, fact.step_id)) or run.status == "paused"
        case RunNoted() | RunLogged():
            return False
        case StepSleeping() | StepWaiting() | StepInvoking():
            run.open[fact.step_id] = Open(fact, entry.position, entry.recorded_at)
            return not isinstance(fact, StepSleeping)


def _apply_correction(run: Run, fact: StepPatched | StepInjected | StepRestored | StepCarried) -> None:
    """Results that no worker reported in this run. A corrected step stays where it is in the order of reports."""
    step_id = fact.step_id
    match fact:
        case StepPatched() | StepInjected():
            was = Before(run.steps.get(step_id), run.open.pop(step_id, None))
            run.corrected[step_id] = (*run.corrected.get(step_id, ()), was)
            _become(run, step_id, mark("completed", fact.type))
            _asked(run, fact)
        case StepRestored():
            *earlier, was = run.corrected.pop(step_id)
            if earlier:
                run.corrected[step_id] = tuple(earlier)
            _become(run, step_id, was.mark)
            if was.open is not None:
                run.open[step_id] = was.open
            _asked(run, fact)
        case StepCarried():
            _become(run, step_id, mark("failed" if fact.error is not None else "completed", fact.type))
            run.worked = run.worked or fact.type not in AWAITED
            if fact.event_id:
                run.events.add(fact.event_id)


def _ended(run: Run, step_id: str, how: Mark) -> None:
    """A step was reported: it comes last in the order of reports."""
    if step_id in run.steps:
        _become(run, step_id, None)
    _become(run, step_id, how)


def _become(run: Run, step_id: str, how: Mark | None) -> None:
    """Let a step have ended so, or not at all, where it is in the order; keeps count of those that completed."""
    was = run.steps.get(step_id)
    if how is not None:
        run.steps[step_id] = how
    elif was is not None:
        del run.steps[step_id]
    run.steps_completed += _counts(how) - _counts(was)


def _counts(how: Mark | None) -> bool:
    return how is not None and how.status == "completed" and how.type != COMPENSATION


def _asked(
    run: Run,
    fact: StepPatched
    | StepInjected
    | StepRestored
    | RunPauseRequested
    | RunPauseExplained
    | RunPauseWithdrawn
    | RunPaused
    | RunResumed
    | RunTagged,
) -> None:
    if fact.asked is not None:
        run.asked[fact.asked.key] = fact.asked.hash


def _apply_execution(run: Run, entry: Entry, fact: Fact) -> bool:
    """Executions begin and end. Whether it was one of these."""
    match fact:
        case RunCreated():
            pass
        case RunStarted():
            run.status, run.suspended = "running", False
            run.execution_seq, run.attempt, run.worker_id = fact.execution_seq, fact.attempt, fact.worker_id
            run.unwinds, run.node = fact.unwinds, fact.node
            run.execution_started_at = entry.recorded_at
            run.started_at = run.started_at or entry.recorded_at
            run.due_at = None
            run.timeout_at = fact.timeout_at or None
            run.news.clear()
        case RunSuspended():
            _end_execution(run, entry)
            run.status = "waiting_for_capacity" if fact.ready else "waiting"
            run.suspended = not fact.ready
            run.due_at = (fact.due_at or None) if run.suspended else None
        case RunWoken():
            run.status, run.suspended, run.due_at = "waiting_for_capacity", False, None
        case RunReleased():
            _end_execution(run, entry)
            run.status = "waiting_for_capacity"
        case RunRetrying():
            _end_execution(run, entry)
            run.status, run.attempt, run.due_at, run.error = "waiting", fact.attempt, fact.due_at, fact.error
        case RunCompleted():
            _end(run, entry)
            run.status, run.error = "completed", None
        case RunFailed():
            _end(run, entry)
            run.status, run.error, run.not_undone = "failed", fact.error, fact.not_undone
            run.failed_step = fact.step_id
        case _:
            return False
    return True


def _apply_steering(run: Run, entry: Entry, fact: Fact) -> None:
    """What was done to the run from outside."""
    match fact:
        case RunPauseRequested():
            run.pause_requested, run.pause_for = True, fact.reason
            _asked(run, fact)
        case RunPauseExplained():
            _asked(run, fact)
            if run.status == "paused":
                run.pause_reason = fact.reason
            else:
                run.pause_for = fact.reason
        case RunPauseWithdrawn():
            _asked(run, fact)
            run.pause_requested, run.pause_for = False, ""
        case RunPaused():
            _end_execution(run, entry)
            _asked(run, fact)
            run.status, run.suspended, run.pause_reason, run.error = "paused", False, fact.reason, fact.error
            run.divergence, run.pause_requested, run.pause_for = fact.divergence, False, ""
            run.held = fact.held
            if fact.held is not None and fact.held.place == "before":
                run.passed.add(fact.held.step_id)
        case RunResumed():
            _asked(run, fact)
            _forget(run, fact)
            run.status, run.attempt, run.pause_reason, run.error = "waiting_for_capacity", 1, "", None
            run.used_us, run.ended_at, run.divergence, run.not_undone = 0, None, None, ""
            run.failed_step, run.held = "", None
        case RunUnwinding():
            _end_execution(run, entry)
            run.status, run.suspended, run.attempt, run.unwinding = "waiting_for_capacity", False, 1, fact
            run.pause_requested = False
            run.open.clear()
        case RunCancelled():
            _end(run, entry)
            run.status, run.cancellation_cause, run.not_undone = "cancelled", fact.cause, fact.not_undone
        case _:
            raise AssertionError(f"{entry} does not belong to a run")


def _created(entry: Entry, fact: RunCreated) -> Run:
    return Run(
        id=entry.stream.partition("/")[2],
        environment=entry.environment,
        function_id=fact.function_id,
        function_version=fact.function_version,
        event_id=fact.event_id,
        event_name=fact.event_name,
        retry=fact.retry,
        timeout_ms=fact.timeout_ms,
        correlation=entry.correlation,
        created_at=entry.recorded_at,
        parent_run_id=fact.parent_run_id,
        parent_step_id=fact.parent_step_id,
        depth=fact.depth,
        detached=fact.detached,
        dispatch=fact.dispatch,
        on_failure=fact.on_failure,
        forked_from=fact.forked_from,
        tags=fact.tags,
        asked={fact.asked.key: fact.asked.hash} if fact.asked is not None else {},
        status="waiting" if fact.start_at > entry.recorded_at else "waiting_for_capacity",
        due_at=fact.start_at if fact.start_at > entry.recorded_at else None,
    )


def _resolved(run: Run, step_id: str) -> bool:
    """A step that was awaited is there; whether the run's row shows that (sleeps are not in it)."""
    if run.status == "running":
        run.news.add(step_id)
    was = run.open.pop(step_id, None)
    return was is not None and not isinstance(was.fact, StepSleeping)


def _end_execution(run: Run, entry: Entry) -> None:
    if run.status == "running":
        run.used_us += entry.recorded_at - run.execution_started_at
    run.due_at = run.timeout_at = None


def _end(run: Run, entry: Entry) -> None:
    """What still waits is given up: were the run resumed, those steps would begin anew."""
    _end_execution(run, entry)
    run.held = None
    run.suspended, run.pause_requested, run.unwinding, run.ended_at = False, False, None, entry.recorded_at
    run.open.clear()


def _forget(run: Run, resumed: RunResumed) -> None:
    """Drop the results that count no longer, and with `from_step` what still waits: it was asked for later."""
    if resumed.from_step in run.steps:
        run.open.clear()
        run.passed.clear()
    gone = forgotten(
        run.steps,
        had_failed=run.status == "failed",
        failed_step=run.failed_step,
        from_step=resumed.from_step,
        corrected=run.corrected,
    )
    for step_id in gone:
        _become(run, step_id, None)
        run.corrected.pop(step_id, None)
