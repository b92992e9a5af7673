"""Key-values that a step writes, decided in one command with its result.

    result and writes ──► every write may be made ──► step.completed, kv.put …   in one commit
                      └─► one of them is refused ───► step.failed, and nothing is written

A refusal is an answer to the step, which read before it wrote: tried again, it reads anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.errors import (
    BucketFull,
    BucketNotFound,
    FailedPrecondition,
    InvalidArgument,
    IronflowError,
    PayloadTooLarge,
)
from app.history.committer import Command, Decision
from app.history.entry import Draft
from app.history.kinds import Failure, RunPaused, Said, StepCompleted, StepFailed
from app.runs import steps
from app.runs.state import Run
from app.values import buckets, kv
from app.values.kv import Delete, Increment, Put, Write

WRITES_MAX = 1_000
TTL_MS_MAX = buckets.TTL_S_MAX * 1_000

_REFUSALS = (BucketNotFound, FailedPrecondition, PayloadTooLarge)


class WriteRefused(FailedPrecondition):
    """A write of the step was refused: the step is recorded as failed with `failure`, and its execution goes on."""

    code = "WRITE_REFUSED"

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message, hint="read again and retry the step")
        self.failure = failure


def with_writes(command: Command, fact: StepCompleted, writes: Sequence[Write]) -> Command:
    """The command that records the step, and its writes if it records that the step completed. Answers the StepFailed
    where one is refused; raises UsageUnknown for buckets that want to be measured before."""
    where = command.streams[0]

    def decide(states: Mapping[str, Any], now: int) -> Decision:
        decision = command.decide(states, now)
        if not completes(decision):
            return decision
        run: Run = states[where]
        try:
            made, _ = kv.drafts(states, writes, now, causation=where, correlation=run.correlation)
        except kv.UsageUnknown:
            raise
        except _REFUSALS as refusal:
            failed = _failed(fact, refusal)
            said = [draft for draft in decision.drafts if isinstance(draft.fact, Said)]
            facts = steps.decide_step(run, failed)
            drafts = [*said, *(Draft(where, one, correlation=run.correlation) for one in facts)]
            return Decision(drafts, failed)
        return Decision([*decision.drafts, *made], decision.answer, decision.new)

    streams = dict.fromkeys((*command.streams, *kv.streams(writes)))
    return Command(command.environment, tuple(streams), decide, command.new, command.weight + len(writes))


def write(
    operation: str,
    bucket: str,
    key: str,
    *,
    value: bytes,
    expected: int | None,
    ttl_ms: int | None,
    by: int,
    field: str,
) -> Write:
    """The write as a worker tells it, `field` of its report. Raises InvalidArgument."""
    buckets.check_name(bucket)
    (kv.check_key if operation in ("delete", "purge") else kv.check_new_key)(key)
    if expected is not None and expected < 0:
        raise InvalidArgument(f"{field}.revision {expected} is negative", field=f"{field}.revision")
    match operation:
        case "put":
            if ttl_ms is not None and not 0 <= ttl_ms <= TTL_MS_MAX:
                raise InvalidArgument(f"{field}.ttl_ms {ttl_ms} is out of range", field=f"{field}.ttl_ms")
            return Put(bucket, key, value, expected, None if ttl_ms is None else ttl_ms * 1_000)
        case "incr":
            if not kv.COUNTER_MIN <= by <= kv.COUNTER_MAX:
                raise InvalidArgument(f"{field}.by {by} does not fit 64 bits", field=f"{field}.by")
            return Increment(bucket, key, by, expected)
        case "delete" | "purge":
            return Delete(bucket, key, operation == "purge", expected)
        case _:
            raise InvalidArgument(
                f"{field}.operation {operation[:40]!r} is unknown",
                field=f"{field}.operation",
                hint="put, incr, delete or purge",
            )


def check_count(count: int, field: str) -> None:
    """Raises InvalidArgument."""
    if count > WRITES_MAX:
        raise InvalidArgument(f"{count} writes are too many for a step", field=field, hint=f"at most {WRITES_MAX}")


def completes(decision: Decision) -> bool:
    """Whether the decision about a step records its result: not one told before, nor a run that is stopped for what
    contradicts history."""
    stopped = isinstance(decision.answer, RunPaused) and decision.answer.divergence is not None
    return bool(decision.drafts) and not stopped


def _failed(fact: StepCompleted, refusal: IronflowError) -> StepFailed:
    too_large = isinstance(refusal, PayloadTooLarge) and not isinstance(refusal, BucketFull)
    return StepFailed(
        step_id=fact.step_id,
        name=fact.name,
        error=Failure(message=str(refusal), code=refusal.code, retryable=not too_large),
        type=fact.type,
        execution_seq=fact.execution_seq,
        attempt=fact.attempt,
        duration_ms=fact.duration_ms,
        started_at=fact.started_at,
        compensation_for=fact.compensation_for,
    )
