"""How runs that failed were brought to completion: what was done after the failure, read from their history.

retried   the run tried again by itself, and it went well
resumed   a person resumed it, with or without going back to a step
patched   a person replaced the output of a step, or injected one, and it went on
replayed  another run of the function for the same event went well
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from app.history.kinds import RunResumed
from storage import failures, history, runs
from storage.contract import Transaction
from storage.records import EntryRecord, FailureRow, RunRow

PATCHED, INJECTED = "step.patched", "step.injected"
"""Kinds of those who patch and inject."""
EXAMPLES_MAX = 3
STEERING_MAX = 50
SIBLINGS_MAX = 20
SAMPLED = 200
REPLAYED_SAMPLED = 50
_ORDER = ("patched", "injected", "resumed", "replayed", "retried")


@dataclass(frozen=True, slots=True)
class Repair:
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


@dataclass(slots=True)
class Repairs:
    """Repairs of one kind, newest first, some of them shown."""

    how: str
    count: int = 0
    examples: list[Repair] = field(default_factory=list)


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
        return _replayed(tx, environment, failure, run)
    steering = history.page(
        tx,
        environment,
        stream=f"run/{failure.run_id}",
        kinds=(PATCHED, INJECTED, RunResumed.kind),
        after=failure.position,
        backwards=True,
        limit=STEERING_MAX,
    )
    for kind, how in ((PATCHED, "patched"), (INJECTED, "injected"), (RunResumed.kind, "resumed")):
        for entry in steering:
            if entry.kind == kind:
                return _steered(how, failure.run_id, entry)
    return Repair("retried", failure.run_id, failure.run_id, at=run.ended_at or 0)


def _steered(how: str, run_id: str, entry: EntryRecord) -> Repair:
    told: dict[str, Any] = msgspec.json.decode(entry.data)
    output = told.get("output")
    step = str(told.get("step_id") or told.get("from_step") or "").removeprefix(f"{run_id}:")
    return Repair(
        how,
        run_id,
        run_id,
        position=entry.position,
        at=entry.recorded_at,
        actor=entry.actor,
        reason=str(told.get("reason") or ""),
        step=step.removesuffix(":0"),
        output=None if output is None else msgspec.Raw(msgspec.json.encode(output)),
    )


def _replayed(tx: Transaction, environment: str, failure: FailureRow, run: RunRow) -> Repair | None:
    """A later run for the same event that completed."""
    others = runs.page(
        tx,
        environment,
        function_id=failure.function_id,
        event_id=failure.event_id,
        statuses=("completed",),
        limit=SIBLINGS_MAX,
    )
    later = next((other for other in others if other.created_at >= run.created_at and other.id != run.id), None)
    if later is None:
        return None
    return Repair("replayed", failure.run_id, later.id, at=later.ended_at or 0)
