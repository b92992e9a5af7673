"""Steps: parts of a run whose results are recorded, so that they are not done again.

A step's id is its name path, `{run id}:{name}:{n}` with n counting earlier uses of the name, so that steps can be
inserted into code whose runs are under way. What a step gives back is what was recorded, its result after JSON, from
the first time on: a handler sees the same on every replay.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import functools
import hashlib
import inspect
import re
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ironflow import failures, jsonvalue
from ironflow.durations import Duration, seconds
from ironflow.errors import NonRetryableError, StepError
from ironflow.function import is_async
from ironflow.threads import Outcome

if TYPE_CHECKING:
    from ironflow.execution import Execution, Waiter

T = TypeVar("T")

_current: contextvars.ContextVar[str] = contextvars.ContextVar("ironflow_step")
_NAME_CHARS_MAX = 500
_UNFIT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class SegmentEnded(asyncio.CancelledError):
    """Unwinds code of a run that is suspended or no longer this worker's. Like a cancellation, and unlike an
    Exception, it passes `except Exception`."""


class StepTimeout(Exception):
    """The step took longer than it was given."""


class Step:
    """The steps of one execution of an async function."""

    __slots__ = ("_execution",)

    def __init__(self, execution: Execution) -> None:
        self._execution = execution

    @property
    def key(self) -> str:
        """Inside a step: its idempotency key, see `ironflow.step_key`."""
        return step_key()

    @overload
    async def run(
        self, name: str, fn: Callable[..., Awaitable[T]], /, *args: Any, timeout: Duration | None = ..., **kwargs: Any
    ) -> T: ...
    @overload
    async def run(
        self, name: str, fn: Callable[..., T], /, *args: Any, timeout: Duration | None = ..., **kwargs: Any
    ) -> T: ...
    async def run(
        self, name: str, fn: Callable[..., Any], /, *args: Any, timeout: Duration | None = None, **kwargs: Any
    ) -> Any:
        """The result of `fn(*args, **kwargs)`, which may be async, plain (then it runs in a thread), or a lambda that
        returns either. It is run once, and its recorded result returned ever after. The result must be JSON.

        Raises StepError when it fails or takes longer than `timeout`; the run is then retried unless you catch it.
        """
        execution = self._execution
        step_id = execution.begin(name)
        recorded = execution.memo.get(step_id)
        if recorded is not None:
            return recorded.value()
        limit_s = execution.limit_s if timeout is None else positive(timeout)
        execution.running += 1
        started = time.perf_counter()
        try:
            token = _current.set(step_id)
            try:
                if limit_s is None and is_async(fn):
                    result = await fn(*args, **kwargs)
                else:
                    # A value, raised here: a coroutine could not let StopIteration out.
                    outcome = await _outcome(execution, limit_s, fn, args, kwargs)
                    if outcome.error is not None:
                        raise outcome.error
                    result = outcome.result
                output, result = jsonvalue.recorded(result)
            except BaseException as error:
                if _interrupted(error):
                    raise
                failure = _failure(name, error)
                waiter = execution.waiter()
                execution.report_failed(waiter, step_id, name, failure, failures.stack_of(error), _ms_since(started))
                await waiter
                raise failure from error
            finally:
                _current.reset(token)
            waiter = execution.waiter()
            execution.report_completed(waiter, step_id, name, output, _ms_since(started))
            await waiter
            return result
        finally:
            execution.settle()

    async def sleep(self, name: str, duration: Duration) -> None:
        """Go on after the duration. The worker is free meanwhile, and the sleep survives it."""
        length_s = positive(duration)
        await self._execution.sleep(name, lambda: _after(length_s))

    async def sleep_until(self, name: str, instant: datetime) -> None:
        """Go on at the instant, which must have a time zone. One that has passed means at once."""
        _check_instant(name, instant)
        await self._execution.sleep(name, lambda: instant)


class SyncStep:
    """The steps of one execution of a plain function: each method blocks the thread that the function runs in."""

    __slots__ = ("_execution", "_lock")

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._lock = threading.Lock()  # a function may take steps in threads of its own

    @property
    def key(self) -> str:
        """Inside a step: its idempotency key, see `ironflow.step_key`."""
        return step_key()

    def run(
        self, name: str, fn: Callable[..., Any], /, *args: Any, timeout: Duration | None = None, **kwargs: Any
    ) -> Any:
        """As `Step.run`. A plain `fn` runs in this very thread, unless it has to be left behind at its timeout."""
        execution = self._execution
        step_id = self._begin(name)
        recorded = execution.memo.get(step_id)
        if recorded is not None:
            return recorded.value()
        limit_s = execution.limit_s if timeout is None else positive(timeout)
        started = time.perf_counter()
        token = _current.set(step_id)
        try:
            result = _blocking(execution, limit_s, fn, args, kwargs)
            output, result = jsonvalue.recorded(result)
        except BaseException as error:
            if isinstance(error, SegmentEnded | KeyboardInterrupt):
                raise
            failure = _failure(name, error)
            stack = failures.stack_of(error)
            self._wait(execution.report_failed, step_id, name, failure, stack, _ms_since(started))
            raise failure from error
        finally:
            _current.reset(token)
        self._wait(execution.report_completed, step_id, name, output, _ms_since(started))
        return result

    def sleep(self, name: str, duration: Duration) -> None:
        """As `Step.sleep`."""
        length_s = positive(duration)
        self._sleep(name, lambda: _after(length_s))

    def sleep_until(self, name: str, instant: datetime) -> None:
        """As `Step.sleep_until`."""
        _check_instant(name, instant)
        self._sleep(name, lambda: instant)

    def _sleep(self, name: str, until: Callable[[], datetime]) -> None:
        step_id = self._begin(name)
        if step_id not in self._execution.memo:
            with self._lock:
                self._execution.suspend(step_id, name, until())
            raise SegmentEnded

    def _begin(self, name: str) -> str:
        with self._lock:
            return self._execution.begin(name)

    def _wait(self, report: Callable[..., None], *told: Any) -> None:
        """Report in the event loop and block until the report is durable. An abandoned run's waiters are cancelled, so
        this always ends."""
        waiter: Waiter = concurrent.futures.Future()
        try:
            self._execution.loop.call_soon_threadsafe(report, waiter, *told)
            waiter.result()
        except (concurrent.futures.CancelledError, RuntimeError):  # abandoned; the event loop is closed
            raise SegmentEnded from None


def step_key() -> str:
    """Inside a step: a key that is the same each time this very step is tried, for the services it calls."""
    try:
        return f"step-{hashlib.sha256(_current.get().encode()).hexdigest()}"
    except LookupError:
        raise RuntimeError("step_key() is for use inside a step") from None


def check_name(name: object) -> None:
    """Raises NonRetryableError for what cannot be a step's name."""
    if not isinstance(name, str) or not name:
        raise misuse("a step needs a name: await ctx.step.run('charge card', charge, order)")
    if len(name) > _NAME_CHARS_MAX or _UNFIT.search(name):
        raise misuse(f"{name[:80]!r} cannot name a step: use up to {_NAME_CHARS_MAX} characters, none for control")


