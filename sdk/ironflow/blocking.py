"""Steps of plain functions: as `ironflow.step.Step` has them, but each call blocks the thread that it is made in."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from ironflow import branches as branching
from ironflow import emitting, waits
from ironflow.attempts import StepRetry, block, perform_blocking
from ironflow.body import SegmentEnded, current_body, positive, step_key
from ironflow.buckets import StepBucket, collected, step_name
from ironflow.context import Event
from ironflow.durations import Duration
from ironflow.emitting import Outgoing
from ironflow.function import Function
from ironflow.reports import RESULT, KvWrite
from ironflow.waits import MISSING, WAIT_TIMEOUT, Ask

if TYPE_CHECKING:
    from ironflow.assignment import Recorded
    from ironflow.execution import Execution

T = TypeVar("T")
D = TypeVar("D")
Item = TypeVar("Item")


class SyncStep:
    """The steps of one execution of a plain function. A wait gives the thread back: the function is called anew, and
    its steps replayed, when the wait is over."""

    __slots__ = ("_execution", "_lock")

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._lock = threading.Lock()  # a function may take steps in threads of its own

    @property
    def key(self) -> str:
        """Inside a step: its idempotency key, see `ironflow.step_key`."""
        return step_key()

    @overload
    def run(
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
    def run(
        self,
        name: str,
        fn: Callable[..., T],
        /,
        *args: Any,
        timeout: Duration | None = ...,
        retry: StepRetry | None = ...,
        **kwargs: Any,
    ) -> T: ...
    def run(
        self,
        name: str,
        fn: Callable[..., Any],
        /,
        *args: Any,
        timeout: Duration | None = None,
        retry: StepRetry | None = None,
        **kwargs: Any,
    ) -> Any:
        """As `Step.run`. A plain `fn` runs in this very thread, unless it has to be left behind at its timeout."""
        execution = self._execution
        step_id, recorded = self._begin(name, RESULT)
        if recorded is not None:
            return waits.result(recorded)
        return perform_blocking(execution, execution.work(step_id, name, fn, args, kwargs, timeout, retry))

    def sleep(self, name: str, duration: Duration) -> None:
        """As `Step.sleep`."""
        self._wait(waits.sleep(name, duration))

    def sleep_until(self, name: str, instant: datetime) -> None:
        """As `Step.sleep_until`."""
        self._wait(waits.sleep_until(name, instant))

    @overload
    def wait_for_event(
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
    def wait_for_event(
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
    def wait_for_event(
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
        """As `Step.wait_for_event`."""
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
        return self._execution.upcast(self._wait(ask))

    def invoke(
        self,
        function: Function | str,
        input: Any = None,
        *,
        timeout: Duration | None = None,
        tags: Sequence[str] = (),
    ) -> Any:
        """As `Step.invoke`."""
        return self._wait(waits.invoke(function, input, timeout=timeout, tags=tags))

    def invoke_async(self, function: Function | str, input: Any = None, *, tags: Sequence[str] = ()) -> str:
        """As `Step.invoke_async`."""
        run_id: str = self._wait(waits.invoke_async(function, input, tags=tags))
        return run_id

    def parallel(
        self,
        name: str,
        branches: Sequence[Callable[[], Any] | Callable[[SyncStep], Any]],
        *,
        concurrency: int | None = None,
        on_error: Literal["fail_fast", "collect"] = "fail_fast",
    ) -> list[Any]:
        """As `Step.parallel`, each branch a plain function in a thread of its own, at most 32 unless you say so."""
        execution = self._execution
        branching.check(execution, name, concurrency, on_error)
        bound = [branching.bound(branch, self) for branch in branches]
        return branching.side_by_side_in_threads(execution, name, bound, concurrency, on_error)

    def map(
        self,
        name: str,
        items: Iterable[Item],
        fn: Callable[[Item], Any],
        *,
        concurrency: int | None = None,
        on_error: Literal["fail_fast", "collect"] = "fail_fast",
    ) -> list[Any]:
        """`fn(item)` for every item, each a branch as in `parallel`."""
        execution = self._execution
        branching.check(execution, name, concurrency, on_error)
        calls = [branching.applied(fn, item) for item in items]
        return branching.side_by_side_in_threads(execution, name, calls, concurrency, on_error)

    def emit(
        self,
        name: str,
        data: Any = None,
        *,
        idempotency_key: str = "",
        metadata: Mapping[str, Any] | None = None,
        version: int = 0,
    ) -> None:
        """As `Step.emit`."""
        self._send(emitting.event(name, data, idempotency_key, metadata, version))

    def publish(self, topic: str, data: Any = None, *, idempotency_key: str = "") -> None:
        """As `Step.publish`."""
        self._send(emitting.message(topic, data, idempotency_key))

    def kv(self, bucket: str) -> StepBucket[None]:
        """As `Step.kv`."""
        return StepBucket(bucket, self._write)

    def note(self, name: str, value: Any = None) -> None:
        """As `Step.note`."""
        self._execution.note(name, value)

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
    ) -> None:
        """As `Step.compensate`."""
        limit_s = None if timeout is None else positive(timeout)
        with self._lock:
            self._execution.saga.register(self._execution, step, fn, args, kwargs, retry, limit_s)

    def _begin(self, name: str, kind: str, target: str = "") -> tuple[str, Recorded | None]:
        """The step's id, and the step if it is recorded. Raises SegmentEnded if it is not and must not be taken."""
        execution = self._execution
        with self._lock:
            step_id = execution.begin(name)
            recorded = execution.recorded(step_id, kind, target)
            if recorded is not None:
                return step_id, execution.take(recorded)
            if execution.unwinding:
                execution.scope.closed = True
                raise SegmentEnded
        return step_id, None

    def _wait(self, ask: Ask) -> Any:
        step_id, recorded = self._begin(ask.name, ask.kind, ask.target)
        if recorded is not None:
            return ask.read(recorded)
        with self._lock:
            self._execution.suspend(ask.make(step_id, self._execution.clock.now()))
        raise SegmentEnded

    def _write(self, write: KvWrite) -> None:
        run_id = self._execution.run_id
        if not collected(run_id, write):
            self.run(step_name(write), collected, run_id, write)

    def _send(self, outgoing: Outgoing) -> None:
        execution = self._execution
        body = current_body.get()
        if body is not None and body.run_id == execution.run_id:
            outgoing.collect(body)
            return
        step_id, recorded = self._begin(outgoing.name, outgoing.kind)
        if recorded is None:
            block(execution, lambda waiter: execution.report(outgoing.report(step_id), waiter))
