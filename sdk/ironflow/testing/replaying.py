"""A recorded run, replayed by the code of now: steps are answered from history, and none is run.

It is the worker's own execution of the run but for one thing: a step that history does not have is not taken. What was
asked for is noted, and the execution ends when the code has come to rest.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ironflow.assignment import Assignment, Recorded
from ironflow.body import SegmentEnded
from ironflow.divergence import location
from ironflow.execution import Execution
from ironflow.function import Function
from ironflow.reports import (
    COMPENSATION,
    AsyncInvocation,
    EventWait,
    Invocation,
    Report,
    RunCompleted,
    RunFailed,
    Sleep,
)
from ironflow.testing.recording import Recording
from ironflow.threads import Threads

LIMIT_S = 10.0
_WAITS = frozenset((Sleep.kind, EventWait.kind, Invocation.kind, AsyncInvocation.kind))
_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A step that the code asked for and history does not have, and where. `expected` is the first recorded step that
    it had not asked for by then."""

    step_id: str
    kind: str
    location: str
    expected: Recorded | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """How a replay ended: `completed` or `failed` by itself; else the code `asked` for more than is recorded, or was
    `stuck`. `missed` is the first recorded step that it did not ask for. `location` is where it ended, as far as that
    is known: where it raised, else the function."""

    location: str
    completed: RunCompleted | None = None
    failed: RunFailed | None = None
    asked: Asked | None = None
    missed: Recorded | None = None
    stuck: bool = False


class Replayer:
    """Replays recordings in one event loop, and keeps the threads for plain functions."""

    def __init__(self, *, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._handlers = Threads(4, name="ironflow-replay")
        self._threads = Threads(1, name="ironflow-replay-step")

    def close(self) -> None:
        self._handlers.close()
        self._threads.close()

    async def replay(self, function: Function, recording: Recording) -> Replayed:
        """What the function makes of the recorded run. Code outside of steps is run, as on a worker; the secrets that
        it declares have made-up values."""
        secrets = {name: f"the secret {name}" for name in function.options.secrets}
        said = _LastWord()
        execution = _Replaying(
            replace(recording.assignment, secrets=secrets),
            function=function,
            sink=said,
            handlers=self._handlers,
            threads=self._threads,
            on_end=_nothing,
        )
        _, stuck = await asyncio.wait([execution.start()], timeout=self._limit_s)
        if stuck:
            execution.abandon()
            return Replayed(location(function), stuck=True)
        completed = said.word if isinstance(said.word, RunCompleted) else None
        failed = said.word if isinstance(said.word, RunFailed) else None
        ended = completed is not None or failed is not None
        # A wait may have been given up, as that of a branch beside one that failed: history does not have it either.
        asked = [one for one in execution.asked if not ended or one.kind not in _WAITS]
        return Replayed(
            _raised_at(failed) or location(function),
            completed,
            failed,
            asked[0] if asked else None,
            execution.missed(),
        )


class _LastWord:
    """Keeps the end that is told, and nothing else: no step is reported, as none is taken."""

    def __init__(self) -> None:
        self.word: Report | None = None

    def report(self, report: Report) -> None:
        self.word = report


class _Replaying(Execution):
    """`asked` are steps that are not recorded, in the order in which the code asked for them."""

    def __init__(self, assignment: Assignment, **options: Any) -> None:
        super().__init__(assignment, **options)
        self.asked: list[Asked] = []
        self._steps: Sequence[Recorded] = assignment.steps
        self._known: set[str] = set()

    def recorded(self, step_id: str, kind: str, target: str = "") -> Recorded | None:
        step = super().recorded(step_id, kind, target)
        self._known.add(step_id)
        if step is not None:
            return step
        self.asked.append(Asked(step_id, kind, location(self._function), self.missed()))
        if kind == COMPENSATION or (self._function is not None and not self._function.is_async):
            self._root.closed = True
            raise SegmentEnded
        return None

    async def free(self) -> None:
        """Never: only what is recorded is taken."""
        self._touch()
        held = self.loop.create_future()
        self._held.add(held)
        self._deliveries.stir()
        await held

    def missed(self) -> Recorded | None:
        """The first recorded step that the code has not asked for."""
        return next((step for step in self._steps if step.step_id not in self._known), None)

    def _rested(self) -> None:
        ends_here = self.asked and self._diverged is None and not self.unwinding
        if not ends_here or self.over or self.running or self._returned:
            super()._rested()
        else:
            self._end()


def _nothing(execution: Execution) -> None:
    """No slot is to be freed."""


def _raised_at(failed: RunFailed | None) -> str:
    frames = _FRAME.findall(failed.failure.stack) if failed is not None else []
    return f"{frames[-1][0]}:{frames[-1][1]}" if frames else ""
