"""The past of runs: what happened, entry by entry, and a run as it was at any position of history or time.

`Record` is one entry without payloads, `RunState` a run as of a position. They come from a server (`client.runs`), and
just the same from a bundle that was exported (`ironflow.bundle`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, TypeVar

from ironflow.calls import Call, Json, Plan, chosen, quoted

PAGE = 1_000
STEPS_PAGE = 1_000

At = int | str | datetime | None
"""A point of the past: a position, an instant (a datetime or RFC 3339), or such as `15m` before now; None is now."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of a run, without payloads. `status` is that of the step, or of the run for what happened to the run as
    a whole, after it; "" where it stays. `path` is the step's id without the run. `significant`: worth showing to a
    person who skims. `bytes` is the size of the entry, `output_bytes` that of the output or value in it."""

    position: int
    version: int
    kind: str
    at: datetime
    summary: str = ""
    significant: bool = True
    bytes: int = 0
    status: str = ""
    actor: str = ""
    worker_id: str = ""
    execution: int = 0
    attempt: int = 0
    step_id: str = ""
    path: str = ""
    name: str = ""
    type: str = ""
    started_at: datetime | None = None
    duration_ms: int | None = None
    until: datetime | None = None
    event: str = ""
    event_id: str = ""
    function_id: str = ""
    child_run_id: str = ""
    compensation_for: str = ""
    reason: str = ""
    code: str = ""
    message: str = ""
    output_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry stands."""

    position: int
    version: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Records:
    """Part of a timeline, in order. `before` and `after` are where the pages before and after it begin, None where
    there is nothing; `newest` is the run's last entry."""

    items: Sequence[Record]
    newest: Place
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class StepState:
    """What was known of a step. `status` is running, sleeping, waiting, completed, failed, timed_out, or dead (waited
    for when the run ended). `position` is that of the entry that made it so: it answers "who set this?". `output` is
    None, too, where outputs were not asked for; `output_bytes` tells. `patched` or `injected`: a person gave it this
    output instead of `original_output`. `carried_from` is where the origin of a fork has it."""

    step_id: str
    path: str
    name: str
    type: str
    status: str
    sequence: int = 0
    attempt: int = 1
    output: Any = None
    output_bytes: int = 0
    error: Mapping[str, Any] | None = None
    input: Any = None
    duration_ms: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    position: int = 0
    began_position: int = 0
    sleep_until: datetime | None = None
    wait_timeout: datetime | None = None
    wait_event_name: str = ""
    wait_match: str = ""
    event_id: str = ""
    function_id: str = ""
    child_run_id: str = ""
    compensation_for: str = ""
    patched: bool = False
    injected: bool = False
    patched_at: datetime | None = None
    patched_by: str = ""
    patch_reason: str = ""
    original_output: Any = None
    original_error: Mapping[str, Any] | None = None
    carried_from: int = 0


@dataclass(frozen=True, slots=True)
class WaitState:
    """What the run waited for: a sleep, an event, or a child run."""

    step_id: str
    path: str
    name: str
    type: str
    since: datetime
    position: int
    until: datetime | None = None
    event: str = ""
    match: str = ""
    value: str = ""
    function_id: str = ""
    child_run_id: str = ""


@dataclass(frozen=True, slots=True)
class ChildState:
    """A run that the run had invoked. `status` is that of the step that waited for it."""

    run_id: str
    step_id: str
    path: str
    name: str
    function_id: str
    status: str
    awaited: bool


@dataclass(frozen=True, slots=True)
class NoteState:
    """A value that the code noted (`step.note`, `step.set_state`)."""

    value: Any
    at: datetime
    position: int


@dataclass(frozen=True, slots=True)
class RunState:
    """A run as of `position`: everything in it is as it was then. `record` is its last entry by then, `next` what
    happened to it next (None at the end), `behind` how many entries came later, `newest` the last of those. A change of
    the run may be asked for of `version`; how many entries there were is `record.version`. `raw` is the whole answer,
    with what has no field here."""

    id: str
    function_id: str
    function_version: int
    status: str
    position: int
    version: int
    at: datetime
    record: Record
    newest: Place
    next: Record | None = None
    behind: int = 0
    attempt: int = 1
    max_attempts: int = 1
    executions: int = 0
    worker_id: str = ""
    event_id: str = ""
    event_name: str = ""
    environment_id: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    due_at: datetime | None = None
    pause_reason: str = ""
    cancellation_cause: str = ""
    parent_run_id: str = ""
    parent_step_id: str = ""
    forked_from: Mapping[str, Any] | None = None
    fork_reason: str = ""
    tags: Sequence[str] = ()
    input: Any = None
    output: Any = None
    error: Mapping[str, Any] | None = None
    steps: Sequence[StepState] = ()
    steps_total: int = 0
    waits: Sequence[WaitState] = ()
    children: Sequence[ChildState] = ()
    notes: Mapping[str, NoteState] = field(default_factory=dict)
    raw: Json = field(default_factory=dict, repr=False, compare=False)

    def step(self, given: str) -> StepState:
        """The step of that id, that path, or that name if it is the only one. Raises KeyError."""
        found = [one for one in self.steps if given in (one.step_id, one.path)]
        found = found or [one for one in self.steps if one.name == given]
        if len(found) != 1:
            raise KeyError(f"{self.id} has {len(found) or 'no'} steps {given!r}")
        return found[0]


