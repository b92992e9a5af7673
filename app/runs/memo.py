"""What a worker is handed of a run: the results of its steps as of the beginning of an execution.

It is as of that entry exactly, so that whatever is resolved later is news to the execution, which the engine knows
when the execution ends (see waiting.decide_suspend): nothing is told twice, and nothing is missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from app.history.entry import Entry
from app.history.kinds import (
    EventEmitted,
    Failure,
    RunCreated,
    RunFailed,
    RunPaused,
    RunResumed,
    RunStarted,
    RunUnwinding,
    StepCompleted,
    StepFailed,
)
from app.runs import noun
from app.runs.state import AWAITED
from storage import events, history
from storage.contract import Transaction
from storage.records import EntryRecord

TOGETHER_ENTRIES_MAX = 64
"""Runs with more entries than that are read alone."""
_NEVER = -1
"""No execution has this number."""


class Memo(NamedTuple):
    """A step that has ended: its output, or its error if `error` is not None. A step that was awaited and failed has
    failed for good; one that the worker ran has failed in `attempt` of the run, and is run anew in the next, unless it
    said that trying again makes no sense."""

    step_id: str
    name: str
    type: str
    output: msgspec.Raw | None
    error: Failure | None
    attempt: int = 0

    @property
    def awaited(self) -> bool:
        return self.type in AWAITED

    def told_error(self) -> dict[str, Any]:
        """Why it failed, as a worker is told it."""
        assert self.error is not None
        told = self.error.told()
        return told if self.awaited else {**told, "retryable": self.error.retryable}

    @property
    def status(self) -> str:
        return "completed" if self.error is None else "failed"


@dataclass(slots=True)
class Memos:
    """`version` is that of the run.started entry they are as of; `steps` are in the order of their last report.

    `places` are in the order in which the code was told, which a replay has to repeat: of what a worker ran when that
    was recorded, of what was resolved while an execution went on with the start of the next one."""

    created: RunCreated | None = None
    event: Entry | None = None
    version: int = 0
    unwinding: RunUnwinding | None = None
    failed_step: str = ""
    failed: bool = False
    steps: dict[str, Memo] = field(default_factory=dict)
    places: dict[str, None] = field(default_factory=dict)
    untold: dict[str, None] = field(default_factory=dict)

    def take(self, memo: Memo) -> None:
        """A step has ended; the last of its tries counts."""
        self.steps.pop(memo.step_id, None)
        self.steps[memo.step_id] = memo
        if memo.awaited:
            self.untold[memo.step_id] = None
        else:
            self.places.pop(memo.step_id, None)
            self.places[memo.step_id] = None

    def forget(self, step_id: str) -> None:
        """The step is to be taken anew."""
        for known in (self.steps, self.places, self.untold):
            known.pop(step_id, None)

    def tell(self) -> None:
        """An execution begins, and is handed what was resolved."""
        self.places.update(self.untold)
        self.untold.clear()

    def given(self, attempt: int) -> Sequence[Memo]:
        """What an execution of that attempt is handed, in the order of `places`."""
        told = (self.steps[step_id] for step_id in self.places if step_id in self.steps)
        return [
            memo
            for memo in told
            if memo.error is None or memo.awaited or memo.attempt == attempt or not memo.error.retryable
        ]


class Wanted(NamedTuple):
    """What an execution needs: all, or what is new since the version of the run at which it was parked."""

    environment: str
    run_id: str
    execution_seq: int
    after_version: int = 0


class Long(NamedTuple):
    """There is more of it than should be read together with others."""


def load(tx: Transaction, wanted: Wanted) -> Memos | None:
    """All that an execution needs; None if that execution was not begun, or if it is parked and more happened than it
    can know of."""
    [memos] = _filled(tx, [wanted], [_entries(tx, wanted)])
    return memos


def load_many(tx: Transaction, wanted: Sequence[Wanted]) -> list[Memos | Long | None]:
    """The same for many at once, with two queries for most of them."""
    places = [(one.environment, noun.stream(one.run_id), one.after_version) for one in wanted]
    pages = history.pages(tx, places, size=TOGETHER_ENTRIES_MAX)
    short = [(one, page) for one, page in zip(wanted, pages, strict=True) if len(page) < TOGETHER_ENTRIES_MAX]
    filled = iter(_filled(tx, [one for one, _ in short], [page for _, page in short]))
    return [next(filled) if len(page) < TOGETHER_ENTRIES_MAX else Long() for page in pages]


def recorded(tx: Transaction, environment: str, run_id: str) -> Memos | None:
    """All that is recorded of a run by now, as an execution that began now would be handed it; None if there is no such
    run."""
    memos = Memos()
    for record in _entries(tx, Wanted(environment, run_id, execution_seq=_NEVER)):
        _take(memos, Entry(record), _NEVER)
    if memos.created is None:
        return None
    memos.tell()
    event = events.entry(tx, environment, memos.created.event_id)
    assert event is not None, f"the event {memos.created.event_id} is missing"
    memos.event = Entry(event)
    return memos


def _entries(tx: Transaction, wanted: Wanted) -> Iterator[EntryRecord]:
    after = wanted.after_version
    while page := history.of_stream(tx, wanted.environment, noun.stream(wanted.run_id), after_version=after):
        yield from page
        after = page[-1].version


def _filled(
    tx: Transaction, wanted: Sequence[Wanted], entries: Sequence[Iterable[EntryRecord]]
) -> Sequence[Memos | None]:
    found = [_folded(one, read) for one, read in zip(wanted, entries, strict=True)]
    whole = [
        (one.environment, memos, memos.created)
        for one, memos in zip(wanted, found, strict=True)
        if memos is not None and memos.created is not None
    ]
    own = history.pages(tx, [(where, f"event/{created.event_id}", 0) for where, _, created in whole], size=1)
    for (environment, memos, created), page in zip(whole, own, strict=True):
        record = page[0] if page and page[0].kind == EventEmitted.kind else None
        record = record or events.entry(tx, environment, created.event_id)  # it lies in the stream of an entity
        assert record is not None, f"the event {created.event_id} is missing"
        memos.event = Entry(record)
        assert isinstance(memos.event.fact, EventEmitted)
    return found


def _folded(wanted: Wanted, entries: Iterable[EntryRecord]) -> Memos | None:
    memos = Memos()
    parked = wanted.after_version > 0
    for record in entries:
        entry = Entry(record)
        if parked and entry.kind in (RunResumed.kind, RunUnwinding.kind):
            return None
        if _take(memos, entry, wanted.execution_seq):
            if parked:
                memos.steps = {step_id: memo for step_id, memo in memos.steps.items() if memo.awaited}
            return memos
    return None


def _take(memos: Memos, entry: Entry, execution_seq: int) -> bool:
    """Fold an entry in; True if it is the one that begins the execution."""
    match entry.fact:
        case StepCompleted() as fact:
            memos.take(Memo(fact.step_id, fact.name, fact.type, fact.output, None))
        case StepFailed() as fact:
            memos.take(Memo(fact.step_id, fact.name, fact.type, None, fact.error, fact.attempt))
        case RunFailed(step_id=step_id):
            memos.failed_step, memos.failed = step_id, True
        case RunPaused(error=error, divergence=None) if error is not None:
            memos.failed = True
        case RunResumed(from_step=from_step):
            memos.unwinding = None
            memos.forget(memos.failed_step)
            failures = [one for one, known in memos.steps.items() if known.error is not None and not known.awaited]
            for failure in failures if memos.failed else ():  # a person asks that what failed be tried again
                memos.forget(failure)
            memos.failed = False
            ids = [*memos.steps]
            for later in ids[ids.index(from_step) :] if from_step in memos.steps else ():
                memos.forget(later)
        case RunCreated() as fact:
            memos.created = fact
        case RunUnwinding() as fact:
            memos.unwinding = fact
        case RunStarted(execution_seq=begun):
            memos.version = entry.version
            memos.tell()
            return begun == execution_seq
        case _:
            pass
    return False
