"""A session over recorded runs: where one is in each of them, how one moves, and what one would change.

The terminal debugger and the DAP server are two faces of it. Threads are runs: the one that the session began with,
and its children, once they were stepped into; and where one asks for them, parallel branches of runs. Edits are staged,
and change nothing before they are committed.
"""

from __future__ import annotations

import itertools
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, Protocol

from app.debugger import values
from app.debugger.branches import is_within, outer_of
from app.debugger.breakpoints import AtChange, Breakpoint, tells
from app.debugger.places import between
from app.debugger.recording import Recording, Source
from app.debugger.surroundings import Surroundings
from app.debugger.threads import Stop, Thread

BEGINNING = "the beginning of what was recorded"
END = "the end of what was recorded"
PRESENT = "the present of a live run: to continue from here has it go on"


class Unchangeable(ValueError):
    """Nothing can be changed where the recording is."""


class Edit(NamedTuple):
    """Another output for a step of a run, not sent yet. `version` is that of the run that was looked at."""

    run_id: str
    step_id: str
    path: str
    output: Any
    version: int


Tell = Callable[[Thread, int, str], None]
"""Told the message of a logpoint that was passed, and where."""

Hear = Callable[[Thread, int, int], None]
"""Told that one went on in a run, from a place to a later one: what was logged between may be shown."""


class Changes(Protocol):
    """What can be asked of the place where recordings are, to change what happens next. Raises what the SDK raises."""

    def plan(
        self, run_id: str, action: str, *, edit: Edit | None = None, from_step: str = "", position: int | None = None
    ) -> Mapping[str, Any]:
        """What an action (patch, inject, resume, fork, replay) would lead to, step by step."""
        ...

    def patch(self, edit: Edit, reason: str, *, resume: bool = False) -> None: ...
    def inject(self, edit: Edit, reason: str, *, resume: bool = False) -> None:
        """As `patch`, for a step of a paused run that has not ended."""
        ...

    def pause(self, run_id: str, reason: str) -> None: ...
    def cancel(self, run_id: str, reason: str) -> None: ...
    def resume(self, run_id: str, reason: str, *, from_step: str = "") -> None: ...
    def fork(self, run_id: str, position: int, edits: Sequence[Edit], reason: str) -> str:
        """The new run's id."""
        ...

    def replay(self, run_id: str, reason: str) -> str:
        """The new run's id."""
        ...


