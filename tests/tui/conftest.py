"""A recording made by hand, and the debugger over it in this process, driven by keys."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static
from textual.worker import WorkerCancelled

from app.debugger.tui.app import Inspector
from app.debugger.tui.moving import MovingScreen
from app.debugger.tui.screen import RunScreen
from ironflow.errors import NotFound
from ironflow.logs import LogLine
from ironflow.past import Place, Record, RunState, StepState
from tests.support.bounds import within

BEGUN = ("open", "tell", "move", "runs")
"""What keys begin, and comes to an end."""

BEGAN = datetime(2026, 1, 31, 12, tzinfo=UTC)
CHARGE = {"step_id": "run_a:charge:0", "path": "charge:0", "name": "charge", "type": "invoke"}
FETCH = {"step_id": "run_a:fetch:0", "path": "fetch:0", "name": "fetch", "type": "invoke"}
CHILD = {"step_id": "run_a:ship:0", "path": "ship:0", "name": "ship", "type": "invoke_function"}

OUTPUTS = {"fetch:0": {"amount": 99, "id": 9007199254740993}, "charge:0": {"amount": 50}, "ship:0": "sent"}


def made(*told: Mapping[str, Any]) -> list[Record]:
    """Records a second apart, at the positions 10, 20, 30 …"""
    return [
        Record(position=number * 10, version=number, at=BEGAN + timedelta(seconds=number), **one)
        for number, one in enumerate(told, 1)
    ]


RECORDS = {
    "run_a": made(
        {"kind": "run.created", "function_id": "bill", "status": "waiting_for_capacity", "summary": "created"},
        {"kind": "run.started", "status": "running", "attempt": 1, "summary": "started"},
        {
            "kind": "step.completed",
            "status": "completed",
            "attempt": 1,
            "duration_ms": 5,
            "summary": "fetched",
            **FETCH,
        },
        {"kind": "step.failed", "status": "failed", "attempt": 1, "code": "E", "message": "declined", **CHARGE},
        {"kind": "run.retrying", "status": "waiting", "summary": "tries again"},
        {"kind": "step.completed", "status": "completed", "attempt": 2, "duration_ms": 12, "summary": "paid", **CHARGE},
        {"kind": "step.invoking", "status": "waiting", "child_run_id": "run_b", "attempt": 1, **CHILD},
        {"kind": "step.completed", "status": "completed", "attempt": 1, "summary": "shipped", **CHILD},
        {"kind": "run.completed", "status": "completed", "summary": "run completed"},
    ),
    "run_b": made(
        {"kind": "run.created", "function_id": "ship", "status": "waiting_for_capacity"},
        {"kind": "run.completed", "status": "completed"},
    ),
}


class Recorded:
    """A source of the records above, and of as many more as are put into it; `outputs` are those of patches."""

    outputs: Mapping[str, Any] = {}
    logged: Sequence[LogLine] = ()
    tags: Sequence[str] = ()

    def __init__(self) -> None:
        self.all = {run_id: list(records) for run_id, records in RECORDS.items()}

    def records(self, run_id: str, *, after: int = 0) -> Sequence[Record]:
        if run_id not in self.all:
            raise NotFound(f"there is no run {run_id}", code="RUN_NOT_FOUND")
        return [record for record in self.all[run_id] if record.position > after]

    def state(self, run_id: str, at: int) -> RunState:
        past = [record for record in self.all[run_id] if record.position <= at]
        last, newest = past[-1], self.all[run_id][-1]
        status = next(record.status for record in reversed(past) if record.kind.startswith("run."))
        steps = {record.path: self._step(record) for record in past if record.step_id}
        place = Place(newest.position, newest.version, newest.at)
        function = self.all[run_id][0].function_id
        known = {
            "tags": self.tags,
            "steps": tuple(steps.values()),
            "input": {"order": 7},
            "record": last,
            "newest": place,
        }
        return RunState(run_id, function, 1, status, at, last.version, last.at, **known)  # type: ignore[arg-type]

    def head(self, run_id: str, at: int) -> RunState:
        return self.state(run_id, at)

    def step(self, run_id: str, step_id: str, at: int) -> StepState:
        found = [one for one in self.state(run_id, at).steps if one.step_id == step_id]
        if not found:
            raise NotFound("there is no such step", code="NOT_FOUND")
        return found[0]

    def lines(self, run_id: str, *, after: int, at: int) -> Sequence[LogLine]:
        return [line for line in self.logged if after < line.position <= at]

    def _step(self, record: Record) -> StepState:
        known = {**OUTPUTS, **self.outputs} if record.kind == "step.patched" else OUTPUTS
        output = known.get(record.path, record.position) if record.status == "completed" else None
        error = {"code": record.code, "message": record.message} if record.status == "failed" else None
        about = {"output": output, "error": error, "attempt": record.attempt, "position": record.position}
        return StepState(record.step_id, record.path, record.name, record.type, record.status, **about)


@pytest.fixture
def source() -> Recorded:
    return Recorded()


@pytest.fixture
def inspector(source: Recorded) -> Callable[..., Inspector]:
    def make(**how: Any) -> Inspector:
        return Inspector(source, how.pop("changes", None), how.pop("run_id", "run_a"), **how)

    return make


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual looks every 20 ms whether the application has done what a key asked for; that is most of a test."""
    monkeypatch.setattr("textual._wait.SLEEP_GRANULARITY", 0.002)
    monkeypatch.setattr("textual._wait.SLEEP_IDLE", 0.0002)
    monkeypatch.delenv("NO_COLOR", raising=False)  # of whoever runs the tests


async def settled(pilot: Pilot[None]) -> None:
    """Until what keys began is done."""
    await pilot.pause()
    while going := [one for one in pilot.app.workers if one.group in BEGUN and not one.is_finished]:
        for worker in going:
            with contextlib.suppress(WorkerCancelled):  # another one took its place
                await pilot.app.workers.wait_for_complete([worker])
        await pilot.pause()
    await pilot.pause()


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Until it holds, with what the app has to do in between; the widgets of a screen that came are there, too."""
    async with within("what it shows to hold"):
        await pilot.pause()
        while not holds():
            await pilot.app.animator.wait_until_complete()
            await pilot.pause()
        await pilot.pause()


async def shown(pilot: Pilot[None], selector: str = "#content") -> str:
    """What stands there."""
    await settled(pilot)
    return str(pilot.app.screen.query_one(selector, Static).content)


async def afresh(pilot: Pilot[None], at: int) -> None:
    """As if the debugger had just been started at a position: an application for many tests."""
    app = pilot.app
    assert isinstance(app, Inspector)
    while len(app.screen_stack) > 2:
        await app.pop_screen()
    app.clear_notifications()
    app._session.edits.clear()
    app._session.breakpoints["steps"] = []
    front = app.screen
    assert isinstance(front, MovingScreen)  # a new one would take ten times as long
    front.playing, front.following, front.speed, front.only = False, False, 1.0, ""
    front.tab, front.digits = "Output", ""
    front.looking.compared, front.looking.hunk = None, 0
    front.looking.watches.clear()
    front.stops.clear()
    front._marks.clear()
    front.query_one("#panes").remove_class("zoomed")
    app.open("run_a", at=str(at))
    await settled(pilot)


def screen(app: Inspector) -> RunScreen:
    """The run's, which is in front."""
    assert isinstance(app.screen, RunScreen)
    return app.screen


def position(app: Inspector) -> int:
    return screen(app).thread.record.position
