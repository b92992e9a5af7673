"""What a test run came to, and what it may be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from ironflow.durations import Duration
from ironflow.lines import Level

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event for `wait_for_event`; it comes when the run has gone on for so long."""

    name: str
    data: Any = None
    after: Duration = 0


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A step as it would be recorded; `kind` is one of `CompletedStep.type`. A failed one has an `error` message, one
    that invokes a function the `tags` of the child run."""

    name: str
    kind: str
    status: Literal["completed", "failed"]
    output: Any = None
    error: str = ""
    id: str = ""
    tags: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Logged:
    """A line as it would be recorded; `step` is the name of the step that said it, "" between steps."""

    level: Level
    message: str
    fields: Mapping[str, Any]
    step: str = ""
    logger: str = ""


@dataclass(slots=True)
class Result:
    """`status` is `completed`, `failed`, `paused` (attempts used up) or `cancelled`. `steps` are in the order in which
    they were recorded. `events` and `messages` are what the run emitted and published, as (name, data); `writes` what
    it wrote to key-values, as (operation, bucket, key, value): none is refused here; `notes` what it noted, `logs` the
    lines that it logged, in the order of recording: a step's with its result; `tags` those that its code gave it."""

    status: Literal["completed", "failed", "paused", "cancelled"] = "completed"
    output: Any = None
    error: str = ""
    error_code: str = ""
    attempts: int = 1
    steps: list[StepTaken] = field(default_factory=list)
    events: list[tuple[str, Any]] = field(default_factory=list)
    messages: list[tuple[str, Any]] = field(default_factory=list)
    writes: list[tuple[str, str, str, Any]] = field(default_factory=list)
    notes: list[tuple[str, Any]] = field(default_factory=list)
    logs: list[Logged] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    began_at: datetime = START
    ended_at: datetime = START

    @property
    def elapsed(self) -> timedelta:
        """How long the run took, in its own time."""
        return self.ended_at - self.began_at

    def named(self, name: str) -> Sequence[StepTaken]:
        """The steps of that name, all tries."""
        return [step for step in self.steps if step.name == name]

    def step(self, name: str) -> StepTaken:
        """The last try of the step of that name. Raises KeyError that names those there are."""
        found = self.named(name)
        if not found:
            raise KeyError(
                f"no step {name!r}, but {', '.join(repr(step.name) for step in self.steps) or 'none at all'}"
            )
        return found[-1]

    @property
    def compensated(self) -> Sequence[str]:
        """The names of the steps that were undone, in that order."""
        undone = [step for step in self.steps if step.kind == "compensate" and step.status == "completed"]
        return [step.name.removeprefix("compensate:") for step in undone]
