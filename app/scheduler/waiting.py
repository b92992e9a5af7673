"""Ends the waits of runs: a follower of history that finds what an event, the end of a child run or a deadline means
for runs that wait, and submits the command that ends the wait.

No event is lost, because everything goes by position. Waits are taken into the index in the order of history: an
event ends those that began before it, and those that look back search what was recorded before them. A wait is over
at its deadline only for events recorded then or later: before a deadline counts, the follower has seen every entry that
was recorded earlier. A command is decided under the append lock, and does nothing once the wait has ended otherwise.

After a restart, kill -9 included, the index is filled from the runs that wait. Events are looked at again from the last
position of which every consequence was durable (a cursor in the store, saved now and then), or from the oldest wait;
child runs are compared with what their parents wait for. What is seen a second time changes nothing.

It also cancels children that nobody waits for any more: their parent has ended, or its patience has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import structlog

from app.clock import Clock
from app.errors import Internal
from app.events.reading import before
from app.history.committer import Committer, Done
from app.history.entry import Entry
from app.history.fold import Fold
from app.history.insist import after_all, insist
from app.history.kinds import (
    EventEmitted,
    RunCancelled,
    RunCompleted,
    RunFailed,
    RunResumed,
    RunUnwinding,
    StepFailed,
    StepInvoking,
    StepWaiting,
)
from app.history.tail import Tail
from app.runs import noun
from app.runs.engine import Engine
from app.runs.matching import Candidate, Wait, WaitIndex
from app.runs.state import Run
from app.scheduler.schedule import Schedule
from storage import cursors, history, runs
from storage.contract import Storage, StorageError, Transaction

log = structlog.get_logger(__name__)

CURSOR = "waiting"
CURSOR_SAVE_US = 10_000_000
LOOKBACK_EVENTS_MAX = 1_000

Key = tuple[str, str, str]
"""Environment, run id, step id; the step id of unwinding is ""."""

_ENDS = frozenset((RunCompleted.kind, RunFailed.kind, RunCancelled.kind))
_KINDS = _ENDS | {
    EventEmitted.kind,
    StepWaiting.kind,
    StepInvoking.kind,
    StepFailed.kind,
    RunResumed.kind,
    RunUnwinding.kind,
}


class _Invocation(NamedTuple):
    """Whose step waits for a child run."""

    run_id: str
    step_id: str


class Waiting:
    def __init__(
        self,
        *,
        storage: Storage,
        fold: Fold,
        tail: Tail,
        committer: Committer,
        engine: Engine,
        clock: Clock,
    ) -> None:
        self._storage = storage
        self._fold = fold
        self._tail = tail
        self._committer = committer
        self._engine = engine
        self._clock = clock
        self._index = WaitIndex()
        self._invocations: dict[tuple[str, str], _Invocation] = {}  # by environment and child
        self._children: dict[tuple[str, str], dict[str, str]] = {}  # by environment and parent: child by step
        self._deadlines: Schedule[Key] = Schedule()
        self._changed = asyncio.Event()
        self._overdue: list[tuple[int, Sequence[Key]]] = []
        self._filled = 0
        self._position = 0
        self._unanswered: dict[int, int] = {}
        self._asked = 0
        self._saved = 0
        self._saved_at = 0

    def __len__(self) -> int:
        return len(self._index) + len(self._invocations)

    def ended_by(self, event: Entry) -> Sequence[Wait]:
        """The open waits that an event ends, as far as history has been followed."""
        return self._index.resolved_by(event)

    async def start(self) -> None:
        """Take up what runs wait for, and find where to go on."""
        self._filled = self._tail.head
        after = ""
        while page := await self._storage.read(lambda tx, after=after: self._watched(tx, after)):  # type: ignore[misc]
            for _, run in page:
                if run is not None:
                    self._take(run)
            after = page[-1][0]
        for wait in [wait for wait in self._index if wait.fact.lookback_ms]:
            await self._look_back(wait)  # it may not have been done; once more does nothing
        oldest = min((wait.position for wait in self._index), default=self._filled)
        self._saved = await self._storage.read(lambda tx: cursors.get(tx, CURSOR))
        self._saved_at = self._clock.now_us()
        self._position = max(self._saved, oldest)
        await self._reconcile()

    async def run(self) -> None:
        """End waits until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(), name="waiting-follow")
            tasks.create_task(self._fire(), name="waiting-fire")

    def _watched(self, tx: Transaction, after: str) -> list[tuple[str, Run | None]]:
        """Ids, and states as of where history is followed from; None for a run that another node began since."""
        return [
            (run_id, self._fold.load(tx, environment, noun.stream(run_id), until=self._filled).state)
            for environment, run_id in runs.watched(tx, after=after)
        ]

    async def _reconcile(self) -> None:
        """What a process before this one left undone between children and those who wait for them."""
        working: set[tuple[str, str]] = set()
        after = ""
        while page := await self._storage.read(lambda tx, after=after: runs.attached(tx, after=after)):  # type: ignore[misc]
            working.update(page)
            after = page[-1][1]
        for environment, child in working - self._invocations.keys():
            self._cancel(environment, child, cause="parent-ended")
        for environment, child in self._invocations.keys() - working:
            where = noun.stream(child)
            ended = await self._storage.read(
                lambda tx, environment=environment, where=where: _end_of(tx, environment, where)  # type: ignore[misc]
            )
            if ended is not None:
                self._child_ended(ended)

    # Following history.

    async def _follow(self) -> None:
        async for batch in self._tail.follow(self._position):
            before = self._deadlines.next_at()
            for entry in batch:
                if entry.kind in _KINDS:
                    await self._see(entry)
            self._position = batch[-1].position
            if self._deadlines.next_at() != before:
                self._changed.set()
            if self._overdue:
                self._time_out_overdue()
            if self._clock.now_us() - self._saved_at > CURSOR_SAVE_US:
                await self._save_cursor()

    async def _see(self, entry: Entry) -> None:
        if entry.kind == EventEmitted.kind:
            for wait in self._index.resolved_by(entry):
                self._resolve(wait, entry)
        elif entry.position > self._filled:  # what is older is in the states that the index was filled from
            await self._see_run(entry)

    async def _see_run(self, entry: Entry) -> None:
        environment, run_id = entry.environment, entry.stream[4:]
        match entry.fact:
            case StepWaiting() as fact:
                wait = self._wait(environment, run_id, fact, entry.position, entry.recorded_at)
                if fact.lookback_ms:
                    await self._look_back(wait)
            case StepInvoking() as fact:
                self._invoking(environment, run_id, fact)
            case StepFailed(step_id=step_id, type=StepInvoking.type):
                child = self._children.get((environment, run_id), {}).get(step_id)
                if child is not None:  # it did not end: its parent's patience did
                    self._forget_child(environment, child)
                    self._cancel(environment, child, cause="invoke-timeout")
            case RunResumed():
                await self._resumed(environment, run_id)
            case RunUnwinding(deadline=deadline):
                self._run_over(environment, run_id, cause="parent-ended")
                self._deadlines.set((environment, run_id, ""), deadline)
            case RunCancelled(detached=detached):
                self._child_ended(entry)
                self._run_over(environment, run_id, cause="parent-cancelled")
                if detached:
                    await self._cancel_detached(environment, run_id)
            case RunCompleted() | RunFailed():
                self._child_ended(entry)
                self._run_over(environment, run_id, cause="parent-ended")
            case _:
                pass

    async def _resumed(self, environment: str, run_id: str) -> None:
        """Look again at what a paused run waits for: its deadlines did not count meanwhile."""
        where = noun.stream(run_id)
        run: Run | None = await self._tail.read(lambda tx: self._fold.load(tx, environment, where).state)
        opened = run.open.values() if run is not None else ()
        waited_for = {fact.child_run_id for fact, _, _ in opened if isinstance(fact, StepInvoking)}
        for child in list(self._children.get((environment, run_id), {}).values()):
            if child not in waited_for:  # the run was sent back to before it asked for this one
                self._forget_child(environment, child)
                self._cancel(environment, child, cause="parent-resumed")
        self._index.remove_run(environment, run_id)
        if run is not None:
            self._take(run)

    # Waits for events.

    def _take(self, run: Run) -> None:
        """Take in everything that the run waits for."""
        for fact, position, at in run.open.values():
            if isinstance(fact, StepWaiting):
                self._wait(run.environment, run.id, fact, position, at)
            elif isinstance(fact, StepInvoking):
                self._invoking(run.environment, run.id, fact)
        if run.unwinding is not None:
            self._deadlines.set((run.environment, run.id, ""), run.unwinding.deadline)

    def _wait(self, environment: str, run_id: str, fact: StepWaiting, position: int, at: int) -> Wait:
        wait = Wait((environment, run_id, fact.step_id), fact, position, at)
        self._index.add(wait)
        self._deadlines.set(wait.key, fact.deadline)
        return wait

    def _resolve(self, wait: Wait, entry: Entry) -> None:
        environment, run_id, step_id = wait.key
        self._index.remove(wait.key)
        self._deadlines.clear(wait.key)
        self._submit(
            lambda done: self._engine.resolve_event(environment, run_id, step_id, [entry], done, lookback=False)
        )

    async def _look_back(self, wait: Wait) -> None:
        """End a wait with the oldest event that fits among those recorded shortly before it."""
        environment, run_id, step_id = wait.key
        since = wait.at - wait.fact.lookback_ms * 1000
        found = await self._tail.read(
            lambda tx: before(
                tx, environment, wait.fact.event, position=wait.position, since=since, limit=LOOKBACK_EVENTS_MAX
            )
        )
        candidates = [entry for entry in found if Candidate(entry).fits(wait.fact)]
        if candidates:
            self._submit(
                lambda done: self._engine.resolve_event(environment, run_id, step_id, candidates, done, lookback=True)
            )

    # Child runs.

    def _invoking(self, environment: str, run_id: str, fact: StepInvoking) -> None:
        self._invocations[environment, fact.child_run_id] = _Invocation(run_id, fact.step_id)
        self._children.setdefault((environment, run_id), {})[fact.step_id] = fact.child_run_id
        if fact.deadline:
            self._deadlines.set((environment, run_id, fact.step_id), fact.deadline)

    def _child_ended(self, entry: Entry) -> None:
        environment, child = entry.environment, entry.stream[4:]
        waiting = self._forget_child(environment, child)
        if waiting is not None:
            self._deadlines.clear((environment, *waiting))
            self._submit(lambda done: self._engine.resolve_child(environment, *waiting, entry, done))

    def _forget_child(self, environment: str, child: str) -> _Invocation | None:
        """Who waited for the child, if anyone did."""
        waiting = self._invocations.pop((environment, child), None)
        if waiting is not None:
            children = self._children[environment, waiting.run_id]
            children.pop(waiting.step_id, None)
            if not children:
                del self._children[environment, waiting.run_id]
        return waiting

    def _run_over(self, environment: str, run_id: str, *, cause: str) -> None:
        """The run waits for nothing any more, and its children work for nobody."""
        self._index.remove_run(environment, run_id)
        self._deadlines.clear((environment, run_id, ""))
        for child in list(self._children.get((environment, run_id), {}).values()):
            self._forget_child(environment, child)
            self._cancel(environment, child, cause=cause)

    def _cancel(self, environment: str, child: str, *, cause: str, detached: bool = False) -> None:
        self._submit(
            lambda done: self._engine.cancel_child(environment, child, cause=cause, detached=detached, done=done)
        )

    async def _cancel_detached(self, environment: str, run_id: str) -> None:
        """The whole tree is to be cancelled, also what would outlive its parent."""
        after = ""
        while page := await self._tail.read(
            lambda tx, after=after: runs.unfinished_children(tx, environment, run_id, after=after)  # type: ignore[misc]
        ):
            for child in page:
                self._cancel(environment, child, cause="parent-cancelled", detached=True)
            after = page[-1]

    # Deadlines.

    async def _fire(self) -> None:
        while True:
            due = self._deadlines.pop_due(self._clock.now_us())
            if due:
                self._after_all_before(due)
            self._changed.clear()
            await self._clock.wait_until(self._deadlines.next_at(), self._changed)

    def _after_all_before(self, due: Sequence[Key]) -> None:
        """Let the deadlines count once everything that was submitted before them is recorded and seen."""

        def recorded(answer: Any, error: BaseException | None) -> None:
            self._overdue.append((self._tail.head, due))
            self._time_out_overdue()

        after_all(self._committer, recorded)

    def _time_out_overdue(self) -> None:
        seen = [due for head, due in self._overdue if head <= self._position]
        self._overdue = [(head, due) for head, due in self._overdue if head > self._position]
        for due in seen:
            for environment, run_id, step_id in due:
                self._index.remove((environment, run_id, step_id))
                self._time_out(environment, run_id, step_id)

    def _time_out(self, environment: str, run_id: str, step_id: str) -> None:
        self._submit(lambda done: self._engine.resolve_deadline(environment, run_id, step_id, done))

    # Submitting.

    def _submit(self, submit: Callable[[Done], None]) -> None:
        """Submit a command, again and again while the store fails; the cursor stays behind until it is durable."""
        self._asked += 1
        number = self._asked
        self._unanswered[number] = self._position

        def done(answer: Any, error: BaseException | None) -> None:
            if isinstance(error, Internal):
                log.error("a wait could not be ended", reason=str(error))
            elif error is not None:
                log.debug("nothing to end", reason=str(error))
            self._unanswered.pop(number, None)

        insist(submit, done)

    async def _save_cursor(self) -> None:
        self._saved_at = self._clock.now_us()
        position = min(self._unanswered.values(), default=self._position)
        if not len(self._index) or position <= self._saved:
            return
        try:
            await self._storage.write(lambda tx: cursors.save(tx, CURSOR, position))
        except StorageError as error:  # it only costs time at the next start
            log.warning("cursor not saved", error=str(error))
        else:
            self._saved = position


def _end_of(tx: Transaction, environment: str, where: str) -> Entry | None:
    """The entry by which a run ended; None while it has not, or was resumed."""
    last: Entry | None = None
    for record in history.whole_stream(tx, environment, where):
        if record.kind in _ENDS:
            last = Entry(record)
        elif record.kind == RunResumed.kind:
            last = None
    return last
