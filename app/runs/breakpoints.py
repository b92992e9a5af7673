"""The register of breakpoints: leases that hold runs, and let them go when they are over.

A lease is a row that its owner renews; it is not history, but each hold and each letting go is. Every node has all of
them in memory, so that no step asks the store: what another node was given is known here within REFRESH_US. A node that
is alone, and knows of none, asks for none. When one is over, deleted, or was not renewed by an owner that is gone, the
runs that it holds are resumed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from app import expressions, texts
from app.clock import Clock
from app.errors import BreakpointNotFound, InvalidArgument, ResourceExhausted
from app.history.committer import Done
from app.history.insist import insist, unheeded
from app.ids import Ids
from app.runs.holding import PLACES, VARIABLES, Breakpoint, Place
from storage import breakpoints, runs
from storage.contract import Storage, StorageError, Transaction
from storage.records import BreakpointRow

log = structlog.get_logger(__name__)

TTL_S_DEFAULT = 60
TTL_S_MAX = 3_600
REFRESH_US = 5_000_000
RETRY_STORE_US = 1_000_000
GLOB_CHARS_MAX = 200
BREAKPOINTS_MAX = 1_000

LetGo = Callable[[str, str, frozenset[str], Done], None]
"""Called with environment, run id and the breakpoints that are alive."""


class Breakpoints:
    """Nothing is let go before `run` is there. `alone` tells whether no other node serves the store."""

    def __init__(self, *, storage: Storage, ids: Ids, clock: Clock, alone: Callable[[], bool]) -> None:
        self._storage = storage
        self._ids = ids
        self._clock = clock
        self._alone = alone
        self._alive: dict[str, Breakpoint] = {}
        self._changed = asyncio.Event()
        self._owes = True
        self._let_go: LetGo | None = None
        self._added: list[Callable[[Breakpoint], None]] = []

    def __len__(self) -> int:
        return len(self._alive)

    def on_added(self, told: Callable[[Breakpoint], None]) -> None:
        """`told` is called with each breakpoint that becomes known here."""
        self._added.append(told)

    def of(self, environment: str, run_id: str, function_id: str) -> Sequence[Breakpoint]:
        """Those that may hold a run of the function, the oldest first."""
        if not self._alive:
            return ()
        now = self._clock.now_us()
        return [
            one
            for one in self._alive.values()
            if one.environment == environment and one.expires_at > now and one.covers(run_id, function_id)
        ]

    def holds(self, environment: str, run_id: str, function_id: str) -> bool:
        """Whether a worker has to announce the run's steps: where it may be held after one, lest it begins the next."""
        return bool(self.of(environment, run_id, function_id))

    # For people and programs.

    async def create(
        self,
        environment: str,
        *,
        run_id: str = "",
        function_id: str = "",
        step: str = "*",
        place: str = "after",
        condition: str = "",
        owner: str = "",
        ttl_s: float = TTL_S_DEFAULT,
    ) -> Breakpoint:
        """Raises InvalidArgument naming the field, ResourceExhausted for too many."""
        for field, text in (("run_id", run_id), ("function_id", function_id), ("step", step), ("owner", owner)):
            texts.check(text, field=field)
        if bool(run_id) == bool(function_id):
            raise InvalidArgument("either a run or a function", field="run_id", hint="give run_id or function_id")
        if not 1 <= len(step) <= GLOB_CHARS_MAX:
            raise InvalidArgument("step is empty or too long", field="step", hint="a glob, such as charge or send-*")
        if condition:
            expressions.compile(condition, variables=VARIABLES, field="condition")
        if len(self._alive) >= BREAKPOINTS_MAX:
            raise ResourceExhausted(f"there are {BREAKPOINTS_MAX} breakpoints", hint="delete some")
        now = self._clock.now_us()
        made = Breakpoint(
            self._ids.breakpoint(),
            environment,
            run_id,
            function_id,
            step,
            _place(place),
            condition,
            owner,
            now,
            now + _ttl_us(ttl_s),
        )
        await self._storage.write(lambda tx: breakpoints.save(tx, _row(made)))
        self._alive[made.id] = made
        self._changed.set()
        self._tell(made)
        return made

    async def renew(self, environment: str, id: str, *, ttl_s: float = TTL_S_DEFAULT) -> Breakpoint:
        """Raises BreakpointNotFound for one that is over: its runs have gone on."""
        now = self._clock.now_us()
        until = now + _ttl_us(ttl_s)
        if "\0" in id or not await self._storage.write(
            lambda tx: breakpoints.renew(tx, environment, id, now=now, expires_at=until)
        ):
            raise _not_found(id)
        await self._refresh()
        renewed = self._alive.get(id)
        if renewed is None:
            raise _not_found(id)
        return renewed

    async def delete(self, environment: str, id: str) -> None:
        """The runs that it holds go on, soon after. Raises BreakpointNotFound."""
        if "\0" in id or not await self._storage.write(lambda tx: breakpoints.delete(tx, environment, id)):
            raise _not_found(id)
        self._alive.pop(id, None)
        self._owes = True
        self._changed.set()

    async def list(self, environment: str) -> Sequence[Breakpoint]:
        """Those that are alive, the oldest first."""
        await self._refresh()
        return [one for one in self._alive.values() if one.environment == environment]

    # Following time.

    async def start(self, let_go: LetGo) -> None:
        """Take up those that the store has. `run` lets go what is held by none of them."""
        self._let_go = let_go
        await self._refresh()

    async def run(self) -> None:
        """Let runs go when leases are over, until cancelled."""
        known = True  # `start` has read them
        while True:
            self._changed.clear()
            try:
                if not known and (self._alive or not self._alone()):
                    await self._refresh()
                known = False
                if self._owes:
                    self._owes = False  # before: what is deleted meanwhile is owed anew
                    await self._release()
            except StorageError as error:
                self._owes = True
                log.warning("breakpoints not read, trying again", reason=str(error))
                await self._clock.wait_until(self._clock.now_us() + RETRY_STORE_US, asyncio.Event())
                continue
            now = self._clock.now_us()
            soonest = min((one.expires_at for one in self._alive.values()), default=now + REFRESH_US)
            await self._clock.wait_until(min(soonest, now + REFRESH_US), self._changed)

    async def _refresh(self) -> None:
        known = set(self._alive)
        rows = await self._storage.read(breakpoints.everything)
        now = self._clock.now_us()
        found = {row.id: _breakpoint(row) for row in rows if row.expires_at > now}
        added = [one for one in found.values() if one.id not in self._alive]
        self._owes = self._owes or bool(known - found.keys())
        self._alive = found | {id: one for id, one in self._alive.items() if id not in known}  # made meanwhile
        for one in added:
            self._tell(one)

    async def _release(self) -> None:
        """Runs that are held by what is not alive go on."""
        assert self._let_go is not None, "the breakpoints were not started"
        now = self._clock.now_us()
        await self._storage.write(lambda tx: breakpoints.sweep(tx, now=now))
        after = ""
        while True:
            page, alive = await self._storage.read(partial(_held, after))
            for environment, run_id in page:
                insist(partial(self._let_go, environment, run_id, alive), unheeded)
            if not page:
                return
            after = page[-1][1]

    def _tell(self, made: Breakpoint) -> None:
        for told in self._added:
            told(made)


