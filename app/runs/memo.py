"""What a worker is handed of a run: the results of its steps as of the beginning of an execution.

It is as of that entry exactly, so that whatever is resolved later is news to the execution, which the engine knows
when the execution ends (see waiting.decide_suspend): nothing is told twice, and nothing is missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
    RunRetrying,
    RunStarted,
    RunSuspended,
    RunUnwinding,
    StepCarried,
    StepCompleted,
    StepFailed,
    StepInjected,
    StepPatched,
    StepRestored,
)
from app.runs import noun
from app.runs.forgetting import forgotten
from app.runs.state import AWAITED, StepStatus, mark
from storage import events, history
from storage.contract import Transaction
from storage.records import EntryRecord

TOGETHER_ENTRIES_MAX = 64
"""Runs with more entries than that are read alone."""
_NEVER = -1
"""No execution has this number."""

_TELLING = frozenset(
    fact.kind
    for fact in (
        RunCreated,
        RunFailed,
        RunPaused,
        RunResumed,
        RunStarted,
        RunUnwinding,
        StepCarried,
        StepCompleted,
        StepFailed,
        StepInjected,
        StepPatched,
        StepRestored,
    )
)
"""Of others there is nothing to tell: their facts are not decoded."""
_HEARD = frozenset((RunSuspended.kind, RunRetrying.kind))
"""By which something was heard of an execution, besides results of its steps."""
_PAST_PARKING = frozenset((RunResumed.kind, RunUnwinding.kind, StepRestored.kind))


class Memo(msgspec.Struct, frozen=True):
    """A step that has ended: its output, or its error if `error` is not None. A step that was awaited and failed has
    failed for good; one that the worker ran has failed in `attempt` of the run, and is run anew in the next, unless it
    said that trying again makes no sense. `dismissed`: a person had the failed run go on, so that the failure is not
    told any more; the step keeps its place among those that were recorded. `news`: nothing was heard yet of any
    execution that was handed it."""

    step_id: str
    name: str
    type: str
    output: msgspec.Raw | None
    error: Failure | None
    attempt: int = 0
    dismissed: bool = False
    news: bool = False

    @property
    def awaited(self) -> bool:
        return self.type in AWAITED

    def told_error(self) -> dict[str, Any]:
        """Why it failed, as a worker is told it."""
        assert self.error is not None
        told = self.error.told()
        return told if self.awaited else {**told, "retryable": self.error.retryable}

    @property
    def status(self) -> StepStatus:
        return "completed" if self.error is None else "failed"


class Memos(msgspec.Struct):
    """`version` is that of the run.started entry they are as of; `steps` are in the order of their last report.

    `places` are in the order in which the code was told, which a replay has to repeat: of what a worker ran when that
    was recorded, of what was resolved while an execution went on with the start of the next one. `corrected` has what
    steps were before each correction of their output that counts. `news` are those of `places` that executions were
    handed of which nothing was heard since; `rested`: the code came to rest, and has not been heard of since."""

    created: RunCreated | None = None
    event: Entry | None = None
    version: int = 0
    unwinding: RunUnwinding | None = None
    failed_step: str = ""
    failed: bool = False
    had_failed: bool = False
    steps: dict[str, Memo] = msgspec.field(default_factory=dict)
    places: dict[str, None] = msgspec.field(default_factory=dict)
    untold: dict[str, None] = msgspec.field(default_factory=dict)
    news: dict[str, None] = msgspec.field(default_factory=dict)
    rested: bool = False
    corrected: dict[str, list[Memo | None]] = msgspec.field(default_factory=dict)

    def take(self, memo: Memo) -> None:
        """A step has ended; the last of its tries counts."""
        self.steps.pop(memo.step_id, None)
        self.steps[memo.step_id] = memo
        if memo.awaited:
            self.untold[memo.step_id] = None
        else:
            self.places.pop(memo.step_id, None)
            self.places[memo.step_id] = None

    def correct(self, memo: Memo) -> None:
        """A person gave the step its output. One that was recorded stays in its place."""
        was = self.steps.get(memo.step_id)
        self.corrected.setdefault(memo.step_id, []).append(was)
        if was is None:
            self.take(memo)
            self.news[memo.step_id] = None  # no execution has come to it
        else:
            self.steps[memo.step_id] = memo

    def restore(self, step_id: str) -> None:
        """The last correction counts no longer."""
        earlier = self.corrected[step_id]
        was = earlier.pop()
        if was is None:
            self.forget(step_id)
        else:
            self.steps[step_id] = was
        if not earlier:
            self.corrected.pop(step_id, None)

    def carry(self, memo: Memo) -> None:
        """A fork begins with this one: its code has been told."""
        self.steps[memo.step_id] = memo
        self.places[memo.step_id] = None

    def fail(self, step_id: str) -> None:
        """The run has failed; because of a wait that was over, and nobody reported it, if there is a step."""
        self.failed_step, self.failed, self.had_failed = step_id, True, True
        if not step_id:
            self.heard()

    def resume(self, from_step: str) -> None:
        """A person asks that what failed be tried again, and what came after a step."""
        marks = {one: mark(known.status, known.type) for one, known in self.steps.items()}
        gone = forgotten(
            marks,
            had_failed=self.had_failed,
            failed_step=self.failed_step,
            from_step=from_step,
            corrected=self.corrected,
        )
        for step_id in gone:
            self.forget(step_id)
        if self.failed:
            for step_id, known in self.steps.items():
                if known.error is not None and not known.awaited:
                    self.steps[step_id] = msgspec.structs.replace(known, dismissed=True)
        self.unwinding, self.failed, self.had_failed, self.failed_step = None, False, False, ""
        self.rested = self.rested and not from_step

    def forget(self, step_id: str) -> None:
        """The step is to be taken anew."""
        for known in (self.steps, self.places, self.untold, self.news, self.corrected):
            known.pop(step_id, None)

    def tell(self) -> None:
        """An execution begins, and is handed what was resolved."""
        self.places.update(self.untold)
        self.news.update(self.untold)
        self.untold.clear()

    def heard(self, *, rested: bool = False) -> None:
        """An execution has told something: it has come as far as what it was handed."""
        self.news.clear()
        self.rested = rested

    def given(self, attempt: int) -> Sequence[Memo]:
        """What an execution of that attempt is handed, in the order of `places`."""
        told = [self.steps[step_id] for step_id in self.places if step_id in self.steps]
        return [
            msgspec.structs.replace(memo, news=True) if memo.step_id in self.news else memo
            for memo in told
            if memo.error is None
            or memo.awaited
            or (not memo.dismissed and (memo.attempt == attempt or not memo.error.retryable))
        ]


class Wanted(msgspec.Struct, frozen=True):
    """What an execution needs: all, or what is new since the version of the run at which it was parked."""

    environment: str
    run_id: str
    execution_seq: int
    after_version: int = 0


class Long(NamedTuple):
    """There is more of it than should be read together with others."""


def woken(facts: Iterable[StepCompleted], version: int) -> Memos:
    """What is new to an execution that was parked, if that is nothing but these sleeps; it begins with the entry of
    that version."""
    steps = {fact.step_id: _completed(fact, news=True) for fact in facts}
    return Memos(version=version, steps=steps, places=dict.fromkeys(steps), rested=True)


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
        take(memos, Entry(record), _NEVER)
    if memos.created is None:
        return None
    memos.tell()
    event = events.entry(tx, environment, memos.created.event_id)
    assert event is not None, f"the event {memos.created.event_id} is missing"
    memos.event = noun.given(memos.created, Entry(event))
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
        memos.event = noun.given(created, Entry(record))
    return found


def _folded(wanted: Wanted, entries: Iterable[EntryRecord]) -> Memos | None:
    memos = Memos()
    parked = wanted.after_version > 0
    for record in entries:
        entry = Entry(record)
        if parked and entry.kind in _PAST_PARKING:
            return None
        if take(memos, entry, wanted.execution_seq):
            if parked:
                memos.steps = {step_id: memo for step_id, memo in memos.steps.items() if memo.awaited}
            return memos
    return None


def carried(fact: StepCarried) -> Memo:
    output = fact.output if fact.error is None else None
    return Memo(fact.step_id, fact.name, fact.type, output, fact.error, fact.attempt)


def _completed(fact: StepCompleted, *, news: bool = False) -> Memo:
    return Memo(fact.step_id, fact.name, fact.type, fact.output, None, news=news)


def take(memos: Memos, entry: Entry, execution_seq: int) -> bool:
    """Fold an entry in; True if it is the one that begins the execution."""
    if entry.kind not in _TELLING:
        if entry.kind in _HEARD:
            memos.heard(rested=entry.kind == RunSuspended.kind)
        return False
    match entry.fact:
        case StepCompleted() as fact:
            if fact.type not in AWAITED:
                memos.heard()
            memos.take(_completed(fact))
        case StepFailed() as fact:
            if fact.type not in AWAITED:
                memos.heard()
            memos.take(Memo(fact.step_id, fact.name, fact.type, None, fact.error, fact.attempt))
        case StepPatched() | StepInjected() as fact:
            memos.correct(Memo(fact.step_id, fact.name, fact.type, fact.output, None))
        case StepRestored(step_id=step_id):
            memos.restore(step_id)
        case StepCarried() as fact:
            memos.carry(carried(fact))
        case RunFailed(step_id=step_id):
            memos.fail(step_id)
        case RunPaused(error=error, divergence=None) if error is not None:
            memos.failed = True
            memos.heard()
        case RunResumed(from_step=from_step):
            memos.resume(from_step)
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
