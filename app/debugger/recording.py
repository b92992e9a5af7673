"""A recorded run to move through: its records, where its steps end, and what was known at each of them.

Records are light and all in memory; outputs and states are asked for when they are looked at, as of a position, and
kept for a while. A recording does not grow by itself: `refresh` takes up what was recorded since.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from app.debugger.branches import Branches
from app.debugger.places import Places
from ironflow import durations, errors
from ironflow.logs import LogLine
from ironflow.past import Record, RunState, StepState

STEPS_WHOLE_MAX = 1_000
"""Steps up to which a state is asked for with all its outputs; of larger runs, outputs are asked for one by one."""
KEPT = 256
ENDED = frozenset(("completed", "failed", "cancelled"))
LOGGED = "run.logged"
LINES_MAX = 500
LOGGED_MAX = 100
"""Lines, and records that have some, that are asked for between two places: the last ones."""

T = TypeVar("T")

_RESTS = frozenset(
    ("run.created", "run.paused", "run.completed", "run.failed", "run.cancelled", "run.resumed", "run.unwinding")
)
"""Of what happens to a run as a whole, what a person who steps wants to see."""


class Source(Protocol):
    """Where recordings are: a server, or a bundle. Raises what the SDK raises."""

    def records(self, run_id: str, *, after: int = 0) -> Iterable[Record]: ...
    def state(self, run_id: str, at: int) -> RunState: ...
    def head(self, run_id: str, at: int) -> RunState:
        """The same without its steps."""
        ...

    def step(self, run_id: str, step_id: str, at: int) -> StepState: ...
    def lines(self, run_id: str, *, after: int, at: int) -> Iterable[LogLine]:
        """What was logged after a position, up to another one."""
        ...


class Around:
    """A source in front of another one, which is asked for all that this one does not tell in a way of its own."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def records(self, run_id: str, *, after: int = 0) -> Iterable[Record]:
        return self._source.records(run_id, after=after)

    def state(self, run_id: str, at: int) -> RunState:
        return self._source.state(run_id, at)

    def head(self, run_id: str, at: int) -> RunState:
        return self._source.head(run_id, at)

    def step(self, run_id: str, step_id: str, at: int) -> StepState:
        return self._source.step(run_id, step_id, at)

    def lines(self, run_id: str, *, after: int, at: int) -> Iterable[LogLine]:
        return self._source.lines(run_id, after=after, at=at)


