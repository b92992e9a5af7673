"""The follower that derives failures from history, groups them, as people have merged the groups, and places them among
the others.

When a run was redacted, its failures are derived anew, from what history has of it now.

It rests while nothing fails: of other commits it hears nothing. How far it has come is saved with what it derived, and
else now and then, so that a start does not look through history again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from itertools import groupby, islice

import msgspec
import structlog

from app.history.entry import Entry
from app.history.kinds import FailureMerged, FailureSplit, HistoryRedacted
from app.history.tail import Place, Tail
from app.listening import listening
from app.search.embed import HASHED, embed
from app.search.embedder import Embedder
from app.search.failure import KINDS, Failure, derive
from app.search.near import Nearness
from storage import cursors, failures, history
from storage.contract import Storage, StorageError, Transaction
from storage.failures import FailureGroupRow, FailureRow, FailureVectorRow

log = structlog.get_logger(__name__)

CURSOR = "failures"
TOGETHER_MAX = 200
SAVE_EVERY_S = 60.0
SAVE_AFTER = 10_000
"""Positions without a failure that are worth a write, lest they be looked through at the next start."""
REGROUPING = frozenset((FailureMerged.kind, FailureSplit.kind))
RETRY_S = 1.0
LOOK_S = 0.05


class Collector:
    def __init__(self, *, storage: Storage, tail: Tail, embedder: Embedder, nearness: Nearness) -> None:
        self._storage = storage
        self._tail = tail
        self._embedder = embedder
        self._nearness = nearness
        self._place = Place()
        self._saved = 0
        self._busy = False
        self._moved = asyncio.Event()

    async def start(self) -> None:
        """Learn how far an earlier process has come."""
        self._saved = await self._storage.read(lambda tx: cursors.get(tx, CURSOR))

    async def run(self) -> None:
        """Derive failures until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow(), name="failures-follow")
            tasks.create_task(self._keep_places(), name="failures-place")

    async def reached(self, position: int) -> None:
        """Returns when every failure up to a position has been derived. What is passed over tells nobody, so that those
        who wait look by themselves now and then."""
        while self._busy or self._place.position < position:
            with listening(self._moved.wait()) as first:
                self._moved.clear()
                await first(LOOK_S)

    async def _follow(self) -> None:
        async for batch in self._tail.follow(
            self._saved, kinds=KINDS | REGROUPING | {HistoryRedacted.kind}, place=self._place
        ):
            self._busy = True
            rest = iter(batch)
            while some := list(islice(rest, TOGETHER_MAX)):
                await self._collect(some)
            self._busy = False
            self._moved.set()

    async def _collect(self, entries: Sequence[Entry]) -> None:
        """Until the store takes it; nobody waits for this but the failures that follow."""
        telling = [entry for entry in entries if entry.kind in KINDS]
        found = await self._tail.read(lambda tx: [one for entry in telling if (one := derive(tx, entry)) is not None])
        redacted = [
            (entry.environment, fact.stream.removeprefix("run/"))
            for entry in entries
            if isinstance(fact := entry.fact, HistoryRedacted) and fact.stream.startswith("run/")
        ]
        regrouping = [entry for entry in entries if entry.kind in REGROUPING]
        vectors = await self._embedder.embed(found)
        if found:
            await self._nearness.ready()
        until = entries[-1].position
        while True:
            try:
                self._saved = await self._storage.write(
                    lambda tx: save(tx, found, vectors, until, redacted, regrouping)
                )
                break
            except StorageError as error:
                log.warning("failures could not be saved, trying again", reason=str(error))
                await asyncio.sleep(RETRY_S)
        self._nearness.added(len(found))

    async def keep_place(self) -> None:
        """Save how far it has come, if it has come far without a failure."""
        position = self._place.position
        if self._busy or position - self._saved < SAVE_AFTER:
            return
        try:
            self._saved = await self._storage.write(lambda tx: save(tx, (), (), position))
        except StorageError as error:  # it only costs time at the next start
            log.warning("cursor not saved", error=str(error))

    async def _keep_places(self) -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            await self.keep_place()


def save(
    tx: Transaction,
    found: Sequence[Failure],
    vectors: Sequence[FailureVectorRow],
    until: int,
    redacted: Iterable[tuple[str, str]] = (),
    regrouping: Iterable[Entry] = (),
) -> int:
    """Add what no other node has added meanwhile, merge and split groups, and mend the runs that were redacted; the
    position up to which all is derived now."""
    done = cursors.hold(tx, CURSOR)
    if until <= done:
        return done
    fresh = _placed(tx, [failure for failure in found if failure.row.position > done])
    failures.save(
        tx,
        [failure.row for failure in fresh],
        grouped(fresh),
        [one for one in vectors if one.position > done],
    )
    for entry in regrouping:
        if entry.position > done:
            _regroup(tx, entry)
    for environment, run_id in dict.fromkeys(redacted):
        _mend(tx, environment, run_id)
    cursors.save(tx, CURSOR, until)
    return until


def _mend(tx: Transaction, environment: str, run_id: str) -> None:
    records = [history.at(tx, position) for position in failures.forget_run(tx, environment, run_id)]
    found = [one for record in records if record is not None and (one := derive(tx, Entry(record))) is not None]
    found = _placed(tx, found)
    vectors = [FailureVectorRow(environment, one.row.position, HASHED, embed(one)) for one in found]
    failures.save(tx, [one.row for one in found], (), vectors)
    failures.recount(tx, environment, *{one.row.fingerprint for one in found})


def _placed(tx: Transaction, found: Sequence[Failure]) -> list[Failure]:
    """The failures, each in the group that its cause was merged into; of other causes as they are."""
    placed: list[Failure] = []
    for environment, some in groupby(found, key=lambda failure: failure.row.environment):
        held = list(some)
        groups = failures.groups_of(tx, environment, list({failure.row.cause for failure in held}))
        for failure in held:
            group = groups.get(failure.row.cause, failure.row.cause)
            placed.append(msgspec.structs.replace(failure, row=failure.row._replace(fingerprint=group)))
    return placed


def _regroup(tx: Transaction, entry: Entry) -> None:
    environment, fingerprint = entry.environment, entry.stream.removeprefix("failure/")
    match entry.fact:
        case FailureMerged(into=into):
            group = failures.groups_of(tx, environment, [into]).get(into, into)
            failures.merge(tx, environment, fingerprint, group)
        case FailureSplit():
            held_by = failures.groups_of(tx, environment, [fingerprint]).get(fingerprint)
            if held_by is not None:
                failures.split(tx, environment, fingerprint, held_by)
        case _:
            raise AssertionError(f"{entry} regroups nothing")


def grouped(found: Sequence[Failure]) -> Sequence[FailureGroupRow]:
    """What failures, in order, add to their groups."""
    groups: dict[tuple[str, str], list[FailureRow]] = {}
    for row in (failure.row for failure in found):
        groups.setdefault((row.environment, row.fingerprint), []).append(row)
    return [_added(rows) for rows in groups.values()]


def _added(rows: Sequence[FailureRow]) -> FailureGroupRow:
    first, last = rows[0], rows[-1]
    named = next((row for row in rows if row.cause == row.fingerprint), first)
    return FailureGroupRow(
        environment=first.environment,
        fingerprint=first.fingerprint,
        function_id=named.function_id,
        step=named.step,
        error_type=named.error_type,
        message=named.masked,
        top_frame=named.top_frame,
        first_position=first.position,
        last_position=last.position,
        first_at=first.failed_at,
        last_at=last.failed_at,
        failures=len(rows),
    )
