"""What differs: between two positions of a run, and between two runs, step by step. And the run to compare with: the
last that went well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from app import differences
from app.differences import ABSENT, Difference
from app.history.entry import Entry
from app.history.kinds import EventEmitted, Failure, RunCreated, StepInvoking, StepSleeping, StepWaiting
from app.runs import noun, precedents, reading
from app.runs.past import Moment, Past
from app.runs.precedents import Precedents
from app.runs.reading import RunRecord, StepRecord
from app.runs.state import step_path
from storage import events, history, runs
from storage.contract import Storage, Transaction
from storage.records import RunRow

CANDIDATES_MAX = 20
INPUT_BYTES_MAX = 256 * 1024

_decode = msgspec.json.Decoder().decode


class StepDiff(msgspec.Struct, frozen=True):
    """How a step differs, by its path. On one side there may be none."""

    path: str
    before: StepRecord | None
    after: StepRecord | None
    changes: Sequence[Difference]

    @property
    def change(self) -> Literal["added", "removed", "changed", "same"]:
        if self.before is None:
            return "added"
        if self.after is None:
            return "removed"
        return "changed" if self.changes else "same"


class RunDiff(msgspec.Struct, frozen=True):
    """What differs between two moments. `run` is of the run as a whole, its notes and waits included; of `steps` those
    that differ, or for two runs all. `truncated`: a step or the run had more differences than are told."""

    a: Moment
    b: Moment
    run: Sequence[Difference]
    steps: Sequence[StepDiff]
    truncated: bool

    @property
    def first_divergence(self) -> str | None:
        """The path of the first step that differs; "" if the input does; None if all is the same."""
        if any(one.path.startswith("/input") for one in self.run):
            return ""
        return next((step.path for step in self.steps if step.change != "same"), None)


class LastGood(msgspec.Struct, frozen=True):
    """A completed run to compare with. `similarity` of the inputs is from 0 to 1."""

    run: RunRow
    same_version: bool
    similarity: float


class Comparing:
    def __init__(self, storage: Storage, past: Past) -> None:
        self._storage = storage
        self._past = past

    async def diff(self, environment: str, run_id: str, a: int, b: int = history.END) -> RunDiff:
        """What changed in a run between two positions. Raises RunNotFound, also if it did not exist by then."""
        return await self._storage.read(
            lambda tx: _diff(
                self._past.read(tx, environment, run_id, a), self._past.read(tx, environment, run_id, b), across=False
            )
        )

    async def compare(
        self, environment: str, a: str, b: str, *, at: int = history.END, other_at: int = history.END
    ) -> RunDiff:
        """How run `b` differs from run `a`, each as of a position. Raises RunNotFound."""
        return await self._storage.read(
            lambda tx: _diff(
                self._past.read(tx, environment, a, at), self._past.read(tx, environment, b, other_at), across=True
            )
        )

    async def last_good(self, environment: str, run_id: str) -> LastGood | None:
        """Of the newest completed runs of the function that were created before this one: one of the same version if
        there is any, of those one with a similar input, of those the newest. Raises RunNotFound."""
        return await self._storage.read(lambda tx: _last_good(tx, environment, run_id))

    async def precedents(self, environment: str, run_id: str, step: str) -> Precedents:
        """What a step, by its id or path, gave in other runs of the function that went well. Raises RunNotFound."""
        path = step.removeprefix(f"{run_id}:")
        return await self._storage.read(lambda tx: precedents.of_step(tx, environment, run_id, path))


def _diff(a: Moment, b: Moment, *, across: bool) -> RunDiff:
    changes, truncated = differences.first(_of_run(a.run, across), _of_run(b.run, across))
    befores = {step_path(step.step_id): step for step in a.run.steps.values()}
    afters = {step_path(step.step_id): step for step in b.run.steps.values()}
    steps = []
    for path in _merged([*befores], [*afters]):
        before, after = befores.get(path), afters.get(path)
        if not across and (before is after or before == after):
            continue
        found, more = differences.first(_of_step(before, across), _of_step(after, across))
        truncated = truncated or more
        if across or found:
            steps.append(StepDiff(path, before, after, found))
    return RunDiff(a, b, changes, steps, truncated)


def _merged(a: Sequence[str], b: Sequence[str]) -> Iterator[str]:
    """Both, in order: what only `b` has stands after what it followed there."""
    known = set(a)
    after: dict[str, list[str]] = {}
    last = ""
    for path in b:
        if path in known:
            last = path
        else:
            after.setdefault(last, []).append(path)
    yield from after.get("", ())
    for path in a:
        yield path
        yield from after.get(path, ())


def _of_run(run: RunRecord, across: bool) -> dict[str, Any]:
    """What is compared of the run as a whole. Across runs, how it came there does not count."""
    state = run.state
    told: dict[str, Any] = {
        "function_version": state.function_version,
        "status": state.status,
        "input": _decode(run.input),
        "output": ABSENT if run.output is None else _decode(run.output),
        "error": _of_failure(state.error),
        "cancellation_cause": state.cancellation_cause or ABSENT,
        "notes": {note.name: _decode(note.value) for note in run.notes.values()},
        "waits": {step_path(step_id): _of_wait(open_.fact) for step_id, open_ in state.open.items()},
    }
    if not across:
        told |= {
            "attempt": state.attempt,
            "executions": run.executions,
            "worker_id": state.worker_id or ABSENT,
            "pause_reason": state.pause_reason or ABSENT,
        }
    return {name: value for name, value in told.items() if value is not ABSENT}


def _of_step(step: StepRecord | None, across: bool) -> Any:
    """What is compared of a step. Across runs neither ids of theirs count, nor how often it was tried."""
    if step is None:
        return ABSENT
    told = {
        "type": step.type,
        "status": step.status,
        "output": _of_output(step, across) if step.status == "completed" else ABSENT,
        "error": _of_failure(step.error),
        "input": ABSENT if step.input is None else _decode(step.input),
        "event": step.wait_event or ABSENT,
        "function_id": step.function_id or ABSENT,
    }
    if not across:
        told |= {
            "attempt": step.attempt,
            "child_run_id": step.child_run_id or ABSENT,
            "event_id": step.event_id or ABSENT,
            "until": step.sleep_until or step.wait_timeout or ABSENT,
            "corrected": step.corrections[-1].reason if step.corrections else ABSENT,
        }
    return {name: value for name, value in told.items() if value is not ABSENT}


def _of_output(step: StepRecord, across: bool) -> Any:
    output = _decode(step.output or b"null")
    if across and step.type == "invoke_function_async":
        return ABSENT  # the id of the child
    if across and step.type == StepWaiting.type and isinstance(output, Mapping):
        return {name: output[name] for name in ("name", "data") if name in output}
    return output


def _of_failure(failure: Failure | None) -> Any:
    return ABSENT if failure is None else {"message": failure.message, "code": failure.code}


def _of_wait(fact: StepSleeping | StepWaiting | StepInvoking) -> dict[str, str]:
    match fact:
        case StepSleeping():
            return {"type": fact.type}
        case StepWaiting():
            return {"type": fact.type, "event": fact.event}
        case StepInvoking():
            return {"type": fact.type, "function_id": fact.function_id}


def _last_good(tx: Transaction, environment: str, run_id: str) -> LastGood | None:
    row = reading.row_of(tx, environment, run_id)
    rows = runs.page(
        tx,
        environment,
        function_id=row.function_id,
        statuses=("completed",),
        before=run_id,
        limit=CANDIDATES_MAX,
    )
    own = _leaves(tx, row)
    found = [
        LastGood(one, one.function_version == row.function_version, _similarity(own, _leaves(tx, one))) for one in rows
    ]
    return max(found, key=lambda one: (one.same_version, round(one.similarity, 1), one.run.id), default=None)


def _leaves(tx: Transaction, row: RunRow) -> dict[str, Any]:
    """The leaves of a run's input by path; none of one that is too large to look at."""
    event = events.entry(tx, row.environment, row.event_id)
    created = history.version_of_stream(tx, row.environment, noun.stream(row.id), 1)
    if event is None or created is None or len(event.data) + len(created.data) > INPUT_BYTES_MAX:
        return {}
    fact = Entry(created).fact
    assert isinstance(fact, RunCreated)
    given = noun.given(fact, Entry(event)).fact
    assert isinstance(given, EventEmitted)
    return dict(_flat(_decode(given.data), ""))


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The leaves of a value; the places of a list are one."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}/{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _flat(inner, f"{path}/*")
    else:
        yield path, value


def _similarity(a: Mapping[str, Any], b: Mapping[str, Any]) -> float:
    """1 for the same leaves, 0 for none in common; one with another value counts half."""
    if not a and not b:
        return 1.0
    both = a.keys() & b.keys()
    equal = sum(differences.same(a[path], b[path]) for path in both)
    return (len(both) + equal) / 2 / len(a.keys() | b.keys())
