"""The one committer: takes every waiting command and makes one transaction of them.

    take the append lock → fold in what other nodes appended → load touched states → decide each → append → save rows
    → commit → answer the callers, wake the followers

The next batch gathers while this one commits: under load one fsync pays for hundreds of commands, and alone a
command waits for no timer. If it is full by then, the store has it before the callers of this one are answered. A
command that is refused, or whose `decide` raises, fails alone; a batch that the database refuses is retried command by
command, those that were submitted together as one. States in memory are good up to the position they were folded to,
and are dropped when a transaction fails.

A commit that was sent and never answered, because the store went away, may have happened. The callers of such a batch
wait until the store is back, and are then told the truth: its last digest is in history, or it is not. Whoever asks
meanwhile is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple, Protocol

import msgspec
import structlog

from app.clock import Clock
from app.errors import Internal, IronflowError, ResourceExhausted
from app.history import digest, kinds
from app.history.command_queue import CommandQueue, Waiting, apart
from app.history.entry import Draft, Entry
from app.history.fold import Fold, Slot
from app.history.redaction import Redaction, redact
from app.history.states import Slots, States, View
from app.history.tail import Tail
from storage import history
from storage.contract import Storage, StorageError, StorageUnavailable, Transaction
from storage.records import EntryRecord

log = structlog.get_logger(__name__)

RIDE_ALONG_S = 0.01
RETRY_STORE_S = 0.5


class Decision(msgspec.Struct, frozen=True):
    """What a command wants recorded, and what its caller is told once it is durable. `new` names streams that it
    begins, and that the command could not name because it depends on the states whether they are begun. `redaction`:
    payloads recorded so far that go in the same transaction."""

    drafts: Sequence[Draft]
    answer: Any = None
    new: Sequence[str] = ()
    redaction: Redaction | None = None


class Decide(Protocol):
    def __call__(self, states: Mapping[str, Any], now: int) -> Decision:
        """Pure: the states of streams (None where nothing was recorded yet) and the time to a decision. A stream that
        the command did not name is read, under the lock, when it is asked for. Raises IronflowError to refuse. It
        must not change the states."""
        ...


Done = Callable[[Any, BaseException | None], None]


class Command(msgspec.Struct, frozen=True):
    """A wish to record something. `streams` names what `decide` surely reads or writes; streams in `new` are known to
    be empty, because their id was made a moment ago, and are not looked up. `weight` is how many things it decides:
    what a transaction and the queue hold is bounded by it."""

    environment: str
    streams: tuple[str, ...]
    decide: Decide
    new: tuple[str, ...] = ()
    weight: int = 1


class Observer(Protocol):
    """Counts what the committer does."""

    def committed(self, *, commands: int, entries: Sequence[Entry], seconds: float) -> None: ...


class _Outcome(msgspec.Struct, frozen=True):
    waiting: Waiting
    answer: Any
    error: BaseException | None


class _Written(NamedTuple):
    """A batch that is durable, and how long that took."""

    outcomes: Sequence[_Outcome]
    entries: Sequence[Entry]
    seconds: float


class Committer:
    def __init__(
        self, *, storage: Storage, fold: Fold, tail: Tail, clock: Clock, observer: Observer | None = None
    ) -> None:
        self._storage = storage
        self._fold = fold
        self._tail = tail
        self._clock = clock
        self._observer = observer
        self._queue = CommandQueue(tail.rush)
        self._idle = asyncio.Event()
        self._idle.set()
        self._wake = asyncio.Event()
        self._states = States()
        self._position = -1
        self._digest = digest.ORIGIN
        self._recorded_at = 0

    def commit(self, command: Command) -> asyncio.Future[Any]:
        """The command's answer, once what it decided is durable. Raises what it was refused with."""
        return submitted(partial(self.submit, command))

    def submit(self, command: Command, done: Done, *, urgent: bool = True, first: bool = False) -> None:
        """Queue a command; `done(answer, error)` is called in the event loop. One that is not urgent rides along
        with the next batch, at most a hundredth of a second later. Commands are decided in the order of submission,
        but for those that go `first`, before all others that wait unless these are too many."""
        if not self._queue.put(command, done, first=first):
            refusal = ResourceExhausted("too many commands are waiting to be recorded", hint="slow down and try again")
            done(None, refusal)
            return
        self._idle.clear()
        if urgent:
            self._wake.set()
        elif len(self._queue) == 1:
            asyncio.get_running_loop().call_later(RIDE_ALONG_S, self._wake.set)

    def together(self) -> AbstractContextManager[None]:
        """What is submitted within, without waiting for anything meanwhile, shares a transaction: where the store fails
        none of it is recorded. A command that is refused fails alone all the same."""
        return self._queue.together()

    async def run(self) -> None:
        """Commit batch after batch until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                written = await self._write(self._queue.take_batch())
                while written is not None and self._queue.fills_a_batch:
                    async with asyncio.TaskGroup() as meanwhile:
                        following = meanwhile.create_task(self._write(self._queue.take_batch()))
                        await asyncio.sleep(0)  # from here on the writer has it
                        self._tell(written)
                    written = following.result()
                if written is not None:
                    self._tell(written)
            self._idle.set()

    async def drain(self) -> None:
        """Returns once every command has been answered that was submitted so far, or while it waited; `run` must be
        running."""
        self._wake.set()  # also for those that only ride along
        await self._idle.wait()

    async def _write(self, batch: Sequence[Waiting]) -> _Written | None:
        """What became of the batch once it is durable; None if it failed, and those who wait have been told."""
        started = self._clock.now_us()
        worked: list[tuple[list[_Outcome], list[Entry]]] = []
        try:
            await self._storage.write(lambda tx: worked.append(self._work(tx, batch)))
        except Exception as error:  # noqa: BLE001 - whatever it is, each caller is told, and states are dropped
            self._states.clear()
            self._position = -1
            in_doubt = isinstance(error, StorageUnavailable) and worked and worked[0][1]
            if not in_doubt or not await self._happened(worked[0][1][-1], error):
                await self._after_failure(batch, error)
                return None
        [(outcomes, entries)] = worked
        return _Written(outcomes, entries, (self._clock.now_us() - started) / 1_000_000)

    def _tell(self, written: _Written) -> None:
        """Answer the callers, and wake the followers."""
        outcomes, entries, seconds = written
        if entries:
            self._tail.publish(entries)  # runs are handed out before callers go on with what they have to do
        for outcome in outcomes:
            outcome.waiting.done(outcome.answer, outcome.error)
        if entries:
            self._storage.announce(entries[-1].position)
        if self._observer is not None:
            self._observer.committed(commands=len(outcomes), entries=entries, seconds=seconds)

    async def _happened(self, last: Entry, error: Exception) -> bool:
        """Whether the commit that ends with this entry came through, as soon as the store can tell."""

        def there(tx: Transaction) -> bool:
            history.lock(tx)  # Postgres may not have noticed yet that the connection is gone, and still be committing
            record = history.at(tx, last.position)
            return record is not None and bytes(record.digest) == last.record.digest

        log.warning("a commit was not answered, asking whether it came through", reason=str(error))
        while True:
            try:
                return await self._storage.write(there)
            except StorageError as still:
                for waiting in self._queue.take_all():
                    waiting.done(None, still)
                await asyncio.sleep(RETRY_STORE_S)

    async def _after_failure(self, batch: Sequence[Waiting], error: Exception) -> None:
        parts = apart(batch)
        if len(parts) > 1 and not isinstance(error, StorageUnavailable):
            log.warning("batch refused, retrying its commands one by one", error=str(error))
            for part in parts:
                written = await self._write(part)
                if written is not None:
                    self._tell(written)
            return
        if isinstance(error, StorageError):
            log.error("commit failed", commands=len(batch), code=error.code, reason=str(error))
        else:
            log.error("commit failed", commands=len(batch), exc_info=error)
        told = error if isinstance(error, StorageError) else Internal("the command could not be recorded")
        for waiting in batch:
            waiting.done(None, told)

    # In the writer's thread.

    def _work(self, tx: Transaction, batch: Sequence[Waiting]) -> tuple[list[_Outcome], list[Entry]]:
        position, chained = self._catch_up(tx, *history.lock(tx))
        before = position
        now = self._recorded_at = max(self._clock.now_us(), self._recorded_at)
        records: list[EntryRecord] = []
        entries: list[Entry] = []
        outcomes: list[_Outcome] = []
        touched: dict[tuple[str, str], Slot] = {}
        stale: set[tuple[str, str]] = set()
        for waiting in batch:
            command = waiting.command
            slots = Slots(partial(self._slot, tx, touched, command.environment))
            self._name(slots, command)
            try:
                decision = command.decide(View(slots), now)
                encoded = [kinds.encode(draft.fact) for draft in decision.drafts]
            except IronflowError as refusal:
                outcomes.append(_Outcome(waiting, None, refusal))
                self._discard(command)
                continue
            except StorageError:
                raise
            except Exception:
                log.exception("a decision raised", streams=command.streams)
                outcomes.append(_Outcome(waiting, None, Internal("the command could not be decided")))
                self._discard(command)
                continue
            for stream in decision.new:
                slots[stream] = self._begin(command.environment, stream)
            drafts = decision.drafts
            if decision.redaction is not None:
                history.append(tx, records)  # so that it finds them
                records = []
                told = redact(tx, command.environment, decision.redaction, now=now)
                if told and getattr(slots[decision.redaction.stream].noun, "has_payloads", False):
                    stale.add((command.environment, decision.redaction.stream))
                drafts, encoded = [*drafts, *told], [*encoded, *(kinds.encode(draft.fact) for draft in told)]
            for draft, data in zip(drafts, encoded, strict=True):
                slot = slots[draft.stream]
                position += 1
                fields = (
                    position,
                    command.environment,
                    draft.stream,
                    slot.version + 1,
                    draft.fact.kind,
                    data.decode(),
                    draft.metadata,
                    draft.actor,
                    draft.correlation,
                    draft.causation,
                    now,
                )
                chained = digest.chain(chained, fields)
                record = tuple.__new__(EntryRecord, (*fields, chained))  # as EntryRecord(…), without a call of Python's
                entry = Entry(record, draft.fact, data)
                slot.apply(entry)
                touched[command.environment, draft.stream] = slot
                records.append(record)
                entries.append(entry)
            outcomes.append(_Outcome(waiting, decision.answer, None))
        if entries:
            history.append(tx, records)
            refolded = self._refold(tx, stale)
            touched |= refolded
            self._fold.save(tx, touched.values(), before=before, refolded=refolded.values())
            for key, slot in touched.items():
                if not slot.noun.keep(slot.state):
                    self._states.drop(key)
            self._position, self._digest = position, chained
        return outcomes, entries

    def _refold(self, tx: Transaction, stale: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Slot]:
        """The states of streams as history has them now."""
        found = {key: self._fold.load(tx, *key) for key in stale}
        for key, slot in found.items():
            self._states.put(key, slot)
        return found

    def _catch_up(self, tx: Transaction, position: int, chained: bytes) -> tuple[int, bytes]:
        if position != self._position:
            if self._position >= 0:
                for page in history.everything(tx, after_position=self._position):
                    for record in page:
                        self._states.drop((record.environment, record.stream))
            self._position, self._digest = position, chained or digest.ORIGIN
        return self._position, self._digest

    def _name(self, slots: Slots, command: Command) -> None:
        """Read the streams that the command names, and begin those that are new."""
        for stream in command.streams:
            if stream not in slots:
                slots[stream] = slots.load(stream)
        for stream in command.new:
            slots[stream] = self._begin(command.environment, stream)

    def _slot(self, tx: Transaction, touched: Mapping[tuple[str, str], Slot], environment: str, stream: str) -> Slot:
        key = (environment, stream)
        slot = touched.get(key) or self._states.get(key)
        if slot is None:
            slot = self._fold.load(tx, environment, stream)
            self._states.put(key, slot)
        return slot

    def _begin(self, environment: str, stream: str) -> Slot:
        slot = self._fold.slot(stream)
        self._states.put((environment, stream), slot)
        return slot

    def _discard(self, command: Command) -> None:
        """Forget the empty states of streams that a refused command would have begun."""
        for stream in command.new:
            self._states.drop((command.environment, stream))


def submitted(submit: Callable[[Done], None]) -> asyncio.Future[Any]:
    """What `submit` queues, as a future of its answer; who no longer waits for it misses nothing."""
    answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def done(answer: Any, error: BaseException | None) -> None:
        if answered.done():
            return
        if error is None:
            answered.set_result(answer)
        else:
            answered.set_exception(error)

    submit(done)
    return answered
