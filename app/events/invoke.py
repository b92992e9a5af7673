"""Emitting and waiting for what it starts; and calling one function by its id, which is an event of that name.

A wait has a limit; the runs go on when it is over. The run of a call whose caller leaves before is cancelled, as
published: nobody is there any more for its result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import structlog

from app.clock import Clock
from app.errors import FailedPrecondition, IdempotencyConflict, InvalidArgument, IronflowError, ResourceExhausted
from app.events.emit import Emitter
from app.events.new_event import NewEvent
from app.events.prepared import Emitted
from app.history.kinds import Failure, RunCompleted, RunFailed, RunPaused
from app.runs.engine import Engine
from app.runs.functions import Functions
from app.runs.reading import RunReader
from app.runs.waits import Waits
from storage.contract import StorageError

log = structlog.get_logger(__name__)

WAIT_MS_DEFAULT = 30_000
WAIT_MS_MAX = 3_600_000

CALLER_LEFT = "the caller left"
"""The message with which a transport cancels the task of a caller that has gone. A server that stops cancels without
it, and runs go on."""
ENDS_WITH_ITS_CALLER = "InvokeFunctionSync"
"""The method whose task a transport cancels that way."""


class RunResult(NamedTuple):
    """How far a run has come: to its end, or (`timed_out`) to where it was when the wait was over."""

    run_id: str
    function_id: str
    status: str
    duration_ms: int
    output: msgspec.Raw | None
    error: Failure | None
    timed_out: bool = False


def _run_in_the_way(emitted: Emitted, function_id: str) -> str:
    """The unfinished run of a singleton, because of which there is no other. Raises ResourceExhausted where the rate
    limit let none through."""
    for one in emitted.outcomes:
        if one.function_id == function_id and one.run_id:
            return one.run_id
    raise ResourceExhausted(
        f"the rate limit of function {function_id!r} lets no more runs through now", hint="invoke it later"
    )


class Invoker:
    def __init__(
        self, *, emitter: Emitter, functions: Functions, reader: RunReader, waits: Waits, engine: Engine, clock: Clock
    ) -> None:
        self._emitter = emitter
        self._functions = functions
        self._reader = reader
        self._waits = waits
        self._engine = engine
        self._clock = clock

    async def emit_and_wait(self, event: NewEvent, *, timeout_ms: int = 0) -> tuple[str, Sequence[RunResult]]:
        """The event's id, and one result for each run of it. No `timeout_ms` is WAIT_MS_DEFAULT. Raises as
        Emitter.emit does."""
        started_at, until = self._limits(timeout_ms)
        emitted = await self._emitter.emit(msgspec.structs.replace(event, waits=True))
        if emitted.duplicate:
            waits = [self._found(event.environment, run_id, until) for run_id in emitted.run_ids]
        else:
            waits = [
                self._found(event.environment, run_id, until)
                if run_id in emitted.earlier
                else self._awaited(event.environment, run_id, function_id, started_at, until)
                for run_id, function_id in zip(emitted.run_ids, emitted.function_ids, strict=True)
            ]
        return emitted.event_id, [await waits[0]] if len(waits) == 1 else await asyncio.gather(*waits)

    async def invoke(self, event: NewEvent) -> tuple[str, str]:
        """The ids of the run and of the event, whose name is the function's id. Raises FunctionNotFound,
        FailedPrecondition for an archived function, ResourceExhausted for a rate limited one, and as Emitter.emit
        does."""
        emitted = await self._call(event)
        return await self._run_of(event, emitted), emitted.event_id

    async def invoke_and_wait(self, event: NewEvent, *, timeout_ms: int = 0) -> RunResult:
        """The result of the function. If this task is cancelled with CALLER_LEFT, so is the run that it began; one that
        was there before goes on. Raises as `invoke` does."""
        started_at, until = self._limits(timeout_ms)
        beginning = asyncio.ensure_future(self._begun(event))
        try:
            run_id, is_new = await asyncio.shield(beginning)
            if not is_new:
                return await self._found(event.environment, run_id, until)
            return await self._awaited(event.environment, run_id, event.name, started_at, until)
        except asyncio.CancelledError as error:
            if error.args == (CALLER_LEFT,):
                await self._give_up(event.environment, beginning)
            raise

    async def _begun(self, event: NewEvent) -> tuple[str, bool]:
        """The run, and whether this call began it."""
        emitted = await self._call(event)
        run_id = await self._run_of(event, emitted)
        return run_id, not emitted.duplicate and run_id in emitted.run_ids and run_id not in emitted.earlier

    async def _give_up(self, environment: str, beginning: asyncio.Future[tuple[str, bool]]) -> None:
        """Cancel the run if the call began it; the caller may have left before that was recorded."""
        try:
            run_id, is_new = await beginning
            if is_new:
                await self._engine.cancel(environment, run_id, reason=CALLER_LEFT)
        except (IronflowError, StorageError) as error:
            log.debug("there is no run to cancel", reason=str(error))

    async def _call(self, event: NewEvent) -> Emitted:
        function = self._functions.get(event.environment, event.name)
        if not function.is_triggered:
            raise FailedPrecondition(
                f"function {event.name!r} is {function.status}", hint=f"`ironflow function resume {event.name}`"
            )
        return await self._emitter.emit(msgspec.structs.replace(event, function_ids=(event.name,), waits=True))

    async def _run_of(self, event: NewEvent, emitted: Emitted) -> str:
        """The run of the called function: its event may have started others too."""
        if not emitted.duplicate:
            if event.name in emitted.function_ids:
                return emitted.run_ids[emitted.function_ids.index(event.name)]
            return _run_in_the_way(emitted, event.name)
        for run_id in emitted.run_ids:
            if (await self._reader.row(event.environment, run_id)).function_id == event.name:
                return run_id
        raise IdempotencyConflict(
            f"the idempotency key was used when {event.name!r} was not registered",
            field="idempotency_key",
            hint="use another",
        )

    async def _awaited(self, environment: str, run_id: str, function_id: str, started_at: int, until: int) -> RunResult:
        """The result of a run created just now: its last entry says it all."""
        entry = await self._waits.outcome(environment, run_id, self._left_s(until))
        if entry is None:
            return await self._found(environment, run_id, until)
        fact = entry.fact
        return RunResult(
            run_id,
            function_id,
            status=entry.kind.removeprefix("run."),
            duration_ms=max(0, entry.recorded_at - started_at) // 1_000,
            output=fact.output if isinstance(fact, RunCompleted) else None,
            error=fact.error if isinstance(fact, RunFailed | RunPaused) else None,
        )

    async def _found(self, environment: str, run_id: str, until: int) -> RunResult:
        """The result of any run, as far as it has come."""
        ended = await self._waits.until_ended(environment, run_id, self._left_s(until))
        run = await self._reader.get(environment, run_id)
        state = run.state
        return RunResult(
            run_id,
            state.function_id,
            status=state.status,
            duration_ms=max(0, (state.ended_at or state.updated_at) - state.created_at) // 1_000,
            output=run.output,
            error=state.error,
            timed_out=not ended,
        )

    def _limits(self, timeout_ms: int) -> tuple[int, int]:
        """When the wait begins and ends. Raises InvalidArgument."""
        if not 0 <= timeout_ms <= WAIT_MS_MAX:
            raise InvalidArgument(
                f"timeout_ms {timeout_ms} is out of range",
                field="timeout_ms",
                hint=f"1 to {WAIT_MS_MAX}; 0 means {WAIT_MS_DEFAULT}",
            )
        now = self._clock.now_us()
        return now, now + (timeout_ms or WAIT_MS_DEFAULT) * 1_000

    def _left_s(self, until: int) -> float:
        return max(0.0, (until - self._clock.now_us()) / 1_000_000)
