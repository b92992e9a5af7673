"""What people decide of failures that are most likely of one cause."""

from __future__ import annotations

from app.history.kinds.base import Fact


class FailureResolved(Fact, frozen=True):
    """stream failure/<fingerprint>; `version` is the newest version of the function that had failed so. A newer one
    that does opens the group again."""

    kind = "failure.resolved"
    version: int
    reason: str


class FailureMuted(Fact, frozen=True):
    """Nobody is to be told of the group until an instant (µs); 0: for good."""

    kind = "failure.muted"
    reason: str
    until: int = 0


class FailureReopened(Fact, frozen=True):
    """It is neither resolved nor muted any more."""

    kind = "failure.reopened"
    reason: str


class FailureAssigned(Fact, frozen=True):
    """Somebody looks after the group; "" for nobody any more. What was decided of it stays."""

    kind = "failure.assigned"
    assignee: str
    reason: str = ""


class FailureMerged(Fact, frozen=True):
    """Its failures, those that come later and those merged into it before, are counted in another group."""

    kind = "failure.merged"
    into: str
    reason: str


class FailureSplit(Fact, frozen=True):
    """Its failures are a group of their own again; `out_of` is the group that they were in."""

    kind = "failure.split"
    out_of: str
    reason: str


FACTS: tuple[type[Fact], ...] = (
    FailureResolved,
    FailureMuted,
    FailureReopened,
    FailureAssigned,
    FailureMerged,
    FailureSplit,
)
