"""What an execution is given to begin with, whoever carried it: the run, its event, and its recorded steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ironflow import jsonvalue
from ironflow.context import Event
from ironflow.failures import Failure


class Recorded:
    """A step as history has it. Its output is read when it is asked for, and anew each time."""

    __slots__ = ("_output", "attempt", "error", "failed", "kind", "name", "news", "step_id")

    def __init__(
        self,
        step_id: str,
        output: bytes = b"",
        *,
        name: str = "",
        kind: str = "",
        failed: bool = False,
        error: Mapping[str, Any] | None = None,
        attempt: int = 0,
        news: bool = False,
    ) -> None:
        """`output` is JSON, empty for none. `kind` is that of `CompletedStep.type`, empty if it was not told; `error`
        tells why the step failed, and `attempt` in which attempt of the run that was, 0 if that does not matter.
        `news`: no execution that was told of it has reported anything since."""
        self.step_id = step_id
        self.name = name
        self.kind = kind
        self.failed = failed
        self.error = error or {}
        self.attempt = attempt
        self.news = news
        self._output = output

    def value(self) -> Any:
        return jsonvalue.decode(self._output) if self._output else None


@dataclass(frozen=True, slots=True)
class Unwind:
    """The run ends, and what it did is to be compensated: `cause` is `cancelled`, `timed_out` or `failed`."""

    cause: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class Assignment:
    """One execution of a run. `steps` is what is recorded, in the order in which it was; without an `unwind` the run
    goes on. With `always_replay` it must not stay in memory while it waits; with `announces` it
    says which step it is about to run, and waits until it may. `rested`: the code came to rest before, and nothing was
    heard of it since."""

    run_id: str
    function_id: str
    event: Event
    steps: Sequence[Recorded] = ()
    attempt: int = 1
    max_attempts: int = 0
    on_exhausted: str = ""
    unwind: Unwind | None = None
    always_replay: bool = False
    announces: bool = False
    rested: bool = False
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
