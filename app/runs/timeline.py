"""The timeline of a run: what happened to it, entry by entry, in light records without payloads."""

from __future__ import annotations

import bisect
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

import msgspec

from app.history.entry import Entry
from app.history.explore import kinds_of
from app.history.kinds import RunStarted
from app.runs import noun, reading
from app.runs.record import Record, record_of
from app.runs.state import step_path
from storage import history
from storage.contract import Storage, Transaction
from storage.records import EntryRecord

LIMIT_DEFAULT = 200
LIMIT_MAX = 1_000
SCANNED_MAX = 20_000
"""Entries that are looked at for one page."""


class TimelinePage(msgspec.Struct, frozen=True):
    """Records in order. `before` and `after` are positions to read on from, 0 if there is nothing there; a page of
    chosen records may be short, or empty, and have them. `newest` is the run's last entry."""

    records: Sequence[Record]
    before: int
    after: int
    newest: Record


class Wanted(msgspec.Struct, frozen=True):
    """Which records: of the steps with that id, id without the run, or name; of kinds or patterns such as `step.*`;
    with a text in what they say, in either case."""

    step: str = ""
    kinds: tuple[str, ...] = ()
    search: str = ""


EVERYTHING = Wanted()


class Timelines:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._starts = _Starts()

    async def page(
        self,
        environment: str,
        run_id: str,
        wanted: Wanted = EVERYTHING,
        *,
        after: int = 0,
        before: int = history.END,
        until: int = history.END,
        backward: bool = False,
        limit: int = LIMIT_DEFAULT,
    ) -> TimelinePage:
        """The records between two positions, none past `until`: the first `limit` of them, or backward the last. Raises
        RunNotFound, InvalidArgument."""
        kinds = frozenset(kinds_of(wanted.kinds))
        return await self._storage.read(
            lambda tx: _page(
                tx,
                self._starts,
                environment,
                run_id,
                _chooser(wanted.step, kinds, wanted.search.lower()),
                after,
                min(before, until + 1),
                backward,
                limit,
            )
        )


class _Starts:
    """Which worker had a run, by position: found once for the part of a run that was looked at, since no index leads to
    the beginning of its executions. Of RUNS_MAX runs, those that were not asked for longest go first."""

    RUNS_MAX = 1_000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: OrderedDict[tuple[str, str], tuple[int, list[int], list[str]]] = OrderedDict()

    def worker_before(self, tx: Transaction, environment: str, stream: str, position: int) -> str:
        """The worker that had the run just before a position, "" if none had."""
        with self._lock:
            reached, positions, workers = self._runs.pop((environment, stream), (0, [], []))
        while reached < position - 1:
            found = history.page(
                tx,
                environment,
                stream=stream,
                kinds=(RunStarted.kind,),
                after=reached,
                before=position,
                limit=LIMIT_MAX,
            )
            positions = [*positions, *(record.position for record in found)]
            workers = [*workers, *(_worker(Entry(record)) for record in found)]
            reached = found[-1].position if len(found) == LIMIT_MAX else position - 1
        with self._lock:
            known = self._runs.get((environment, stream))
            if known is None or known[0] <= reached:
                self._runs[environment, stream] = (reached, positions, workers)
            self._runs.move_to_end((environment, stream))
            while len(self._runs) > self.RUNS_MAX:
                self._runs.popitem(last=False)
        index = bisect.bisect_left(positions, position)
        return workers[index - 1] if index else ""

    def learn(self, environment: str, stream: str, rows: Sequence[EntryRecord], begun: Mapping[int, str]) -> None:
        """Take up what was read of a run, an entry after the other: by position, who began an execution among it."""
        with self._lock:
            reached, positions, workers = self._runs.get((environment, stream), (0, [], []))
            if reached < rows[0].position - 1:
                return  # something before it is not known any more
            new = [position for position in begun if position > reached]
            reached = max(reached, rows[-1].position)
            self._runs[environment, stream] = (reached, [*positions, *new], [*workers, *map(begun.__getitem__, new)])


def _chooser(step: str, kinds: frozenset[str], text: str) -> Callable[[Record], bool] | None:
    """What a record must be, None if it may be anything."""
    if not step and not kinds and not text:
        return None

    def fits(record: Record) -> bool:
        return (
            (not kinds or record.kind in kinds)
            and (
                not step or (record.step_id != "" and step in (record.name, record.step_id, step_path(record.step_id)))
            )
            and (not text or any(text in told.lower() for told in _texts(record)))
        )

    return fits


def _texts(record: Record) -> tuple[str, ...]:
    """What a person reads of a record."""
    return (
        record.kind,
        record.summary,
        record.name,
        record.event,
        record.function_id,
        record.actor,
        record.worker_id,
        record.reason,
        record.code,
        record.message,
    )


def _page(
    tx: Transaction,
    starts: _Starts,
    environment: str,
    run_id: str,
    fits: Callable[[Record], bool] | None,
    after: int,
    before: int,
    backward: bool,
    limit: int,
) -> TimelinePage:
    stream = noun.stream(run_id)
    newest = reading.newest(tx, environment, run_id)
    low = _version_at(tx, environment, stream, after)
    high = newest.version if before > newest.position else _version_at(tx, environment, stream, before - 1)
    records: list[Record] = []
    scanned = 0
    first, last = low, high  # versions outside of which there is more to read
    while len(records) < limit and scanned < SCANNED_MAX and low < high:
        size = min(LIMIT_MAX, high - low, limit - len(records) if fits is None else LIMIT_MAX)
        start = high - size if backward else low
        rows = history.of_stream(tx, environment, stream, after_version=start, limit=size)
        made = [one for one in _records(tx, starts, environment, rows) if fits is None or fits(one)]
        scanned += size
        room = limit - len(records)
        if backward:
            kept = made[-room:]
            records, high = kept + records, kept[0].version - 1 if len(made) >= room else start
        else:
            kept = made[:room]
            records, low = records + kept, kept[-1].version if len(made) >= room else start + size
    if backward:
        first = high
    else:
        last = low
    return TimelinePage(
        records,
        before=_position_of(tx, environment, stream, first + 1) if 0 < first < newest.version else 0,
        after=_position_of(tx, environment, stream, last) if last < newest.version else 0,
        newest=record_of(Entry(newest), ""),
    )


def _version_at(tx: Transaction, environment: str, stream: str, position: int) -> int:
    """How many entries the stream had by then."""
    found = history.last_of_stream(tx, environment, stream, until=position) if position > 0 else None
    return found.version if found else 0


def _position_of(tx: Transaction, environment: str, stream: str, version: int) -> int:
    found = history.version_of_stream(tx, environment, stream, version) if version else None
    return found.position if found else 0


def _records(tx: Transaction, starts: _Starts, environment: str, rows: Sequence[EntryRecord]) -> list[Record]:
    """Records of entries that follow one another, with the worker that had the run."""
    if not rows:
        return []
    found: list[Record] = []
    begun: dict[int, str] = {}
    worker_id = starts.worker_before(tx, environment, rows[0].stream, rows[0].position)
    for row in rows:
        entry = Entry(row)
        if row.kind == RunStarted.kind:
            worker_id = begun[row.position] = _worker(entry)
        found.append(record_of(entry, worker_id))
    starts.learn(environment, rows[0].stream, rows, begun)
    return found


def _worker(entry: Entry) -> str:
    assert isinstance(entry.fact, RunStarted)
    return entry.fact.worker_id
