"""How runs that failed were brought to completion: what was done after the failure, read from their history.

    patched   a person replaced the output of a step, and it went on
    injected  a person gave a step its output while the run was held
    forked    a run that shares a part of its history went well
    resumed   a person resumed it, with or without going back to a step
    replayed  another run of the function for the same event went well
    retried   the run tried again by itself, and it went well

What was taken back by an undo did not help, and is not told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from app.history.entry import Entry
from app.history.kinds import RunResumed, StepInjected, StepPatched, StepRestored
from app.runs.state import step_name
from storage import failures, history, runs
from storage.contract import Transaction
from storage.failures import FailureRow
from storage.records import RunRow

EXAMPLES_MAX = 3
STEERING_MAX = 50
SIBLINGS_MAX = 20
SAMPLED = 200
REPLAYED_SAMPLED = 50
_ORDER = ("patched", "injected", "forked", "resumed", "replayed", "retried")
_STEERING = (StepPatched.kind, StepInjected.kind, StepRestored.kind, RunResumed.kind)


class Repair(msgspec.Struct, frozen=True):
    """One run that was repaired; `position` is of the entry that did it, 0 if none did. `step` is the one that was
    replaced or gone back to."""

    how: str
    run_id: str
    repaired_by: str
    position: int = 0
    at: int = 0
    actor: str = ""
    reason: str = ""
    step: str = ""
    output: msgspec.Raw | None = None


class Repairs(msgspec.Struct):
    """Repairs of one kind, newest first, some of them shown."""

    how: str
    count: int = 0
    examples: list[Repair] = msgspec.field(default_factory=list)


def repairs(tx: Transaction, environment: str, fingerprint: str, *, but: str = "") -> Sequence[Repairs]:
    """Of the newest failures of a group, without those of one run: what people did first, then what came by itself."""
    found: dict[str, Repairs] = {}
    seen = {but}
    mended = failures.mended(tx, environment, fingerprint, limit=SAMPLED)
    for failure in (*mended, *failures.of_group(tx, environment, fingerprint, limit=REPLAYED_SAMPLED)):
        if failure.run_id in seen:
            continue
        seen.add(failure.run_id)
        repair = _repair(tx, environment, failure)
        if repair is not None:
            kind = found.setdefault(repair.how, Repairs(repair.how))
            kind.count += 1
            if len(kind.examples) < EXAMPLES_MAX:
                kind.examples.append(repair)
    return sorted(found.values(), key=lambda kind: _ORDER.index(kind.how))


def _repair(tx: Transaction, environment: str, failure: FailureRow) -> Repair | None:
    run = runs.get(tx, environment, failure.run_id)
    if run is None:
        return None
    if run.status != "completed":
        return _elsewhere(tx, environment, failure, run)
    steering = history.page(
        tx,
        environment,
        stream=f"run/{failure.run_id}",
        kinds=_STEERING,
        after=failure.position,
        backwards=True,
        limit=STEERING_MAX,
    )
    found: dict[str, Repair] = {}
    for entry in standing(map(Entry, steering)):
        match entry.fact:
            case StepPatched() as fact:
                found.setdefault("patched", _corrected("patched", failure.run_id, entry, fact))
            case StepInjected() as fact:
                found.setdefault("injected", _corrected("injected", failure.run_id, entry, fact))
            case RunResumed() as fact:
                found.setdefault("resumed", _resumed(failure.run_id, entry, fact))
            case _:
                pass
    for how in _ORDER:
        if how in found:
            return found[how]
    return Repair("retried", failure.run_id, failure.run_id, at=run.ended_at or 0)


def standing(newest: Iterable[Entry]) -> Iterator[Entry]:
    """What people did to a run, the newest first, without corrections that were taken back, and without the taking
    back: each takes back the last one of its step that still counts."""
    undone: Counter[str] = Counter()
    for entry in newest:
        match entry.fact:
            case StepRestored(step_id=step_id):
                undone[step_id] += 1
            case StepPatched(step_id=step_id) | StepInjected(step_id=step_id) if undone[step_id]:
                undone[step_id] -= 1
            case _:
                yield entry


def _corrected(how: str, run_id: str, entry: Entry, fact: StepPatched | StepInjected) -> Repair:
    return Repair(
        how,
        run_id,
        run_id,
        position=entry.position,
        at=entry.recorded_at,
        actor=entry.actor,
        reason=fact.reason,
        step=fact.name,
        output=fact.output,
    )


def _resumed(run_id: str, entry: Entry, fact: RunResumed) -> Repair:
    return Repair(
        "resumed",
        run_id,
        run_id,
        position=entry.position,
        at=entry.recorded_at,
        actor=entry.actor,
        reason=fact.reason,
        step=step_name(fact.from_step) if fact.from_step else "",
    )


def mended_elsewhere(tx: Transaction, failure: FailureRow) -> str:
    """The run that completed in its place, a fork or a replay; "" if none did."""
    run = runs.get(tx, failure.environment, failure.run_id)
    repair = _elsewhere(tx, failure.environment, failure, run) if run is not None else None
    return repair.repaired_by if repair is not None else ""


def _elsewhere(tx: Transaction, environment: str, failure: FailureRow, run: RunRow) -> Repair | None:
    """A later run that completed: one that was forked from it, or one for the same event."""
    others = [
        *runs.forks(tx, environment, failure.run_id, limit=SIBLINGS_MAX),
        *runs.completed_of_event(
            tx, environment, function_id=failure.function_id, event_id=failure.event_id, limit=SIBLINGS_MAX
        ),
    ]
    for other in others:
        if other.status == "completed" and other.id != run.id and other.created_at >= run.created_at:
            how = "forked" if other.forked_from_position else "replayed"
            return Repair(how, failure.run_id, other.id, at=other.ended_at or 0)
    return None
