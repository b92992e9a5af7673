"""Threads of a session: a run, or a parallel branch of one; and where a move of one ended.

All threads of a run are at one moment, a place of its recording. A branch is where its last record by then is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.debugger.recording import Recording
from app.debugger.step_ids import branch_label
from ironflow.past import Record


@dataclass(eq=False)
class Moment:
    """The place that one is at in a run. Of a live run that is held, `edge` is the place that it has come to, and
    `held` says before what."""

    index: int = 0
    edge: int | None = None
    held: str = ""


@dataclass(eq=False)
class Thread:
    """`parent` is the thread of the run that invoked the run, `called_at` from where. `branch` is the path of a
    parallel branch, and `run` then the thread of its run."""

    id: int
    recording: Recording
    moment: Moment = field(default_factory=Moment)
    caller: Thread | None = None
    called_at: int = 0
    branch: str = ""
    run: Thread | None = None

    @property
    def whole(self) -> Thread:
        """The thread of the run."""
        return self.run or self

    @property
    def parent(self) -> Thread | None:
        return self.whole.caller

    @property
    def index(self) -> int:
        """The place; setting it moves the run."""
        now = self.moment.index
        return self.recording.branches.latest(self.branch, now) if self.branch else now

    @index.setter
    def index(self, index: int) -> None:
        self.moment.index = index

    @property
    def end(self) -> int:
        """The last place there is to be at."""
        return self.recording.last if self.moment.edge is None else self.moment.edge

    @property
    def record(self) -> Record:
        return self.recording.records[self.index]

    @property
    def title(self) -> str:
        recording = self.recording
        if self.branch:
            return f"{recording.run_id} · {branch_label(self.branch)} · {self.record.status}"
        return f"{recording.run_id} · {recording.function_id} · {recording.status(recording.last)}"


class Stop(NamedTuple):
    """Where a move ended, and why: `reason` as DAP calls it, `text` for people, `hits` the breakpoints met.
    `forked` is one in a run that was forked just now."""

    thread: Thread
    reason: str
    text: str = ""
    hits: Sequence[int] = ()
    forked: bool = False
