"""/api/v1/runs: list, read, wait for, cancel, pause and resume runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import falcon.asgi
import msgspec

from app import clock
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of, environment_of
from app.api.middleware import instant_param, int_param
from app.api.services import Operation, Route, Services
from app.errors import AmbiguousId, InvalidArgument
from app.history.kinds import Failure
from app.runs.reading import LIMIT_DEFAULT, LIMIT_MAX, RunFilter, RunRecord, StepRecord, not_found
from storage.records import RunRow

PREFIX_CHARS_MIN = 8
WAIT_S_MAX = 60.0
CANDIDATES_MAX = 5


class CancelBody(msgspec.Struct, forbid_unknown_fields=True):
    """`compensate`: a worker first undoes what the run did. `detached`: children that would outlive it end too."""

    reason: str = ""
    compensate: bool = False
    detached: bool = False


class PauseBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: str = ""


class ResumeBody(msgspec.Struct, forbid_unknown_fields=True):
    run_id: str
    from_step: str = ""


_cancel = msgspec.json.Decoder(CancelBody)
_pause = msgspec.json.Decoder(PauseBody)
_resume = msgspec.json.Decoder(ResumeBody)


class Runs:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        now = self._services.clock.now_us()
        chosen = RunFilter(
            function_id=req.get_param("function_id") or req.get_param("functionId") or "",
            event_id=req.get_param("event_id") or "",
            statuses=statuses(req.get_param("status") or ""),
            search=req.get_param("search") or "",
            since=instant_param(req, "since", 0, now=now),
            until=instant_param(req, "until", 2**62, now=now),
        )
        limit = int_param(req, "limit", LIMIT_DEFAULT, low=1, high=LIMIT_MAX)
        page = await self._services.runs.list(
            environment_of(req), chosen, limit=limit, cursor=req.get_param("cursor") or ""
        )
        content: dict[str, Any] = {
            "runs": [row_shown(row) for row in page.rows],
            "total": page.total,
            "total_exact": page.total_exact,
        }
        if page.next_cursor:
            content["next_cursor"] = page.next_cursor
        answer(resp, content)


class Run:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        environment = environment_of(req)
        wait = req.get_param("wait")
        wait_s = 0.0 if wait is None else _wait_s(wait)
        run_id = await whole_id(self._services, environment, run_id)
        if wait_s:
            await self._services.runs.row(environment, run_id)  # an unknown run would never come to rest
            await self._services.waits.until_ended(environment, run_id, wait_s)
        answer(resp, run_shown(await self._services.runs.get(environment, run_id)))


class Steps:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        environment = environment_of(req)
        run = await self._services.runs.get(environment, await whole_id(self._services, environment, run_id))
        answer(resp, {"steps": [step_shown(run.state.id, step) for step in run.steps.values()]})


class Cancel:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        environment = environment_of(req)
        body: CancelBody = decoded(_cancel, await body_of(req) or b"{}")
        run_id = await whole_id(self._services, environment, run_id)
        await self._services.engine.cancel(
            environment,
            run_id,
            reason=body.reason,
            actor=caller_of(req).actor,
            compensate=body.compensate,
            detached=body.detached,
        )
        answer(resp, run_shown(await self._services.runs.get(environment, run_id)))


class Pause:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        environment = environment_of(req)
        body: PauseBody = decoded(_pause, await body_of(req) or b"{}")
        run_id = await whole_id(self._services, environment, run_id)
        await self._services.engine.pause(environment, run_id, reason=body.reason, actor=caller_of(req).actor)
        answer(resp, run_shown(await self._services.runs.get(environment, run_id)))


class Resume:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        environment = environment_of(req)
        body: ResumeBody = decoded(_resume, await body_of(req))
        run_id = await whole_id(self._services, environment, body.run_id)
        await self._services.engine.resume(environment, run_id, from_step=body.from_step, actor=caller_of(req).actor)
        answer(resp, run_shown(await self._services.runs.get(environment, run_id)))


async def whole_id(services: Services, environment: str, given: str) -> str:
    """The id that is meant by an id or a unique beginning of one. Raises RunNotFound, AmbiguousId."""
    if not PREFIX_CHARS_MIN <= len(given) < 30:
        return given
    found = await services.runs.find(environment, given, limit=CANDIDATES_MAX + 1)
    if not found:
        raise not_found(environment, given)
    if len(found) > 1:
        some = ", ".join(found[:CANDIDATES_MAX])
        raise AmbiguousId(f"several runs begin with {given!r}", hint=f"give more characters: {some}", field="run_id")
    return found[0]


def statuses(text: str) -> tuple[str, ...]:
    """Statuses in any spelling that is published: `failed`, `FAILED`, `RUN_STATUS_FAILED`, with commas between."""
    return tuple(one.strip().lower().removeprefix("run_status_") for one in text.split(",") if one.strip())


def row_shown(row: RunRow) -> dict[str, Any]:
    """A run in a list: no payloads."""
    content: dict[str, Any] = {
        "id": row.id,
        "function_id": row.function_id,
        "function_version": row.function_version,
        "event_id": row.event_id,
        "event_name": row.event_name,
        "status": row.status,
        "attempt": row.attempt,
        "max_attempts": row.max_attempts,
        "worker_id": row.worker_id,
        "environment_id": row.environment,
        "created_at": clock.rfc3339(row.created_at),
        "started_at": _instant(row.started_at),
        "ended_at": _instant(row.ended_at),
        "updated_at": clock.rfc3339(row.updated_at),
        "error": None,
    }
    if row.error_message:
        content["error"] = {"message": row.error_message, "code": row.error_code}
    _add_conditions(content, row)
    return content


def run_shown(run: RunRecord) -> dict[str, Any]:
    """A run with its payloads."""
    state = run.state
    content: dict[str, Any] = {
        "id": state.id,
        "function_id": state.function_id,
        "function_version": state.function_version,
        "event_id": state.event_id,
        "event_name": state.event_name,
        "status": state.status,
        "attempt": state.attempt,
        "max_attempts": state.retry.max_attempts,
        "executions": run.executions,
        "worker_id": state.worker_id,
        "environment_id": state.environment,
        "input": run.input,
        "output": run.output,
        "error": failure_shown(state.error),
        "created_at": clock.rfc3339(state.created_at),
        "started_at": _instant(state.started_at),
        "ended_at": _instant(state.ended_at),
        "updated_at": clock.rfc3339(state.updated_at),
    }
    if state.timeout_at is not None:
        content["timeout_at"] = clock.rfc3339(state.timeout_at)
    _add_conditions(content, state)
    if state.divergence is not None:
        content["divergence"] = msgspec.to_builtins(state.divergence)
    if state.unwinding is not None:
        content["unwinding"] = {
            "cause": state.unwinding.cause,
            "until": clock.rfc3339(state.unwinding.deadline),
        }
    if state.not_undone:
        content["not_undone"] = state.not_undone
    if run.notes:
        content["notes"] = {
            note.name: {"value": note.value, "at": clock.rfc3339(note.at)} for note in run.notes.values()
        }
    return content


def step_shown(run_id: str, step: StepRecord) -> dict[str, Any]:
    content: dict[str, Any] = {
        "id": step.step_id,
        "step_id": step.step_id,
        "run_id": run_id,
        "name": step.name,
        "type": step.type,
        "status": step.status,
        "sequence": step.sequence,
        "attempt": step.attempt,
        "output": step.output,
        "error": failure_shown(step.error),
        "duration_ms": step.duration_ms,
        "started_at": _instant(step.started_at),
        "ended_at": _instant(step.ended_at),
    }
    if step.input is not None:
        content["input"] = step.input
    for name, instant in (("sleep_until", step.sleep_until), ("wait_timeout", step.wait_timeout)):
        if instant is not None:
            content[name] = clock.rfc3339(instant)
    told = {
        "wait_event_name": step.wait_event,
        "wait_match": step.wait_match,
        "event_id": step.event_id,
        "function_id": step.function_id,
        "child_run_id": step.child_run_id,
        "compensation_for": step.compensation_for,
    }
    content.update({name: text for name, text in told.items() if text})
    return content


def failure_shown(failure: Failure | None) -> dict[str, Any] | None:
    if failure is None:
        return None
    content: dict[str, Any] = {"message": failure.message, "code": failure.code, "retryable": failure.retryable}
    if failure.stack:
        content["stack"] = failure.stack
    if bytes(failure.details) != b"{}":
        content["details"] = failure.details
    if failure.retry_after_ms:
        content["retry_after_ms"] = failure.retry_after_ms
    return content


def _add_conditions(content: dict[str, Any], run: Any) -> None:
    """What holds for some runs only, of a run's row or state."""
    if run.due_at is not None:
        content["due_at"] = clock.rfc3339(run.due_at)
    for name in ("pause_reason", "cancellation_cause", "parent_run_id", "parent_step_id"):
        if value := getattr(run, name):
            content[name] = value
    if run.pause_requested:
        content["pause_requested"] = True


