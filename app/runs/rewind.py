"""Corrections of runs, as people ask for them: planned first, then made by one command each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from app import jsonvalue
from app.history.entry import Entry
from app.history.kinds import Fact, StepCompleted
from app.runs import correcting, planning, steering
from app.runs.asking import Request
from app.runs.engine import Engine
from app.runs.forgetting import COMPENSATION, undoes
from app.runs.noun import stream
from app.runs.planning import Plan
from app.runs.reading import RunReader, RunRecord, StepRecord, load, not_found
from app.runs.state import AWAITED, Run, known
from storage import history, runs
from storage.contract import Storage, Transaction

SIMILAR_RUNS_MAX = 20
SIMILAR_ENTRIES_MAX = 1_000


class Corrected(NamedTuple):
    """The run after the correction, the step, and the output that it had before, if it had one. The step is None where
    the run was resumed from before it, or never came to it."""

    run: RunRecord
    step: StepRecord | None
    previous: msgspec.Raw | None


class Wish(NamedTuple):
    """A correction that is asked for: `verb` is patch, inject or undo; with `resume` the run goes on at once, with
    `from_step` from that step."""

    verb: str
    step: str
    output: msgspec.Raw = msgspec.Raw(b"null")
    type: str = ""
    resume: bool = False
    from_step: str = ""


class Rewind:
    def __init__(self, *, storage: Storage, engine: Engine, reader: RunReader) -> None:
        self._storage = storage
        self._engine = engine
        self._reader = reader

    async def plan(self, environment: str, run_id: str, wish: Wish) -> Plan:
        """What would come of it; `verb` may be resume too. Raises as doing it does."""
        _check(wish)
        entries, compensated = await self._storage.read(lambda tx: _entries(tx, environment, run_id))
        run, _ = planning.folded(entries)
        plan = planning.resumed(wish.verb, entries, _decided(run, wish, reason=""))
        foreseen(plan, compensated)
        return plan

    async def correct(self, environment: str, run_id: str, wish: Wish, request: Request) -> Corrected:
        """Raises InvalidArgument, RunNotFound, StepNotFound, FailedPrecondition, RunChanged, IdempotencyConflict."""
        _check(wish)
        request = request.checked(needs_reason=True)
        wanted = msgspec.json.encode((wish.verb, wish.step, wish.output, wish.type, wish.resume, wish.from_step))
        await self._engine.change(
            environment, run_id, request, wanted, lambda run: _decided(run, wish, reason=request.reason)
        )
        record = await self._reader.get(environment, run_id)
        step = next((one for one in record.steps.values() if wish.step in steering.spellings(one.step_id)), None)
        before = step.corrections[-1].before if step is not None and step.corrections else None
        return Corrected(record, step, before.output if before is not None and before.error is None else None)

    async def next_step(self, environment: str, run: RunRecord) -> str:
        """The name of the step that a paused run comes to next: what failed or waits, else what came next in the last
        run of its function that completed. "" if that tells nothing."""
        for step in run.steps.values():
            if step.status in ("waiting", "sleeping") or (step.error is not None and step.type not in AWAITED):
                return step.name
        state = run.state
        return await self._storage.read(lambda tx: _next_step(tx, environment, state))


def foreseen(plan: Plan, compensated: frozenset[str]) -> None:
    """Say which of the kept steps would be undone if the run failed for good."""
    plan.compensations = [one.name for one in plan.of("kept", "changed") if one.name in compensated]


def compensated(tx: Transaction, environment: str, run: Run) -> frozenset[str]:
    """Names of the steps that compensations have undone, in this run and the last that failed or were cancelled of its
    function; very long ones are not looked at."""
    rows = runs.page(
        tx, environment, function_id=run.function_id, statuses=("failed", "cancelled"), limit=SIMILAR_RUNS_MAX
    )
    names: set[str] = set()
    others = (row.id for row in rows if row.version <= SIMILAR_ENTRIES_MAX)
    for run_id in dict.fromkeys((run.id, *others)):
        for record in history.whole_stream(tx, environment, stream(run_id)):
            if record.kind == StepCompleted.kind:
                fact = Entry(record).fact
                assert isinstance(fact, StepCompleted)
                if fact.type == COMPENSATION:
                    names.add(fact.compensation_for or undoes(fact.step_id))
    return frozenset(names)


def _next_step(tx: Transaction, environment: str, run: Run) -> str:
    rows = runs.page(tx, environment, function_id=run.function_id, statuses=("completed",), limit=1)
    if not rows:
        return ""
    taken = {one.partition(":")[2] for one in run.steps}
    steps = load(tx, environment, rows[0].id).steps.values()
    return next((step.name for step in steps if step.step_id.partition(":")[2] not in taken), "")


def _entries(tx: Transaction, environment: str, run_id: str) -> tuple[Sequence[Entry], frozenset[str]]:
    if "\0" in run_id:  # no id has one, and Postgres cannot be asked
        raise not_found(environment, run_id)
    entries = [Entry(record) for record in history.whole_stream(tx, environment, stream(run_id))]
    if not entries:
        raise not_found(environment, run_id)
    run, _ = planning.folded(entries)
    return entries, compensated(tx, environment, run)


def _decided(run: Run, wish: Wish, *, reason: str) -> list[Fact]:
    """The facts of the correction, and of the resumption that goes with it."""
    run = known(run)
    match wish.verb:
        case "patch":
            facts = correcting.decide_patch(run, step=wish.step, output=wish.output, reason=reason)
        case "inject":
            facts = correcting.decide_inject(run, step=wish.step, output=wish.output, reason=reason, type=wish.type)
        case "undo":
            facts = correcting.decide_undo(run, step=wish.step, reason=reason)
        case "resume":
            return steering.decide_resume(run, from_step=wish.from_step, reason=reason)
        case _:
            raise AssertionError(f"{wish.verb} is no correction")
    if wish.resume or wish.from_step:
        facts += steering.decide_resume(run, from_step=wish.from_step, reason=reason)
    return facts


def _check(wish: Wish) -> None:
    jsonvalue.check(bytes(wish.output), field="output")
