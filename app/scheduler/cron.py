"""Cron: emits an event at each tick of a function's cron triggers, once, however many nodes there are.

A tick is claimed at a gate, together with its event and run: the first node wins, the others find it done. The last
tick is therefore in history, and a node that starts knows which were missed while none ran: they are skipped, made up
for by one, or by all of them (`missed`). The clock is asked, never counted on: a tick counts as missed when it is more
than a minute late. A paused function misses its ticks.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence

import msgspec
import structlog

from app import clock as instants
from app.clock import Clock
from app.errors import IronflowError
from app.events.emit import Emitter
from app.events.new_event import Claim, NewEvent
from app.history.entry import Entry
from app.history.fold import Fold
from app.history.insist import passing
from app.history.kinds import Fact, FunctionRegistered, FunctionStatusChanged, GatePassed, Trigger
from app.history.tail import Tail
from app.runs import function as function_noun
from app.runs import gates
from app.runs.crontab import crontab
from app.runs.function import Function
from app.runs.functions import Functions
from app.runs.gates import Gate
from app.scheduler.schedule import Schedule
from storage import history
from storage.contract import StorageError, Transaction

log = structlog.get_logger(__name__)

CATCH_UP_MAX = 100
LATE_US = 60_000_000
RETRY_US = 1_000_000

Key = tuple[str, str, str]
"""Environment, function and the trigger's key."""

_KINDS = frozenset((FunctionRegistered.kind, FunctionStatusChanged.kind))


class Job(msgspec.Struct):
    """A cron trigger of a function; `last` is the tick that was dealt with last, or when the trigger came up."""

    trigger: Trigger
    last: int


class Cron:
    def __init__(self, *, tail: Tail, fold: Fold, functions: Functions, emitter: Emitter, clock: Clock) -> None:
        self._tail = tail
        self._fold = fold
        self._functions = functions
        self._emitter = emitter
        self._clock = clock
        self._jobs: dict[Key, Job] = {}
        self._due: Schedule[Key] = Schedule()
        self._changed = asyncio.Event()
        self._position = 0

    def __len__(self) -> int:
        return len(self._jobs)

    async def start(self) -> None:
        """Take up the cron triggers there are. Call once the register of functions is filled."""
        self._position = self._tail.head
        for function in self._functions.everything():
            if any(trigger.cron for trigger in function.fact.triggers):
                await self._take_up(function.environment, function.fact.id)

    async def run(self) -> None:
        """Emit each tick as it comes, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(), name="cron-follow")
            tasks.create_task(self._tick(), name="cron-tick")

    async def _follow(self) -> None:
        async for batch in self._tail.follow(self._position, kinds=_KINDS):
            for environment, stream in {(entry.environment, entry.stream) for entry in batch}:
                await self._take_up(environment, stream.partition("/")[2])
            self._changed.set()

    async def _take_up(self, environment: str, function_id: str) -> None:
        """The function's triggers as they are now, in place of those it had."""
        for key in [key for key in self._jobs if key[:2] == (environment, function_id)]:
            del self._jobs[key]
            self._due.clear(key)
        jobs = await self._tail.read(lambda tx: _jobs(tx, self._fold, environment, function_id))
        for trigger_key, job in jobs.items():
            key = (environment, function_id, trigger_key)
            self._jobs[key] = job
            self._schedule(key, job)

    def _schedule(self, key: Key, job: Job) -> None:
        tick = crontab(job.trigger.cron, job.trigger.timezone).after(job.last)
        if tick is not None:
            self._due.set(key, tick + jitter_us(key, tick, job.trigger.jitter_ms))

    async def _tick(self) -> None:
        while True:
            due = self._due.pop_due(self._clock.now_us())
            await asyncio.gather(*(self._run_due(key) for key in due))
            self._changed.clear()
            await self._clock.wait_until(self._due.next_at(), self._changed)

    async def _run_due(self, key: Key) -> None:
        job, now = self._jobs.get(key), self._clock.now_us()
        if job is None:  # the function was changed in between
            return
        ticks = due_ticks(key, job, now)
        try:
            for tick in chosen_ticks(key, job.trigger, ticks, now):
                await self._emit(key, job.trigger, tick)
        except (StorageError, IronflowError) as error:
            if passing(error):
                log.warning("tick not recorded, trying again", function_id=key[1], error=str(error))
                self._due.set(key, now + RETRY_US)
                return
            log.warning("tick refused", function_id=key[1], code=error.code, reason=str(error))
        if ticks:
            job.last = ticks[-1]
        if self._jobs.get(key) is job:
            self._schedule(key, job)

    async def _emit(self, key: Key, trigger: Trigger, tick: int) -> None:
        environment, function_id, trigger_key = key
        data = {"scheduled_at": instants.rfc3339(tick), "cron": trigger.cron, "timezone": trigger.timezone}
        where = gates.stream("cron", function_id, trigger_key)

        def claim(gate: Gate | None, run_id: str) -> Fact | None:
            if gate is not None and gate.tick_at >= tick:
                return None
            return GatePassed(function_id=function_id, option="cron", key=trigger_key, run_id=run_id, at=tick)

        await self._emitter.emit(
            NewEvent(
                environment=environment,
                name=trigger.event or function_id,
                data=msgspec.json.encode(data),
                source="cron",
                function_ids=(function_id,),
                claim=Claim(where, claim),
            )
        )


