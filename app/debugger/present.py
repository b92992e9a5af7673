"""The present of a session: its live runs at the edge of what is recorded, and what stops them there.

Before the edge one moves through history as in any recording; at the edge, a move has the run go on. Whoever shows the
session is told from other threads, and gives the lock under which all of it is changed.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Protocol

from app.debugger.leases import ONE_STEP, Wanted, wanted
from app.debugger.live import ENDED, Json, Live
from app.debugger.session import Session
from app.debugger.step_ids import step_name
from app.debugger.threads import Stop, Thread
from ironflow import Client


class Shown(Protocol):
    """Whoever shows the session. Called under the lock."""

    def stopped(self, stop: Stop) -> None: ...
    def appeared(self, thread: Thread) -> None:
        """A child run began."""

    def caught_up(self) -> None:
        """More was recorded of runs that go on; messages of logpoints have been told."""

    def went_on(self, thread: Thread) -> None: ...
    def lost(self, text: str) -> None: ...


class Present:
    """`end` it, whatever happens."""

    def __init__(self, session: Session, client: Client, shown: Shown, lock: threading.RLock, *, owner: str) -> None:
        self._session = session
        self._shown = shown
        self._lock = lock
        self._at: tuple[Wanted, ...] = ()
        self._entry: Mapping[str, Any] = {}
        self._stepped: set[Thread] = set()
        self._started = False
        self.live = Live(client, self, owner=owner)

    def attend(self, run_id: str) -> Thread:
        """The thread of a run that is there, at the end of what is recorded. Raises NotFound."""
        thread = self._session.open(run_id)
        run = self.live.follow(run_id, thread.recording.function_id)
        self._rest(thread, run)
        self._look_for_children(thread, 0)
        return thread

    def begin(self, function_id: str, data: Any) -> Thread:
        """The thread of a new run of a function, which is held before it does anything."""
        run_id, self._entry = self.live.begin(function_id, data)
        thread = self._session.open(run_id)
        run = self.live.follow(run_id, function_id, paused_here=True)
        self._rest(thread, {**run, "held": self._entry})
        return thread

    def start(self, thread: Thread, *, on_entry: bool) -> Stop | None:
        """From now on, stops are told; the first one if there is one at once. A run that was begun here goes on, unless
        it is to stop on entry, or has come to a breakpoint."""
        self._started = True
        self.live.start()
        if self.live.goes(thread.recording.run_id):
            return None
        if self._entry and not on_entry:
            told = {"id": thread.recording.run_id, "function_id": thread.recording.function_id, "attempt": 1}
            hits = [one for one in self._at if one.fits(self._entry, told)]
            if hits:
                return self._held(thread, hits[0])
        if self.live.paused_here(thread.recording.run_id) and not on_entry:
            self.go_on(thread, one_step=False)
            return None
        return Stop(thread, "entry" if on_entry else "pause", _why(thread))

    # Moving.

    def is_at(self, thread: Thread) -> bool:
        """Whether one is at the edge of a run that may go on."""
        return self.live.follows(thread.recording.run_id) and thread.moment.index >= thread.end

    def go_on(self, thread: Thread, *, one_step: bool) -> None:
        """Have the run go on, by a step or to whatever stops it; that will be told."""
        thread.moment.edge, thread.moment.held = None, ""
        if one_step:
            self._stepped.add(thread.whole)
        self.live.go_on(thread.recording.run_id, one_step=one_step)

    def arm(self) -> Mapping[int, str]:
        """Hold live runs at the session's breakpoints. Those that cannot be, with what the server says."""
        found = [(one.id, lease) for one in self._session.all_breakpoints() if (lease := wanted(one)) is not None]
        self._at = tuple(dict.fromkeys(lease for _, lease in found))
        refused = self.live.arm(self._at)
        return {number: refused[lease] for number, lease in found if lease in refused}

    def commanded(self, thread: Thread) -> None:
        """Something was done to a run that may have it go on."""
        run_id = thread.recording.run_id
        if self.live.follows(run_id):
            self.live.look(run_id)
        else:
            self.live.follow(run_id, thread.recording.function_id)

    # What is heard of live runs.

    def rested(self, run: Json, by: Wanted | None) -> None:
        with self._lock:
            thread = self._session.threads[run["id"]]
            self._catch_up(thread)
            self._rest(thread, run)
            stop = self._held(thread, by) if by else self._unheld(thread, run)
            if run["status"] in ENDED and thread.parent and not stop.hits and thread not in self._stepped:
                return  # its parent goes on
            self._stepped.discard(thread)
            self._shown.stopped(stop)

    def progressed(self, run_id: str) -> None:
        with self._lock:
            self._catch_up(self._session.threads[run_id])
            self._shown.caught_up()

    def went_on(self, run_id: str) -> None:
        with self._lock:
            thread = self._session.threads[run_id]
            thread.moment.edge, thread.moment.held = None, ""
            self._shown.went_on(thread)

    def lost(self, text: str) -> None:
        with self._lock:
            self._shown.lost(text)

    def _rest(self, thread: Thread, run: Json) -> None:
        """At the edge: after a step that it is held after, or before one; else at the last record."""
        recording, held = thread.recording, run.get("held") or {}
        moment = thread.moment
        moment.index = moment.edge = recording.last
        moment.held = f"before {step_name(held['step_id'])}" if held.get("place") == "before" else ""
        if not self.live.follows(recording.run_id) or self.live.goes(recording.run_id):
            moment.edge = None
        if held.get("place") == "after":
            for index in range(recording.last, -1, -1):
                record = recording.records[index]
                if record.step_id == held["step_id"] and record.kind.startswith("step."):
                    moment.index = moment.edge = index
                    return

    def _held(self, thread: Thread, by: Wanted) -> Stop:
        there = self._session.at(thread)
        text = thread.moment.held or f"after {there.record.name}"
        hits = [one for one in self._session.all_breakpoints() if wanted(one) == by]
        if by == ONE_STEP and not hits:
            return Stop(there, "step", text)
        reason = hits[0].reason if hits else "breakpoint"
        return Stop(there, reason, text, [one.id for one in hits])

    def _unheld(self, thread: Thread, run: Json) -> Stop:
        hits = self._session.hits(thread.recording, thread.index)
        return self._session.stopped(thread, hits) if hits else Stop(self._session.at(thread), "pause", _why(thread))

    def _catch_up(self, thread: Thread) -> None:
        known = len(thread.recording.records)
        thread.recording.refresh()
        for index in range(known, len(thread.recording.records)):
            self._session.log(thread, index)
        self._session.hear(thread, known - 1, thread.recording.last)
        self._look_for_children(thread, known)

    def _look_for_children(self, thread: Thread, begin: int) -> None:
        records = thread.recording.records
        for index in range(begin, len(records)):
            record = records[index]
            if record.kind == "step.invoking" and record.child_run_id not in self._session.threads:
                if begin == 0 and thread.recording.ended_at(index) is not None:
                    continue
                child = self._session.open(record.child_run_id, parent=thread, called_at=index)
                run = self.live.follow(record.child_run_id, child.recording.function_id)
                self._rest(child, run)
                self._shown.appeared(child)
                by = self.live.by(run)
                if self._started and by is not None:
                    self._shown.stopped(self._held(child, by))
                self._look_for_children(child, 0)


def _why(thread: Thread) -> str:
    return thread.moment.held or thread.record.summary
