"""What a change of a run will lead to, before anybody makes it. Pure.

The facts that the change would record are folded after the run's own, by the same rules that decide what a worker is
handed: a plan does not guess. Of each step it says what becomes of it when the run goes on:

    kept       its result is handed to the code, and it is not run
    changed    the same, with an output that this change gives it
    waits      it waits on
    reruns     it is run again; `repeats` where it has begun before and may have effects outside
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from app.history import kinds
from app.history.entry import Entry
from app.history.kinds import Fact, RunResumed, StepCarried, StepInjected, StepPatched, StepSleeping
from app.runs import folding, memo
from app.runs.forgetting import COMPENSATION, undoes
from app.runs.memo import Memos
from app.runs.state import Run, step_name
from storage.records import EntryRecord

Fate = Literal["kept", "changed", "waits", "reruns"]
_WITHOUT_EFFECTS = frozenset(("sleep", "wait_for_event"))


class PlannedStep(NamedTuple):
    """`status` is how it ended, or waiting; "" for one that the code has not come to."""

    step_id: str
    name: str
    type: str
    status: str
    fate: Fate
    repeats: bool = False


class Plan(msgspec.Struct):
    """`version` is that of the run which the plan was made of: a change that expects it is what was planned.
    `compensations` names kept steps that would be undone if the run failed for good, as far as history tells: those
    that compensations of this run or of others of its function have undone. `warnings` are for people."""

    action: str
    run_id: str
    version: int
    steps: list[PlannedStep] = msgspec.field(default_factory=list)
    compensations: list[str] = msgspec.field(default_factory=list)
    warnings: list[str] = msgspec.field(default_factory=list)

    def of(self, *fates: Fate) -> list[PlannedStep]:
        return [step for step in self.steps if step.fate in fates]


def resumed(action: str, entries: Sequence[Entry], facts: Sequence[Fact]) -> Plan:
    """What becomes of the run if the facts are recorded next. Without a run.resumed among them, as if it was resumed
    after them."""
    run, _ = folded(entries)
    plan = Plan(action, run.id, run.version)
    if not any(isinstance(fact, RunResumed) for fact in facts):
        facts = [*facts, RunResumed()]
    supposed = [*entries, *_supposed(entries[-1].record, facts)]
    after, memos = folded(supposed)
    memos.tell()
    changed = {fact.step_id for fact in facts if isinstance(fact, StepPatched | StepInjected)}
    given = {one.step_id for one in memos.given(after.attempt)}
    known = dict.fromkeys((*run.steps, *run.open, *after.steps))
    plan.steps = [_planned(step_id, run, after, given, changed) for step_id in known]
    _warn(plan, run, after)
    return plan


def forked(action: str, origin: Run, origin_steps: Iterable[str], facts: Sequence[Fact]) -> Plan:
    """What a fork begins with, of the steps that its origin had; `facts` are the fork's first."""
    plan = Plan(action, origin.id, origin.version)
    carried = {_local(fact.step_id): fact for fact in facts if isinstance(fact, StepCarried)}
    changed = {_local(fact.step_id): fact for fact in facts if isinstance(fact, StepPatched | StepInjected)}
    for step_id in dict.fromkeys((*map(_local, origin_steps), *carried, *changed)):
        whole = f"{origin.id}:{step_id}"
        mark = origin.steps.get(whole)
        kind = mark.type if mark is not None else changed[step_id].type if step_id in changed else "invoke"
        fate: Fate = "changed" if step_id in changed else "kept" if step_id in carried else "reruns"
        if kind == COMPENSATION and fate == "reruns":
            continue  # it is run only if the fork fails too
        repeats = fate == "reruns" and kind not in _WITHOUT_EFFECTS
        status = mark.status if mark is not None else ""
        plan.steps.append(PlannedStep(whole, step_name(whole), kind, status, fate, repeats))
    return plan


def folded(entries: Iterable[Entry]) -> tuple[Run, Memos]:
    """The run's state, and what a worker would be handed."""
    run: Run | None = None
    memos = Memos()
    for entry in entries:
        run = folding.apply(run, entry)
        memo.take(memos, entry, 0)
    assert run is not None, "a run has entries"
    return run, memos


def _supposed(last: EntryRecord, facts: Sequence[Fact]) -> list[Entry]:
    """Entries as if they had been recorded after the last one."""
    return [
        Entry(
            last._replace(
                position=last.position + number,
                version=last.version + number,
                kind=fact.kind,
                data=kinds.encode(fact).decode(),
            ),
            fact,
        )
        for number, fact in enumerate(facts, 1)
    ]


def _planned(step_id: str, run: Run, after: Run, given: set[str], changed: set[str]) -> PlannedStep:
    waited = run.open.get(step_id)
    mark = run.steps.get(step_id) or after.steps.get(step_id)
    kind = waited.fact.type if waited is not None else mark.type if mark is not None else ""
    status = _waiting(waited.fact) if waited is not None else run.steps[step_id].status if step_id in run.steps else ""
    fate: Fate = "reruns"
    if step_id in given:
        fate = "changed" if step_id in changed else "kept"
    elif step_id in after.open:
        fate = "waits"
    repeats = fate == "reruns" and kind not in _WITHOUT_EFFECTS
    return PlannedStep(step_id, step_name(step_id), kind, status, fate, repeats)


def _waiting(fact: Fact) -> str:
    return "sleeping" if isinstance(fact, StepSleeping) else "waiting"


def _warn(plan: Plan, run: Run, after: Run) -> None:
    undone = {undoes(one): one for one, mark in run.steps.items() if mark == ("completed", COMPENSATION)}
    stands = [one for one in plan.of("kept", "changed") if one.name in undone]
    if any(mark.type == COMPENSATION for mark in after.steps.values()):
        plan.warnings.append("compensations have begun and are kept: the run goes on undoing, and ends")
    elif stands:
        names = ", ".join(one.name for one in stands)
        plan.warnings.append(f"what {names} did was undone, and its output stands")
    plan.steps = [one for one in plan.steps if one.type != COMPENSATION or one.fate != "reruns"]


def _local(step_id: str) -> str:
    """The step's id without that of its run."""
    return step_id.partition(":")[2]
