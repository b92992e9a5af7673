"""Steps: parts of a run whose results are recorded, so that they are not done again.

A step's id is its name path, `{run id}:{name}:{n}` with n counting earlier uses of the name, so that steps can be
inserted into code whose runs are under way.
"""

from __future__ import annotations

import asyncio
import contextvars
import hashlib
import inspect
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn, Protocol

from ironflow.durations import Duration, seconds
from ironflow.errors import NonRetryableError, RetryAfterError, StepError

_current: contextvars.ContextVar[str] = contextvars.ContextVar("ironflow_step")


class Yielded(BaseException):
    """Ends the execution of a run that goes on later. Not an Exception, so that user code does not swallow it."""

    def __init__(self, step_id: str, name: str, until: datetime) -> None:
        super().__init__(f"step {name!r} sleeps until {until.isoformat()}")
        self.step_id = step_id
        self.name = name
        self.until = until


class Abandoned(BaseException):
    """The run is no longer this worker's: whatever it does is no longer recorded."""


class Report(Protocol):
    """Where results go: each call returns once the result is durable, or raises Abandoned."""

    async def completed(self, step_id: str, name: str, output: bytes, duration_ms: int) -> None: ...
    async def failed(self, step_id: str, name: str, error: StepError, stack: str, duration_ms: int) -> None: ...


