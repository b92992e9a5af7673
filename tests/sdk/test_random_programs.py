"""Random programs over every kind of step, side by side and nested, against a model of what they return.

Names are few, so that branches of a `gather` use the same ones: a step that found another's result would give another
tag than its own. Each program is run in place, replayed at each wait, and with workers that die; all must agree.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings

from ironflow import Context, NonRetryableError, Retry, StepError, function
from ironflow.execution import Execution
from ironflow.reports import Report, RunCompleted, RunFailed, Wait, Waiting
from ironflow.testing.bench import Bench, _event
from ironflow.testing.result import START, Incoming, Result

NAMES = ("a", "b")
EXAMPLES = 150


@dataclass(frozen=True)
class Run:
    name: str
    turns: int
    fails: bool = False


@dataclass(frozen=True)
class Sleep:
    name: str
    seconds: int


@dataclass(frozen=True)
class Await:
    name: str
    event: str
    seconds: int


@dataclass(frozen=True)
class Invoke:
    function_id: str


@dataclass(frozen=True)
class Emit:
    name: str


@dataclass(frozen=True)
class Compensate:
    name: str


@dataclass(frozen=True)
class Raise:
    pass


@dataclass(frozen=True)
class Side:
    """`gather`, or `parallel` with its options, of programs."""

    programs: tuple[tuple[Any, ...], ...]
    name: str = ""
    concurrency: int | None = None
    on_error: str = "collect"


names = st.sampled_from(NAMES)
leaves = st.one_of(
    st.builds(Run, names, st.integers(0, 3), st.sampled_from([False, False, False, True])),
    st.builds(Sleep, names, st.integers(1, 5)),
    st.builds(Await, names, st.sampled_from(["e.one", "e.two", "e.*"]), st.integers(1, 5)),
    st.builds(Invoke, st.sampled_from(["child", "other"])),
    st.builds(Emit, names),
    st.builds(Compensate, names),
)


def programs(depth: int) -> st.SearchStrategy[tuple[Any, ...]]:
    if not depth:
        return st.lists(leaves, max_size=4).map(tuple)
    inner = st.lists(programs(depth - 1), min_size=1, max_size=3).map(tuple)
    failing = st.tuples(programs(depth - 1), st.booleans()).map(
        lambda made: (*made[0], Raise()) if made[1] else made[0]
    )
    branches = st.lists(failing, min_size=1, max_size=3).map(tuple)
    limits = st.sampled_from([None, 1, 2])
    sides = st.one_of(
        st.builds(Side, inner),
        st.builds(Side, branches, name=names, concurrency=limits, on_error=st.sampled_from(["collect", "fail_fast"])),
    )
    return st.lists(st.one_of(leaves, sides), max_size=4).map(tuple)


async def follow(ctx: Context, program: Sequence[Any], path: str) -> list[Any]:
    return [await take(ctx, one, f"{path}.{index}") for index, one in enumerate(program)]


async def take(ctx: Context, one: Any, path: str) -> Any:
    """Do it; what comes back says where in the program this is."""

    async def work() -> str:
        for _ in range(one.turns):
            await asyncio.sleep(0)
        if one.fails:
            raise ValueError(path)
        return path

    match one:
        case Run():
            try:
                return await ctx.step.run(one.name, work)
            except StepError as error:
                return str(error)
        case Sleep():
            return await ctx.step.sleep(f"sleep {one.name}", one.seconds)
        case Await():
            found = await ctx.step.wait_for_event(
                f"await {one.name}", one.event, timeout=one.seconds, default={"late": path}
            )
            return found if isinstance(found, dict) else "came"
        case Invoke():
            return await ctx.step.invoke(one.function_id, path)
        case Emit():
            return await ctx.step.emit(one.name, path)
        case Compensate():
            return ctx.step.compensate(one.name, lambda: path) and None
        case Raise():
            raise NonRetryableError(path)
        case Side(name=""):
            return await asyncio.gather(
                *(follow(ctx, inner, f"{path}/{index}") for index, inner in enumerate(one.programs))
            )
        case Side():
            calls = [
                lambda inner=inner, index=index: follow(ctx, inner, f"{path}/{index}")
                for index, inner in enumerate(one.programs)
            ]
            try:
                found = await ctx.step.parallel(one.name, calls, concurrency=one.concurrency, on_error=one.on_error)
            except NonRetryableError as error:
                return f"error {error}"
            return [f"error {branch}" if isinstance(branch, Exception) else branch for branch in found]
    raise AssertionError(one)


class Watched(Bench):
    """A bench that keeps what it is told. `deaths` are the numbers of those step results that come to be recorded, but
    whose worker does not live to hear of it."""

    def __init__(self, *given: Any, deaths: Sequence[int] = (), **options: Any) -> None:
        super().__init__(*given, **options)
        self.ends: list[Any] = []
        self._deaths = deaths
        self._results = 0
        self._batch: list[str] = []

    def report(self, report: Report) -> None:
        match report:
            case Waiting():
                self.ends.append([(wait.kind, wait.step_id) for wait in report.waits])
            case RunCompleted() | RunFailed():
                self.ends.append(report)
            case _:
                pass
        super().report(report)

    def _acknowledge(self, step_id: str) -> None:
        self._results += 1
        if self._results in self._deaths:
            assert self._execution is not None
            assert self._said is not None
            self._batch.clear()
            self._execution.abandon()
            self._said.set_result(Waiting([]))
        else:
            # Results that become durable in one commit are acknowledged in one message.
            self._batch.append(step_id)
            if len(self._batch) == 1:
                self._flush(self._execution, turns=6)

    def _flush(self, execution: Execution | None, turns: int) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(self._flush, execution, turns - 1)
            return
        assert execution is not None
        batch, self._batch = self._batch, []
        for step_id in batch:
            execution.acknowledged(step_id)

    async def _wait(self, waits: Sequence[Wait]) -> None:
        if waits:
            await super()._wait(waits)


def outcome(program: Sequence[Any], *, fails: bool, replay: bool, deaths: Sequence[int] = ()) -> tuple[Result, Any]:
    @function("f", retry=Retry(max_attempts=1, on_exhausted="fail"))
    async def f(ctx: Context) -> Any:
        found = await follow(ctx, program, "")
        if fails:
            raise NonRetryableError("in the end")
        return found

    bench = Watched(
        f,
        _event(f, None, START),
        steps={},
        events=[Incoming("e.one", after=2), Incoming("e.two", after=1), Incoming("e.two", after=4)],
        functions={"child": lambda path: path, "other": lambda path: path},
        secrets={},
        cancel_at="",
        replay=replay,
        now=START,
        deaths=deaths,
    )
    return asyncio.run(asyncio.wait_for(bench.run(), 30)), bench.ends


def model(program: Sequence[Any], path: str) -> Any:
    """What the program returns, as far as that does not depend on time: `...` stands for the rest."""
    found = []
    for index, one in enumerate(program):
        here = f"{path}.{index}"
        match one:
            case Run():
                found.append(f"ValueError: {here}" if one.fails else here)
            case Sleep() | Emit() | Compensate():
                found.append(None)
            case Await():
                found.append(...)
            case Invoke():
                found.append(here)
            case Raise():
                return f"error {here}"
            case Side():
                branches = [model(inner, f"{here}/{number}") for number, inner in enumerate(one.programs)]
                errors = [branch for branch in branches if isinstance(branch, str)]
                found.append(... if errors and one.on_error == "fail_fast" else branches)
    return found


def agrees(got: Any, wanted: Any) -> bool:
    if wanted is ...:
        return True
    if isinstance(wanted, list):
        return isinstance(got, list) and len(got) == len(wanted) and all(map(agrees, got, wanted))
    return bool(got == wanted)


@settings(max_examples=EXAMPLES)
@given(programs(2), st.booleans(), st.sets(st.integers(1, 8), max_size=3))
def test_a_program_does_the_same_in_place_and_replayed_and_with_workers_that_die(
    program: tuple[Any, ...], fails: bool, deaths: set[int]
) -> None:
    in_place, told = outcome(program, fails=fails, replay=False)
    replayed, told_replayed = outcome(program, fails=fails, replay=True)
    survived, _ = outcome(program, fails=fails, replay=False, deaths=sorted(deaths))

    assert told_replayed == told
    assert replayed == in_place
    assert (survived.status, survived.elapsed) == (in_place.status, in_place.elapsed)
    assert sorted(step.id for step in survived.steps) == sorted(step.id for step in in_place.steps)
    if not fails:
        assert agrees(in_place.output, model(program, ""))
        assert agrees(survived.output, model(program, ""))
