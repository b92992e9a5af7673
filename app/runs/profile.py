"""How a function's runs went, and its steps: from a sample of its newest runs, which is said with every figure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import msgspec

from app.errors import InvalidArgument
from app.runs.noun import stream
from app.runs.stats import first_id
from storage import history, runs
from storage.contract import Storage, Transaction
from storage.history import StepTold
from storage.runs import Sampled

FUNCTIONS_MAX = 200
RUNS_SAMPLED = 200
RUNS_COUNTED_MAX = 10_000
PROFILE_RUNS = 100
PROFILE_ENTRIES_OF_RUN = 300
PROFILE_ENTRIES = 20_000
STEPS_MAX = 200

_COMPLETED = "step.completed"


class Spread(msgspec.Struct, frozen=True):
    """Of how many durations half, and nineteen of twenty, are no longer; in ms."""

    count: int
    p50_ms: int
    p95_ms: int


class FunctionStats(msgspec.Struct, frozen=True):
    """`begun` runs counted no further than RUNS_COUNTED_MAX; `counts` by status and `took` are of the newest `sampled`.
    `took` is of those that completed, from their first start on; None if none did."""

    function_id: str
    begun: int
    begun_exact: bool
    sampled: int
    counts: Mapping[str, int]
    took: Spread | None


class StepProfile(msgspec.Struct, frozen=True):
    """A step, by name and type: in how many runs, how often, how often it ended well, how often it failed so far, and
    how often it took more than one attempt; `took` is of those that completed."""

    name: str
    type: str
    runs: int
    count: int
    completed: int
    failed: int
    retried: int
    took: Spread | None


class Profile(msgspec.Struct, frozen=True):
    """Steps in the order in which the sampled runs came to them, at most STEPS_MAX of `steps_total`. `whole` tells
    whether all runs since, and all that they tell, was looked at."""

    function_id: str
    since: int
    sampled: int
    whole: bool
    steps: Sequence[StepProfile]
    steps_total: int


class ProfileReader:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def functions(self, environment: str, functions: Sequence[str], *, since: int) -> list[FunctionStats]:
        """In the order of `functions`. Raises InvalidArgument for more than FUNCTIONS_MAX."""
        if len(functions) > FUNCTIONS_MAX:
            raise InvalidArgument(
                f"{len(functions)} functions are too many", field="function_id", hint=f"at most {FUNCTIONS_MAX} at once"
            )
        return await self._storage.read(lambda tx: _functions(tx, environment, functions, since))

    async def steps(self, environment: str, function_id: str, *, since: int) -> Profile:
        return await self._storage.read(lambda tx: _profile(tx, environment, function_id, since))


def _functions(tx: Transaction, environment: str, functions: Sequence[str], since: int) -> list[FunctionStats]:
    first = first_id(since)
    begun = runs.begun(tx, environment, functions, first=first, limit=RUNS_COUNTED_MAX + 1)
    rows = runs.sampled(tx, environment, functions, since=since, first=first, sample=RUNS_SAMPLED)
    of = {key: list(group) for key, group in groupby(rows, key=lambda row: row.function_id)}
    return [_stats(function_id, begun.get(function_id, 0), of.get(function_id, [])) for function_id in functions]


def _stats(function_id: str, begun: int, rows: Sequence[Sampled]) -> FunctionStats:
    if len(rows) < RUNS_SAMPLED:  # all of them: the count by ids may have some from just before
        begun = len(rows)
    return FunctionStats(
        function_id=function_id,
        begun=min(begun, RUNS_COUNTED_MAX),
        begun_exact=begun <= RUNS_COUNTED_MAX,
        sampled=len(rows),
        counts=Counter(row.status for row in rows),
        took=spread(
            (row.ended_at - row.started_at) // 1_000
            for row in rows
            if row.status == "completed" and row.started_at is not None and row.ended_at is not None
        ),
    )


def _profile(tx: Transaction, environment: str, function_id: str, since: int) -> Profile:
    rows = runs.sampled(tx, environment, [function_id], since=since, first=first_id(since), sample=PROFILE_RUNS + 1)
    sampled = [row.id for row in rows[:PROFILE_RUNS]]
    told = history.steps_told(tx, environment, sampled, scan=PROFILE_ENTRIES_OF_RUN, limit=PROFILE_ENTRIES + 1)
    steps = profiled(told[:PROFILE_ENTRIES])
    return Profile(
        function_id=function_id,
        since=since,
        sampled=len(sampled),
        whole=len(rows) <= PROFILE_RUNS
        and len(told) <= PROFILE_ENTRIES
        and not any(_longer(tx, environment, row) for row in rows[:PROFILE_RUNS]),
        steps=steps[:STEPS_MAX],
        steps_total=len(steps),
    )


def _longer(tx: Transaction, environment: str, row: Sampled) -> bool:
    """Whether the run has more entries than are looked at; the row of one that runs does not count its reports."""
    last = PROFILE_ENTRIES_OF_RUN
    if row.version > last:
        return True
    return row.status == "running" and history.version_of_stream(tx, environment, stream(row.id), last + 1) is not None


def profiled(told: Iterable[StepTold]) -> list[StepProfile]:
    """What the reports of some runs, each in order, say of their steps; in the order in which these came first."""
    last: dict[str, StepTold] = {}
    attempts: Counter[str] = Counter()
    for report in told:
        last[report.step_id] = report
        attempts[report.step_id] = max(attempts[report.step_id], report.attempt)
    of: dict[tuple[str, str], list[StepTold]] = {}
    for report in last.values():
        of.setdefault((report.name, report.type), []).append(report)
    return [
        StepProfile(
            name=name,
            type=kind,
            runs=len({report.run_id for report in reports}),
            count=len(reports),
            completed=sum(report.kind == _COMPLETED for report in reports),
            failed=sum(report.kind != _COMPLETED for report in reports),
            retried=sum(attempts[report.step_id] > 1 for report in reports),
            took=spread(report.duration_ms for report in reports if report.kind == _COMPLETED),
        )
        for (name, kind), reports in of.items()
    ]


def spread(durations_ms: Iterable[int]) -> Spread | None:
    """By the nearest rank; clocks that went back count as nothing."""
    ordered = sorted(max(0, one) for one in durations_ms)
    if not ordered:
        return None
    return Spread(len(ordered), _ranked(ordered, 0.5), _ranked(ordered, 0.95))


def _ranked(ordered: Sequence[int], share: float) -> int:
    return ordered[math.ceil(share * len(ordered)) - 1]
