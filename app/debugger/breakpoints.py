"""What to stop at: steps by name, records, changes of a value, failures; each with a condition in CEL.

A breakpoint is asked about one place of a recording, whichever way one came there.
"""

from __future__ import annotations

import fnmatch
import operator
import re
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Literal, TypeGuard

from app import expressions
from app.debugger import values
from app.debugger.recording import Recording
from app.errors import IronflowError

VARIABLES = frozenset(("step", "run", "state", "event"))
"""What conditions, watches and log messages may use."""

FILTERS: Mapping[str, str] = {
    "step_failed": "Failed attempts of steps",
    "run_failed": "Failed runs",
    "compensation": "Compensations",
    "policy_denied": "Denied by a policy",
    "patched": "Patched and injected outputs",
}

_COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "%": lambda attempt, number: number > 0 and attempt % number == 0,
}
_COUNT = re.compile(r"\s*(==|>=|<=|[=<>%])?\s*(\d+)\s*")


class BadBreakpoint(ValueError):
    """A breakpoint that cannot be read."""


@dataclass(frozen=True)
class When:
    """A condition in CEL, and one on the number of the attempt, such as `>= 2`. Both hold where they are empty."""

    condition: str = ""
    count: str = ""

    def __post_init__(self) -> None:
        if self.condition:
            compiled(self.condition)
        if self.count and _COUNT.fullmatch(self.count) is None:
            raise BadBreakpoint(f"{self.count[:40]!r} is no number of attempts, such as >= 2 or 3")

    def holds(self, recording: Recording, index: int) -> bool:
        """A condition that does not fit what there is, holds not."""
        if self.count:
            comparison, number = count_of(self.count)
            if not _COMPARISONS[comparison](recording.records[index].attempt, number):
                return False
        if not self.condition:
            return True
        return compiled(self.condition).true(variables(recording, index, self.condition), on_error=False)


def count_of(text: str) -> tuple[str, int]:
    """The comparison and the number of a condition on the number of the attempt; nothing is `==`."""
    found = _COUNT.fullmatch(text)
    assert found is not None
    return ("==" if found[1] in (None, "=") else found[1]), int(found[2])


@dataclass(frozen=True)
class AtStep:
    """`pattern` is a step's name or path, or `function/step`; `*` and `?` stand for what they do in file names. `place`
    is before or after, where a live run is held; "" leaves that to the condition. `message` is as of AtRecord."""

    id: int
    pattern: str
    when: When = field(default_factory=When)
    place: Literal["", "before", "after"] = ""
    message: str = ""
    reason: str = "function breakpoint"

    @cached_property
    def _fits(self) -> Callable[[str], Any]:
        return re.compile(fnmatch.translate(self.pattern)).match

    @cached_property
    def _known(self) -> dict[tuple[str, str], bool]:
        """Of functions and steps that were asked about, whether they fit."""
        return {}

    def _names(self, recording: Recording, name: str) -> bool:
        key = (recording.function_id, name)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = bool(self._fits(name) or self._fits("/".join(key)))
        return found

    def matches(self, recording: Recording, index: int) -> bool:
        record = recording.records[index]
        if not record.step_id:
            return False
        return self._names(recording, record.name) or (":" in self.pattern and bool(self._fits(record.path)))

    def hit(self, recording: Recording, index: int) -> bool:
        return self.matches(recording, index) and self.when.holds(recording, index)

    def places(self, recording: Recording) -> Sequence[Sequence[int]]:
        if ":" in self.pattern:
            return [range(len(recording.records))]
        return recording.places.named(partial(self._names, recording))

    def told(self, recording: Recording, index: int) -> str:
        return filled(self.message, recording, index)

    def known(self, recording: Recording) -> bool:
        """Whether the recording has such a step."""
        return any(self.matches(recording, index) for places in self.places(recording) for index in places)


@dataclass(frozen=True)
class AtRecord:
    """A record by its number, counted from 0. With `message` it tells instead of stopping; `{…}` in it is CEL."""

    id: int
    run_id: str
    index: int
    when: When = field(default_factory=When)
    message: str = ""
    reason = "breakpoint"

    def hit(self, recording: Recording, index: int) -> bool:
        return recording.run_id == self.run_id and index == self.index and self.when.holds(recording, index)

    def places(self, recording: Recording) -> Sequence[Sequence[int]]:
        return [[self.index]] if recording.run_id == self.run_id else []

    def told(self, recording: Recording, index: int) -> str:
        return filled(self.message, recording, index)