def due_ticks(key: Key, job: Job, now: int) -> Sequence[int]:
    """Ticks that have come since the last, jitter included, oldest first; of many the last ones."""
    schedule = crontab(job.trigger.cron, job.trigger.timezone)
    ticks = schedule.latest(after=job.last, until=now, limit=CATCH_UP_MAX)
    due: list[int] = []
    for tick in ticks:
        if tick + jitter_us(key, tick, job.trigger.jitter_ms) > now:
            break
        due.append(tick)
    return due


def chosen_ticks(key: Key, trigger: Trigger, ticks: Sequence[int], now: int) -> Sequence[int]:
    """Of ticks that have come, those to emit: the last one if it is in time; one that is missed as the policy says."""
    match trigger.missed:
        case "all":
            return ticks
        case "once":
            return ticks[-1:]
        case _:
            return [t for t in ticks[-1:] if now <= t + jitter_us(key, t, trigger.jitter_ms) + LATE_US]


def jitter_us(key: Key, tick: int, jitter_ms: int) -> int:
    """How late this tick comes: the same on every node, spread evenly over functions and ticks."""
    if not jitter_ms:
        return 0
    told = hashlib.sha256("\0".join((*key, str(tick))).encode()).digest()
    return int.from_bytes(told[:8], "big") % (jitter_ms * 1_000 + 1)


def key_of(trigger: Trigger) -> str:
    """What a cron trigger is known by: two that tick alike and emit alike are one."""
    return f"{trigger.cron} {trigger.timezone} {trigger.event}".strip()


def _jobs(tx: Transaction, fold: Fold, environment: str, function_id: str) -> Mapping[str, Job]:
    """The cron triggers of a function that is active, and how far each has come."""
    state: Function | None = None
    since: dict[str, int] = {}
    for record in history.whole_stream(tx, environment, function_noun.stream(function_id)):
        entry = Entry(record)
        state = function_noun.apply(state, entry)
        there = [key_of(trigger) for trigger in state.fact.triggers if trigger.cron and state.is_triggered]
        since = {key: since.get(key, entry.recorded_at) for key in there}
    if state is None or state.status != "active":
        return {}
    jobs = {}
    for trigger in state.fact.triggers:
        if trigger.cron:
            key = key_of(trigger)
            gate: Gate | None = fold.load(tx, environment, gates.stream("cron", function_id, key)).state
            jobs[key] = Job(trigger, max(since[key], gate.tick_at if gate else 0))
    return jobs