@dataclass
class Session:
    """`breakpoints` are those of each kind; whoever sets them replaces a kind as a whole. Without `changes`, as of a
    bundle, nothing can be committed. Steps whose names fit a glob of `over` are passed when one steps. `by_branch`: a
    parallel branch has a thread of its own, and one that steps in another thread passes it; else all of a run is one.
    `threads` are those of runs."""

    source: Source
    changes: Changes | None = None
    tell: Tell = lambda thread, index, message: None
    over: Sequence[str] = ()
    by_branch: bool = False
    surroundings: Surroundings | None = None
    hear: Hear = lambda thread, first, last: None
    threads: dict[str, Thread] = field(default_factory=dict)
    breakpoints: dict[str, Sequence[Breakpoint]] = field(default_factory=dict)
    edits: dict[tuple[str, str], Edit] = field(default_factory=dict)
    _branches: dict[tuple[str, str], Thread] = field(default_factory=dict)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def open(self, run_id: str, *, parent: Thread | None = None, called_at: int | None = None) -> Thread:
        """The thread of a run. Raises NotFound."""
        known = self.threads.get(run_id)
        if known is None:
            known = Thread(next(self._ids), Recording(self.source, run_id))
            self.threads[run_id] = known
        if parent is not None:
            known.caller, known.called_at = parent.whole, parent.index if called_at is None else called_at
        return known

    def forget(self, run_id: str) -> None:
        """The run is of another session."""
        del self.threads[run_id]

    def thread(self, number: int) -> Thread:
        """Raises KeyError."""
        for thread in (*self.threads.values(), *self._branches.values()):
            if thread.id == number:
                return thread
        raise KeyError(number)

    def at(self, thread: Thread, index: int | None = None) -> Thread:
        """The thread of a place of the run that a thread belongs to, which is here if none is given."""
        whole = thread.whole
        branch = whole.recording.branches.at(whole.index if index is None else index) if self.by_branch else ""
        return self._branch(whole, branch)

    def under_way(self) -> Sequence[Thread]:
        """The runs, and the branches of each that are under way where one is in it."""
        found: list[Thread] = []
        for whole in self.threads.values():
            found.append(whole)
            if self.by_branch:
                branches = whole.recording.branches.under_way(whole.index)
                found += [self._branch(whole, branch) for branch in branches]
        return found

    def _branch(self, whole: Thread, branch: str) -> Thread:
        if not branch:
            return whole
        key = (whole.recording.run_id, branch)
        if key not in self._branches:
            made = Thread(next(self._ids), whole.recording, whole.moment, branch=branch, run=whole)
            self._branches[key] = made
        return self._branches[key]

    # Moving.

    def step(self, thread: Thread, direction: int, *, by_record: bool = False) -> Stop:
        """To the next step boundary of the thread (direction 1) or the one before (-1); or to the next record of its
        run. What other threads of the run have between is passed, but for breakpoints. A branch that has no more ends
        in what it is within."""
        recording = thread.recording
        if by_record:
            target = thread.moment.index + direction
            found = target if 0 <= target <= recording.last else None
        else:
            ahead = (one for one in recording.boundaries(thread.index, direction) if not self._passes(thread, one))
            found = next(ahead, None)
            if (found is None or found > thread.end) and thread.branch:
                return self.step_out(thread) if direction > 0 else self._back_out(thread)
        if found is None or found > thread.end:
            return self._edge(thread, direction)
        if (met := self._met_between(thread, found, direction)) is not None:
            return met
        thread.index = found
        return self._met(thread) or Stop(self.at(thread), "step", recording.records[found].summary)

    def _passes(self, thread: Thread, index: int) -> bool:
        record = thread.recording.records[index]
        if self.by_branch and thread.recording.branches.at(index) != thread.branch:
            return True
        return bool(record.step_id) and any(fnmatchcase(record.name, one) for one in self.over)

    def _met_between(self, thread: Thread, target: int, direction: int) -> Stop | None:
        """A breakpoint in another thread of the run, on the way to a place."""
        branches = thread.recording.branches
        for index in self._stops(thread, target, direction) if self.by_branch else ():
            if branches.at(index) != thread.branch and (hits := self._hits(thread, index)):
                thread.index = index
                return self.stopped(thread, hits)
        return None

    def step_in(self, thread: Thread) -> Stop:
        """Into the child run that the record here, or else the next boundary, invokes; or into the branch that is next;
        else as `step`."""
        recording, branches = thread.recording, thread.recording.branches
        ahead = list(itertools.islice(recording.boundaries(thread.moment.index, 1), 1))
        own = [one for one in ahead if not self.by_branch or branches.at(one) == thread.branch]
        for index in (thread.index, *own):
            child = recording.records[index].child_run_id
            if child and recording.records[index].kind == "step.invoking":
                thread.index = index
                inner = self.open(child, parent=thread)
                inner.index = 0
                return Stop(inner, "step", f"into {inner.title}")
        for index in ahead:
            if index not in own and is_within(branches.at(index), thread.branch) and index <= thread.end:
                thread.index = index
                return self._met(thread) or Stop(self.at(thread), "step", recording.records[index].summary)
        return self.step(thread, 1)

    def step_out(self, thread: Thread) -> Stop:
        """Out of a branch, to what comes after it in what it is within; out of a child run, to where its parent has its
        result; a run without a parent here ends."""
        recording = thread.recording
        branch = thread.branch or recording.branches.at(thread.index)
        if branch:
            outer = outer_of(branch)
            for found in recording.boundaries(recording.branches.end(branch), 1):
                if found <= thread.end and recording.branches.at(found) == outer:
                    thread.index = found
                    return Stop(self.at(thread), "step", recording.records[found].summary)
            return self._edge(thread, 1)
        parent = thread.parent
        if parent is None:
            return self._edge(thread, 1)
        ended = parent.recording.ended_at(thread.whole.called_at)
        parent.index = parent.recording.last if ended is None else ended
        return Stop(self.at(parent), "step", f"out of {thread.recording.run_id}")

    def _back_out(self, thread: Thread) -> Stop:
        """To what came before a branch in what it is within."""
        recording, outer = thread.recording, outer_of(thread.branch)
        for found in recording.boundaries(thread.index, -1):
            if recording.branches.at(found) == outer:
                thread.index = found
                return Stop(self.at(thread), "step", recording.records[found].summary)
        return self._edge(thread, -1)

    def run(self, thread: Thread, direction: int) -> Stop:
        """On, or back, to the next breakpoint; else to the end, or the beginning."""
        last = thread.end if direction > 0 else 0
        for index in self._stops(thread, last + direction, direction):
            if hits := self._hits(thread, index):
                thread.index = index
                return self.stopped(thread, hits)
        return self._edge(thread, direction)

    def _stops(self, thread: Thread, target: int, direction: int) -> Iterator[int]:
        """Places on the way to another one, before it, at which breakpoints may stop."""
        lists = [places for one in self.all_breakpoints() for places in one.places(thread.recording)]
        return between(lists, thread.moment.index + direction, target)

    def _hits(self, thread: Thread, index: int) -> Sequence[Breakpoint]:
        """The breakpoints that stop at a place that is come to; the messages of logpoints there are told."""
        met = [one for one in self.all_breakpoints() if one.hit(thread.recording, index)]
        for one in met:
            if tells(one):
                self.tell(thread, index, one.told(thread.recording, index))
        return [one for one in met if not tells(one)]

    def go(self, thread: Thread, index: int) -> Stop:
        """To a place; the nearest there is."""
        thread.index = found = min(max(index, 0), thread.recording.last)
        return Stop(self.at(thread), "goto", thread.recording.records[found].summary)

    def wrote(self, thread: Thread, path: str) -> int | None:
        """The place whose record made a value what it is: the last, by here, where it changed. None if it never did.
        Raises BadPath."""
        watched = AtChange(0, thread.recording.run_id, path)
        values.parse_path(path)
        ahead = between(watched.places(thread.recording), thread.moment.index, 0)
        return next((at for at in ahead if watched.hit(thread.recording, at)), None)

    def hits(self, recording: Recording, index: int) -> Sequence[Breakpoint]:
        """The breakpoints that stop at a place."""
        return [one for one in self.all_breakpoints() if not tells(one) and one.hit(recording, index)]

    def all_breakpoints(self) -> Iterable[Breakpoint]:
        for kind in self.breakpoints.values():
            yield from kind

    def log(self, thread: Thread, index: int) -> None:
        """Tell the messages of logpoints at a place that is passed."""
        for one in self.all_breakpoints():
            if tells(one) and one.hit(thread.recording, index):
                self.tell(thread, index, one.told(thread.recording, index))

    def _met(self, thread: Thread) -> Stop | None:
        """A breakpoint at the place that a step led to is said to be one."""
        hits = self._hits(thread, thread.moment.index)
        return self.stopped(thread, hits) if hits else None

    def stopped(self, thread: Thread, hits: Sequence[Breakpoint]) -> Stop:
        """Where breakpoints stop it."""
        there = self.at(thread)
        return Stop(there, hits[0].reason, there.record.summary, [one.id for one in hits])

    def _edge(self, thread: Thread, direction: int) -> Stop:
        if direction < 0:
            thread.index = 0
            return Stop(thread.whole, "entry", BEGINNING)
        thread.index = thread.end
        return Stop(self.at(thread), "pause", END if thread.moment.edge is None else PRESENT)

    # What would be changed.

    def stage(self, thread: Thread, step_id: str, path: Sequence[str | int], new: Any) -> Edit:
        """Another output, or another part of one, for a step that has ended by the place; nothing is sent. Raises
        KeyError for a step that has not, BadPath."""
        recording = thread.recording
        step = recording.step(thread.index, step_id)
        if step is None or step.status not in ("completed", "failed"):
            raise KeyError(step_id)
        key = (recording.run_id, step.step_id)
        output = self.edits[key].output if key in self.edits else step.output
        edit = Edit(*key, step.path, values.with_path(output, path, new), recording.records[-1].version)
        self.edits[key] = edit
        return edit

    def stage_path(self, thread: Thread, path: str, new: Any) -> Edit:
        """The same by a path such as `charge.amount`. Raises KeyError, BadPath."""
        name, *inner = values.parse_path(path)
        places = thread.recording.outputs(thread.index)
        known = isinstance(name, str) and name in places
        return self.stage(
            thread, thread.recording.records[places[str(name)]].step_id if known else str(name), inner, new
        )

    def staged(self, thread: Thread) -> Mapping[str, Any]:
        """Outputs that are staged for steps of the run, by step id."""
        run_id = thread.recording.run_id
        return {edit.step_id: edit.output for edit in self.edits.values() if edit.run_id == run_id}

    def staged_names(self, thread: Thread) -> Sequence[str]:
        """The same steps by name, of those that had completed by the place."""
        staged = self.staged(thread)
        if not staged:
            return ()
        records = thread.recording.records
        return [name for name, at in thread.recording.outputs(thread.index).items() if records[at].step_id in staged]

    def commit(self, reason: str) -> None:
        """Patch runs with what is staged. Raises what the SDK raises; what was patched by then is staged no more."""
        changes = self.changing()
        for key, edit in list(self.edits.items()):
            changes.patch(edit, reason)
            del self.edits[key]
        for run_id in self.threads:
            self.threads[run_id].recording.refresh()

    def fork(self, thread: Thread, reason: str) -> Stop:
        """A new run from the place, with what is staged of it: a thread of its own."""
        edits = [edit for edit in self.edits.values() if edit.run_id == thread.recording.run_id]
        run_id = self.changing().fork(thread.recording.run_id, thread.record.position, edits, reason)
        forked = self.open(run_id)
        for edit in edits:
            del self.edits[edit.run_id, edit.step_id]
        return Stop(forked, "goto", f"forked as {run_id}", forked=True)

    def changing(self) -> Changes:
        """Raises Unchangeable."""
        if self.changes is None:
            raise Unchangeable("a bundle can be looked at, and not changed: attach to a server")
        return self.changes

    def unended(self, thread: Thread, step_id: str, output: Any) -> Edit | None:
        """An output for a step that has not ended by the place, to be injected; None where one cannot be: the run is
        not paused, or the step not begun."""
        recording = thread.recording
        step = recording.step(thread.index, step_id)
        if step is None or recording.status(recording.last) != "paused":
            return None
        return Edit(recording.run_id, step.step_id, step.path, output, recording.records[-1].version)

    def values(self, thread: Thread) -> Mapping[str, Any]:
        """What steps had given by the place, with what is staged in its stead."""
        found = thread.recording.values(thread.index)
        staged = self.staged(thread)
        if not staged:
            return found
        places, records = thread.recording.outputs(thread.index), thread.recording.records
        names = self.staged_names(thread)
        return ChainMap({name: staged[records[places[name]].step_id] for name in names}, found)  # type: ignore[arg-type]