class Recording:
    """`records` are all of the run's, in order; a place in it is an index into them."""

    def __init__(self, source: Source, run_id: str) -> None:
        """Raises NotFound."""
        self.run_id = run_id
        self.records: list[Record] = list(source.records(run_id))
        self._source = source
        self._positions = [record.position for record in self.records]
        self._states: OrderedDict[int, RunState] = OrderedDict()
        self._heads: OrderedDict[int, RunState] = OrderedDict()
        self._steps: OrderedDict[tuple[str, int], StepState] = OrderedDict()
        self._completions = Completions()
        self.branches = Branches()
        self.places = Places()
        self._attempts: list[int] = []
        self._statuses: list[int] = []
        self._note(0)

    @property
    def function_id(self) -> str:
        return self.records[0].function_id

    @property
    def last(self) -> int:
        return len(self.records) - 1

    def refresh(self) -> int:
        """Take up what was recorded since; how many records that were."""
        new = list(self._source.records(self.run_id, after=self._positions[-1]))
        self.records += new
        self._positions += [record.position for record in new]
        self._note(len(self.records) - len(new))
        return len(new)

    def _note(self, begin: int) -> None:
        """Take up records, from a place on, into what is looked up by place, and count what a person had changed."""
        for index in range(begin, len(self.records)):
            record = self.records[index]
            self.branches.add(record.path)
            self.places.add(record)
            if record.kind.startswith("run.") and record.status:
                self._statuses.append(index)
            if record.kind == "run.started":
                self._attempts.append(index)
            if record.step_id and record.status == "completed":
                self._completions.add(record, index)

    def status(self, index: int) -> str:
        """The run's, as of a place."""
        known = bisect_right(self._statuses, index)
        return self.records[self._statuses[known - 1]].status if known else ""

    def attempt(self, index: int) -> int:
        """The run's attempt under way at a place, or the last before; 0 before all."""
        known = bisect_right(self._attempts, index)
        return self.records[self._attempts[known - 1]].attempt if known else 0

    def before_next(self, index: int) -> int | None:
        """The last position before the run's next record: what a step wrote was recorded with it, behind it. None is
        now, of a run that goes on."""
        if index < self.last:
            return self._positions[index + 1] - 1
        return self._positions[index] if self.status(index) in ENDED else None

    def index_of(self, position: int) -> int:
        """The last place at or before a position of history; the first if it is before all of them."""
        return max(0, bisect_right(self._positions, position) - 1)

    def index_at(self, instant: Any) -> int:
        """The last place recorded by an instant; the first if it is before all of them."""
        return max(0, bisect_right(self.records, instant, key=lambda record: record.at) - 1)

    def place(self, text: str) -> int:
        """The last place by what a person gave: a position of history, RFC 3339, or such as `15m` before now. Raises
        ValueError."""
        if text.isdecimal():
            return self.index_of(int(text))
        try:
            return self.index_at(datetime.now(UTC) - timedelta(seconds=durations.seconds(text)))
        except ValueError:
            instant = datetime.fromisoformat(text)
        return self.index_at(instant if instant.tzinfo else instant.replace(tzinfo=UTC))

    def where(self, at: Any) -> int:
        """The place that a configuration names: start, end, failure, or as `place`. Raises ValueError."""
        match at:
            case "start":
                return 0
            case "end":
                return self.last
            case "failure":
                found = self.first_failure()
                return self.last if found is None else found
        try:
            return self.place(str(at))
        except (ValueError, TypeError):
            names = "neither start, end, failure, a position, nor a time such as 2026-01-31T12:00:00Z or 15m"
            raise ValueError(f"at: {at!r} is {names}") from None

    def first_failure(self) -> int | None:
        """Where the run, or else a step of it, failed; of several the last."""
        for kind in ("run.failed", "step.failed"):
            for index in range(self.last, -1, -1):
                if self.records[index].kind == kind:
                    return index
        return None

    def failures(self, index: int) -> Sequence[Record]:
        """Each failed attempt by a place of the step that it belongs to, or of all steps where it belongs to none."""
        step_id = self.records[index].step_id
        past = self.records[: index + 1]
        return [one for one in past if one.kind == "step.failed" and step_id in ("", one.step_id)]

    # Places where a step ended, or the run came to rest.

    def is_boundary(self, index: int) -> bool:
        record = self.records[index]
        return record.kind.startswith("step.") or record.kind in _RESTS

    def boundaries(self, index: int, direction: int) -> Iterator[int]:
        """Those after a place (direction 1) or before it (-1), the nearest first."""
        index += direction
        while 0 <= index <= self.last:
            if self.is_boundary(index):
                yield index
            index += direction

    def ended_at(self, index: int) -> int | None:
        """Where the step that is waited for at a place ended: a child run's, seen from its parent."""
        step_id = self.records[index].step_id
        for later in range(index + 1, len(self.records)):
            record = self.records[later]
            if record.step_id == step_id and record.kind in ("step.completed", "step.failed"):
                return later
        return None

    # What was known.

    def state(self, index: int) -> RunState:
        """The run as of a place."""
        position = self._positions[index]
        return _kept(self._states, position, lambda: self._source.state(self.run_id, position))

    def head(self, index: int) -> RunState:
        """The same without its steps, of which there may be many."""
        position = self._positions[index]
        known = self._states.get(position)
        return known or _kept(self._heads, position, lambda: self._source.head(self.run_id, position))

    def step(self, index: int, step_id: str = "") -> StepState | None:
        """A step as of a place, the one of its record if none is named; None where it had not begun."""
        position = self._positions[index]
        step_id = step_id or self.records[index].step_id
        if not step_id:
            return None
        key = (step_id, position)
        try:
            return _kept(self._steps, key, lambda: self._source.step(self.run_id, step_id, position))
        except errors.NotFound:
            return None

    def lines(self, first: int, last: int) -> tuple[Sequence[LogLine], bool]:
        """What the records after a place, up to another one, say was logged: of very much the end, and whether that is
        so. Nothing is asked for where no record says so."""
        logged = [index for index in range(first + 1, last + 1) if self.records[index].kind == LOGGED]
        if not logged:
            return (), False
        begin = logged[-LOGGED_MAX:][0]
        told = self._source.lines(self.run_id, after=self._positions[begin] - 1, at=self._positions[last])
        found = [*deque(told, LINES_MAX + 1)]
        return found[-LINES_MAX:], begin != logged[0] or len(found) > LINES_MAX

    def outputs(self, index: int) -> Mapping[str, int]:
        """The steps that had completed by a place, by the name that a person calls them, with the place where they
        did. A name that several steps have is their path."""
        return Outputs(self._completions, index)

    def corrected(self, index: int) -> Iterator[str]:
        """Those of `outputs` that a person gave, by name."""
        found = Outputs(self._completions, index)
        for at in self._completions.corrections[: bisect_right(self._completions.corrections, index)]:
            name = found.name_of(self.records[at].path)
            if found[name] == at:
                yield name

    def values(self, index: int) -> Mapping[str, Any]:
        """What the steps that had completed by a place had given, and what the code had noted."""
        if len(self.outputs(index)) > STEPS_WHOLE_MAX:
            return _Lazily(self, index)
        state = self.state(index)
        given = {step.path: step.output for step in state.steps if step.status == "completed"}
        named = {name: given.get(self.records[at].path) for name, at in self.outputs(index).items()}
        return {**{name: note.value for name, note in state.notes.items()}, **named}


