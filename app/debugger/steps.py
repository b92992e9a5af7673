"""The steps of a recording as a person reads them: a row for each attempt, as of any place.

Rows are made once from the records and grow with them; how one stood at a place is looked up when it is shown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.debugger.branches import depth_of
from app.debugger.recording import Recording
from ironflow.past import Record

_OPEN = frozenset(("running", "waiting", "sleeping"))
_CORRECTIONS = frozenset(("step.patched", "step.injected", "step.restored"))


@dataclass(eq=False)
class Row:
    """One attempt of a step: the places of its records, in order. `branch` is the path of its parallel branch."""

    step_id: str
    path: str
    name: str
    attempt: int
    branch: str = ""
    places: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Shown:
    """A row as of a place, and the record that made it so. `status` is "not reached" before its first record."""

    row: Row
    record: Record
    status: str
    duration_ms: int | None
    note: str
    edited: bool

    @property
    def position(self) -> int:
        return self.record.position


NOT_REACHED = "not reached"
INDENT = 2
"""Of what stands below a branch."""


class Steps:
    """The rows of a recording, in the order in which they began. `name_chars` is the room that the longest of their
    names takes in a tree, `has_branches` whether there is more to it than one line after the other."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self.rows: list[Row] = []
        self.name_chars = 0
        self.has_branches = False
        self._latest: dict[str, int] = {}
        self._named: dict[str, set[str]] = {}
        self._of_place: list[int] = []
        self.refresh()

    def refresh(self) -> None:
        """Take up the records that the recording has by now."""
        records = self._recording.records
        for index in range(len(self._of_place), len(records)):
            self._of_place.append(self._take(index, records[index]))

    def label(self, step: Row | Record) -> str:
        """What a person calls a step: its name, or its path where several steps have that name."""
        return step.name if len(self._named.get(step.name, ())) < 2 else step.path

    def name_in_tree(self, row: Row) -> str:
        """What a person calls a step that stands below its branch."""
        if not row.branch:
            return self.label(row)
        return row.name if row.path.endswith(":0") else f"{row.name}:{row.path.rpartition(':')[2]}"

    def number(self, index: int) -> int:
        """Of the row that a place belongs to: that of its step, or else the last that there was; -1 before all."""
        return self._of_place[index]

    def shown(self, number: int, index: int) -> Shown:
        """A row as of a place."""
        row, records = self.rows[number], self._recording.records
        known = bisect_right(row.places, index)
        if not known:
            return Shown(row, records[row.places[0]], NOT_REACHED, None, "", False)
        past = [records[place] for place in row.places[:known]]
        last = past[-1]
        edited = last.kind in ("step.patched", "step.injected")
        took = next((one.duration_ms for one in reversed(past) if one.duration_ms is not None), None)
        outcomes = (one.status for one in reversed(past) if edited or one.kind not in _CORRECTIONS)
        return Shown(row, last, next(filter(None, outcomes), ""), took, note(last), edited)

    def ended(self, number: int) -> str:
        """How an attempt ended, or stands, and what is said of it, with the type of its step."""
        records = self._recording.records
        one = self.shown(number, len(records) - 1)
        return f"{one.record.type} {one.status} {one.note}"

    def all(self, index: int) -> Sequence[Shown]:
        """Those that had begun by a place."""
        count = max(self._of_place[: index + 1], default=-1) + 1
        return [self.shown(number, index) for number in range(count)]

    def _take(self, index: int, record: Record) -> int:
        before = self._of_place[-1] if self._of_place else -1
        number = self._latest.get(record.step_id)
        if not record.kind.startswith("step."):  # a run may be woken by a step: it is no attempt of it
            return before if number is None else number
        if number is None or not (record.kind in _CORRECTIONS or self._is_open(number)):
            number = self._latest[record.step_id] = len(self.rows)
            self._named.setdefault(record.name, set()).add(record.step_id)
            branch = self._recording.branches.at(index)
            row = Row(record.step_id, record.path, record.name, record.attempt, branch)
            self.rows.append(row)
            self.has_branches = self.has_branches or bool(branch)
            self.name_chars = max(self.name_chars, len(self.name_in_tree(row)) + INDENT * depth_of(branch))
        row = self.rows[number]
        row.places.append(index)
        row.attempt = max(row.attempt, record.attempt)
        return number

    def _is_open(self, number: int) -> bool:
        return self._recording.records[self.rows[number].places[-1]].status in _OPEN


def note(record: Record) -> str:
    """What else there is to say of a record of a step, in a few words."""
    match record.kind:
        case "step.failed":
            said = f"{record.code}: {record.message}" if record.code else record.message
        case "step.patched" | "step.injected" | "step.restored":
            by = f" by {record.actor}" if record.actor else ""
            said = f"{record.kind.removeprefix('step.')}{by}" + (f": {record.reason}" if record.reason else "")
        case "step.waiting" if record.event:
            said = f"for {record.event}"
        case "step.sleeping" if record.until:
            said = f"until {record.until:%Y-%m-%d %H:%M:%S}Z"
        case "step.invoking":
            said = f"child {record.child_run_id}"
        case "step.carried":
            said = "carried from the run that this is a fork of"
        case _:
            said = ""
    if record.compensation_for:
        return f"undoes {record.compensation_for.partition(':')[2] or record.compensation_for}" + (said and f"; {said}")
    return said