@dataclass(frozen=True)
class AtChange:
    """Where a value changes: `path` begins with the name of a step, or of a note."""

    id: int
    run_id: str
    path: str
    when: When = field(default_factory=When)
    reason = "data breakpoint"

    @cached_property
    def _parts(self) -> Sequence[str | int]:
        return values.parse_path(self.path)

    def hit(self, recording: Recording, index: int) -> bool:
        record = recording.records[index]
        if recording.run_id != self.run_id or index == 0 or self._parts[0] not in (record.name, record.path):
            return False
        before, after = (values.at_path(recording.values(at), self._parts) for at in (index - 1, index))
        return before is not after and before != after and self.when.holds(recording, index)

    def places(self, recording: Recording) -> Sequence[Sequence[int]]:
        if recording.run_id != self.run_id:
            return []
        name = str(self._parts[0])
        return [range(len(recording.records))] if ":" in name else [recording.places.by_name.get(name, [])]


@dataclass(frozen=True)
class AtFailure:
    """`filter` is one of FILTERS."""

    id: int
    filter: str
    when: When = field(default_factory=When)
    reason = "exception"

    def hit(self, recording: Recording, index: int) -> bool:
        [found] = self.places(recording)
        at = bisect_left(found, index)
        return at < len(found) and found[at] == index and self.when.holds(recording, index)

    def places(self, recording: Recording) -> Sequence[Sequence[int]]:
        known = recording.places
        match self.filter:
            case "step_failed":
                return [known.failed_steps]
            case "run_failed":
                return [known.failed_runs]
            case "compensation":
                return [known.compensations]
            case "policy_denied":
                return [known.denials]
            case _:
                return [known.edits]


Breakpoint = AtStep | AtRecord | AtChange | AtFailure
"""`reason` is what DAP calls it. `hit` tells whether it stops at a place, `places` lists of those at which it may."""


def tells(one: Breakpoint) -> TypeGuard[AtStep | AtRecord]:
    """Whether it is a logpoint, which stops nowhere."""
    return isinstance(one, AtStep | AtRecord) and bool(one.message)


def compiled(text: str) -> expressions.Expression:
    """Raises InvalidArgument."""
    return expressions.compile(text, variables=VARIABLES, field="expression")


def evaluated(text: str, recording: Recording, index: int, *, staged: Mapping[str, Any] | None = None) -> Any:
    """The value of an expression at a place, as JSON, with the outputs of steps that are staged in place of theirs, by
    step id. Raises InvalidArgument, EvaluationFailed."""
    from app import cel

    found = dict(variables(recording, index, text))
    if staged and "state" in found:
        places = recording.outputs(index)
        ids = {name: recording.records[at].step_id for name, at in places.items()}
        found["state"] |= {name: staged[step_id] for name, step_id in ids.items() if step_id in staged}
    if staged and "step" in found and recording.records[index].step_id in staged:
        found["step"]["output"] = staged[recording.records[index].step_id]
    value = compiled(text).evaluate(found)
    try:
        return cel.plain(value)
    except TypeError as error:
        raise expressions.EvaluationFailed(f"{text[:80]!r}: {error}") from None


def variables(recording: Recording, index: int, text: str) -> Mapping[str, Any]:
    """Those that the expression reads: `step` (the record's, with its output), `run`, `state` (what steps had given
    and the code had noted), `event` (its data)."""
    reads = set(compiled(text).reads)
    record = recording.records[index]
    found: dict[str, Any] = {}
    if "step" in reads:
        step = recording.step(index) if record.step_id else None
        found["step"] = {
            **{name: getattr(record, name) for name in ("name", "path", "kind", "status", "attempt", "position")},
            "output": step.output if step else None,
            "error": dict(step.error) if step and step.error else None,
        }
    if "run" in reads:
        found["run"] = {
            "id": recording.run_id,
            "function_id": recording.function_id,
            "status": recording.status(index),
        }
    if "state" in reads:
        found["state"] = dict(recording.values(index))
    if "event" in reads:
        found["event"] = {"data": recording.head(index).input, "name": recording.records[0].event}
    return found


def filled(message: str, recording: Recording, index: int) -> str:
    """A message with the values of what stands in braces; an error stands in place of a value."""

    def value(found: re.Match[str]) -> str:
        try:
            return values.line(evaluated(found[1], recording, index))
        except (IronflowError, expressions.EvaluationFailed) as error:
            return f"<{error}>"

    return re.sub(r"\{([^{}]+)\}", value, message)
