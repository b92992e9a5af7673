"""Expressions in CEL over a run as it was: what `step`, `run`, `state`, `event` are at a moment, as in the debugger."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from app import expressions
from app.errors import InvalidArgument, IronflowError
from app.expressions import EvaluationFailed, Expression
from app.history.kinds import NULL, RunLogged, RunNoted, RunTagged
from app.runs import reading
from app.runs.past import Moment, Past
from app.runs.reading import RunRecord, StepRecord
from app.runs.record import Record
from app.runs.state import step_path
from storage.contract import Storage, Transaction

if TYPE_CHECKING:
    from app.cel import Budget

EXPRESSIONS_MAX = 20
POSITIONS_MAX = 20
COST_MAX = 100_000
"""What all evaluations of one call may cost together."""

LOOKED_MAX = 1_000
"""Entries that are looked at for one page of turns."""

WORK_MAX = 200_000
"""What their evaluations may cost together, and the steps that states are made of for them: then the page ends with
that entry, after about half a second of the processor."""

BYTES_MAX = 2**20
"""The same of what the values take as JSON."""

VARIABLES = frozenset(("step", "run", "state", "event"))

_decode = msgspec.json.Decoder().decode


class Watched(msgspec.Struct, frozen=True):
    """What an expression was at a moment, or what was wrong with it: `error` is "" where nothing was. `code` is that of
    what kept a value from being told."""

    value: Any = None
    error: str = ""
    code: str = ""


class Turn(msgspec.Struct, frozen=True):
    """An entry of a run at which an expression was another value than before, and what each was then."""

    position: int
    version: int
    summary: str
    values: Sequence[Watched]


class Turns(msgspec.Struct, frozen=True):
    """Turns in order. `looked`: how many entries that is of, out of `of` that the run has, up to position `until`;
    `after`: the position to go on from, 0 at the end."""

    turns: Sequence[Turn]
    looked: int
    of: int
    until: int
    after: int


class Watching:
    def __init__(self, storage: Storage, past: Past) -> None:
        self._storage = storage
        self._past = past

    async def values(
        self, environment: str, run_id: str, texts: Sequence[str], positions: Sequence[int]
    ) -> Sequence[Sequence[Watched]]:
        """For each expression, what it was at each position. One that is no CEL, or does not fit what there was, says
        so in its own place. Raises RunNotFound, also if the run did not exist by then, and InvalidArgument."""
        _check_count(texts, EXPRESSIONS_MAX, "expressions")
        _check_count(positions, POSITIONS_MAX, "at")
        moments = await self._storage.read(
            lambda tx: [self._past.read(tx, environment, run_id, position) for position in positions]
        )
        from app import cel  # here, not in the thread: see loading.one_by_one

        return await asyncio.to_thread(_evaluated, texts, moments, cel.Budget(COST_MAX))

    async def turns(self, environment: str, run_id: str, texts: Sequence[str], *, after: int) -> Turns:
        """Where expressions were not what they had been at the entry before, from the first entry past a position on: a
        page of it, whose bounds are what it costs. Raises RunNotFound and InvalidArgument."""
        _check_count(texts, EXPRESSIONS_MAX, "expressions")
        from app import cel  # here, not in the thread: see loading.one_by_one

        assert cel is not None
        return await self._storage.read(
            lambda tx: _turns(tx, self._past, environment, run_id, [_compiled(text) for text in texts], after)
        )


def _check_count(given: Sequence[object], most: int, field: str) -> None:
    if len(given) > most:
        raise InvalidArgument(f"{len(given)} {field}, at most {most} are taken", field=field, hint="ask twice")


def _compiled(text: str) -> Expression | Watched:
    try:
        return expressions.compile(text, variables=VARIABLES, field="expression")
    except IronflowError as error:
        return Watched(error=str(error))


def _turns(
    tx: Transaction, past: Past, environment: str, run_id: str, wanted: Sequence[Expression | Watched], after: int
) -> Turns:
    from app import cel

    newest = reading.newest(tx, environment, run_id)
    known: list[Watched] | None = None
    told: list[bytes] = []
    if after > 0:
        moment = past.read(tx, environment, run_id, after)
        known = [_value(one, moment.run, moment.last, cel.Budget(COST_MAX)) for one in wanted]
        told = [_text(one) for one in known]
    found: list[Turn] = []
    looked, work, size, last = 0, 0, 0, after
    for run, record in past.walk(tx, environment, run_id, after=after, limit=LOOKED_MAX):
        looked, last = looked + 1, record.position
        anew = [nth for nth, one in enumerate(wanted) if known is None or _may_change(one, record)]
        if not anew:
            continue
        budget = cel.Budget(COST_MAX)
        values, texts = [*known] if known is not None else [], [*told]
        for nth in anew:
            value = _value(wanted[nth], run, record, budget)
            values[nth : nth + 1], texts[nth : nth + 1] = [value], [_text(value)]
        work += budget.spent + len(run.steps) * sum(_reads_state(wanted[nth]) for nth in anew)
        if known is None or texts != told:
            found.append(Turn(record.position, record.version, record.summary, values))
            size += sum(map(len, texts))
        known, told = values, texts
        if work > WORK_MAX or size > BYTES_MAX:
            break
    return Turns(found, looked=looked, of=newest.version, until=last, after=last if last < newest.position else 0)


def _may_change(wanted: Expression | Watched, record: Record) -> bool:
    """Whether an entry may have changed what an expression is; where it is not sure, it may."""
    if isinstance(wanted, Watched):
        return False
    reads = set(wanted.reads)
    of_run = record.kind.startswith("run.") and record.kind not in (RunNoted.kind, RunLogged.kind, RunTagged.kind)
    if "step" in reads or ("run" in reads and of_run):
        return True
    if "state" not in reads:
        return False
    names = _names(wanted.paths)
    return of_run or (record.kind != RunLogged.kind and (names is None or any(record.name in one for one in names)))


def _reads_state(wanted: Expression | Watched) -> bool:
    return not isinstance(wanted, Watched) and "state" in wanted.reads


def _text(watched: Watched) -> bytes:
    """What is compared: what did not fit is nothing, whatever was wrong with it."""
    return b"" if watched.error else msgspec.json.encode(watched.value)


def _evaluated(texts: Sequence[str], moments: Sequence[Moment], budget: Budget) -> Sequence[Sequence[Watched]]:
    return [[_value(one, moment.run, moment.last, budget) for moment in moments] for one in map(_compiled, texts)]


def _value(wanted: Expression | Watched, run: RunRecord, last: Record, budget: Budget) -> Watched:
    from app import cel

    if isinstance(wanted, Watched):
        return wanted
    try:
        return Watched(cel.plain(wanted.evaluate(_variables(wanted, run, last), budget=budget)))
    except (IronflowError, EvaluationFailed, TypeError) as error:
        return Watched(error=str(error))


def variables(expression: Expression, moment: Moment) -> Mapping[str, Any]:
    """What it reads of a moment."""
    return _variables(expression, moment.run, moment.last)


def _variables(expression: Expression, run: RunRecord, last: Record) -> Mapping[str, Any]:
    """Those that the expression reads: `step` (of the last record, with its output), `run`, `state` (what steps had
    given, and the code had noted), `event` (its name and data)."""
    reads = set(expression.reads)
    found: dict[str, Any] = {}
    if "step" in reads:
        step = run.steps.get(last.step_id)
        found["step"] = {
            "name": last.name,
            "path": step_path(last.step_id) if last.step_id else "",
            "kind": last.kind,
            "status": last.status,
            "attempt": last.attempt,
            "position": last.position,
            "output": _decode(step.output or NULL) if step else None,
            "error": {"message": step.error.message, "code": step.error.code} if step and step.error else None,
        }
    if "run" in reads:
        found["run"] = {"id": run.state.id, "function_id": run.created.function_id, "status": run.state.status}
    if "state" in reads:
        found["state"] = _state(run, _names(expression.paths))
    if "event" in reads:
        found["event"] = {"name": run.created.event_name, "data": _decode(run.input)}
    return found


def _names(paths: Iterable[tuple[str, ...]]) -> frozenset[str] | None:
    """The members of `state` that are read; None for all."""
    read = [path[1:] for path in paths if path[0] == "state"]
    return frozenset(path[0] for path in read) if all(read) else None


def _state(run: RunRecord, wanted: frozenset[str] | None) -> dict[str, Any]:
    """Notes, and outputs by the name of the step; by its path where several have that name."""
    steps = [step for step in run.steps.values() if step.status == "completed"]
    count = Counter(step.name for step in steps)

    def called(step: StepRecord) -> str:
        return step.name if step.name and count[step.name] == 1 else step_path(step.step_id)

    found = {note.name: note.value for note in run.notes.values()}
    found |= {called(step): step.output or NULL for step in steps}
    return {name: _decode(value) for name, value in found.items() if wanted is None or name in wanted}
