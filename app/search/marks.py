"""Deciding what becomes of a group of failures: it is resolved, muted for a while or for good, or open.

    open ── resolve ──► resolved ── a newer version of the function fails so, or reopen ──► open
     └────── mute ────► muted ───── its time is over, or reopen ────────────────────────► open

Who looks after a group is told apart from that, and stays whatever is decided.

A decision is an entry of history, with its reason. That a newer version opens a resolved group again is no entry: it
follows from the failures that are recorded, so that it cannot be missed. Versions that had failed so before may go on
to, without opening it: they are what was resolved.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app import texts
from app.clock import Clock
from app.errors import InvalidArgument
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft
from app.history.kinds import Fact, FailureAssigned, FailureMuted, FailureReopened, FailureResolved
from app.runs.asking import Request
from app.search.groups import GroupNotFound, found
from app.search.mark_noun import MERGED, stream
from storage import failures
from storage.contract import Storage, Transaction
from storage.failures import FailureMarkRow

ASSIGNEE_CHARS_MAX = 200


class Marks:
    def __init__(self, storage: Storage, committer: Committer, clock: Clock) -> None:
        self._storage = storage
        self._committer = committer
        self._clock = clock

    async def resolve(self, environment: str, fingerprint: str, *, reason: str, actor: str = "") -> None:
        """From now on only a newer version than those that failed so opens it. Raises GroupNotFound,
        InvalidArgument."""
        told = checked(reason)

        def newest(tx: Transaction) -> int:
            found(tx, environment, fingerprint)
            return max(one.version for one in failures.versions(tx, environment, fingerprint))

        version = await self._storage.read(newest)
        await self._record(environment, fingerprint, FailureResolved(version, told), actor)

    async def mute(
        self, environment: str, fingerprint: str, *, reason: str, duration_us: int = 0, actor: str = ""
    ) -> None:
        """For so long, or for good. Raises GroupNotFound, InvalidArgument."""
        told, now = checked(reason), self._clock.now_us()
        await self._storage.read(lambda tx: found(tx, environment, fingerprint))
        until = now + duration_us if duration_us else 0
        await self._record(environment, fingerprint, FailureMuted(told, until), actor)

    async def reopen(self, environment: str, fingerprint: str, *, reason: str, actor: str = "") -> None:
        """One that is open stays so. Raises GroupNotFound, InvalidArgument."""
        told = checked(reason)
        await self._storage.read(lambda tx: found(tx, environment, fingerprint))
        await self._record(environment, fingerprint, FailureReopened(told), actor)

    async def assign(
        self, environment: str, fingerprint: str, *, assignee: str, reason: str = "", actor: str = ""
    ) -> None:
        """Somebody looks after it from now on, "" for nobody; what was decided of it stays. Raises GroupNotFound,
        InvalidArgument."""
        texts.check(assignee, field="assignee")
        if len(assignee) > ASSIGNEE_CHARS_MAX:
            raise InvalidArgument(
                f"the assignee has {len(assignee)} characters", field="assignee", hint=f"at most {ASSIGNEE_CHARS_MAX}"
            )
        told = Request(reason).checked().reason
        await self._storage.read(lambda tx: found(tx, environment, fingerprint))
        await self._record(environment, fingerprint, FailureAssigned(assignee.strip(), told), actor)

    async def _record(self, environment: str, fingerprint: str, fact: Fact, actor: str) -> None:
        where = stream(fingerprint)

        def decide(states: Mapping[str, Any], now: int) -> Decision:
            known: FailureMarkRow | None = states[where]
            check_unmerged(known, fingerprint)
            if known is None and isinstance(fact, FailureReopened):
                return Decision(())
            if isinstance(fact, FailureAssigned) and (known.assignee if known else "") == fact.assignee:
                return Decision(())
            return Decision([Draft(where, fact, actor=actor)])

        await self._committer.commit(Command(environment, (where,), decide))


def check_unmerged(known: FailureMarkRow | None, fingerprint: str) -> None:
    """Raises GroupNotFound for what is no group any more."""
    if known is not None and known.status == MERGED:
        raise GroupNotFound(
            f"the failures {fingerprint} were merged into another group", hint=f"`ironflow failures get {fingerprint}`"
        )


def checked(reason: str) -> str:
    """As every change that is asked for. Raises InvalidArgument."""
    return Request(reason).checked(needs_reason=True).reason
