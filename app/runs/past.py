"""The past of runs: a run as it was at any position of history.

A state is the fold of the run's own entries up to the position, by the same functions that make the present one. Of
runs that are looked at, folded states are kept in memory, one for every so many entries, so that moving through a long
run folds only what lies between. The run's event is not kept, but read anew each time; and all of a run is forgotten
when history tells that something of it was redacted.
"""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from app.errors import AmbiguousId, RunNotFound, StepNotFound
from app.history.entry import Entry
from app.history.kinds import (
    HistoryRedacted,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
    RunLogged,
    RunNoted,
    RunPaused,
    RunPauseExplained,
    RunPauseRequested,
    RunPauseWithdrawn,
    RunReleased,
    RunResumed,
    RunRetrying,
    RunStarted,
    RunSuspended,
    RunTagged,
    RunUnwinding,
    RunWoken,
    StepCarried,
    StepCompleted,
    StepFailed,
    StepInjected,
    StepInvoking,
    StepPatched,
    StepRestored,
    StepSleeping,
    StepWaiting,
)
from app.history.tail import Tail
from app.runs import noun, reading
from app.runs.reading import RunRecord, StepRecord
from app.runs.record import Record, record_of
from app.runs.state import step_path
from storage import history
from storage.contract import Storage, Transaction

EVERY_ENTRIES = 500
KEPT_BYTES_MAX = 64 * 2**20

APART_MAX = 40
"""A state is kept at least this often in the length that the run has by then."""

_STEP_BYTES = 400
_PLACE_BYTES = 110
_ITS_STEP = frozenset(
    fact.kind
    for fact in (
        *(StepCompleted, StepFailed, StepSleeping, StepWaiting, StepInvoking),
        *(StepPatched, StepInjected, StepRestored, StepCarried),
    )
)
_OPEN = ("sleeping", "waiting")
_NO_STEP = frozenset(
    fact.kind
    for fact in (
        RunCreated,
        RunStarted,
        RunSuspended,
        RunWoken,
        RunReleased,
        RunRetrying,
        RunPauseRequested,
        RunPauseExplained,
        RunPauseWithdrawn,
        RunPaused,
        RunResumed,
        RunLogged,
        RunTagged,
        RunNoted,
    )
)

_OPEN_STEPS = frozenset(fact.kind for fact in (RunCompleted, RunFailed, RunCancelled, RunUnwinding))

S = TypeVar("S", bound=msgspec.Struct)


class Moment(msgspec.Struct, frozen=True):
    """A run as of `position`. `last` is the run's newest entry by then, `newest` its newest of all; `next` is what
    happened to it next, None at the end."""

    run: RunRecord
    position: int
    last: Record
    newest: Record
    next: Record | None

    @property
    def behind(self) -> int:
        """How many entries of the run came later."""
        return self.newest.version - self.last.version


