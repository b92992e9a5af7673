"""What was decided of a group of failures, as a noun of history: `failure/<fingerprint>`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from app.history.entry import Entry
from app.history.kinds import (
    FailureAssigned,
    FailureMerged,
    FailureMuted,
    FailureReopened,
    FailureResolved,
    FailureSplit,
)
from storage import failures
from storage.contract import Transaction
from storage.failures import FailureMarkRow

OPEN, RESOLVED, MUTED = STATUSES = ("open", "resolved", "muted")
MERGED = "merged"
"""What is no group any more."""


def stream(fingerprint: str) -> str:
    return f"failure/{fingerprint}"


class Assigned(msgspec.Struct, frozen=True):
    """Who looks after a group, and who said so when."""

    assignee: str
    actor: str
    at: int


class Mark(msgspec.Struct, frozen=True):
    """What a group is now. `reopened_position` is that of the failure which opened it again, 0 if none did; `since`,
    `reason` and `actor` are of the last decision."""

    status: str = OPEN
    version: int = 0
    muted_until: int = 0
    reason: str = ""
    actor: str = ""
    since: int = 0
    reopened_position: int = 0
    assigned: Assigned | None = None


def mark_of(row: FailureMarkRow, reopened_position: int, *, now: int) -> Mark:
    """What the last decision comes to, with the position of the failure that opened the group again."""
    status = row.status
    if (status == RESOLVED and reopened_position) or (status == MUTED and 0 < row.muted_until <= now):
        status = OPEN
    reopened = reopened_position if row.status == RESOLVED else 0
    assigned = Assigned(row.assignee, row.assigned_by, row.assigned_at) if row.assignee else None
    return Mark(status, row.version, row.muted_until, row.reason, row.actor, row.marked_at, reopened, assigned)


class MarkNoun:
    """The state is the row. Each decision tells all of what was decided; who looks after the group is told apart."""

    prefix = "failure"

    def apply(self, state: FailureMarkRow | None, entry: Entry) -> FailureMarkRow:
        fingerprint = entry.stream.removeprefix("failure/")
        if isinstance(entry.fact, FailureAssigned):
            known = state or FailureMarkRow(entry.environment, fingerprint, OPEN, 0, 0, "", "", 0, 0, "")
            return known._replace(
                assignee=entry.fact.assignee,
                assigned_by=entry.actor,
                assigned_at=entry.recorded_at,
                assigned_position=entry.position,
            )
        version, until, into = 0, 0, ""
        match entry.fact:
            case FailureResolved() as fact:
                status, version, reason = RESOLVED, fact.version, fact.reason
            case FailureMuted() as fact:
                status, until, reason = MUTED, fact.until, fact.reason
            case FailureReopened() as fact:
                status, reason = OPEN, fact.reason
            case FailureMerged() as fact:
                status, into, reason = MERGED, fact.into, fact.reason
            case FailureSplit() as fact:
                status, reason = OPEN, fact.reason
            case _:
                raise AssertionError(f"{entry} does not belong to a group of failures")
        return FailureMarkRow(
            entry.environment,
            fingerprint,
            status,
            version,
            until,
            reason,
            entry.actor,
            entry.recorded_at,
            entry.position,
            into,
            *(state[-4:] if state is not None else ()),
        )

    def changed_at(self, state: FailureMarkRow) -> int:
        return max(state.position, state.assigned_position)

    def row(self, state: FailureMarkRow) -> FailureMarkRow:
        return state

    def keep(self, state: FailureMarkRow) -> bool:
        return False

    def save(self, tx: Transaction, rows: Sequence[FailureMarkRow]) -> None:
        failures.save_marks(tx, rows)

    def clear(self, tx: Transaction) -> None:
        failures.clear_marks(tx)

    def rows(self, tx: Transaction) -> Iterable[FailureMarkRow]:
        return failures.all_marks(tx)
