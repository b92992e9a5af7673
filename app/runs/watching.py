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
from app.history.kinds import NULL
from app.runs.past import Moment, Past
from app.runs.reading import StepRecord
from app.runs.state import step_path
from storage.contract import Storage

if TYPE_CHECKING:
    from app.cel import Budget

EXPRESSIONS_MAX = 20
POSITIONS_MAX = 20
COST_MAX = 100_000
"""What all evaluations of one call may cost together."""

VARIABLES = frozenset(("step", "run", "state", "event"))

_decode = msgspec.json.Decoder().decode


class Watched(msgspec.Struct, frozen=True):
    """What an expression was at a moment, or what was wrong with it: `error` is "" where nothing was. `code` is that of
    what kept a value from being told."""

    value: Any = None
    error: str = ""
    code: str = ""


class Watching:
    def __init__(self, storage: Storage, past: Past) -> None:
        self._storage = storage
        self._past = past

    async def values(
        self, environment: str, run_id: str, texts: Sequence[str], positions: Sequence[int]
    ) -> Sequence[Sequence[Watched]]:
        """For each expression, what it was at each position. One that is no CEL, or does not fit what there was, says
        so in its own place. Raises RunNotFound, also if the run did not exist by then, and InvalidArgument."""
        for given, most, field in ((texts, EXPRESSIONS_MAX, "expressions"), (positions, POSITIONS_MAX, "at")):
            if len(given) > most:
                raise InvalidArgument(f"{len(given)} {field}, at most {most} are taken", field=field, hint="ask twice")
        moments = await self._storage.read(
            lambda tx: [self._past.read(tx, environment, run_id, position) for position in positions]
        )
        from app import cel  # here, not in the thread: see loading.one_by_one

        return await asyncio.to_thread(_evaluated, texts, moments, cel.Budget(COST_MAX))


def _evaluated(texts: Sequence[str], moments: Sequence[Moment], budget: Budget) -> Sequence[Sequence[Watched]]:
    return [[_watched(text, moment, budget) for moment in moments] for text in texts]


def _watched(text: str, moment: Moment, budget: Budget) -> Watched:
    from app import cel

    try:
        compiled = expressions.compile(text, variables=VARIABLES, field="expression")
        return Watched(cel.plain(compiled.evaluate(variables(compiled, moment), budget=budget)))
    except (IronflowError, EvaluationFailed, TypeError) as error:
        return Watched(error=str(error))


def variables(expression: Expression, moment: Moment) -> Mapping[str, Any]:
    """Those that the expression reads: `step` (of the last record, with its output), `run`, `state` (what steps had
    given, and the code had noted), `event` (its name and data)."""
    reads = set(expression.reads)
    run, last = moment.run, moment.last
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
        found["state"] = _state(moment, _names(expression.paths))
    if "event" in reads:
        found["event"] = {"name": run.created.event_name, "data": _decode(run.input)}
    return found


def _names(paths: Iterable[tuple[str, ...]]) -> frozenset[str] | None:
    """The members of `state` that are read; None for all."""
    read = [path[1:] for path in paths if path[0] == "state"]
    return frozenset(path[0] for path in read) if all(read) else None


def _state(moment: Moment, wanted: frozenset[str] | None) -> dict[str, Any]:
    """Notes, and outputs by the name of the step; by its path where several have that name."""
    steps = [step for step in moment.run.steps.values() if step.status == "completed"]
    count = Counter(step.name for step in steps)

    def called(step: StepRecord) -> str:
        return step.name if step.name and count[step.name] == 1 else step_path(step.step_id)

    found = {note.name: note.value for note in moment.run.notes.values()}
    found |= {called(step): step.output or NULL for step in steps}
    return {name: _decode(value) for name, value in found.items() if wanted is None or name in wanted}