def check_not_nested(run_id: str, name: str) -> None:
    """Raises NonRetryableError inside a step of the run: were the outer one remembered, the inner would be missed."""
    outer = _current.get("")
    if outer and outer.startswith(f"{run_id}:"):
        raise misuse(f"step {name!r} is taken inside step {outer!r}; take it after that one", code="NESTED_STEP")


def misuse(message: str, *, code: str = "INVALID_STEP") -> NonRetryableError:
    """The error for code that uses steps in a way that cannot work: trying again does not help."""
    return NonRetryableError(message, code=code)


def escape(name: str) -> str:
    """The name as in a step id: backslash and colon escaped, but for a leading `compensate:` or `publish:`."""
    if ":" not in name and "\\" not in name:
        return name
    for prefix in ("compensate:", "publish:"):
        if name.startswith(prefix):
            name, kept = name[len(prefix) :], prefix
            break
    else:
        kept = ""
    return kept + name.replace("\\", "\\\\").replace(":", "\\:")


def positive(duration: Duration) -> float:
    """The duration in seconds. Raises ValueError if it is not longer than nothing."""
    length_s = seconds(duration)
    if length_s <= 0:
        raise ValueError(f"a duration must be longer than nothing, not {duration!r}")
    return length_s


async def _outcome(
    execution: Execution, limit_s: float | None, fn: Callable[..., Any], args: Any, kwargs: Any
) -> Outcome:
    """What the call came to, within its time. A plain function that takes longer is left behind in its thread."""
    call = functools.partial(fn, *args, **kwargs)
    try:
        async with asyncio.timeout(limit_s) as deadline:
            if is_async(fn):
                return Outcome(await call())
            outcome = await asyncio.wrap_future(_in_thread(execution, call))
            if outcome.error is None and inspect.isawaitable(outcome.result):
                return Outcome(await outcome.result)
            return outcome
    except TimeoutError as error:
        return Outcome(error=_timed_out(limit_s, error) if deadline.expired() else error)


def _blocking(execution: Execution, limit_s: float | None, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """The result of the call, within its time, for code that runs in a thread."""
    call = functools.partial(fn, *args, **kwargs)
    if limit_s is None or is_async(fn):
        result = call()
    else:
        work = _in_thread(execution, call)
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
        if _interrupted(error):
            raise
        timed_out = isinstance(error, TimeoutError) and deadline.expired()
        return Outcome(error=_timed_out(limit_s, error) if timed_out else error)


def _in_thread(execution: Execution, call: Callable[[], Any]) -> concurrent.futures.Future[Outcome]:
    context = contextvars.copy_context()
    return execution.threads.submit(lambda: context.run(call))


def _value(outcome: Outcome) -> Any:
    if outcome.error is not None:
        raise outcome.error
    return outcome.result


def _failure(name: str, error: BaseException) -> StepError:
    if isinstance(error, StepTimeout):
        return StepError(f"step {name!r} {error}", step=name, code="STEP_TIMEOUT")
    return failures.of_step(name, error)


def _timed_out(limit_s: float | None, cause: BaseException | None) -> StepTimeout:
    error = StepTimeout(f"took longer than {limit_s:g} s")
    error.__cause__ = cause
    return error


def _interrupted(error: BaseException) -> bool:
    """Whether the step was stopped from outside, rather than ended by itself."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return isinstance(error, SegmentEnded) or (task is not None and task.cancelling() > 0)
    return isinstance(error, KeyboardInterrupt | GeneratorExit)


def _check_instant(name: str, instant: datetime) -> None:
    if instant.tzinfo is None:
        raise ValueError(f"step {name!r}: give the instant a time zone, such as datetime.now(UTC)")


def _after(length_s: float) -> datetime:
    try:
        return datetime.now(UTC) + timedelta(seconds=length_s)
    except OverflowError:
        raise ValueError(f"a sleep of {length_s:g} s ends after the year 9999") from None


def _ms_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1_000)
