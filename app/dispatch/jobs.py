"""A job: a run handed to a worker, with everything the worker needs and the fence its reports must carry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.history.entry import Entry
from app.history.kinds import EventEmitted, RetryPolicy, RunUnwinding
from app.runs.memo import Memo


@dataclass(slots=True)
class Job:
    """`event` is the entry of the run's event; `lease_expires_at` in µs. `step_sequence_base` counts from 1.

    `resumes` is the parked job that goes on with this one: `memos` are then only what is new to it. `version` is that
    of the entry by which the execution began, or an earlier one without awaited steps before it.
    """

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
    function_version: int = 0
    version: int = 1
    resumes: str = ""
    unwind: RunUnwinding | None = None
    always_replay: bool = False
    step_sequence_base: int = 1
    lease_expires_at: int = 0
    acknowledged: bool = False
    started_at: int = 0

    @property
    def emitted(self) -> EventEmitted:
        fact = self.event.fact
        assert isinstance(fact, EventEmitted)
        return fact
