"""One execution of a run: the function is called from its beginning, recorded steps answer from memory.

    running ──► over: completed, failed or waiting (reported, once), or abandoned (nothing more is said)
       ▲ │
       │ └──► parked: waiting (reported), and kept in memory
       └────────┘ resumed in place, with what has been recorded since

Whoever carries it (the worker's stream, a push request, a test) gives it an `Assignment` and a `Sink`. Everything here
happens in the event loop, but for what says that a plain function calls it in its thread.

What is over keeps nothing that leads back to it: thousands end together when they were woken together, and whoever
looks for garbage would look through all that still wait.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ironflow import failures, handler, jsonvalue, logger, upcasting
from ironflow.assignment import Assignment, Recorded
from ironflow.attempts import StepRetry, Work
from ironflow.body import SegmentEnded, check_not_nested, positive
from ironflow.clock import Clock, Handle, SystemClock
from ironflow.context import Secrets
from ironflow.deliveries import Deliveries
from ironflow.divergence import diverging
from ironflow.durations import Duration
from ironflow.failures import Failure
from ironflow.function import Function
from ironflow.lines import Gathered, Line
from ironflow.naming import Scope, check_name, current_scope
from ironflow.reports import (
    RESULT,
    Noted,
    RunCompleted,
    RunFailed,
    Sink,
    StepCompleted,
    StepFailed,
    StepStarted,
    Wait,
    Waiting,
)
from ironflow.saga import Saga, undone_before
from ironflow.threads import Threads
from ironflow.waits import Waits

Waiter = asyncio.Future[Failure | None] | concurrent.futures.Future[Failure | None]
"""Given the failure that was recorded instead of a step's result, if what it writes was refused."""


