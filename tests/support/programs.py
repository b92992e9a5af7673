"""Random programs over every kind of step, side by side and nested, and a model of what they return.

Names are few, so that branches of a `gather` use the same ones; what a step gives back says where in the program it
stands, so that one that found another's result is noticed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import hypothesis.strategies as st
from hypothesis import Phase, given, settings
from hypothesis import seed as seeded

from ironflow import Context, NonRetryableError, StepError

NAMES = ("a", "b")


@dataclass(frozen=True)
class Run:
    name: str
    turns: int
    fails: bool = False


@dataclass(frozen=True)
class Sleep:
    name: str
    units: int


@dataclass(frozen=True)
class Await:
    name: str
    event: str
    units: int


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
    """`gather`, or with a name `parallel` with its options, of programs."""

    programs: tuple[Program, ...]
    name: str = ""
    concurrency: int | None = None
    on_error: str = "collect"


Operation: TypeAlias = Run | Sleep | Await | Invoke | Emit | Compensate | Raise | Side
Program: TypeAlias = tuple[Operation, ...]

names = st.sampled_from(NAMES)
leaves = st.one_of(
    st.builds(Run, names, st.integers(0, 3), st.sampled_from([False, False, False, True])),
    st.builds(Sleep, names, st.integers(1, 5)),
    st.builds(Await, names, st.sampled_from(["e.one", "e.two", "e.*"]), st.integers(1, 5)),
    st.builds(Invoke, st.sampled_from(["child", "other"])),
    st.builds(Emit, names),
    st.builds(Compensate, names),
)


def programs(depth: int) -> st.SearchStrategy[Program]:
    """Programs whose branches are nested so deep."""
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


def drawn(count: int, *, seed: int) -> list[Program]:
    """Up to so many different programs, the same for the same seed."""
    found: dict[Program, None] = {}

    @seeded(seed)
    @settings(max_examples=count, phases=[Phase.generate], database=None)
    @given(programs(2))
    def draw(program: Program) -> None:
        found[program] = None

    draw()
    return list(found)


async def follow(ctx: Context, program: Program, path: str = "", *, unit_s: float) -> list[Any]:
    """Do it; what comes back says where in the program each operation is. Sleeps and timeouts are in units."""
    return [await _take(ctx, one, f"{path}.{index}", unit_s) for index, one in enumerate(program)]


async def _take(ctx: Context, one: Operation, path: str, unit_s: float) -> Any:
    match one:
        case Run():
            try:
                return await ctx.step.run(one.name, _work, one, path)
            except StepError as error:
                return str(error)
        case Sleep():
            return await ctx.step.sleep(f"sleep {one.name}", one.units * unit_s)
        case Await():
            name, timeout_s = f"await {one.name}", one.units * unit_s
            found = await ctx.step.wait_for_event(name, one.event, timeout=timeout_s, default={"late": path})
            return found if isinstance(found, dict) else "came"
        case Invoke():
            return await ctx.step.invoke(one.function_id, path)
        case Emit():
            return await ctx.step.emit(one.name, path)
        case Compensate():
            ctx.step.compensate(one.name, str, path)
            return None
        case Raise():
            raise NonRetryableError(path)
        case Side():
            return await _side(ctx, one, path, unit_s)


async def _work(one: Run, path: str) -> str:
    for _ in range(one.turns):
        await asyncio.sleep(0)
    if one.fails:
        raise ValueError(path)
    return path


async def _side(ctx: Context, side: Side, path: str, unit_s: float) -> Any:
    def begin(index: int) -> Callable[[], Any]:
        return lambda: follow(ctx, side.programs[index], f"{path}/{index}", unit_s=unit_s)

    calls = [begin(index) for index in range(len(side.programs))]
    if not side.name:
        return await asyncio.gather(*(call() for call in calls))
    options: Any = {"concurrency": side.concurrency, "on_error": side.on_error}
    try:
        found = await ctx.step.parallel(side.name, calls, **options)
    except NonRetryableError as error:
        return f"error {error}"
    return [f"error {branch}" if isinstance(branch, Exception) else branch for branch in found]


def model(program: Program, path: str = "") -> Any:
    """What the program returns, as far as that does not depend on time: `...` stands for the rest."""
    found: list[Any] = []
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
                failed = any(isinstance(branch, str) for branch in branches)
                found.append(... if failed and one.on_error == "fail_fast" else branches)
    return found


def agrees(got: Any, wanted: Any) -> bool:
    """Whether that is what the model says."""
    if wanted is ...:
        return True
    if isinstance(wanted, list):
        return isinstance(got, Sequence) and len(got) == len(wanted) and all(map(agrees, got, wanted))
    return bool(got == wanted)