class Completions:
    """When each step was completed, by path, in the order in which they first were; grown record by record."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.first: list[int] = []
        self.names: dict[str, str] = {}
        self.places: dict[str, list[int]] = {}
        self.named: dict[str, list[str]] = {}
        self.corrections: list[int] = []

    def add(self, record: Record, place: int) -> None:
        if record.path not in self.places:
            self.paths.append(record.path)
            self.first.append(place)
            self.places[record.path] = []
            self.names[record.path] = record.name
            self.named.setdefault(record.name, []).append(record.path)
        self.places[record.path].append(place)
        if record.kind in ("step.patched", "step.injected"):
            self.corrections.append(place)


class Outputs(Mapping[str, int]):
    """The steps that had completed by a place, with the place where they did. It costs what is looked at, however long
    the run is."""

    def __init__(self, completions: Completions, index: int) -> None:
        self._all = completions
        self._index = index
        self._count = bisect_right(completions.first, index)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        for number in range(self._count):
            yield self.name_of(self._all.paths[number])

    def __getitem__(self, name: str) -> int:
        named = self._all.named.get(name, ())
        path = named[0] if named and self.name_of(named[0]) == name else name
        places = self._all.places.get(path, ())
        known = bisect_right(places, self._index)
        if not known or self.name_of(path) != name:
            raise KeyError(name)
        return places[known - 1]

    def name_of(self, path: str) -> str:
        """What a person calls a step: its name, or its path where several have that name by then."""
        name = self._all.names[path]
        named = self._all.named[name]
        several = len(named) > 1 and self._all.places[named[1]][0] <= self._index
        return path if several or not name else name


class _Lazily(Mapping[str, Any]):
    """Outputs of a large run, each asked for when it is read."""

    def __init__(self, recording: Recording, index: int) -> None:
        self._recording = recording
        self._index = index
        self._places = recording.outputs(index)

    def __getitem__(self, name: str) -> Any:
        step = self._recording.step(self._index, self._recording.records[self._places[name]].step_id)
        return step.output if step is not None else None

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _kept(cache: OrderedDict[Any, T], key: Any, ask: Any) -> T:
    if key in cache:
        cache.move_to_end(key)
        return cache[key]
    found: T = ask()
    cache[key] = found
    if len(cache) > KEPT:
        cache.popitem(last=False)
    return found
