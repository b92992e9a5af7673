"""A run's state: names, statuses and instants. Payloads stay in history, where the positions point."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

import msgspec

from app.errors import RunNotFound, StaleExecution
from app.history.kinds import (
    Dispatch,
    Divergence,
    Failure,
    Held,
    Origin,
    RetryPolicy,
    RunUnwinding,
    StepInvoking,
    StepSleeping,
    StepWaiting,
)

Status = Literal["waiting_for_capacity", "running", "waiting", "paused", "completed", "failed", "cancelled"]
StepStatus = Literal["completed", "failed"]

TERMINAL: frozenset[Status] = frozenset(("completed", "failed", "cancelled"))
STATUSES: tuple[Status, ...] = (
    "waiting_for_capacity",
    "running",
    "waiting",
    "paused",
    "completed",
    "failed",
    "cancelled",
)

AWAITED = frozenset(("sleep", "wait_for_event", "invoke_function", "invoke_function_async"))
"""Types of steps that the engine resolves, where a worker reports all others."""


class Mark(NamedTuple):
    """How a step ended, and what kind of step it was. Few values exist: steps share them, see `mark`."""

    status: StepStatus
    type: str


_SEGMENT = re.compile(r"(?:\\.|[^:\\])+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_RAW_PREFIXES = ("compensate", "publish")
_MARKS: dict[tuple[str, str], Mark] = {}


def mark(status: StepStatus, kind: str) -> Mark:
    """The one Mark of that status and type."""
    known = _MARKS.get((status, kind))
    return known if known is not None else _MARKS.setdefault((status, kind), Mark(status, kind))


class Open(NamedTuple):
    """What a step waits for, and the position at which it began to."""

    fact: StepSleeping | StepWaiting | StepInvoking
    position: int
    at: int


class Before(NamedTuple):
    """What there was of a step before its output was corrected: how it had ended, or what it waited for. Neither: the
    code had not come to it."""

    mark: Mark | None
    open: Open | None


_PLAIN = Dispatch()


class Run(msgspec.Struct):
    """`steps` holds those that ended, in the order of their last report; `open` those that wait. `news` are steps that
    were resolved since the current execution was handed out; `events` ids of the events that its waits have taken;
    `failed_step` is the wait that failed it, by its timeout; `corrected` what steps were before each correction of
    their output that counts; `asked` hashes of the changes that were asked for with an idempotency key. `held` is what
    holds it at a breakpoint, `passed` the steps before which it was held. `position` is of the entry that made it what
    it is, `tagged_at` of the last that gave or took tags, which leaves it what it is. `steps_completed` is how
    many there are, without compensations, `steps_shown` how many there were at `version`."""

    id: str
    environment: str
    function_id: str
    function_version: int
    event_id: str
    event_name: str
    retry: RetryPolicy
    timeout_ms: int
    correlation: str
    created_at: int
    parent_run_id: str = ""
    parent_step_id: str = ""
    depth: int = 0
    detached: bool = False
    dispatch: Dispatch = _PLAIN
    on_failure: str = ""
    status: Status = "waiting_for_capacity"
    suspended: bool = False
    attempt: int = 1
    execution_seq: int = 0
    worker_id: str = ""
    node: str = ""
    steps: dict[str, Mark] = msgspec.field(default_factory=dict)
    open: dict[str, Open] = msgspec.field(default_factory=dict)
    news: set[str] = msgspec.field(default_factory=set)
    events: set[str] = msgspec.field(default_factory=set)
    worked: bool = False
    unwinds: bool = False
    unwinding: RunUnwinding | None = None
    due_at: int | None = None
    timeout_at: int | None = None
    used_us: int = 0
    execution_started_at: int = 0
    started_at: int | None = None
    ended_at: int | None = None
    updated_at: int = 0
    error: Failure | None = None
    failed_step: str = ""
    pause_requested: bool = False
    pause_for: str = ""
    pause_reason: str = ""
    held: Held | None = None
    passed: set[str] = msgspec.field(default_factory=set)
    corrected: dict[str, tuple[Before, ...]] = msgspec.field(default_factory=dict)
    asked: dict[str, str] = msgspec.field(default_factory=dict)
    forked_from: Origin | None = None
    divergence: Divergence | None = None
    cancellation_cause: str = ""
    not_undone: str = ""
    tags: tuple[str, ...] = ()
    tagged_at: int = 0
    steps_completed: int = 0
    steps_shown: int = 0
    position: int = 0
    version: int = 0

    def settled(self, step_id: str) -> Mark | None:
        """How the step ended, if that stands: a failed step that a worker ran may be run again, as anything."""
        recorded = self.steps.get(step_id)
        return recorded if recorded and (recorded.status == "completed" or recorded.type in AWAITED) else None

    @property
    def watched(self) -> int:
        """How many things the follower of waits has to watch: events, child runs, the end of unwinding."""
        waits = [open_ for open_ in self.open.values() if not isinstance(open_.fact, StepSleeping)]
        return len(waits) + (self.unwinding is not None and self.status not in TERMINAL)


def known(run: Run | None) -> Run:
    if run is None:
        raise RunNotFound("no such run")
    return run


def held(run: Run | None, execution_seq: int) -> Run:
    """The run, if the execution that reports is the one that holds it. Raises StaleExecution."""
    run = known(run)
    if run.execution_seq != execution_seq:
        raise StaleExecution(f"{run.id}: execution {execution_seq} was superseded by {run.execution_seq}")
    if run.status != "running":
        raise StaleExecution(f"{run.id} is {run.status}; execution {execution_seq} no longer holds it")
    return run


def step_name(step_id: str) -> str:
    """The name within `<run id>[:<parallel>:<branch>]…:<name>:<number>`, unescaped (wire facts, "Step ids")."""
    parts = _SEGMENT.findall(step_id)
    if len(parts) < 3:
        return step_id
    name = _ESCAPED.sub(r"\1", parts[-2])
    return f"{parts[-3]}:{name}" if len(parts) > 3 and parts[-3] in _RAW_PREFIXES else name


def step_path(step_id: str) -> str:
    """The id without the run that it begins with: the same for the same step of any run of a function."""
    run_id, colon, path = step_id.partition(":")
    return path if colon and run_id.startswith("run_") else step_id
