"""Runs of a function in this process, against an engine that keeps everything in a list, in virtual time.

The code under test is that of the worker: only the engine is played. A run that waits goes on in place, or with
`replay` is called anew each time, as on a worker that lost it.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ironflow import jsonvalue
from ironflow.assignment import Assignment, Recorded, Unwind
from ironflow.clock import Handle
from ironflow.context import Event
from ironflow.durations import seconds
from ironflow.failures import Failure, text_of
from ironflow.function import Function
from ironflow.lines import Logs
from ironflow.reports import (
    AsyncInvocation,
    Emission,
    EventWait,
    Invocation,
    KvWrite,
    Noted,
    Report,
    RunCompleted,
    RunFailed,
    Sleep,
    StepCompleted,
    StepFailed,
    Wait,
    Waiting,
)
from ironflow.testing.arrivals import Arrivals, Events
from ironflow.testing.result import START, Logged, Result, StepTaken
from ironflow.testing.standing_in import StoodInFor, give
from ironflow.threads import Threads

RUN_ID = "run_test"
THREADS = 16

_AWAITED = frozenset((Sleep.kind, EventWait.kind, Invocation.kind, AsyncInvocation.kind))


async def run(
    function: Function,
    event: Any = None,
    *,
    steps: Mapping[str, Any] | None = None,
    events: Events = (),
    functions: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    cancel_at: str = "",
    replay: bool = False,
    now: datetime = START,
) -> Result:
    """What a run of the function comes to. `event` is the event that starts it, or only its data.

    `steps` stand in for what steps of those names do: a value is the result, an exception is raised, a function is
    called instead. Other steps are run. `events` are what the run's waits will find: `("order.paid", data)`, or
    `Incoming` for one that comes later; a wait that none fits times out. `functions` stand in for child functions, by
    id, as `steps` do (a function is called with the input), or are Functions, which are run likewise.

    Sleeps, timeouts of waits and delays of retries pass at once, on the run's own clock. `cancel_at` cancels the run,
    with its compensations, when it waits at the step of that name.
    """
    if undeclared := sorted(set(secrets or ()) - set(function.options.secrets)):
        raise ValueError(f"{function.id} does not declare the secrets {undeclared}, and would not be given them")
    bench = Bench(
        function,
        event_of(function, event, now),
        steps=steps or {},
        events=events,
        functions=functions or {},
        secrets=secrets or {},
        cancel_at=cancel_at,
        replay=replay,
        now=now,
    )
    return await bench.run()


def run_blocking(function: Function, event: Any = None, **options: Any) -> Result:
    """As `run`, for tests without an event loop."""
    return asyncio.run(run(function, event, **options))


class _Clock:
    """Virtual time: whoever waits for it makes it pass."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def pass_to(self, instant: datetime) -> None:
        self._now = max(self._now, instant)

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> Handle:
        self._now += timedelta(seconds=delay_s)
        return asyncio.get_running_loop().call_soon(callback)


