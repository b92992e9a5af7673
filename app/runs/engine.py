"""What can be asked of a run, each one a command to the committer. Transports and dispatch go through here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from app import texts
from app.history.committer import Command, Committer, Decision, Done
from app.history.entry import Draft
from app.history.kinds import (
    Fact,
    Failure,
    RunCompleted,
    RunStarted,
    StepCompleted,
    StepFailed,
    StepSleeping,
)
from app.runs import machine
from app.runs.machine import Run
from app.runs.noun import stream
from app.runs.reading import not_found

REASON_CHARS_MAX = 1_000

Decider = Callable[[Run | None, int], list[Fact]]


class Engine:
    def __init__(self, committer: Committer) -> None:
        self._committer = committer

    # For dispatch: answered by callback in the event loop, so that a message of many reports makes no tasks.

    def start(self, environment: str, run_id: str, *, worker_id: str, done: Done, urgent: bool = True) -> None:
        """Hand the run to a worker. `done` is given the RunStarted, or RunNotRunning."""

        def decide(run: Run | None, now: int) -> list[Fact]:
            return machine.decide_start(run, worker_id=worker_id, now=now)

        self._submit(environment, run_id, decide, done, urgent=urgent)

    def step(self, environment: str, run_id: str, fact: StepCompleted | StepFailed, done: Done) -> None:
        """Record the result of a step. Refused with StaleExecution when another execution holds the run."""
        self._submit(environment, run_id, lambda run, now: machine.decide_step(run, fact), done)

    def sleep(self, environment: str, run_id: str, fact: StepSleeping, done: Done) -> None:
        self._submit(environment, run_id, lambda run, now: machine.decide_sleep(run, fact), done)

    def complete(self, environment: str, run_id: str, fact: RunCompleted, done: Done) -> None:
        self._submit(environment, run_id, lambda run, now: machine.decide_complete(run, fact), done)

    def fail(self, environment: str, run_id: str, *, execution_seq: int, error: Failure, done: Done) -> None:
        def decide(run: Run | None, now: int) -> list[Fact]:
            return machine.decide_fail(run, execution_seq=execution_seq, error=error, now=now)

        self._submit(environment, run_id, decide, done)

    def release(self, environment: str, run_id: str, *, execution_seq: int, reason: str, done: Done) -> None:
        """Give the run back to the queue, at no cost of an attempt."""

        def decide(run: Run | None, now: int) -> list[Fact]:
            return machine.decide_release(run, execution_seq=execution_seq, reason=reason)

        self._submit(environment, run_id, decide, done)

    def time_out(self, environment: str, run_id: str, done: Done) -> None:
        """Fail the run if it has executed for longer than it may; else nothing."""
        self._submit(environment, run_id, lambda run, now: machine.decide_time_out(run, now=now), done)

    # For people and programs.

    async def cancel(self, environment: str, run_id: str, *, reason: str, actor: str = "") -> None:
        """Cancelling a cancelled run changes nothing. Raises InvalidArgument for the reason, RunNotFound, and
        RunNotRunning for one that has ended."""
        texts.check(reason, field="reason")
        reason = reason[:REASON_CHARS_MAX]
        await self._ask(
            environment, run_id, lambda run, now: machine.decide_cancel(run, reason=reason, cause="request"), actor
        )

    async def resume(self, environment: str, run_id: str, *, actor: str = "") -> None:
        """Raises RunNotFound, and FailedPrecondition for one that is neither paused nor failed."""
        await self._ask(environment, run_id, lambda run, now: machine.decide_resume(run), actor)

    async def _ask(self, environment: str, run_id: str, decider: Decider, actor: str) -> None:
        if "\0" in run_id:  # no id has one, and Postgres cannot be asked
            raise not_found(environment, run_id)
        await self._committer.commit(_command(environment, run_id, decider, actor))

    def _submit(self, environment: str, run_id: str, decider: Decider, done: Done, *, urgent: bool = True) -> None:
        self._committer.submit(_command(environment, run_id, decider, ""), done, urgent=urgent)


def _command(environment: str, run_id: str, decider: Decider, actor: str) -> Command:
    where = stream(run_id)
    return Command(environment, (where,), partial(_decide, where, decider, actor))


def _decide(where: str, decider: Decider, actor: str, states: Mapping[str, Any], now: int) -> Decision:
    run: Run | None = states[where]
    facts = decider(run, now)
    correlation = run.correlation if run else ""
    drafts = [Draft(where, fact, correlation=correlation, actor=actor) for fact in facts]
    started = facts[-1] if facts and isinstance(facts[-1], RunStarted) else None
    return Decision(drafts, started)