class Past:
    """Reads runs as they were. May be used by several threads. While `run` goes on, what is redacted is forgotten."""

    def __init__(
        self, storage: Storage, *, every_entries: int = EVERY_ENTRIES, kept_bytes_max: int = KEPT_BYTES_MAX
    ) -> None:
        self._storage = storage
        self._every = every_entries
        self._kept = _Kept(kept_bytes_max)

    async def run(self, tail: Tail) -> None:
        """Forget runs of which something was redacted, for ever."""
        async for batch in tail.follow(tail.head, kinds=frozenset((HistoryRedacted.kind,))):
            for entry in batch:
                assert isinstance(entry.fact, HistoryRedacted)
                self._kept.forget(entry.environment, entry.fact.stream)

    async def at(self, environment: str, run_id: str, position: int = history.END) -> Moment:
        """The run as of a position. Raises RunNotFound, also if it had not been created by then."""
        return await self._storage.read(lambda tx: self.read(tx, environment, run_id, position))

    def read(self, tx: Transaction, environment: str, run_id: str, position: int = history.END) -> Moment:
        """The same within a transaction."""
        stream = noun.stream(run_id)
        newest = reading.newest(tx, environment, run_id)
        last = newest if newest.position <= position else None
        last = last or history.last_of_stream(tx, environment, stream, until=position)
        if last is None:
            created = history.version_of_stream(tx, environment, stream, 1)
            assert created is not None, f"{run_id} has no first entry"
            raise RunNotFound(
                f"{run_id} did not exist at position {position}",
                hint=f"it was created at position {created.position}",
                field="at",
            )
        run = self._folded(tx, environment, stream, last.version)
        following = history.version_of_stream(tx, environment, stream, last.version + 1) if last is not newest else None
        worker = run.state.worker_id
        return Moment(
            run=reading.with_event(tx, run),
            position=last.position if position == history.END else position,
            last=record_of(Entry(last), worker),
            newest=record_of(Entry(newest), ""),
            next=record_of(Entry(following), worker) if following else None,
        )

    def walk(
        self, tx: Transaction, environment: str, run_id: str, *, after: int, limit: int
    ) -> Iterator[tuple[RunRecord, Record]]:
        """The run after each of its entries past a position, at most `limit` of them, with that entry in brief. It is
        the same run that goes on: to be read before the next is asked for. None where there is no such run."""
        stream = noun.stream(run_id)
        before = history.last_of_stream(tx, environment, stream, until=after) if after > 0 else None
        version = before.version if before else 0
        rows = history.of_stream(tx, environment, stream, after_version=version, limit=limit)
        fold = _Fold(self._folded(tx, environment, stream, version) if before else None)
        for row in rows:
            entry = Entry(row)
            fold.apply(entry)
            if row is rows[0]:
                reading.with_event(tx, fold.run)
            yield fold.run, record_of(entry, fold.run.state.worker_id)

    def _folded(self, tx: Transaction, environment: str, stream: str, version: int) -> RunRecord:
        """The run after that many of its entries."""
        era = self._kept.era
        begun, kept = self._kept.nearest(environment, stream, version)
        reached, fold = begun, _Fold(kept)
        while reached < version:
            until = self._kept_after(reached)
            wanted = min(version, until) - reached
            records = history.of_stream(tx, environment, stream, after_version=reached, limit=wanted)
            assert len(records) == wanted, f"{stream} has no version {version}"
            for record in records:
                fold.apply(Entry(record))
            reached += wanted
            if reached == until:
                size = sum(len(record.data) + _STEP_BYTES for record in records)
                size += len(fold.run.steps) * _PLACE_BYTES
                if self._kept.has_room(environment, stream, reached, size):
                    self._kept.keep(environment, stream, reached, fold.snapshot(), size, era=era)
        if reached - begun > self._every // 10 and reached % self._every:
            # Whoever looks at a place asks again for it, and for what is beside it: kept until another one is.
            shared = fold.snapshot()
            size = len(shared.steps) * _PLACE_BYTES + (reached - begun) * _STEP_BYTES
            self._kept.keep(environment, stream, reached, shared, size, era=era, passing=True)
        return fold.run

    def _kept_after(self, version: int) -> int:
        """The next version whose state may be kept: the further on, the further apart, for states grow."""
        apart = self._every
        while version >= apart * APART_MAX:
            apart *= 2
        return version - version % apart + apart


class _Fold:
    """Folds on from a state that is shared. Of its steps it changes copies only: which ones an entry may change is
    known for some kinds, and for all others it may be any."""

    def __init__(self, shared: RunRecord | None) -> None:
        self._run = None if shared is None else _forked(shared)
        self._own: set[int] = set()

    @property
    def run(self) -> RunRecord:
        assert self._run is not None, "a run begins with an entry"
        return self._run

    def apply(self, entry: Entry) -> None:
        run = self._run
        for step in () if run is None else touched(run, entry):
            if id(step) not in self._own:
                copied = self.run.steps[step.step_id] = replace(step)
                self._own.add(id(copied))
        self._run = reading.apply(run, entry)

    def snapshot(self) -> RunRecord:
        """The state to be shared: from now on this fold changes copies."""
        shared = self.run
        self._run = _forked(shared)
        self._own.clear()
        return shared


def touched(run: RunRecord, entry: Entry) -> Sequence[StepRecord]:
    """The steps that the entry may change."""
    if entry.kind in _NO_STEP:
        return ()
    if entry.kind in _ITS_STEP:
        step = run.steps.get(entry.fact.step_id)  # type: ignore[attr-defined]
        return () if step is None else (step,)
    steps = run.steps.values()
    return [step for step in steps if step.status in _OPEN] if entry.kind in _OPEN_STEPS else [*steps]


def _forked(run: RunRecord) -> RunRecord:
    """A copy whose steps are shared."""
    made = _copied(run)
    made.state = _copied(run.state)
    return made


def _copied(whole: S) -> S:
    """A copy of a struct, its containers included; what they contain is shared."""
    made = copy.copy(whole)
    for field in whole.__struct_fields__:
        value: Any = getattr(whole, field)
        if isinstance(value, dict | set | list):
            setattr(made, field, value.copy())
    return made