def timeline_page(
    run_id: str,
    *,
    after: int | None = None,
    before: int | None = None,
    backward: bool = False,
    at: At = None,
    step: str | None = None,
    kind: str | None = None,
    limit: int = PAGE,
) -> Plan[Records]:
    """The first `limit` records between two positions, or backward the last; in order all the same. `step` is an id, an
    id without the run, or a name; `kind` such as `step.*`, several with commas. Raises NotFound."""
    direction = "backward" if backward else None
    params = chosen(after=after, before=before, direction=direction, at=at, step=step, kind=kind, limit=limit)
    answer = yield Call("GET", f"{run_path(run_id)}/timeline", params, again=True)
    return Records(
        tuple(record_of(one) for one in answer["records"]),
        made(Place, answer["newest"]),
        answer.get("before"),
        answer.get("after"),
    )


def state(run_id: str, *, at: At = None, outputs: bool = True, steps: bool = True) -> Plan[RunState]:
    """The run as of a point of the past, with all of its steps, or without. Without `outputs`, None is in place of
    input and outputs. Raises NotFound, also if there was no such run yet."""
    params: Json = {**chosen(at=at), "limit": STEPS_PAGE if steps else 0} | ({} if outputs else {"outputs": "false"})
    path = f"{run_path(run_id)}/state"
    answer = yield Call("GET", path, params, again=True)
    found = list(answer["steps"])
    after = answer.get("next_steps_after") if steps else None
    while after is not None:  # as of the same position, whatever happens meanwhile
        more = yield Call("GET", path, {**params, "at": answer["position"], "steps_after": after}, again=True)
        found += more["steps"]
        after = more.get("next_steps_after")
    return state_of({**answer, "steps": found})


def step_output(run_id: str, step: str, *, at: At = None) -> Plan[StepState]:
    """A step with what it had given as of a point of the past; `step` is its id, its id without the run, or its name.
    Raises NotFound, Conflict if several have that name."""
    answer = yield Call("GET", f"{run_path(run_id)}/state", chosen(at=at, step=step), again=True)
    return made(StepState, answer["steps"][0])


def record_of(told: Json) -> Record:
    """A record as REST and bundles tell it."""
    if not told.keys() <= _OF_RECORDS:  # a newer server may tell more
        return made(Record, told)
    given = {**told, "at": datetime.fromisoformat(told["at"])}  # there may be 100,000
    for name in ("started_at", "until"):
        if given.get(name):
            given[name] = datetime.fromisoformat(given[name])
    return Record(**given)


_OF_RECORDS = frozenset(one.name for one in fields(Record))


def state_of(told: Json) -> RunState:
    """A state as REST and bundles tell it."""
    return replace(
        made(RunState, told),
        record=record_of(told["record"]),
        next=record_of(told["next"]) if told.get("next") else None,
        newest=made(Place, told["newest"]),
        steps=tuple(made(StepState, one) for one in told["steps"]),
        waits=tuple(made(WaitState, one) for one in told["waits"]),
        children=tuple(made(ChildState, one) for one in told["children"]),
        notes={name: made(NoteState, one) for name, one in told.get("notes", {}).items()},
        raw=told,
    )


_INSTANTS = frozenset(
    (
        *("at", "since", "until", "created_at", "started_at", "ended_at", "due_at"),
        *("sleep_until", "wait_timeout", "patched_at"),
    )
)


def made(kind: type[T], told: Json) -> T:
    """Of what is told, the fields that the type has; instants as datetimes."""
    names = _NAMES.get(kind)
    if names is None:
        names = _NAMES[kind] = [one.name for one in fields(kind) if one.name != "raw"]  # type: ignore[arg-type]
    return kind(
        **{
            name: datetime.fromisoformat(told[name]) if name in _INSTANTS and told[name] else told[name]
            for name in names
            if name in told
        }
    )


_NAMES: dict[type[Any], list[str]] = {}


def run_path(run_id: str) -> str:
    return f"/api/v1/runs/{quoted(run_id)}"