class Execution:
    """`on_end` is called when the run needs no slot any more: it is over, or `parked`. `parks` is asked whether it may
    stay in memory while it waits. Only an async function can: a plain one would keep its thread."""

    def __init__(
        self,
        assignment: Assignment,
        *,
        function: Function | None,
        sink: Sink,
        handlers: Threads,
        threads: Threads,
        on_end: Callable[[Execution], None],
        parks: Callable[[], bool] = lambda: False,
        clock: Clock | None = None,
    ) -> None:
        """`handlers` are the threads that plain functions run in, `threads` those for their steps: if they were the
        same, functions could take all threads and wait for one for ever."""
        self.run_id = assignment.run_id
        self.attempt = assignment.attempt
        self.secrets = Secrets(assignment.secrets)
        self.upcast = upcasting.reader(function.upcasters if function is not None else None)
        self.limit_s = function.step_timeout_s if function is not None else None
        self.loop = asyncio.get_running_loop()
        self.threads = threads
        self.clock = clock or SystemClock()
        self.saga = Saga()
        self.running = 0
        self.over = False
        self.parked = False
        self.announces = assignment.announces
        self.awaited: set[concurrent.futures.Future[Any]] = set()
        self.taken: set[str] = set()
        """Ids of the steps, other than waits, whose results the code is to be given."""
        self.at_rest: list[Callable[[], bool]] = []
        """What may be given up when the code is at rest, and says whether it was."""
        self.sink = sink
        self._deliveries = Deliveries(
            assignment.steps, on_rest=self._rested, give_up=self._gave_up, rested=assignment.rested
        )
        self._undone_before = undone_before(assignment.steps)
        self._unwind = assignment.unwind
        self._assignment = assignment
        self._function = function
        self._handlers = handlers
        self._on_end = on_end
        self._parks = parks
        if function is not None and function.capture_logging:
            logger.listen()
        self._task: asyncio.Task[None] | None = None
        self._root = Scope(assignment.run_id)
        self._acks: dict[str, Waiter] = {}
        self._waits = Waits()
        self._pauses: dict[Waiter, Handle] = {}
        self._held: set[asyncio.Future[None]] = set()
        self._notes: list[Noted] = []
        self._said = Gathered()
        self._diverged: RunFailed | None = None
        self._cut = False
        self._stopped = False
        self._returned = False
        self._idle: asyncio.Future[None] | None = None

    # For who carries it.

    def start(self) -> asyncio.Task[None]:
        """Begin. The task always ends well; however the function ends is reported."""
        self._task = self.loop.create_task(self._run())
        return self._task

    def abandon(self) -> None:
        """Interrupt it, and report nothing any more: the run has ended or is another worker's."""
        if not self.over:
            self._end()

    def resume(self, assignment: Assignment, sink: Sink) -> None:
        """Go on in place with what has been recorded since it was parked; reports go to the new sink."""
        self.sink = sink
        self.parked = False
        self._deliveries.beyond = True
        self._unwind = assignment.unwind
        self.announces = assignment.announces
        self.secrets.clear()
        self.secrets.update(assignment.secrets)  # those of now: one may have been changed meanwhile
        for note in self._notes:
            sink.report(note)
        self._notes.clear()
        for step in assignment.steps:
            future = self._waits.pop(step.step_id)
            if future is not None:  # what else may be told it knows: it was there
                self._deliveries.add([step])
                self._deliveries.answer(step.step_id, future, only=not self._waits_elsewhere())
        for held in () if self.unwinding else tuple(self._held):
            held.set_result(None)
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)
        if self._waits_elsewhere():
            self._deliveries.stir()

    def _waits_elsewhere(self) -> bool:
        """Whether the code may be waiting in further branches: who goes on then is found out when all are at rest."""
        return bool(self._waits or self._held or self.at_rest or self.running or self._returned)

    def acknowledged(self, step_id: str, refused: Failure | None = None) -> None:
        """The report of the step is durable; or, if it is `refused`, that it failed with this."""
        waiter = self._acks.pop(step_id, None)
        if waiter is None or waiter.done():
            return
        if isinstance(waiter, concurrent.futures.Future):
            waiter.set_result(refused)
        else:
            self._deliveries.done(waiter, refused, only=self.running <= 1 and not self._waits)

    # For steps.

    def work(
        self,
        step_id: str,
        name: str,
        fn: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        timeout: Duration | None,
        retry: StepRetry | None,
    ) -> Work:
        """What a step of that name does; a test may put something else in its place."""
        return Work(step_id, name, fn, args, kwargs, self.limit_s if timeout is None else positive(timeout), retry)

    @property
    def unwinding(self) -> bool:
        """Whether no step must be taken but those that are recorded."""
        return self._unwind is not None or self._undone_before

    @property
    def scope(self) -> Scope:
        """The branch that this code runs in."""
        scope = current_scope.get()
        return scope if scope is not None and self._root.holds(f"{scope.prefix}:") else self._root

    def begin(self, name: str) -> str:
        """The id of the step that is about to be taken, also from a thread. Raises SegmentEnded when none must be
        taken any more, and NonRetryableError for a step that makes no sense."""
        check_not_nested(self.run_id, name)
        scope = self.scope
        if scope.closed or self._root.closed:
            raise SegmentEnded
        return scope.step_id(name)

    def recorded(self, step_id: str, kind: str, target: str = "") -> Recorded | None:
        """The step as it is recorded, if it is; also from a thread. Raises SegmentEnded if that is another kind of
        step, or for another target: the run fails with both sides then, whatever the code does."""
        step = self._deliveries.get(step_id)
        if step is None:
            return None
        divergence = diverging(step, kind, target, self._function)
        if divergence is not None:
            self._diverged = divergence
            self._root.closed = True
            self.loop.call_soon_threadsafe(self._deliveries.stir)
            raise SegmentEnded
        if step.failed and kind == RESULT and step.attempt != self.attempt and step.error.get("retryable", True):
            self._deliveries.take(step_id)  # it is this attempt's to try again
            return None
        return step

    def take(self, step: Recorded) -> Recorded:
        """The step, at once: for code in threads, which is not to wait for its turn."""
        self._deliveries.take(step.step_id)
        return step

    async def deliver(self, step: Recorded) -> Recorded:
        """The step, when it is its turn."""
        self._touch()
        return await self._deliveries.ask(step.step_id)

    async def free(self) -> None:
        """Returns when a step that is not recorded may be run: at once, unless the run is parked or ends."""
        self._touch()
        while self.parked or self.unwinding:
            held = self.loop.create_future()
            self._held.add(held)
            self._deliveries.stir()
            try:
                await held
            finally:
                self._held.discard(held)

    def stir(self) -> None:
        """Something may be for those who wait for rest."""
        self._deliveries.stir()

    def settle(self) -> None:
        """A step that was being run no longer is."""
        self.running -= 1
        if not self.running:
            if self._idle is not None and not self._idle.done():
                self._idle.set_result(None)
            if self._waits or self._held or self.at_rest:
                self._deliveries.stir()

    def report(self, report: StepCompleted | StepFailed, waiter: Waiter) -> None:
        """`waiter` is done when the report is durable, cancelled when the run is abandoned."""
        if self.over:
            waiter.cancel()
            return
        self._acks[report.step_id] = waiter
        said = self._said.taken()
        self._deliveries.beyond = True
        self.sink.report(report if said is None else replace(report, logs_before=said))

    def announce(self, step_id: str, name: str, waiter: Waiter) -> None:
        """`waiter` is done when the step may begin, cancelled when the run is held before it."""
        if self.over:
            waiter.cancel()
            return
        self._acks[step_id] = waiter
        self.sink.report(StepStarted(step_id, name))

    async def announced(self, step_id: str, name: str) -> None:
        """Returns when the step may begin: at once, unless the run's steps are to be announced."""
        if self.announces and not self.unwinding:
            waiter: asyncio.Future[Failure | None] = self.loop.create_future()
            self.announce(step_id, name, waiter)
            await waiter

    async def durable(self, report: StepCompleted | StepFailed) -> Failure | None:
        """Report, and return when that is durable: the failure that was recorded instead, if there is one."""
        waiter: asyncio.Future[Failure | None] = self.loop.create_future()
        self.report(report, waiter)
        return await waiter

    async def pause(self, delay_s: float) -> None:
        """A delay within a step, by the clock of the run."""
        over: asyncio.Future[Failure | None] = self.loop.create_future()
        self.after(delay_s, over)
        try:
            await over
        finally:
            self._pauses.pop(over, None)

    def after(self, delay_s: float, waiter: Waiter) -> None:
        """`waiter` is done after the delay, cancelled when the run is abandoned before."""
        if self.over:
            waiter.cancel()
            return

        def over() -> None:
            self._pauses.pop(waiter, None)
            if not waiter.done():
                waiter.set_result(None)

        self._pauses[waiter] = self.clock.call_later(delay_s, over)

    async def wait(self, wait: Wait) -> Recorded:
        """The wait as it is recorded once it is over. The run is suspended when other branches have come to rest too;
        if it is not resumed in place, this call never returns. Nothing is raised that a `gather` could collect or a
        bare `except` swallow."""
        self._touch()
        over: asyncio.Future[Recorded] = self.loop.create_future()
        self._waits.add(wait, over)
        self._deliveries.stir()
        try:
            return await over
        finally:
            self._waits.pop(wait.step_id)

    def suspend(self, wait: Wait) -> None:
        """The run is to wait, says a plain function in its thread; its branch takes no further steps."""
        self._waits.add(wait, None)
        self.scope.closed = True

    def forget(self, scope: Scope) -> None:
        """What a branch of a plain function waits for is not waited for any more."""
        self._waits.forget(scope)

    def note(self, name: str, value: Any) -> None:
        """Show the value in the run's timeline; also from a thread. Not again in a replay."""
        check_name(name)
        noted = Noted(name, jsonvalue.encode(value, what=f"the value of {name!r}"))
        try:
            inside = asyncio.get_running_loop() is self.loop
        except RuntimeError:
            inside = False
        if inside:
            self._note(noted)
        else:
            self.loop.call_soon_threadsafe(self._note, noted)

    def say(self, line: Line) -> bool:
        """Record the line, said between steps, with the next report; also from a thread. Returns False in a replay, for
        what was said before."""
        if self.over or self._deliveries.replaying:
            return False
        self._said.add(line)
        return True

    def tag(self, tags: tuple[str, ...]) -> None:
        """Tag the run, between steps, with the next report; also from a thread. Not again in a replay."""
        if not self.over and not self._deliveries.replaying:
            self._said.tag(tags)

    def _note(self, noted: Noted) -> None:
        if self.parked:
            self._notes.append(noted)
        elif not self.over and not self._deliveries.replaying:
            self.sink.report(noted)

    def _touch(self) -> None:
        deliveries = self._deliveries
        deliveries.touch()
        if deliveries.alone and asyncio.current_task() is not self._task:
            deliveries.alone = False

    # Coming to rest.

    def _gave_up(self) -> bool:
        """Whether some of what the code waits for was given up. Also in a run that ends: it may have got further."""
        if not self.at_rest or self.over or self.parked or self._returned or self._diverged is not None:
            return False
        return sum(give_up() for give_up in tuple(self.at_rest)) > 0

    def _rested(self) -> None:
        """Nothing is left to deliver, and the code did nothing for a while."""
        if self.over or self.parked or self.running or self._returned:
            return
        if self._diverged is not None or (self.unwinding and (self._waits or self._held)):
            self._cut_off()
        elif self._waits and not self._waits.of_threads:
            self._yield()

    def _cut_off(self) -> None:
        """The function must not go on; what it cleans up with takes no steps."""
        if self._task is not None and not self._cut:
            self._cut = self._root.closed = True
            self._task.cancel()

    def _yield(self) -> None:
        waits = self._waits.in_order()
        if not self._waits.of_threads and not self._assignment.always_replay and self._parks():
            self.parked = True
            self.sink.report(Waiting(waits, parked=True, logs=self._said.taken()))
            self._on_end(self)
        else:
            self.sink.report(Waiting(waits, logs=self._said.taken()))
            self._end()

    # The function.

    async def _run(self) -> None:
        output, failure = b"", None
        try:
            output = jsonvalue.encode(await handler.call(self, self._function, self._assignment, self._handlers))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | GeneratorExit):
                raise
            self._stopped = self._cut or isinstance(error, SegmentEnded)
            if not self.over:
                failure = failures.of_handler(error)
        if self.over:
            return
        if self._cut and self._task is not None:
            self._task.uncancel()
        self._returned = self._root.closed = True
        try:
            await self._finish(output, failure)
        except asyncio.CancelledError:  # abandoned meanwhile
            return

    async def _finish(self, output: bytes, failure: Failure | None) -> None:
        """After a function ended early, steps side by side may still be run, and what they come to is worth recording.
        Then what it did is undone if the run fails for good, and the last word said."""
        while self.running or self.parked:
            self._idle = self.loop.create_future()
            await self._idle
        if self._diverged is not None:
            self.sink.report(replace(self._diverged, logs=self._said.taken()))
        elif self._waits.of_threads and not self.unwinding:
            self._yield()
            return
        elif self.unwinding or (failure is not None and self._is_final(failure)):
            await self.saga.compensate(self)
            self.sink.report(RunFailed(self._last_failure(failure), logs=self._said.taken()))
        elif failure is not None:
            self.sink.report(RunFailed(failure, logs=self._said.taken()))
        else:
            self.sink.report(RunCompleted(output, self._said.taken()))
        self._end()

    def _is_final(self, failure: Failure) -> bool:
        told = self._assignment
        exhausted = told.on_exhausted == "fail" and 0 < told.max_attempts <= told.attempt
        return not failure.retryable or exhausted

    def _last_failure(self, failure: Failure | None) -> Failure:
        if self._unwind is not None:
            return self._unwind.failure
        if failure is not None and not self._stopped:
            return failure
        return Failure("the run failed before, and was undone; start a new one", "COMPENSATED", False, 0, "")

    def _end(self) -> None:
        """Free the slot, and unwind whatever still waits."""
        parked, self.parked = self.parked, False
        self.over = self._root.closed = True
        self._deliveries.stop()
        if not parked:
            self._on_end(self)
        task, self._task = self._task, None  # whose context leads back here
        if task is not None and task is not asyncio.current_task():
            task.cancel()
        for waiter in [*self._acks.values(), *self._waits.futures(), *self._held]:
            waiter.cancel()
        self._acks.clear()
        for waiter, timer in [*self._pauses.items()]:
            timer.cancel()
            waiter.cancel()
        self._pauses.clear()
        for work in list(self.awaited):
            work.cancel()
