"""What is going on for somebody: streams and sockets, which outlast the moment in which they were allowed.

When identities or policies change, or a credential expires, each is asked about again; one that would no longer be
allowed is cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from app.access.actor import Actor
from app.access.authorize import Authorizer, Resource
from app.access.credentials import Credentials, Proof, Recognised, unknown
from app.clock import Clock
from app.errors import IronflowError


class Grant(NamedTuple):
    """What somebody was allowed, and by whom, to be asked about again: in which organization, to do what to what.
    Without a proof nobody was asked who they are. `named` are further resources that turned out to be meant; `begun`
    what the audit waits to be told the end of, None if it does not; `asked` after how many changes, -1 if unknown."""

    authorizer: Authorizer
    proof: Proof | None
    org: str
    action: str
    resource: Resource
    environment: str
    method: str
    address: str
    named: list[str]
    begun: list[int] | None = None
    asked: int = -1


class _Going:
    """`task` does what the grant allows."""

    __slots__ = ("ended_by", "grant", "task")

    def __init__(self, grant: Grant, task: asyncio.Task[Any]) -> None:
        self.grant = grant
        self.task = task
        self.ended_by: IronflowError | None = None


class LiveGrants:
    """`changes` counts those after which somebody may be somebody else, or be allowed something else."""

    def __init__(self, *, credentials: Credentials, clock: Clock) -> None:
        self._credentials = credentials
        self._clock = clock
        self._going: set[_Going] = set()
        self._moved = asyncio.Event()
        self._watchers: list[Callable[[], None]] = []
        self.changes = 0

    def watch(self, moved: Callable[[], None]) -> None:
        """Call that after every change."""
        self._watchers.append(moved)

    def __len__(self) -> int:
        return len(self._going)

    @contextmanager
    def going(self, grant: Grant | None) -> Iterator[None]:
        """For as long as the block lasts the grant is looked after: the current task is cancelled in it when it no
        longer counts. Raises Unauthenticated or PermissionDenied then, at once if it was changed before the block."""
        task = asyncio.current_task()
        if grant is None or grant.proof is None or task is None:
            yield
            return
        if grant.asked != self.changes:
            grant = self._asked_again(grant)
        one = _Going(grant, task)
        self._going.add(one)
        self._moved.set()
        try:
            yield
        except asyncio.CancelledError:
            if one.ended_by is None:
                raise
            task.uncancel()
            ended_by, one.ended_by = one.ended_by, None
            try:
                raise ended_by from None
            finally:
                del ended_by  # else its traceback holds this frame, this frame it, and both what was being sent
        finally:
            self._going.discard(one)

    def recheck(self) -> None:
        """Cut what is no longer allowed. Called after every change of identities, roles, or policies."""
        self.changes += 1
        for one in [one for one in self._going if one.ended_by is None]:
            try:
                one.grant = self._asked_again(one.grant)
            except IronflowError as refused:
                one.ended_by = refused
                one.task.cancel()
        self._moved.set()
        for moved in self._watchers:
            moved()

    async def run(self) -> None:
        """Cut what is open for credentials that expire, until cancelled."""
        while True:
            self._moved.clear()
            untils = [one.grant.proof.until for one in self._going if one.grant.proof and one.ended_by is None]
            await self._clock.wait_until(min(untils, default=None), self._moved)
            if untils and self._clock.now_us() >= min(untils):
                self.recheck()

    def actor_of(self, grant: Grant) -> Actor:
        """Whom its proof makes known now. Raises Unauthenticated, PermissionDenied, IdentityNotFound."""
        return self._credentials.within(self._still(grant).actor, grant.org)

    def _still(self, grant: Grant) -> Recognised:
        found = self._credentials.still(grant.proof) if grant.proof is not None else None
        if found is None:
            raise unknown()
        return found

    def _asked_again(self, grant: Grant) -> Grant:
        """The grant as it is now. Raises Unauthenticated, PermissionDenied, IdentityNotFound."""
        found, actor = self._still(grant), self.actor_of(grant)
        for resource in (grant.resource, *grant.named):
            grant.authorizer.allow(
                actor, grant.action, resource, grant.environment, method=grant.method, address=grant.address
            )
        return grant._replace(proof=found.proof)
