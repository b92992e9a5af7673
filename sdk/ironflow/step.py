"""Steps: parts of a run whose results are recorded, so that they are not done again.

What a step gives back is what was recorded, its result after JSON, from the first time on: a function sees the same on
every replay. Errors of a step are StepErrors, which say whether trying again can help.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from ironflow import branches as branching
from ironflow import emitting, waits
from ironflow.attempts import StepRetry, perform
from ironflow.body import current_body, positive, step_key
from ironflow.buckets import StepBucket, collected, step_name
from ironflow.context import Event
from ironflow.durations import Duration
from ironflow.emitting import DONE, Done, Outgoing
from ironflow.function import Function
from ironflow.reports import RESULT, KvWrite
from ironflow.waits import MISSING, WAIT_TIMEOUT, Ask

if TYPE_CHECKING:
    from ironflow.execution import Execution

T = TypeVar("T")
D = TypeVar("D")
Item = TypeVar("Item")


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
        self,
        name: str,
        fn: Callable[..., Awaitable[T]],
        /,
        *args: Any,
        timeout: Duration | None = ...,
        retry: StepRetry | None = ...,
        **kwargs: Any,
    ) -> T: ...
    @overload
    async def run(
        self,
        name: str,
        fn: Callable[..., T],
        /,
        *args: Any,
        timeout: Duration | None = ...,
        retry: StepRetry | None = ...,
        **kwargs: Any,
    ) -> T: ...
    async def run(
        self,
        name: str,
        fn: Callable[..., Any],
        /,
        *args: Any,
        timeout: Duration | None = None,
        retry: StepRetry | None = None,
        **kwargs: Any,
    ) -> Any:
        """The result of `fn(*args, **kwargs)`, which may be async, plain (then it runs in a thread), or a lambda that
        returns either. It is run once, and its recorded result returned ever after. The result must be JSON.

        Raises StepError when it fails or takes longer than `timeout`, after the tries that `retry` gives it; the run is
        then retried unless you catch it.
        """
        execution = self._execution
        step_id = execution.begin(name)
        recorded = execution.recorded(step_id, RESULT)
        execution.taken.add(step_id)
        try:
            if recorded is not None:
                return waits.result(await execution.deliver(recorded))
            await execution.free()
            return await perform(execution, execution.work(step_id, name, fn, args, kwargs, timeout, retry))
        finally:
            execution.taken.discard(step_id)

    async def sleep(self, name: str, duration: Duration) -> None:
        """Go on after the duration. The worker is free meanwhile, and the sleep survives it."""
        await self._wait(waits.sleep(name, duration))

    async def sleep_until(self, name: str, instant: datetime) -> None:
        """Go on at the instant, which must have a time zone. One that has passed means at once."""
        await self._wait(waits.sleep_until(name, instant))

    @overload
    async def wait_for_event(
        self,
        name: str,
        event: str,
        *,
        match: str | None = ...,
        match_value: Any = ...,
        where: str | None = ...,
        timeout: Duration = ...,
        on_timeout: Literal["error", "fail"] = ...,
        lookback: Duration | None = ...,
        payload: Any = ...,
    ) -> Event: ...
    @overload
    async def wait_for_event(
        self,
        name: str,
        event: str,
        *,
        default: D,
        match: str | None = ...,
        match_value: Any = ...,
        where: str | None = ...,
        timeout: Duration = ...,
        lookback: Duration | None = ...,
        payload: Any = ...,
    ) -> Event | D: ...
    async def wait_for_event(
        self,
        name: str,
        event: str,
        *,
        match: str | None = None,
        match_value: Any = None,
        where: str | None = None,
        timeout: Duration = WAIT_TIMEOUT,
        default: Any = MISSING,
        on_timeout: Literal["error", "fail"] = "error",
        lookback: Duration | None = None,
        payload: Any = None,
    ) -> Any:
        """The first event from now on whose name fits the pattern `event`, and which matches: at the path `match`
        (`data.order_id`) it has `match_value`, or without one what the event that started this run has there; or the
        CEL expression `where` holds for it (`event.data.total > 100`). `lookback` also accepts one that was recorded up
        to so long before the wait began, so that an answer that is quicker than the wait is not missed. `payload` is
        shown with the wait, for those who are to decide.

        When none comes within `timeout`, `default` is returned if you give one. Else WaitTimeout is raised, or with
        `on_timeout="fail"` the run fails for good.
        """
        ask = waits.event(
            name,
            event,
            match=match,
            match_value=match_value,
            where=where,
            timeout=timeout,
            default=default,
            on_timeout=on_timeout,
            lookback=lookback,
            payload=payload,
        )
        return self._execution.upcast(await self._wait(ask))

    async def invoke(
        self,
        function: Function | str,
        input: Any = None,
        *,
        timeout: Duration | None = None,
        tags: Sequence[str] = (),
    ) -> Any:
        """The result of a child run of the function, given by itself or by its id; `input` is the child's event data,
        `tags` are its tags. It may take as long as it likes, or as `timeout` says. Raises InvokeError when it fails or
        takes longer."""
        return await self._wait(waits.invoke(function, input, timeout=timeout, tags=tags))

    async def invoke_async(self, function: Function | str, input: Any = None, *, tags: Sequence[str] = ()) -> str:
        """Start a child run, with its tags, and go on; its id comes back. Raises InvokeError when it cannot be
        started."""
        run_id: str = await self._wait(waits.invoke_async(function, input, tags=tags))
        return run_id

    @overload
    async def parallel(
        self,
        name: str,
        branches: Sequence[Callable[[], Awaitable[T]] | Callable[[Step], Awaitable[T]] | Awaitable[T]],
        *,
        concurrency: int | None = ...,
        on_error: Literal["fail_fast"] = ...,
    ) -> list[T]: ...
    @overload
    async def parallel(
        self,
        name: str,
        branches: Sequence[Callable[[], Awaitable[T]] | Callable[[Step], Awaitable[T]] | Awaitable[T]],
        *,
        concurrency: int | None = ...,
        on_error: Literal["collect"],
    ) -> list[T | BaseException]: ...
    async def parallel(
        self,
        name: str,
        branches: Sequence[Any],
        *,
        concurrency: int | None = None,
        on_error: Literal["fail_fast", "collect"] = "fail_fast",
    ) -> list[Any]:
        """What the branches return, in their order; at most `concurrency` go on side by side. A branch is an async
        function that takes nothing or the steps, or a coroutine; steps in it are named for themselves.

        The first error by index is raised once the branches that were begun have come to rest, and no more are begun;
        with `collect` every branch is brought to its end, and errors come back in their places.
        """
        execution = self._execution
        branching.check(execution, name, concurrency, on_error)
        bound = [branching.bound(branch, self) for branch in branches]
        try:
            return await branching.side_by_side(execution, name, bound, concurrency, on_error)
        finally:
            for branch in branches:
                if inspect.iscoroutine(branch):
                    branch.close()  # one that was never begun

    @overload
    async def map(
        self,
        name: str,
        items: Iterable[Item],
        fn: Callable[[Item], Awaitable[T]],
        *,
        concurrency: int | None = ...,
        on_error: Literal["fail_fast"] = ...,
    ) -> list[T]: ...
    @overload
    async def map(
        self,
        name: str,
        items: Iterable[Item],
        fn: Callable[[Item], Awaitable[T]],
        *,
        concurrency: int | None = ...,
        on_error: Literal["collect"],
    ) -> list[T | BaseException]: ...
    async def map(
        self,
        name: str,
        items: Iterable[Any],
        fn: Callable[[Any], Awaitable[Any]],
        *,
        concurrency: int | None = None,
        on_error: Literal["fail_fast", "collect"] = "fail_fast",
    ) -> list[Any]:
        """`fn(item)` for every item, each a branch as in `parallel`."""
        execution = self._execution
        branching.check(execution, name, concurrency, on_error)
        calls = [branching.applied(fn, item) for item in items]
        return await branching.side_by_side(execution, name, calls, concurrency, on_error)

    def emit(
        self,
        name: str,
        data: Any = None,
        *,
        idempotency_key: str = "",
        metadata: Mapping[str, Any] | None = None,
        version: int = 0,
    ) -> Awaitable[None]:
        """Emit an event, once. Inside a step it is recorded with the step's result, in the same commit; outside it is
        a step of its own, to be awaited."""
        return self._send(emitting.event(name, data, idempotency_key, metadata, version))

    def publish(self, topic: str, data: Any = None, *, idempotency_key: str = "") -> Awaitable[None]:
        """Publish a message to a topic, once, as `emit` does for events. Its key is by default one of the step."""
        return self._send(emitting.message(topic, data, idempotency_key))

    def kv(self, bucket: str) -> StepBucket[Awaitable[None]]:
        """The bucket, to be written to: inside a step in the same commit as its result, see `StepBucket`. Read with a
        client."""
        return StepBucket(bucket, self._write)

    def note(self, name: str, value: Any = None) -> Done:
        """Show a value in the run's timeline. It is no step: nothing is remembered, and there is nothing to await."""
        self._execution.note(name, value)
        return DONE

    set_state = note

    def compensate(
        self,
        step: str,
        fn: Callable[..., Any],
        /,
        *args: Any,
        retry: StepRetry | None = None,
        timeout: Duration | None = None,
        **kwargs: Any,
    ) -> Done:
        """From here on, undo the step with `fn(*args, **kwargs)` if the run fails for good, is cancelled or times out.
        Compensations run newest first, each recorded as a step `compensate:{step}` and tried again as `retry` says;
        one that fails nevertheless is recorded, and the others go on. They cannot take steps."""
        limit_s = None if timeout is None else positive(timeout)
        self._execution.saga.register(self._execution, step, fn, args, kwargs, retry, limit_s)
        return DONE

    async def _wait(self, ask: Ask) -> Any:
        execution = self._execution
        step_id = execution.begin(ask.name)
        recorded = execution.recorded(step_id, ask.kind, ask.target)
        if recorded is not None:
            return ask.read(await execution.deliver(recorded))
        return ask.read(await execution.wait(ask.make(step_id, execution.clock.now())))

    def _send(self, outgoing: Outgoing) -> Awaitable[None]:
        body = current_body.get()
        if body is not None and body.run_id == self._execution.run_id:
            outgoing.collect(body)
            return DONE
        return self._send_alone(outgoing)

    def _write(self, write: KvWrite) -> Awaitable[None]:
        run_id = self._execution.run_id
        if collected(run_id, write):
            return DONE

        async def alone() -> None:
            collected(run_id, write)

        return self.run(step_name(write), alone)

    async def _send_alone(self, outgoing: Outgoing) -> None:
        execution = self._execution
        step_id = execution.begin(outgoing.name)
        recorded = execution.recorded(step_id, outgoing.kind)
        execution.taken.add(step_id)
        try:
            if recorded is not None:
                await execution.deliver(recorded)
                return
            await execution.free()
            execution.running += 1
            try:
                await execution.announced(step_id, outgoing.name)
                await execution.durable(outgoing.report(step_id))
            finally:
                execution.settle()
        finally:
            execution.taken.discard(step_id)
