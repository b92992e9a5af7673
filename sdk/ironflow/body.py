"""What a step does: user code is called, within its time, in the event loop or in a thread, and gives an outcome."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import functools
import hashlib
import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ironflow import failures
from ironflow.durations import Duration, seconds
from ironflow.errors import StepError
from ironflow.function import is_async
from ironflow.lines import Gathered, Line, Logs
from ironflow.naming import misuse
from ironflow.reports import Emission, KvWrite
from ironflow.threads import Outcome

if TYPE_CHECKING:
    from ironflow.execution import Execution


class SegmentEnded(asyncio.CancelledError):
    """Unwinds code of a run that is suspended or no longer this worker's. Like a cancellation, and unlike an
    Exception, it passes `except Exception`."""


class StepTimeout(Exception):
    """The step took longer than it was given."""


class Body:
    """One try of a step: its id, the events that it emits, what it writes, what it logs and tags the run with."""

    __slots__ = ("_said", "emissions", "run_id", "step_id", "writes")

    def __init__(self, run_id: str, step_id: str) -> None:
        self.run_id = run_id
        self.step_id = step_id
        self.emissions: list[Emission] = []
        self.writes: list[KvWrite] = []
        self._said: Gathered | None = None

    def say(self, line: Line) -> None:
        if self._said is None:
            self._said = Gathered()
        self._said.add(line)

    def tag(self, tags: tuple[str, ...]) -> None:
        if self._said is None:
            self._said = Gathered()
        self._said.tag(tags)

    def said(self) -> Logs | None:
        """What it logged and tagged so far; None for nothing."""
        return None if self._said is None else self._said.taken()

    @property
    def key(self) -> str:
        return key_of(self.step_id)


current_body: contextvars.ContextVar[Body | None] = contextvars.ContextVar("ironflow_step", default=None)


def step_key() -> str:
    """Inside a step: a key that is the same each time this very step is tried, for the services it calls."""
    body = current_body.get()
    if body is None:
        raise RuntimeError("step_key() is for use inside a step")
    return body.key


def key_of(step_id: str) -> str:
    return f"step-{hashlib.sha256(step_id.encode()).hexdigest()}"


def check_not_nested(run_id: str, name: str) -> None:
    """Raises NonRetryableError inside a step of the run: were the outer one remembered, the inner would be missed."""
    outer = current_body.get()
    if outer is not None and outer.run_id == run_id:
        message = f"step {name!r} is taken inside step {outer.step_id!r}; take it after that one"
        raise misuse(message, code="NESTED_STEP")


def positive(duration: Duration) -> float:
    """The duration in seconds. Raises ValueError if it is not longer than nothing."""
    length_s = seconds(duration)
    if length_s <= 0:
        raise ValueError(f"a duration must be longer than nothing, not {duration!r}")
    return length_s


async def outcome_of(
    execution: Execution, limit_s: float | None, fn: Callable[..., Any], args: Any, kwargs: Any
) -> Outcome:
    """What the call came to, within its time. A plain function that takes longer is left behind in its thread."""
    bound = functools.partial(fn, *args, **kwargs)
    try:
        async with asyncio.timeout(limit_s) as deadline:
            if is_async(fn):
                return Outcome(await bound())
            outcome = await asyncio.wrap_future(_in_thread(execution, bound))
            if outcome.error is None and inspect.isawaitable(outcome.result):
                return Outcome(await outcome.result)
            return outcome
    except TimeoutError as error:
        return Outcome(error=_timed_out(limit_s, error) if deadline.expired() else error)


def call_blocking(execution: Execution, limit_s: float | None, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """The result of the call, within its time, for code that runs in a thread."""
    bound = functools.partial(fn, *args, **kwargs)
    if limit_s is None or is_async(fn):
        result = bound()
    else:
        work = _in_thread(execution, bound)
        if not concurrent.futures.wait([work], timeout=limit_s).done:
            work.cancel()
            raise _timed_out(limit_s, None)
        result = _value(work.result())
    return _awaited(execution, limit_s, result) if inspect.isawaitable(result) else result


def _awaited(execution: Execution, limit_s: float | None, awaitable: Awaitable[Any]) -> Any:
    """The result of the awaitable, run in the worker's event loop. Raises SegmentEnded when the run is abandoned."""
    work = asyncio.run_coroutine_threadsafe(_captured(limit_s, awaitable), execution.loop)
    execution.awaited.add(work)
    try:
        if execution.over:
            work.cancel()
        return _value(work.result())
    except concurrent.futures.CancelledError:
        raise SegmentEnded from None
    finally:
        execution.awaited.discard(work)


async def _captured(limit_s: float | None, awaitable: Awaitable[Any]) -> Outcome:
    try:
        async with asyncio.timeout(limit_s) as deadline:
            return Outcome(await awaitable)
    except BaseException as error:
        if interrupted(error):
            raise
        timed_out = isinstance(error, TimeoutError) and deadline.expired()
        return Outcome(error=_timed_out(limit_s, error) if timed_out else error)


def _in_thread(execution: Execution, bound: Callable[[], Any]) -> concurrent.futures.Future[Outcome]:
    context = contextvars.copy_context()
    return execution.threads.submit(lambda: context.run(bound))


def _value(outcome: Outcome) -> Any:
    if outcome.error is not None:
        raise outcome.error
    return outcome.result


def failure(name: str, error: BaseException) -> StepError:
    """What the function gets for what its step raised."""
    if isinstance(error, StepTimeout):
        return StepError(f"step {name!r} {error}", step=name, code="STEP_TIMEOUT")
    return failures.of_step(name, error)


def refusal(name: str, told: failures.Failure) -> StepError:
    """What the function gets for a step whose writes were refused."""
    return StepError(told.message, step=name, code=told.code, retryable=told.retryable)


def _timed_out(limit_s: float | None, cause: BaseException | None) -> StepTimeout:
    error = StepTimeout(f"took longer than {limit_s:g} s")
    error.__cause__ = cause
    return error


def interrupted(error: BaseException) -> bool:
    """Whether the step was stopped from outside, rather than ended by itself."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return isinstance(error, SegmentEnded) or (task is not None and task.cancelling() > 0)
    return isinstance(error, KeyboardInterrupt | GeneratorExit)
