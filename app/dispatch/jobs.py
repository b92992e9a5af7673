"""A job: a run handed to a worker, with everything the worker needs and the fence its reports must carry."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from app.history.entry import Entry
from app.history.kinds import EventEmitted, Failure, RetryPolicy
from app.runs.reading import RunRecord

_SEGMENT = re.compile(r"(?:\\.|[^:\\])+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_RAW_PREFIXES = ("compensate", "publish")


class Memo(NamedTuple):
    """A step whose result is recorded: the worker returns it instead of running the step again."""

    step_id: str
    name: str
    output: msgspec.Raw | None
    error: Failure | None


def step_name(step_id: str) -> str:
    """The name within `<run id>[:<parallel>:<branch>]…:<name>:<number>`, unescaped (wire facts, "Step ids")."""
    parts = _SEGMENT.findall(step_id)
    if len(parts) < 3:
        return step_id
    name = _ESCAPED.sub(r"\1", parts[-2])
    return f"{parts[-3]}:{name}" if len(parts) > 3 and parts[-3] in _RAW_PREFIXES else name


@dataclass(slots=True)
class Job:
    """`event` is the entry of the run's event; `lease_expires_at` in µs. `step_sequence_base` counts from 1."""

    id: str
    environment: str
    run_id: str
    function_id: str
    execution_seq: int
    lease_token: str
    attempt: int
    retry: RetryPolicy
    event: Entry
    memos: Sequence[Memo] = ()
    step_sequence_base: int = 1
    lease_expires_at: int = 0
    acknowledged: bool = False
    started_at: int = 0

    @property
    def emitted(self) -> EventEmitted:
        fact = self.event.fact
        assert isinstance(fact, EventEmitted)
        return fact


def memos(run: RunRecord) -> list[Memo]:
    """What a worker must not run again: completed steps. A failed step is not remembered, it runs anew."""
    return [
        Memo(step.step_id, step.name, step.output, None) for step in run.steps.values() if step.status == "completed"
    ]