class Bench:
    """The engine's side of one run, and the sink of its executions."""

    def __init__(
        self,
        function: Function,
        event: Event,
        *,
        steps: Mapping[str, Any],
        events: Events,
        functions: Mapping[str, Any],
        secrets: Mapping[str, str],
        cancel_at: str,
        replay: bool,
        now: datetime,
    ) -> None:
        self._function = function
        self._event = event
        self._stand_ins = steps
        self._functions = functions
        self._secrets = secrets
        self._cancel_at = cancel_at
        self._replay = replay
        self._clock = _Clock(now)
        self._numbers = itertools.count(1)
        self._arrivals = Arrivals(events, now, of=event)
        self._recorded: list[Recorded] = []
        self._open: dict[str, Wait] = {}
        self._execution: StoodInFor | None = None
        self._said: asyncio.Future[Waiting | RunCompleted | RunFailed] | None = None
        self._attempt = 1
        self._rested = False
        self._unwind: Unwind | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._result = Result(began_at=now)

    async def run(self) -> Result:
        handlers, threads = Threads(1, name="ironflow-function"), Threads(THREADS, name="ironflow-step")
        try:
            while not await self._execute(handlers, threads):
                pass
        finally:
            if self._execution is not None:
                self._execution.abandon()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            handlers.close()
            threads.close()
        self._result.attempts = self._attempt
        self._result.ended_at = self._clock.now()
        return self._result

    def report(self, report: Report) -> None:
        if not isinstance(report, Noted):
            self._heard(rested=isinstance(report, Waiting))
        match report:
            case StepCompleted():
                self._log(report.logs_before)
                self._log(report.logs, report.name)
                self._completed(report)
            case StepFailed():
                self._log(report.logs_before)
                self._log(report.logs, report.name)
                self._note_failure(report)
            case Noted():
                self._result.notes.append((report.name, jsonvalue.decode(report.value)))
            case Waiting() | RunCompleted() | RunFailed():
                assert self._said is not None
                self._log(report.logs)
                self._said.set_result(report)

    async def _execute(self, handlers: Threads, threads: Threads) -> bool:
        """One execution, or its next part. Whether the run has ended."""
        self._said = asyncio.get_running_loop().create_future()
        assignment = Assignment(
            run_id=RUN_ID,
            function_id=self._function.id,
            event=self._event,
            steps=self._recorded,
            attempt=self._attempt,
            max_attempts=self._function.retry.max_attempts,
            on_exhausted=self._function.retry.on_exhausted,
            unwind=self._unwind,
            secrets=self._secrets,
            rested=self._rested,
        )
        if self._execution is not None and self._execution.parked:
            self._execution.resume(assignment, self)
        else:
            self._execution = StoodInFor(
                assignment,
                function=self._function,
                sink=self,
                handlers=handlers,
                threads=threads,
                on_end=lambda execution: None,
                parks=lambda: not self._replay,
                clock=self._clock,
            )
            self._execution.stand_ins = self._stand_ins
            self._tasks.append(self._execution.start())
        return await self._follow(await self._said)

    async def _follow(self, said: Waiting | RunCompleted | RunFailed) -> bool:
        match said:
            case Waiting():
                await self._wait(said.waits)
                return False
            case RunCompleted():
                self._result.output = jsonvalue.decode(said.output)
                return True
            case RunFailed():
                return self._fail(said.failure)

    def _fail(self, failure: Failure) -> bool:
        """Whether that was the last attempt."""
        retry = self._function.retry
        if failure.retryable and self._attempt < retry.max_attempts:
            asked_s = failure.retry_after_ms / 1_000
            delay_s = seconds(retry.initial_delay) * retry.backoff_factor ** min(self._attempt - 1, 64)
            self._clock.pass_to(
                self._clock.now() + timedelta(seconds=min(asked_s or delay_s, seconds(retry.max_delay)))
            )
            self._attempt += 1
            return False
        self._result.status = "paused" if failure.retryable and retry.on_exhausted == "pause" else "failed"
        if self._unwind is not None and self._unwind.cause == "cancelled":
            self._result.status = "cancelled"
        self._result.error, self._result.error_code = failure.message, failure.code
        return True

    def _heard(self, *, rested: bool) -> None:
        """The code has come as far as what it was told."""
        for one in self._recorded:
            one.news = False
        self._rested = rested

    # Steps.

    def _log(self, logs: Logs | None, step: str = "") -> None:
        if logs is None:
            return
        self._result.tags += [tag for tag in logs.tags if tag not in self._result.tags]
        for one in logs.lines:
            self._result.logs.append(Logged(one.level, one.message, jsonvalue.decode(one.fields), step, one.logger))

    def _completed(self, report: StepCompleted) -> None:
        self._record(report.step_id, report.name, report.kind, report.output)
        for emission in report.emissions:
            self._emit(emission)
        for write in report.writes:
            self._result.writes.append((write.operation, write.bucket, write.key, _written(write)))
        self._acknowledge(report.step_id)

    def _note_failure(self, report: StepFailed) -> None:
        failure = report.failure
        told = {"message": failure.message, "code": failure.code, "retryable": failure.retryable}
        failed = Recorded(
            report.step_id, name=report.name, kind=report.kind, failed=True, error=told, attempt=self._attempt
        )
        self._remember(failed)
        self._result.steps.append(
            StepTaken(report.name, report.kind, "failed", error=failure.message, id=report.step_id)
        )
        self._acknowledge(report.step_id)

    def _acknowledge(self, step_id: str) -> None:
        execution = self._execution
        assert execution is not None
        asyncio.get_running_loop().call_soon(execution.acknowledged, step_id)

    def _record(self, step_id: str, name: str, kind: str, output: bytes, tags: Sequence[str] = ()) -> None:
        self._remember(Recorded(step_id, output, name=name, kind=kind))
        value = jsonvalue.decode(output) if output else None
        self._result.steps.append(StepTaken(name, kind, "completed", value, id=step_id, tags=tags))

    def _remember(self, step: Recorded) -> None:
        """In the order of recording; of a step's tries the last one counts. What waits end with is news."""
        step.news = step.kind in _AWAITED
        self._recorded = [one for one in self._recorded if one.step_id != step.step_id]
        self._recorded.append(step)

    def _emit(self, emission: Emission) -> None:
        data = jsonvalue.decode(emission.data)
        if emission.topic:
            self._result.messages.append((emission.topic, data))
        else:
            self._result.events.append((emission.name, data))

    # Waits.

    async def _wait(self, waits: Sequence[Wait]) -> None:
        """Let time pass until the first of the waits is over."""
        if self._cancel_at and any(wait.name == self._cancel_at for wait in waits):
            self._unwind = Unwind("cancelled", Failure("the run was cancelled", "RUN_CANCELLED", False, 0, ""))
            return
        for wait in waits:  # one that began earlier goes on
            self._open.setdefault(wait.step_id, wait)
        current = [self._open[wait.step_id] for wait in waits]
        due = min(self._due_at(wait) for wait in current)
        self._clock.pass_to(due)
        for wait in sorted(current, key=self._due_at):
            if self._due_at(wait) <= self._clock.now():
                del self._open[wait.step_id]
                await self._end(wait)

    def _due_at(self, wait: Wait) -> datetime:
        match wait:
            case Sleep():
                return wait.until
            case EventWait():
                found = self._arrivals.first(wait)
                return wait.until if found is None else min(wait.until, found.at)
            case Invocation() | AsyncInvocation():
                return self._clock.now()

    async def _end(self, wait: Wait) -> None:
        match wait:
            case Sleep():
                self._record(wait.step_id, wait.name, wait.kind, b"null")
            case EventWait():
                self._end_wait(wait)
            case AsyncInvocation():
                output = jsonvalue.encode({"run_id": f"run_test_{next(self._numbers)}"})
                self._record(wait.step_id, wait.name, wait.kind, output, wait.tags)
            case Invocation():
                await self._end_invocation(wait)

    def _end_wait(self, wait: EventWait) -> None:
        found = self._arrivals.first(wait)
        if found is not None and found.at <= self._clock.now():
            self._arrivals.take(found)
            told = {
                "id": f"evt_test_{next(self._numbers)}",
                "name": found.event.name,
                "data": found.event.data,
                "timestamp": self._clock.now().isoformat(),
                "version": 1,
            }
            self._record(wait.step_id, wait.name, wait.kind, jsonvalue.encode(told))
        elif wait.on_timeout == "default":
            self._record(wait.step_id, wait.name, wait.kind, wait.default)
        else:
            error = f"no event {wait.event!r} came in time"
            if wait.on_timeout == "fail":
                self._unwind = Unwind("failed", Failure(error, "WAIT_TIMEOUT", False, 0, ""))
            self._record_failure(wait, {"message": error, "code": "WAIT_TIMEOUT"})

    async def _end_invocation(self, wait: Invocation) -> None:
        child_id = f"run_test_{next(self._numbers)}"
        try:
            output = await self._child(wait.function_id, jsonvalue.decode(wait.input))
        except Exception as error:  # noqa: BLE001 - whatever a child raises, its parent is told of
            self._record_failure(
                wait, {"function_id": wait.function_id, "child_run_id": child_id, "cause": text_of(error)}, wait.tags
            )
        else:
            self._record(wait.step_id, wait.name, wait.kind, jsonvalue.encode(output), wait.tags)

    def _record_failure(self, wait: Wait, error: Mapping[str, Any], tags: Sequence[str] = ()) -> None:
        self._remember(Recorded(wait.step_id, name=wait.name, kind=wait.kind, failed=True, error=error))
        message = str(error.get("message") or error.get("cause"))
        self._result.steps.append(StepTaken(wait.name, wait.kind, "failed", error=message, id=wait.step_id, tags=tags))

    async def _child(self, function_id: str, given: Any) -> Any:
        if function_id not in self._functions:
            raise LookupError(f"the test has nothing for function {function_id!r}: run(…, functions={{…}})")
        child = self._functions[function_id]
        if isinstance(child, Function):
            result = await run(
                child,
                given,
                steps=self._stand_ins,
                functions=self._functions,
                secrets=self._secrets,
                replay=self._replay,
                now=self._clock.now(),
            )
            self._clock.pass_to(result.ended_at)
            if result.status != "completed":
                raise RuntimeError(result.error)
            return result.output
        if isinstance(child, BaseException) or not callable(child):
            return await give(child)
        output = child(given)
        return await output if asyncio.iscoroutine(output) else output


def event_of(function: Function, given: Any, now: datetime) -> Event:
    if isinstance(given, Event):
        return given
    first = function.triggers[0].event if function.triggers else function.id
    name = ".".join("test" if segment in ("*", ">") else segment for segment in first.split("."))
    data = jsonvalue.decode(jsonvalue.encode(given, what="the event's data"))
    return Event(id="evt_test", name=name, data=data, timestamp=now, metadata={})


def _written(write: KvWrite) -> Any:
    """What is put, read as the client reads it, or what is added."""
    if write.operation == "incr":
        return write.by
    try:
        return jsonvalue.decode(write.value) if write.operation == "put" else None
    except ValueError:
        return write.value
