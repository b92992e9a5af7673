"""A failure: an attempt of a run that failed, read from history with what tells failures apart.

It is derived from history alone, so that it comes out the same whenever it is derived.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from app.history.entry import Entry
from app.history.kinds import EventEmitted, RunCreated, RunFailed, RunPaused, RunRetrying, StepCompleted, StepFailed
from app.history.kinds import Failure as Told
from app.runs.state import AWAITED, step_name
from app.search import masking, stacks
from app.search.stacks import Frame
from storage import events, history
from storage.contract import Transaction
from storage.failures import MESSAGE_CHARS_MAX, FailureRow

KINDS = frozenset((RunFailed.kind, RunPaused.kind, RunRetrying.kind))
"""The entries that tell of one."""
STEPS_BEFORE_MAX = 16
PATHS_MAX = 48
DEPTH_MAX = 6

_TYPED = re.compile(r"([A-Z]\w*(?:\.\w+)*)(?:: |$)")
_SEGMENT = re.compile(r"(?:\\.|[^:\\])+", re.DOTALL)
_PREFIXES = frozenset(("compensate", "publish"))
_TYPES = {
    str: "text",
    bool: "boolean",
    int: "number",
    float: "number",
    type(None): "null",
    list: "list",
    dict: "object",
}


class Failure(msgspec.Struct, frozen=True):
    """`row` is what the table holds. `steps` are names of steps before it, newest first; `shape` the paths and types of
    the input."""

    row: FailureRow
    error: Told
    frames: Sequence[Frame]
    steps: Sequence[str]
    shape: Sequence[str]


def derive(tx: Transaction, entry: Entry) -> Failure | None:
    """The failure that an entry of KINDS tells of; None if it tells of none, as a pause that a person asked for."""
    fact = entry.fact
    if not isinstance(fact, RunFailed | RunPaused | RunRetrying) or fact.error is None:
        return None
    created = _first(tx, entry)
    event = events.entry(tx, entry.environment, created.event_id)
    step_id, error = _step(tx, entry, fact, fact.error)
    run_id = entry.stream.removeprefix("run/")
    frames = stacks.frames(error.stack)
    error_type = type_of(error)
    step = path_of(run_id, step_id)
    message = masking.mask(error.message.removeprefix(f"{error_type}: "))
    top = stacks.top(frames)
    cause = fingerprint(created.function_id, step, error_type, message, top)
    row = FailureRow(
        environment=entry.environment,
        position=entry.position,
        run_id=run_id,
        function_id=created.function_id,
        function_version=created.function_version,
        event_id=created.event_id,
        fingerprint=cause,
        kind=entry.kind,
        step=step,
        error_type=error_type,
        error_code=error.code,
        message=error.message[:MESSAGE_CHARS_MAX],
        masked=message,
        top_frame=top,
        attempt=max(1, fact.attempt - 1) if isinstance(fact, RunRetrying) else 0,
        failed_at=entry.recorded_at,
        cause=cause,
    )
    return Failure(row, error, frames, _before(tx, entry), shape_of(event))


def step_of(tx: Transaction, entry: Entry) -> str:
    """The id of the step that an entry of KINDS tells of; "" if the function itself failed, or nothing did."""
    fact = entry.fact
    if not isinstance(fact, RunFailed | RunPaused | RunRetrying) or fact.error is None:
        return ""
    return _step(tx, entry, fact, fact.error)[0]


def fingerprint(function_id: str, step: str, error_type: str, message: str, top_frame: str) -> str:
    """16 hexadecimal digits: the same for what is most likely one cause."""
    told = f"{function_id}\0{step}\0{error_type}\0{message}\0{top_frame}"
    return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()


def type_of(error: Told) -> str:
    """What kind of error it is: the class that was raised, else the code."""
    if error.code in ("", "STEP_FAILED"):
        found = _TYPED.match(error.message)
        return found[1] if found else stacks.raised(error.stack) or error.code or "Error"
    return error.code


def path_of(run_id: str, step_id: str) -> str:
    """The names of the branches and of the step, with `#` for numbers in them; "" for no step."""
    if not step_id:
        return ""
    branches = _SEGMENT.findall(step_id.removeprefix(f"{run_id}:"))[:-2:2]
    names = [name for name in branches if name not in _PREFIXES]
    return "/".join(masking.digits(name) for name in (*names, step_name(step_id)))


def shape_of(event: Any) -> Sequence[str]:
    """Paths of an event's data with their types, at most PATHS_MAX."""
    if event is None:
        return ()
    fact = Entry(event).fact
    found: list[str] = []
    if isinstance(fact, EventEmitted):
        _collect(msgspec.json.decode(fact.data), "", 0, found)
    return found


def _collect(value: Any, path: str, depth: int, found: list[str]) -> None:
    if len(found) >= PATHS_MAX:
        return
    if isinstance(value, dict) and depth < DEPTH_MAX:
        for key in value:
            _collect(value[key], f"{path}.{key}" if path else key, depth + 1, found)
    else:
        found.append(f"{path}:{_TYPES.get(type(value), 'other')}")
        if isinstance(value, list) and value and depth < DEPTH_MAX:
            _collect(value[0], f"{path}[]", depth + 1, found)


def _first(tx: Transaction, entry: Entry) -> RunCreated:
    record = history.version_of_stream(tx, entry.environment, entry.stream, 1)
    assert record is not None, f"{entry}: its stream has no beginning"
    created = Entry(record).fact
    assert isinstance(created, RunCreated)
    return created


def _step(tx: Transaction, entry: Entry, fact: RunFailed | RunPaused | RunRetrying, error: Told) -> tuple[str, Told]:
    """The step that it came from, with its error, which has the better stack; none if the function itself failed."""
    if isinstance(fact, RunFailed) and fact.step_id:
        return fact.step_id, error
    if isinstance(fact, RunPaused) and fact.divergence is not None:
        return fact.divergence.step_id, error
    records = history.page(
        tx,
        entry.environment,
        stream=entry.stream,
        kinds=(StepFailed.kind,),
        before=entry.position,
        backwards=True,
        limit=1,
    )
    failed = Entry(records[0]).fact if records else None
    if not isinstance(failed, StepFailed):
        return "", error
    if failed.type in AWAITED:
        return (failed.step_id, error) if error.code in ("INVOKE_FAILED", "WAIT_TIMEOUT") else ("", error)
    return (failed.step_id, failed.error) if failed.error.message == error.message else ("", error)


def _before(tx: Transaction, entry: Entry) -> Sequence[str]:
    records = history.page(
        tx,
        entry.environment,
        stream=entry.stream,
        kinds=(StepCompleted.kind,),
        before=entry.position,
        backwards=True,
        limit=STEPS_BEFORE_MAX,
    )
    facts = (Entry(record).fact for record in records)
    return [masking.digits(fact.name) for fact in facts if isinstance(fact, StepCompleted)]