def _held(after: str, tx: Transaction) -> tuple[Sequence[tuple[str, str]], frozenset[str]]:
    """Runs that may be held, and, read after them, the breakpoints that there are: none holds a run before it is."""
    page = runs.held(tx, after=after)
    return page, frozenset(row.id for row in breakpoints.everything(tx))


def _place(place: str) -> Place:
    for one in PLACES:
        if place == one:
            return one
    raise InvalidArgument(f"place {place[:40]!r} is unknown", field="place", hint="before or after")


def _ttl_us(ttl_s: float) -> int:
    if not 1 <= ttl_s <= TTL_S_MAX:
        raise InvalidArgument(f"ttl_s {ttl_s:g} is out of range", field="ttl_s", hint=f"1 to {TTL_S_MAX}")
    return int(ttl_s * 1_000_000)


def _not_found(id: str) -> BreakpointNotFound:
    return BreakpointNotFound(f"no breakpoint {id[:80]!r} is alive", hint="make a new one: runs it held have gone on")


def _row(made: Breakpoint) -> BreakpointRow:
    return BreakpointRow(
        made.id,
        made.environment,
        made.run_id,
        made.function_id,
        made.step,
        made.place,
        made.condition,
        made.owner,
        made.created_at,
        made.expires_at,
    )


def _breakpoint(row: BreakpointRow) -> Breakpoint:
    return Breakpoint(
        row.id,
        row.environment,
        row.run_id,
        row.function_id,
        row.step,
        _place(row.place),
        row.condition,
        row.owner,
        row.created_at,
        row.expires_at,
    )
