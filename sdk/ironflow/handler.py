"""The call of a user's function: with what it is told of its run, in the event loop or in a thread."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from ironflow.assignment import Assignment
from ironflow.blocking import SyncStep
from ironflow.context import Context, SyncContext, current_run
from ironflow.errors import NonRetryableError
from ironflow.function import Function
from ironflow.logger import Log, current_execution
from ironflow.step import Step
from ironflow.tagging import Tagger
from ironflow.threads import Threads

if TYPE_CHECKING:
    from ironflow.execution import Execution


def call(execution: Execution, function: Function | None, assignment: Assignment, handlers: Threads) -> Awaitable[Any]:
    """What the function returns. Raises NonRetryableError if there is none."""
    if function is None:
        raise NonRetryableError(f"this worker has no function {assignment.function_id!r}", code="FUNCTION_NOT_FOUND")
    current_run.set(assignment.run_id)
    current_execution.set(execution if function.capture_logging else None)
    if function.is_async:
        called: Awaitable[Any] = function.handler(Context(step=Step(execution), **_told(execution, assignment)))
        return called
    return _call_in_thread(function, SyncContext(step=SyncStep(execution), **_told(execution, assignment)), handlers)


async def _call_in_thread(function: Function, ctx: SyncContext, handlers: Threads) -> Any:
    context = contextvars.copy_context()
    outcome = await asyncio.wrap_future(handlers.submit(lambda: context.run(function.handler, ctx)))
    if outcome.error is not None:
        raise outcome.error
    return outcome.result


def _told(execution: Execution, assignment: Assignment) -> dict[str, Any]:
    return {
        "event": execution.upcast(assignment.event),
        "run_id": assignment.run_id,
        "function_id": assignment.function_id,
        "attempt": assignment.attempt,
        "max_attempts": assignment.max_attempts,
        "secrets": execution.secrets,
        "log": Log(execution, assignment.function_id),
        "_tagger": Tagger(execution),
    }
