"""A job: a run handed to a worker, with everything the worker needs and the fence its reports must carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from app.dispatch.redaction import Redaction
from app.history.entry import Entry
from app.history.kinds import EventEmitted, RetryPolicy, RunUnwinding
from app.runs.memo import Memo

T = TypeVar("T")


@dataclass(slots=True)
class Job:
    """`event` is the entry of the run's event; `lease_expires_at` in µs. `step_sequence_base` counts from 1.

    `resumes` is the parked job that goes on with this one: `memos` are then only what is new to it. `version` is that
    of the entry by which the execution began, or an earlier one without awaited steps before it. `secrets` are what
    its function declares, by name; whoever records what the worker tells sends it through `redacted`. With `announces`
    its steps are announced before they are run. `rested`: the run's code came to rest, and was not heard of since.
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
    announces: bool = False
    rested: bool = False
    step_sequence_base: int = 1
    lease_expires_at: int = 0
    acknowledged: bool = False
    started_at: int = 0
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    redaction: Redaction | None = None

    def entrust(self, secrets: Mapping[str, str]) -> None:
        """The worker is to have these secrets, and what it tells is to be without them."""
        if secrets:
            self.secrets, self.redaction = secrets, Redaction(secrets)

    def redacted(self, told: T) -> T:
        """What the worker tells, without the secrets it was given. Raises SecretInName."""
        return told if self.redaction is None else self.redaction(told)

    @property
    def emitted(self) -> EventEmitted:
        fact = self.event.fact
        assert isinstance(fact, EventEmitted)
        return fact
