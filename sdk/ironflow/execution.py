"""One execution of a run: the function is called from its beginning, recorded steps answer from memory.

    running ──► over: completed, failed or suspended (reported, once), or abandoned (nothing more is said)

Everything here happens in the event loop, but for `begin` and `suspend`, which a plain function calls in its thread.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ironflow import failures, jsonvalue
from ironflow.context import Context, Event, SyncContext, current_run
from ironflow.errors import NonRetryableError, StepError
from ironflow.failures import Failure
from ironflow.function import Function
from ironflow.outbox import Outbox
from ironflow.step import SegmentEnded, Step, SyncStep, check_name, check_not_nested, escape
from ironflow.threads import Threads
from ironflow.v1 import types_pb2, worker_pb2

# How often the event loop turns before branches of a run that did nothing are taken to have come to rest. A branch
# needs two or three turns for each gather or task group that it hands its result through.
_TURNS_AT_REST = 10

Waiter = asyncio.Future[None] | concurrent.futures.Future[None]


class Recorded:
    """A recorded step; its output is read when it is asked for."""

    __slots__ = ("_step",)

    def __init__(self, step: worker_pb2.CompletedStep) -> None:
        self._step = step

    def value(self) -> Any:
        step = self._step
        if step.output_json:
            return jsonvalue.decode(step.output_json)
        if step.HasField("output_value"):
            return jsonvalue.of_struct(step.output_value)
        return jsonvalue.of_struct(step.output) if step.HasField("output") else None


class Execution:
    """`on_end` is called once, when the run needs no slot of this worker any more."""

    def __init__(
        self,
        assignment: worker_pb2.JobAssignment,
        *,
        function: Function | None,
        outbox: Outbox,
        handlers: Threads,
        threads: Threads,
        on_end: Callable[[Execution], None],
    ) -> None:
        """`handlers` are the threads that plain functions run in, `threads` those for their steps: if they were the
        same, functions could take all threads and wait for one for ever."""
        self.job_id = assignment.job_id
        self.run_id = assignment.run_id
        self.execution_seq = assignment.execution_seq
        self.lease_token = assignment.lease_token
        self.limit_s = function.step_timeout_s if function is not None else None
        self.memo = {done.step_id: Recorded(done) for done in assignment.completed_steps if done.status != "failed"}
        self.loop = asyncio.get_running_loop()
        self.threads = threads
        self.running = 0
        self.over = False
        self.awaited: set[concurrent.futures.Future[Any]] = set()
        self._assignment = assignment
        self._function = function
        self._outbox = outbox
        self._handlers = handlers
        self._on_end = on_end
        self._task: asyncio.Task[None] | None = None
        self._uses: dict[str, int] = {}
        self._acks: dict[str, Waiter] = {}
        self._closed = False
        self._sleeps: dict[str, tuple[str, datetime, asyncio.Future[None] | None]] = {}
        self._activity = 0
        self._at_rest: asyncio.Future[None] | None = None

    def start(self) -> asyncio.Task[None]:
        """Begin. The task always ends well; however the function ends is reported."""
        self._task = self.loop.create_task(self._run())
        return self._task

    def abandon(self) -> None:
        """Interrupt it, and report nothing any more: the run has ended or is another worker's."""
        if not self.over:
            self._end()

    # For steps.

    def begin(self, name: str) -> str:
        """The id of the step that is about to be taken. Raises SegmentEnded when none must be taken any more, and
        NonRetryableError for a step that makes no sense."""
        if self._closed:
            raise SegmentEnded
        number = self._uses.get(name, 0) if isinstance(name, str) else 0
        if not number:
            check_name(name)
        check_not_nested(self.run_id, name)
        self._uses[name] = number + 1
        return f"{self.run_id}:{escape(name)}:{number}"

    def waiter(self) -> asyncio.Future[None]:
        return self.loop.create_future()

    def report_completed(self, waiter: Waiter, step_id: str, name: str, output: bytes, duration_ms: int) -> None:
        """Report a result; `waiter` is done when it is durable, cancelled when the run is abandoned."""
        if self.over:
            waiter.cancel()
            return
        self._acks[step_id] = waiter
        message = self._outbox.add(len(output)).step_completed
        message.job_id = self.job_id
        message.step_id = step_id
        message.name = name
        message.output_json = output
        message.duration_ms = duration_ms
        message.execution_seq = self.execution_seq
        message.lease_token = self.lease_token

    def report_failed(
        self, waiter: Waiter, step_id: str, name: str, error: StepError, stack: str, duration_ms: int
    ) -> None:
        """Report that a step failed; `waiter` as above."""
        if self.over:
            waiter.cancel()
            return
        self._acks[step_id] = waiter
        message = self._outbox.add(len(stack)).step_failed
        message.job_id = self.job_id
        message.step_id = step_id
        message.name = name
        told = failures.of_handler(error)
        _fill(message.error, Failure(told.message, told.code, told.retryable, told.retry_after_ms, stack))
        message.duration_ms = duration_ms
        message.execution_seq = self.execution_seq
        message.lease_token = self.lease_token

    def acknowledged(self, step_id: str) -> None:
        """The report of the step is durable."""
        waiter = self._acks.pop(step_id, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def settle(self) -> None:
        """A step that was being run no longer is."""
        self.running -= 1
        self._activity += 1
        if not self.running:
            if self._at_rest is not None and not self._at_rest.done():
                self._at_rest.set_result(None)
            if self._sleeps:
                self._suspend_at_rest(self._activity, _TURNS_AT_REST)

    async def sleep(self, name: str, until: Callable[[], datetime]) -> None:
        """Return if the sleep is over, else suspend the run: this call never returns then. Other branches go on until
        they have ended or sleep as well."""
        step_id = self.begin(name)
        if step_id in self.memo:
            return
        # Waiting for what never comes suspends a run whatever is written around it: nothing is raised here that a
        # `gather` could collect or a bare `except` swallow, until the segment has ended.
        never = self.loop.create_future()
        self.suspend(step_id, name, until(), never)
        if not self.running:
            self._suspend_at_rest(self._activity, _TURNS_AT_REST)
        try:
            await never
        finally:
            self._sleeps.pop(step_id, None)

    def suspend(self, step_id: str, name: str, until: datetime, waiting: asyncio.Future[None] | None = None) -> None:
        """The run is to sleep; the first sleep is the one that is reported. A plain function's (nothing is `waiting`)
        takes no further steps."""
        self._sleeps[step_id] = (name, until, waiting)
        if waiting is None:
            self._closed = True

    def _suspend_at_rest(self, activity: int, turns: int) -> None:
        """End the segment if no branch takes a step within so many turns of the event loop."""
        if self.over or self.running or not self._sleeps or activity != self._activity:
            return
        if turns:
            self.loop.call_soon(self._suspend_at_rest, activity, turns - 1)
        else:
            self._report_sleep()
            self._end()

    # The handler.

    async def _run(self) -> None:
        output, failure = b"", None
        try:
            output = jsonvalue.encode(await self._call())
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | GeneratorExit):
                raise
            if not self.over:
                failure = failures.of_handler(error)
        if self.over:
            return
        self._closed = True
        try:
            await self._rest()
        except asyncio.CancelledError:  # abandoned meanwhile
            return
        if self._sleeps and next(iter(self._sleeps.values()))[2] is None:
            self._report_sleep()
        elif failure is not None:
            self._report_failure(failure)
        else:
            message = self._outbox.add(len(output)).job_completed
            message.job_id = self.job_id
            message.output_json = output
            message.execution_seq = self.execution_seq
            message.lease_token = self.lease_token
        self._end()

    async def _call(self) -> Any:
        function = self._function
        if function is None:
            name = self._assignment.function_id
            raise NonRetryableError(f"this worker has no function {name!r}", code="FUNCTION_NOT_FOUND")
        current_run.set(self.run_id)
        if function.is_async:
            return await function.handler(Context(step=Step(self), **self._told()))
        blocking = SyncContext(step=SyncStep(self), **self._told())
        context = contextvars.copy_context()
        outcome = await asyncio.wrap_future(self._handlers.submit(lambda: context.run(function.handler, blocking)))
        if outcome.error is not None:
            raise outcome.error
        return outcome.result

    def _told(self) -> dict[str, Any]:
        assignment = self._assignment
        event = assignment.event
        told = Event(
            id=event.id,
            name=event.name,
            data=_data(event),
            timestamp=event.timestamp.ToDatetime(UTC),
            metadata=jsonvalue.of_struct(event.metadata) if event.HasField("metadata") else {},
            version=event.version,
            source=event.source,
            idempotency_key=event.idempotency_key,
        )
        return {
            "event": told,
            "run_id": assignment.run_id,
            "function_id": assignment.function_id,
            "attempt": assignment.attempt,
            "max_attempts": assignment.max_attempts,
        }

    async def _rest(self) -> None:
        """Returns when no step is being run: after a function ended early, steps side by side may still be, and what
        they come to is worth recording."""
        while self.running:
            self._at_rest = self.loop.create_future()
            await self._at_rest

    def _report_sleep(self) -> None:
        step_id, (name, until, _) = next(iter(self._sleeps.items()))
        message = self._outbox.add().step_yielded
        message.job_id = self.job_id
        message.step_id = step_id
        message.name = name
        message.sleep.until.FromDatetime(until)
        message.execution_seq = self.execution_seq
        message.lease_token = self.lease_token

    def _report_failure(self, failure: Failure) -> None:
        message = self._outbox.add(len(failure.stack)).job_failed
        message.job_id = self.job_id
        _fill(message.error, failure)
        message.execution_seq = self.execution_seq
        message.lease_token = self.lease_token

    def _end(self) -> None:
        """Free the slot, and unwind whatever still waits."""
        self.over = self._closed = True
        self._on_end(self)
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        for waiter in [*self._acks.values(), *(waiting for _, _, waiting in self._sleeps.values() if waiting)]:
            waiter.cancel()
        self._acks.clear()
        for work in list(self.awaited):
            work.cancel()


def _fill(message: types_pb2.Error, failure: Failure) -> None:
    message.message = failure.message
    message.code = failure.code
    message.retryable = failure.retryable
    message.stack = failure.stack
    message.retry_after_ms = failure.retry_after_ms


def _data(event: types_pb2.Event) -> Any:
    if event.data_json:
        return jsonvalue.decode(event.data_json)
    if event.HasField("data_value"):
        return jsonvalue.of_struct(event.data_value)
    return jsonvalue.of_struct(event.data) if event.HasField("data") else None
