"""What people ask of workers: to drain, or to be disconnected. It is history, so that it says who and why, and so that
it reaches the node which has the worker.

    drain ──► worker.drain_requested       ──► no more jobs; those it has it finishes, then a worker of a stream leaves
    disconnect ──► worker.disconnect_requested ──► its session ends at once, its jobs go to others; it may come back

The node that records it tells a worker of its own before the caller is answered, the others theirs as the tail brings
it. A node that starts has no workers yet, and nothing to tell them.
"""

from __future__ import annotations

from typing import Any, Literal

from app import texts
from app.dispatch.dispatcher import Dispatcher
from app.dispatch.nodes import Nodes
from app.dispatch.workers import Session, is_usable
from app.errors import FailedPrecondition, WorkerNotFound
from app.history.committer import Command, Committer, Decision
from app.history.entry import Draft, Entry
from app.history.fold import Rowless
from app.history.kinds import Fact, WorkerDisconnectRequested, WorkerDrainRequested
from app.history.tail import Tail

_KINDS = frozenset((WorkerDrainRequested.kind, WorkerDisconnectRequested.kind))


class WorkerSteering:
    def __init__(self, *, committer: Committer, dispatcher: Dispatcher, nodes: Nodes, tail: Tail) -> None:
        self._committer = committer
        self._dispatcher = dispatcher
        self._nodes = nodes
        self._tail = tail
        self._position = 0

    async def start(self) -> None:
        """What follows from here on is news."""
        self._position = self._tail.head

    async def run(self) -> None:
        """Tell this node's workers what other nodes recorded, until cancelled."""
        async for batch in self._tail.follow(self._position, kinds=_KINDS):
            for entry in batch:
                self._learn(entry)

    async def drain(self, environment: str, worker_id: str, *, actor: str, reason: str) -> Session | None:
        """The worker's session, which takes no more jobs; None if no worker of this node is called so, and the other
        nodes are asked to look among theirs. Raises WorkerNotFound where there are no others, InvalidArgument, and
        FailedPrecondition for an endpoint that is pushed to."""
        texts.reason(reason)
        session = self._found(environment, worker_id)
        if session is not None and session.draining:
            return session
        await self._record(environment, worker_id, WorkerDrainRequested(node=self._nodes.id, reason=reason), actor)
        session = self._dispatcher.sessions.get(environment, worker_id) or session  # it may have connected meanwhile
        if session is not None and not session.closed:
            self._drain(session, reason)
        return session

    async def disconnect(self, environment: str, worker_id: str, *, actor: str, reason: str) -> Session | None:
        """The session that the worker had, which has ended; None as for `drain`. Raises the same."""
        session = self._found(environment, worker_id)
        await self._record(
            environment, worker_id, WorkerDisconnectRequested(node=self._nodes.id, reason=texts.reason(reason)), actor
        )
        session = session or self._dispatcher.sessions.get(environment, worker_id)  # it may have connected meanwhile
        if session is not None and not session.closed:
            _disconnect(session, reason)
        return session

    def _found(self, environment: str, worker_id: str) -> Session | None:
        session = self._dispatcher.sessions.get(environment, worker_id)
        if session is None and (self._nodes.alone or not is_usable(worker_id)):
            raise WorkerNotFound(
                f"no worker {worker_id[:80]!r} is connected", hint="`ironflow worker list` shows those that are"
            )
        if session is not None and session.transport == "push":
            raise FailedPrecondition(
                f"{worker_id[:80]!r} is an endpoint that runs are pushed to, and cannot be told",
                hint="pause its function: `ironflow function pause`",
            )
        return session

    async def _record(self, environment: str, worker_id: str, fact: Fact, actor: str) -> None:
        stream = f"worker/{worker_id}"
        decided = Decision([Draft(stream, fact, actor=actor)])
        await self._committer.commit(Command(environment, (stream,), lambda states, now: decided))

    def _learn(self, entry: Entry) -> None:
        fact: Any = entry.fact
        if fact.node == self._nodes.id:
            return
        session = self._dispatcher.sessions.get(entry.environment, entry.stream.partition("/")[2])
        if session is None or session.transport == "push":
            return
        match fact:
            case WorkerDrainRequested(reason=reason):
                self._drain(session, reason)
            case WorkerDisconnectRequested(reason=reason):
                _disconnect(session, reason)
            case _:
                raise AssertionError(f"{entry} is not asked of workers")

    def _drain(self, session: Session, reason: str) -> None:
        if not session.draining:
            self._dispatcher.drain(session, reason=reason or "somebody asked it to drain")


def _disconnect(session: Session, reason: str) -> None:
    session.disconnect(f"disconnected: {reason}" if reason else "somebody disconnected it")


class WorkerNoun(Rowless):
    """A `worker/<id>` stream holds what was asked of the worker."""

    prefix = "worker"
    last_tells: Literal[True] = True