class Step:
    """The steps of one execution: coroutines in an async function, blocking in a plain one."""

    def __init__(
        self,
        *,
        run_id: str,
        memo: Mapping[str, bytes],
        report: Report,
        timeout_s: float | None,
        in_thread: Callable[[Callable[[], Any]], Awaitable[Any]],
    ) -> None:
        self._run_id = run_id
        self._memo = memo
        self._report = report
        self._timeout_s = timeout_s
        self._in_thread = in_thread
        self._uses: dict[str, int] = {}
        self._running = 0
        self._settled = asyncio.Event()

    async def settled(self) -> None:
        """Returns when no step is being run. After a function ended early, steps it ran side by side may still be."""
        while self._running:
            self._settled.clear()
            await self._settled.wait()

    async def run(
        self, name: str, fn: Callable[..., Any], *args: Any, timeout: Duration | None = None, **kwargs: Any
    ) -> Any:
        """The result of `fn(*args, **kwargs)`, which may be async, plain (then it runs in a thread), or a lambda that
        returns either. It is run once, and its recorded result returned ever after. The result must be JSON.

        Raises StepError when it fails; the run is then retried unless you catch it.
        """
        step_id = self._next_id(name)
        if step_id in self._memo:
            return json.loads(self._memo[step_id])
        self._running += 1
        try:
            return await self._run(
                step_id, name, fn, args, kwargs, self._timeout_s if timeout is None else seconds(timeout)
            )
        finally:
            self._running -= 1
            if not self._running:
                self._settled.set()

    async def _run(
        self, step_id: str, name: str, fn: Callable[..., Any], args: Any, kwargs: Any, limit_s: float | None
    ) -> Any:
        started = time.perf_counter()
        try:
            output = encode(await self._execute(step_id, fn, args, kwargs, limit_s))
        except Exception as error:
            failure = _failure(name, error, limit_s)
            await self._report.failed(step_id, name, failure, stack_of(error), _ms_since(started))
            raise failure from error
        await self._report.completed(step_id, name, output, _ms_since(started))
        return json.loads(output)

    async def sleep(self, name: str, duration: Duration) -> None:
        """Go on after the duration. The worker is free meanwhile, and the sleep survives it."""
        length_s = seconds(duration)
        if length_s <= 0:
            raise ValueError(f"step {name!r}: a sleep must be longer than nothing, not {duration!r}")
        self._sleep(name, lambda: datetime.now(UTC) + timedelta(seconds=length_s))

    async def sleep_until(self, name: str, instant: datetime) -> None:
        """Go on at the instant, which must have a time zone. One that has passed means at once."""
        if instant.tzinfo is None:
            raise ValueError(f"step {name!r}: give the instant a time zone, such as datetime.now(UTC)")
        self._sleep(name, lambda: instant)

    def _sleep(self, name: str, until: Callable[[], datetime]) -> None:
        step_id = self._next_id(name)
        if step_id not in self._memo:
            raise Yielded(step_id, name, until())

    def _next_id(self, name: str) -> str:
        if not isinstance(name, str) or not name:
            raise ValueError("a step needs a name: await ctx.step.run('charge card', charge, order)")
        number = self._uses.get(name, 0)
        self._uses[name] = number + 1
        return f"{self._run_id}:{escape(name)}:{number}"

    async def _execute(
        self, step_id: str, fn: Callable[..., Any], args: Any, kwargs: Any, limit_s: float | None
    ) -> Any:
        token = _current.set(step_id)
        try:
            if inspect.iscoroutinefunction(fn):
                result = fn(*args, **kwargs)
            else:
                result = self._plain(fn, args, kwargs)
            if limit_s is None:
                return await result
            async with asyncio.timeout(limit_s):
                return await result
        finally:
            _current.reset(token)

    async def _plain(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        context = contextvars.copy_context()
        result = await self._in_thread(lambda: context.run(fn, *args, **kwargs))
        return await result if inspect.isawaitable(result) else result


class SyncStep:
    """The same for a plain function, which runs in a thread: each method blocks."""

    def __init__(self, step: Step, loop: asyncio.AbstractEventLoop) -> None:
        self._step = step
        self._loop = loop

    def run(self, name: str, fn: Callable[..., Any], *args: Any, timeout: Duration | None = None, **kwargs: Any) -> Any:
        return self._wait(self._step.run(name, fn, *args, timeout=timeout, **kwargs))

    def sleep(self, name: str, duration: Duration) -> None:
        self._wait(self._step.sleep(name, duration))

    def sleep_until(self, name: str, instant: datetime) -> None:
        self._wait(self._step.sleep_until(name, instant))

    def _wait(self, step: Any) -> Any:
        answered = asyncio.run_coroutine_threadsafe(_captured(step), self._loop).result()
        if isinstance(answered, _Raised):
            answered.again()
        return answered


class _Raised:
    """Carries what a coroutine raised out of the event loop, which BaseExceptions would stop."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def again(self) -> NoReturn:
        raise self._error


async def _captured(step: Awaitable[Any]) -> Any:
    try:
        return await step
    except (Yielded, Abandoned, Exception) as error:  # noqa: BLE001 - raised again in the thread
        return _Raised(error)


def step_key() -> str:
    """Inside a step: a key that is the same each time this very step is tried, for the services it calls."""
    try:
        return f"step-{hashlib.sha256(_current.get().encode()).hexdigest()}"
    except LookupError:
        raise RuntimeError("step_key() is for use inside a step") from None


def escape(name: str) -> str:
    """The name as in a step id: backslash and colon escaped, but for a leading `compensate:` or `publish:`."""
    for prefix in ("compensate:", "publish:"):
        if name.startswith(prefix):
            return prefix + escape(name[len(prefix) :])
    return name.replace("\\", "\\\\").replace(":", "\\:")


def encode(value: Any) -> bytes:
    """The value as JSON. Raises NonRetryableError (SERIALIZATION_ERROR): it would come out the same again."""
    try:
        return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError, UnicodeEncodeError) as error:
        raise NonRetryableError(
            f"the result is not JSON: {text_of(error)}; return dicts, lists, strings, numbers, booleans or None",
            code="SERIALIZATION_ERROR",
        ) from error


def text_of(error: BaseException) -> str:
    """The error's message, even when its own str() fails."""
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001 - the error's own str() is user code
        return f"{type(error).__name__} (its text cannot be shown)"


def stack_of(error: BaseException) -> str:
    """The traceback, even when the error's own text fails."""
    import traceback

    try:
        return "".join(traceback.format_exception(error))
    except Exception:  # noqa: BLE001 - the error's own str() is user code
        return "".join(traceback.format_tb(error.__traceback__))


def _failure(name: str, error: Exception, limit_s: float | None) -> StepError:
    if isinstance(error, NonRetryableError):
        return StepError(text_of(error), step=name, code=error.code, retryable=False)
    if isinstance(error, RetryAfterError):
        return StepError(text_of(error), step=name, retry_after_ms=int(error.seconds * 1_000))
    if isinstance(error, TimeoutError) and limit_s is not None and not error.args:
        return StepError(f"step {name!r} took longer than {limit_s:g} s", step=name, code="STEP_TIMEOUT")
    return StepError(f"{type(error).__name__}: {text_of(error)}", step=name)


def _ms_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1_000)
