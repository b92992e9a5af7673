"""Commands about one run, made of a decision about it, and what their callers are told."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import msgspec

from app.errors import FailedPrecondition, IronflowError
from app.history.committer import Command, Decision, Done
from app.history.entry import Draft, through
from app.history.kinds import Fact, RunFailed, RunPaused, RunStarted, RunTagged, Said, StepCompleted, StepFailed
from app.runs import machine, tags, writing
from app.runs.admission import on_failure
from app.runs.memo import Memos, woken
from app.runs.noun import stream
from app.runs.state import Run
from app.runs.writing import WriteRefused

_TOLD = (RunStarted, RunPaused)

Decider = Callable[[Run | None, int], list[Fact]]


class Begun(msgspec.Struct, frozen=True):
    """An execution that has begun. `news` is all that a worker does not know that keeps the one before, where that is
    known without reading it."""

    started: RunStarted
    news: Memos | None


Started = Begun | IronflowError | None
"""What became of one of several that were to be started."""


class Diverged(FailedPrecondition):
    """The code asked for what history contradicts; the run is paused for a person to look at."""

    code = "DIVERGED"


def command(
    environment: str, run_id: str, decider: Decider, actor: str, *, causation: str = "", via: str = ""
) -> Command:
    """What records the facts that `decider` decides of the run, and what is owed when it fails by them. `via` is what
    the actor acts through."""
    where = stream(run_id)
    deciding = partial(decided_by, where, decider, causation=causation, actor=actor, metadata=through(via))
    return Command(environment, (where,), deciding)


def start(environment: str, run_id: str, *, worker_id: str, unwinds: bool, node: str) -> Command:
    """What hands the run to a worker of a node; its answer is what has Begun."""
    where = stream(run_id)
    starting = _starting(worker_id, unwinds, node)
    return Command(environment, (where,), lambda states, now: starting(where, states, now))


def start_all(environment: str, run_ids: Sequence[str], *, worker_id: str, unwinds: bool, node: str) -> Command:
    """The same for several; its answer is what became of each, in their order. One that cannot be started keeps no
    other from it."""
    wheres = tuple(map(stream, run_ids))
    starting = _starting(worker_id, unwinds, node)

    def decide(states: Mapping[str, Any], now: int) -> Decision:
        drafts: list[Draft] = []
        answers: list[Started] = []
        for where in wheres:
            try:
                decision = starting(where, states, now)
            except IronflowError as refusal:
                answers.append(refusal)
            else:
                drafts += decision.drafts
                answers.append(decision.answer)
        return Decision(drafts, answers)

    return Command(environment, wheres, decide, weight=len(wheres))


def behind(decide: Decider, said: Sequence[Said]) -> Decider:
    """The decision about what a worker told, with the lines and tags that came along. What is not recorded takes them
    with it: it was told before."""
    if not said:
        return decide

    def also(run: Run | None, now: int) -> list[Fact]:
        facts = decide(run, now)
        return [*new_of(run, said), *facts] if facts else []

    return also


def new_of(run: Run | None, said: Sequence[Said]) -> list[Said]:
    """The lines, and what the run is not tagged with yet."""
    if run is None or not any(isinstance(one, RunTagged) for one in said):
        return [*said]
    found: list[Said] = []
    had = run.tags
    for one in said:
        if isinstance(one, RunTagged):
            fresh = tags.fresh(had, one)
            if fresh is None:
                continue
            had, one = tags.tags_after(had, fresh), fresh
        found.append(one)
    return found


def decided_by(
    where: str,
    decider: Decider,
    states: Mapping[str, Any],
    now: int,
    *,
    causation: str = "",
    actor: str = "",
    metadata: str = "{}",
) -> Decision:
    """The facts that `decider` decides of the run with that stream, and what is owed when it fails by them."""
    run: Run | None = states[where]
    facts = decider(run, now)
    correlation = run.correlation if run else ""
    drafts = [Draft(where, fact, causation, correlation, actor, metadata) for fact in facts]
    for failed in facts:
        if run is not None and isinstance(failed, RunFailed):
            owed = on_failure(run, run.id, failed.error, now)
            drafts += [Draft(held_at, fact, where, correlation) for held_at, fact in owed]
    return Decision(drafts, told(facts))


def _starting(worker_id: str, unwinds: bool, node: str) -> Callable[[str, Mapping[str, Any], int], Decision]:
    """What decides the start of a run, by its stream; the answer is what has Begun."""

    def start(run: Run | None, now: int) -> list[Fact]:
        return machine.decide_start(run, worker_id=worker_id, now=now, unwinds=unwinds, node=node)

    def decide(where: str, states: Mapping[str, Any], now: int) -> Decision:
        decision = decided_by(where, start, states, now)
        return Decision(decision.drafts, _begun(states[where], decision))

    return decide


def _begun(run: Run | None, decision: Decision) -> Begun | None:
    """A suspended run that nothing has woken has slept, and nothing came since its worker was told last."""
    started = decision.answer
    if not isinstance(started, RunStarted):
        return None
    if run is None or run.status != "waiting" or not run.suspended:
        return Begun(started, None)
    slept = [draft.fact for draft in decision.drafts if isinstance(draft.fact, StepCompleted)]
    return Begun(started, woken(slept, run.version + len(decision.drafts)))


def told(facts: Sequence[Fact]) -> RunStarted | RunPaused | None:
    """What the caller has to know of the facts that follow from its command."""
    last = facts[-1] if facts else None
    return last if isinstance(last, _TOLD) else None


def telling(done: Done) -> Done:
    """`done`, told Diverged where the run was stopped for it, and WriteRefused where the step failed of its writes."""

    def told(answer: Any, error: BaseException | None) -> None:
        if isinstance(answer, RunPaused) and answer.divergence is not None and answer.error is not None:
            done(None, Diverged(answer.error.message, hint="see both sides with `ironflow run get`"))
        elif isinstance(answer, StepFailed):
            done(None, WriteRefused(answer.error))
        else:
            done(answer, error)

    return told


def _beginning(new: Sequence[str], states: Mapping[str, Any]) -> Mapping[str, Any]:
    """The states, with streams that are about to begin."""
    return ChainMap(dict.fromkeys(new), cast("dict[str, Any]", states))


def together(first: Command, others: Sequence[Command]) -> Command:
    """One command: all is recorded or nothing. If the first has nothing to record, the others do not count."""

    def decide(states: Mapping[str, Any], now: int) -> Decision:
        decision = first.decide(states, now)
        if not writing.completes(decision):
            return decision
        drafts, new = list(decision.drafts), list(decision.new)
        for other in others:
            if any(draft.stream in other.streams for draft in drafts):
                continue  # the same idempotency key twice in one step
            also = other.decide(_beginning(other.new, states), now)
            drafts += also.drafts
            new += other.new if also.drafts else ()
        return Decision(drafts, decision.answer, new)

    streams = dict.fromkeys((*first.streams, *(stream for other in others for stream in other.streams)))
    return Command(first.environment, tuple(streams), decide)
