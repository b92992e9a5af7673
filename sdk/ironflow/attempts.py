"""A step that runs user code: tried as often as its own policy says, each try recorded, with what it emits and
writes."""

from __future__ import annotations

import concurrent.futures
import functools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ironflow import failures, jsonvalue
from ironflow.body import Body, SegmentEnded, call_blocking, current_body, failure, interrupted, outcome_of, refusal
from ironflow.durations import Duration, seconds
from ironflow.errors import StepError
from ironflow.failures import Failure
from ironflow.function import is_async
from ironflow.reports import COMPENSATION, RESULT, StepCompleted, StepFailed

if TYPE_CHECKING:
    from ironflow.execution import Execution, Waiter


@dataclass(frozen=True, slots=True)
class StepRetry:
    """How often a step is tried within one execution, and how long it waits before the next try: `initial_delay`,
    then `backoff_factor` times as long each time, up to `max_delay`. Meant for short delays: the worker's slot is kept.
    When the tries are used up, the run's own retry policy goes on."""

    max_attempts: int = 3
    initial_delay: Duration = 0.5
    backoff_factor: float = 2.0
    max_delay: Duration = 10.0

    def __post_init__(self) -> None:
        if type(self.max_attempts) is not int or self.max_attempts < 1:
            raise ValueError(f"max_attempts must be 1 or more, not {self.max_attempts!r}")
        if not math.isfinite(self.backoff_factor) or self.backoff_factor < 1:
            raise ValueError(f"backoff_factor must be 1 or more, not {self.backoff_factor!r}")
        for name in ("initial_delay", "max_delay"):
            if seconds(getattr(self, name)) < 0:
                raise ValueError(f"{name} must not be negative, but is {getattr(self, name)!r}")

    def delay_s(self, attempt: int, error: StepError) -> float | None:
        """How long to wait after that try failed, or None if it was the last: what the error asks for goes first."""
        if attempt >= self.max_attempts or not error.retryable:
            return None
        longest_s = seconds(self.max_delay)
        if error.retry_after_ms:
            return min(error.retry_after_ms / 1_000, longest_s)
        return float(min(seconds(self.initial_delay) * self.backoff_factor ** min(attempt - 1, 64), longest_s))


@dataclass(frozen=True, slots=True)
class Work:
    """What a step is to do. A compensation that fails for good is not retryable: it stays failed."""

    step_id: str
    name: str
    fn: Callable[..., Any]
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    limit_s: float | None = None
    retry: StepRetry | None = None
    kind: str = RESULT
    compensation_for: str = ""

    def delay_s(self, attempt: int, error: StepError) -> float | None:
        return None if self.retry is None else self.retry.delay_s(attempt, error)

    def completed(self, output: bytes, body: Body, attempt: int, started: float) -> StepCompleted:
        return StepCompleted(
            self.step_id,
            self.name,
            output,
            _ms_since(started),
            self.kind,
            0 if self.retry is None else attempt,
            body.emissions,
            self.compensation_for,
            body.writes,
            body.said(),
        )

    def failed(
        self, error: StepError, cause: BaseException, body: Body, last: bool, attempt: int, started: float
    ) -> StepFailed:
        told = failures.of_handler(error)
        retryable = told.retryable and not (last and self.kind == COMPENSATION)
        return StepFailed(
            self.step_id,
            self.name,
            Failure(told.message, told.code, retryable, told.retry_after_ms, failures.stack_of(cause)),
            _ms_since(started),
            self.kind,
            0 if self.retry is None else attempt,
            self.compensation_for,
            body.said(),
        )


async def perform(execution: Execution, work: Work) -> Any:
    """The result, once it is durable. Raises StepError when the last try has failed, and that is durable."""
    execution.running += 1
    attempt = 0
    try:
        await execution.announced(work.step_id, work.name)
        while True:
            attempt += 1
            started = time.perf_counter()
            body = Body(execution.run_id, work.step_id)
            token = current_body.set(body)
            try:
                if work.limit_s is None and is_async(work.fn):
                    result = await work.fn(*work.args, **work.kwargs)
                else:
                    # A value, raised here: a coroutine could not let StopIteration out.
                    outcome = await outcome_of(execution, work.limit_s, work.fn, work.args, work.kwargs)
                    if outcome.error is not None:
                        raise outcome.error
                    result = outcome.result
                output, result = jsonvalue.recorded(result)
            except BaseException as error:
                if interrupted(error):
                    raise
                problem = failure(work.name, error)
                delay_s = work.delay_s(attempt, problem)
                await execution.durable(work.failed(problem, error, body, delay_s is None, attempt, started))
                if delay_s is None:
                    raise problem from error
            else:
                refused = await execution.durable(work.completed(output, body, attempt, started))
                if refused is None:
                    return result
                problem = refusal(work.name, refused)
                delay_s = work.delay_s(attempt, problem)
                if delay_s is None:
                    raise problem
            finally:
                current_body.reset(token)
            await execution.pause(delay_s)
    finally:
        execution.settle()


def perform_blocking(execution: Execution, work: Work) -> Any:
    """As `perform`, for code in a thread."""
    attempt = 0
    if execution.announces and not execution.unwinding:
        block(execution, functools.partial(execution.announce, work.step_id, work.name))
    while True:
        attempt += 1
        started = time.perf_counter()
        body = Body(execution.run_id, work.step_id)
        token = current_body.set(body)
        try:
            result = call_blocking(execution, work.limit_s, work.fn, work.args, work.kwargs)
            output, result = jsonvalue.recorded(result)
        except BaseException as error:
            if isinstance(error, SegmentEnded | KeyboardInterrupt):
                raise
            problem = failure(work.name, error)
            delay_s = work.delay_s(attempt, problem)
            told = work.failed(problem, error, body, delay_s is None, attempt, started)
            block(execution, functools.partial(execution.report, told))
            if delay_s is None:
                raise problem from error
        else:
            done = work.completed(output, body, attempt, started)
            refused = block(execution, functools.partial(execution.report, done))
            if refused is None:
                return result
            problem = refusal(work.name, refused)
            delay_s = work.delay_s(attempt, problem)
            if delay_s is None:
                raise problem
        finally:
            current_body.reset(token)
        block(execution, functools.partial(execution.after, delay_s))


def block(execution: Execution, ask: Callable[[Waiter], None]) -> Failure | None:
    """Ask in the event loop and block until the waiter is done: what it was given. An abandoned run's waiters are
    cancelled, so this always ends; it raises SegmentEnded then."""
    waiter: concurrent.futures.Future[Failure | None] = concurrent.futures.Future()
    try:
        execution.loop.call_soon_threadsafe(ask, waiter)
        return waiter.result()
    except (concurrent.futures.CancelledError, RuntimeError):  # abandoned; the event loop is closed
        raise SegmentEnded from None


def _ms_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1_000)