class _Kept:
    """Folded states by run and version, about so many bytes of them. Those of runs that were not used for longest go
    first; of one run, those without which the others are still close together. An era ends when something is forgotten:
    what was read before that is not kept after it."""

    def __init__(self, bytes_max: int) -> None:
        self.era = 0
        self._bytes_max = bytes_max
        self._bytes = 0
        self._lock = threading.Lock()
        self._states: OrderedDict[tuple[str, str, int], tuple[RunRecord, int]] = OrderedDict()
        self._versions: dict[tuple[str, str], set[int]] = {}
        self._passing: dict[tuple[str, str], int] = {}
        self._crowded: dict[tuple[str, str], float] = {}
        """Of a run, the gap for its size that the last state had left which had to go."""

    def has_room(self, environment: str, stream: str, version: int, size: int) -> bool:
        """Whether a state would stay, if it was kept."""
        with self._lock:
            crowded = self._crowded.get((environment, stream), 0.0)
            versions = self._versions.get((environment, stream), ())
            after = min((one for one in versions if one > version), default=0)
            before = max((one for one in versions if one < version), default=0)
            return not after or (after - before) / size > crowded

    def nearest(self, environment: str, stream: str, version: int) -> tuple[int, RunRecord | None]:
        """The last state that is kept from that version or before it; version 0 and None if there is none."""
        with self._lock:
            found = max((one for one in self._versions.get((environment, stream), ()) if one <= version), default=0)
            if not found:
                return 0, None
            self._states.move_to_end((environment, stream, found))
            return found, self._states[environment, stream, found][0]

    def keep(
        self,
        environment: str,
        stream: str,
        version: int,
        run: RunRecord,
        size: int,
        *,
        era: int,
        passing: bool = False,
    ) -> None:
        """One that is `passing` takes the place of the one before it of the run."""
        with self._lock:
            if era != self.era or (environment, stream, version) in self._states:
                return
            if passing:
                if before := self._passing.get((environment, stream)):
                    self._drop(environment, stream, before)
                self._passing[environment, stream] = version
            self._states[environment, stream, version] = (run, size)
            self._versions.setdefault((environment, stream), set()).add(version)
            self._bytes += size
            while self._bytes > self._bytes_max and self._states:
                longest = next(iter(self._states))
                self._drop(*(longest if longest[:2] != (environment, stream) else self._needed_least(*longest)))

    def _needed_least(self, environment: str, stream: str, longest: int) -> tuple[str, str, int]:
        """Of a run's states, the one whose absence leaves the smallest gap for its size; the last one stays."""
        passing = self._passing.get((environment, stream))
        versions = [0, *sorted(one for one in self._versions[environment, stream] if one != passing)]
        around = list(zip(versions, versions[1:], versions[2:], strict=False))
        if not around:
            return environment, stream, longest
        sizes = {one: self._states[environment, stream, one][1] for _, one, _ in around}
        gap, least = min(((after - before) / sizes[one], one) for before, one, after in around)
        self._crowded[environment, stream] = gap
        return environment, stream, least

    def forget(self, environment: str, stream: str) -> None:
        """Everything of a run, also what is being read now."""
        with self._lock:
            self.era += 1
            for version in list(self._versions.get((environment, stream), ())):
                self._drop(environment, stream, version)

    def _drop(self, environment: str, stream: str, version: int) -> None:
        _, freed = self._states.pop((environment, stream, version))
        self._bytes -= freed
        if self._passing.get((environment, stream)) == version:
            del self._passing[environment, stream]
        versions = self._versions[environment, stream]
        versions.discard(version)
        if not versions:
            del self._versions[environment, stream]
            self._crowded.pop((environment, stream), None)


def step_meant(run: RunRecord, given: str) -> StepRecord:
    """The step meant by its id, its id without the run, or its name. Raises StepNotFound, AmbiguousId."""
    exact = run.steps.get(given) or run.steps.get(f"{run.state.id}:{given}")  # a run may have 100,000
    if exact is not None:
        return exact
    found = [step for step in run.steps.values() if given in (step.step_id, step_path(step.step_id))]
    found = found or [step for step in run.steps.values() if step.name == given]
    if not found:
        raise StepNotFound(
            f"{run.state.id} has no step {given[:80]!r} by then",
            hint="`ironflow run state` shows the steps there were",
            field="step",
        )
    if len(found) > 1:
        some = ", ".join(step_path(step.step_id) for step in found[:5])
        raise AmbiguousId(f"several steps are named {given[:80]!r}", hint=f"name one of them: {some}", field="step")
    return found[0]
