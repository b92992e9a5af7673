"""What has to hold after a storm, whatever was killed when: the ledger, the clients and history must tell one story.

I1 every acknowledged emit is in history once, with its runs; I2 each step has at most one recorded success; I3 what was
recorded was executed, and more often only where a kill fell between two executions; I4 every run has ended.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import msgspec

from app.cli.offline import with_store
from app.history.entry import Entry
from app.history.kinds import (
    EventEmitted,
    RunCancelled,
    RunCompleted,
    RunCreated,
    RunFailed,
    RunReleased,
    RunStarted,
    StepCompleted,
    StepWaiting,
)
from ironflow.body import key_of
from storage import history
from storage.contract import Storage
from tests.support.server import ServerProcess
from tests.support.storm.clients import Acked
from tests.support.storm.faults import Fault
from tests.support.storm.ledger import Line

BODIES = ("invoke", "compensate")
"""Types of steps that code of ours was executed for."""


@dataclass(slots=True)
class Told:
    """What history tells of one run."""

    created: RunCreated
    successes: list[tuple[StepCompleted, int]] = field(default_factory=list)
    waits: dict[str, tuple[StepWaiting, int]] = field(default_factory=dict)
    moves: list[tuple[str, int]] = field(default_factory=list)
    ends: list[RunCompleted | RunFailed | RunCancelled] = field(default_factory=list)

    def names(self, kind: str) -> list[str]:
        return [success.name for success, _ in self.successes if success.type == kind]


@dataclass(slots=True)
class Story:
    """All of history, by what it is about."""

    entries: int = 0
    events: dict[str, list[tuple[EventEmitted, int]]] = field(default_factory=lambda: defaultdict(list))
    runs: dict[str, Told] = field(default_factory=dict)

    @classmethod
    def told_by(cls, server: ServerProcess) -> Story:
        """The story that the store of a server tells, which has stopped."""

        async def read(storage: Storage) -> list[Entry]:
            return await storage.read(lambda tx: [Entry(one) for page in history.everything(tx) for one in page])

        story = cls()
        for entry in with_store(str(server.data_dir), server.database_url, read):
            story._take(entry)
        return story

    def _take(self, entry: Entry) -> None:
        self.entries += 1
        fact, at, about = entry.fact, entry.recorded_at, entry.stream.rpartition("/")[2]
        match fact:
            case EventEmitted():
                self.events[fact.id].append((fact, at))
            case RunCreated():
                assert about not in self.runs, f"{about} was created twice"
                self.runs[about] = Told(fact)
            case StepCompleted():
                self.runs[about].successes.append((fact, at))
            case StepWaiting():
                self.runs[about].waits[fact.step_id] = (fact, at)
            case RunStarted() | RunReleased():
                self.runs[about].moves.append((fact.kind, at))
            case RunCompleted() | RunFailed() | RunCancelled():
                self.runs[about].ends.append(fact)
            case _:
                pass


@dataclass(frozen=True, slots=True)
class Verdict:
    """Figures of a storm, and what broke a promise: one sentence each."""

    broken: Sequence[str]
    entries: int
    runs: int
    acked: int
    lost: int
    steps: int
    repeated: int
    resumed_us: Sequence[int]


def judge(
    story: Story,
    *,
    acked: Sequence[Acked],
    cancelled: Iterable[str],
    executed: Mapping[str, Sequence[Line]],
    faults: Sequence[Fault],
) -> Verdict:
    lost = list(_emits(story, acked))
    repeated = Counter(key for key, lines in executed.items() for _ in _repeats(lines))
    broken = [
        *lost,
        *_successes(story, executed),
        *_executions(executed, faults),
        *_ends(story, set(cancelled)),
        *_outcomes(story),
    ]
    return Verdict(
        broken=broken,
        entries=story.entries,
        runs=len(story.runs),
        acked=len(acked),
        lost=len(lost),
        steps=sum(len(run.successes) for run in story.runs.values()),
        repeated=sum(repeated.values()),
        resumed_us=[took for run in story.runs.values() for took in _resumed(run, faults)],
    )


# I1


def _emits(story: Story, acked: Sequence[Acked]) -> Iterable[str]:
    keyed = Counter(event.idempotency_key for told in story.events.values() for event, _ in told)
    sent = {emit.key for emit in acked}
    for emit in acked:
        found = [event for event, _ in story.events.get(emit.event_id, [])]
        if len(found) != 1 or keyed[emit.key] != 1:
            yield f"I1: {emit.name} {emit.key} ({emit.event_id}) is in history {keyed[emit.key]} times"
        elif msgspec.json.decode(found[0].data) != emit.data or found[0].run_ids != emit.run_ids:
            yield f"I1: {emit.event_id} is not what was acknowledged: {found[0]}"
        for run_id in emit.run_ids:
            if run_id not in story.runs or story.runs[run_id].created.event_id != emit.event_id:
                yield f"I1: run {run_id} of {emit.event_id} was acknowledged and is not there"
    for event_id, told in story.events.items():
        event = told[0][0]
        if len(told) > 1:
            yield f"I1: {event_id} is in history {len(told)} times"
        if not event.run_id and event.name.startswith("storm.") and event.idempotency_key not in sent:
            yield f"I1: {event_id} was sent by nobody: {event}"


# I2, and the first half of I3


def _successes(story: Story, executed: Mapping[str, Sequence[Line]]) -> Iterable[str]:
    for run in story.runs.values():
        recorded = Counter(success.step_id for success, _ in run.successes)
        for step_id, times in recorded.items():
            if times > 1:
                yield f"I2: {step_id} succeeded {times} times"
        for success, at in run.successes:
            if success.type not in BODIES:
                continue
            lines = executed.get(key_of(success.step_id), ())
            if not [line for line in lines if not line.fails and line.at <= at]:
                yield f"I3: {success.step_id} is recorded as done and was never executed"
            for line in lines:
                if line.at > at:
                    yield f"I3: {success.step_id} was executed {line.at - at} µs after its success was recorded"


# The other half of I3


def _repeats(lines: Sequence[Line]) -> Iterable[tuple[Line, Line]]:
    """Executions after one that did not fail by itself."""
    return [(one, other) for one, other in pairwise(lines) if not one.fails]


def _executions(executed: Mapping[str, Sequence[Line]], faults: Sequence[Fault]) -> Iterable[str]:
    for key, lines in executed.items():
        for one, other in _repeats(lines):
            if not any(one.at <= fault.over and fault.before <= other.at for fault in faults):
                yield f"I3: {key} was executed at {one.at} and again at {other.at}, with no fault between"


# I4


def _ends(story: Story, cancelled: set[str]) -> Iterable[str]:
    for run_id, run in story.runs.items():
        if len(run.ends) != 1:
            yield f"I4: {run_id} ({run.created.function_id}) ended {len(run.ends)} times"
        elif isinstance(run.ends[0], RunCancelled) != (run_id in cancelled):
            yield f"I4: {run_id} ended as {run.ends[0].kind}, and was {'' if run_id in cancelled else 'not '}cancelled"


# What the programs say


def _outcomes(story: Story) -> Iterable[str]:
    for run_id, run in story.runs.items():
        for end in run.ends[:1]:
            event = story.events[run.created.event_id][0][0]
            wrong = _EXPECT[run.created.function_id](story, run, end, msgspec.json.decode(event.data))
            if wrong:
                yield f"{run_id} ({run.created.function_id}): {wrong}"


def _returned(end: Any, wanted: Any) -> str:
    if not isinstance(end, RunCompleted):
        return f"ended as {end}"
    got = msgspec.json.decode(end.output)
    return "" if got == wanted else f"returned {got} and not {wanted}"


def _order(story: Story, run: Told, end: Any, data: Any) -> str:
    charged = [
        event
        for told in story.events.values()
        for event, _ in told
        if event.name == "storm.charged" and msgspec.json.decode(event.data)["n"] == data["n"]
    ]
    if len(charged) != 1:
        return f"emitted storm.charged {len(charged)} times"
    return _returned(end, [f"charged {data['n']}", f"shipped {data['n']}"])


def _plain(story: Story, run: Told, end: Any, data: Any) -> str:
    return _returned(end, [f"{word} {data['n']}" for word in ("began", "flew", "ended")])


def _approval(story: Story, run: Told, end: Any, data: Any) -> str:
    """The event counts if it was recorded before the deadline, whenever anybody looked."""
    if isinstance(end, RunCancelled):
        return ""
    [(wait, _)] = run.waits.values()
    came = any(
        event.name == "storm.approved" and msgspec.json.decode(event.data)["n"] == data["n"] and at < wait.deadline
        for told in story.events.values()
        for event, at in told
    )
    return _returned(end, [f"asked {data['n']}", f"{'approved' if came else 'late'} {data['n']}"])


def _family(story: Story, run: Told, end: Any, data: Any) -> str:
    n = data["n"]
    return _returned(end, [f"grew {n}", *(f"branch {number} {n}, finished {n}" for number in range(3))])


def _child(story: Story, run: Told, end: Any, data: Any) -> str:
    return _returned(end, f"grew {data['n']}")


def _saga(story: Story, run: Told, end: Any, data: Any) -> str:
    if isinstance(end, RunCompleted):
        return "completed, though it cannot"
    done, undone = run.names("invoke"), run.names("compensate")
    wanted = [f"compensate:{name}" for name in reversed(done)]
    return "" if undone == wanted or end.not_undone else f"did {done} and undid {undone}: {end}"


def _patient(story: Story, run: Told, end: Any, data: Any) -> str:
    return _returned(end, f"released {data['n']}")


_EXPECT: Mapping[str, Callable[[Story, Told, Any, Any], str]] = {
    "storm-order": _order,
    "storm-plain": _plain,
    "storm-approval": _approval,
    "storm-family": _family,
    "storm-child": _child,
    "storm-saga": _saga,
    "storm-patient": _patient,
}


# Figures


def _resumed(run: Told, faults: Sequence[Fault]) -> Iterable[int]:
    """From the kill that cost the run its worker until another execution of it began; but for those that had to wait
    for the end of yet another fault."""
    for (kind, at), (next_kind, next_at) in pairwise(run.moves):
        killed = [fault.killed for fault in faults if fault.before <= at]
        again = any(at < fault.before <= next_at for fault in faults)
        if kind == "run.released" and next_kind == "run.started" and killed and not again:
            yield next_at - max(killed)