def _instant(us: int | None) -> str | None:
    return None if us is None else clock.rfc3339(us)


def _wait_s(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= WAIT_S_MAX:
        raise InvalidArgument(f"wait {text[:40]!r} is not in range", field="wait", hint=f"0 to {WAIT_S_MAX:g} seconds")
    return seconds


def routes(services: Services) -> Sequence[Route]:
    listing = Operation(
        "Runs, newest first, without payloads",
        {200: "a page of runs"},
        query={
            "function_id": "of one function",
            "status": "one or several with commas",
            "event_id": "started by one event",
            "since": "created since: RFC 3339, or such as 15m",
            "until": "created until: RFC 3339, or such as 15m",
            "search": "part of id, function, event name or error",
            "limit": f"1 to {LIMIT_MAX}, default {LIMIT_DEFAULT}",
            "cursor": "next_cursor of the page before",
        },
    )
    one = Operation(
        "One run with input and output",
        {200: "the run", 404: "there is none", 409: "several begin like that"},
        query={"wait": f"hold the answer until the run has ended, at most so many seconds (≤ {WAIT_S_MAX:g})"},
    )
    steps = Operation("The steps of a run, in order", {200: "steps", 404: "there is no such run"})
    cancel = Operation(
        "Cancel a run and the children it waits for",
        {200: "the run", 409: "it has ended"},
        body="{reason?, compensate?, detached?}",
    )
    pause = Operation(
        "Pause a run, a running one when its current step is recorded",
        {200: "the run", 409: "it has ended"},
        body="{reason?}",
    )
    resume = Operation(
        "Resume a paused or failed run, also from a step on",
        {200: "the run", 412: "it is neither"},
        body="{run_id, from_step?}",
    )
    return [
        Route("/api/v1/runs", Runs(services), {"GET": listing}),
        Route("/api/v1/runs/resume", Resume(services), {"POST": resume}),
        Route("/api/v1/runs/{run_id}", Run(services), {"GET": one}),
        Route("/api/v1/runs/{run_id}/steps", Steps(services), {"GET": steps}),
        Route("/api/v1/runs/{run_id}/cancel", Cancel(services), {"POST": cancel}),
        Route("/api/v1/runs/{run_id}/pause", Pause(services), {"POST": pause}),
    ]
