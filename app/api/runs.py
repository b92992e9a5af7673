"""/api/v1/runs: list, read, wait for, cancel, pause and resume runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import falcon.asgi
import msgspec

from app.api.answers import answer, body_of, decoded
from app.api.asking import HEADERS, request_of, via_of
from app.api.caller import caller_of, environment_of
from app.api.conditions import tagged
from app.api.parameters import INSTANT_MAX, instant, query_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.runs import (
    GetRunQuery,
    ListRunsQuery,
    ListRunsResponse,
    ListStepsResponse,
    RunResponse,
    row_shown,
    run_shown,
    step_shown,
)
from app.runs.listing import RunFilter


class CancelBody(msgspec.Struct, forbid_unknown_fields=True):
    """`compensate`: a worker first undoes what the run did. `detached`: children that would outlive it end too."""

    reason: str = ""
    compensate: bool = False
    detached: bool = False


class PauseBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: str = ""
    expected_version: int | None = None


class ResumeOneBody(msgspec.Struct, forbid_unknown_fields=True):
    """`from_step`, by id or name: that step and all after it are run again."""

    from_step: str = ""
    reason: str = ""
    expected_version: int | None = None


class TagsBody(msgspec.Struct, forbid_unknown_fields=True):
    """Tags that the run is to have, and to have no more."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    reason: str = ""
    expected_version: int | None = None


class ResumeBody(ResumeOneBody, kw_only=True, forbid_unknown_fields=True):
    run_id: str


_cancel = msgspec.json.Decoder(CancelBody)
_pause = msgspec.json.Decoder(PauseBody)
_resume = msgspec.json.Decoder(ResumeBody)
_tags = msgspec.json.Decoder(TagsBody)
_resume_one = msgspec.json.Decoder(ResumeOneBody)


class Runs:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        now = self._services.clock.now_us()
        query = query_of(req, ListRunsQuery)
        chosen = filter_of(query, now, function_id=query.functionId)
        page = await self._services.runs.list(
            environment_of(req),
            chosen,
            order=query.order or "newest",
            limit=query.limit,
            cursor=query.cursor,
            with_progress=True,
        )
        content = ListRunsResponse(
            runs=[row_shown(row, page.progress[row.id]) for row in page.rows],
            total=page.total,
            total_exact=page.total_exact,
            next_cursor=given(page.next_cursor),
        )
        answer(resp, content)


class Run:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        environment = environment_of(req)
        wait_s = query_of(req, GetRunQuery).wait
        if wait_s:
            await self._services.runs.row(environment, run_id)  # an unknown run would never come to rest
            await self._services.waits.until_ended(environment, run_id, wait_s)
        run = await self._services.runs.get(environment, run_id)
        tagged(resp, run.state.version)
        answer(resp, run_shown(run))


class Steps:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        environment = environment_of(req)
        run = await self._services.runs.get(environment, run_id)
        answer(resp, ListStepsResponse(steps=[step_shown(run.state.id, step) for step in run.steps.values()]))


class Cancel:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        environment = environment_of(req)
        body: CancelBody = decoded(_cancel, await body_of(req) or b"{}")
        await self._services.engine.cancel(
            environment,
            run_id,
            reason=body.reason,
            actor=caller_of(req).actor,
            via=via_of(req),
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
        asked = request_of(req, body.reason, body.expected_version)
        await self._services.engine.pause(
            environment,
            run_id,
            reason=asked.reason,
            actor=asked.actor,
            key=asked.key,
            expected=asked.expected,
            via=asked.via,
        )
        answer(resp, run_shown(await self._services.runs.get(environment, run_id)))


class Resume:
    """The run is named by the path, or by the body as published."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str = "") -> None:
        environment = environment_of(req)
        raw = await body_of(req)
        body: ResumeOneBody = decoded(_resume_one, raw or b"{}") if run_id else decoded(_resume, raw)
        named = body.run_id if isinstance(body, ResumeBody) else run_id
        run_id = await self._services.runs.whole_id(environment, named)
        caller_of(req).about(f"run/{run_id}")
        asked = request_of(req, body.reason, body.expected_version)
        await self._services.engine.resume(
            environment,
            run_id,
            from_step=body.from_step,
            reason=asked.reason,
            actor=asked.actor,
            key=asked.key,
            expected=asked.expected,
            via=asked.via,
        )
        answer(resp, run_shown(await self._services.runs.get(environment, run_id)))


class Retry:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        environment = environment_of(req)
        body: PauseBody = decoded(_pause, await body_of(req) or b"{}")
        await self._services.engine.retry(environment, run_id, request_of(req, body.reason, body.expected_version))
        answer(resp, run_shown(await self._services.runs.get(environment, run_id)))


class Tags:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, run_id: str) -> None:
        environment = environment_of(req)
        body: TagsBody = decoded(_tags, await body_of(req))
        asked = request_of(req, body.reason, body.expected_version)
        await self._services.engine.tag(environment, run_id, asked, add=body.add, remove=body.remove)
        answer(resp, run_shown(await self._services.runs.get(environment, run_id)))


class Choice(Protocol):
    """Which runs, in the words of a query or a body."""

    @property
    def function_id(self) -> str: ...
    @property
    def event_id(self) -> str: ...
    @property
    def parent_run_id(self) -> str: ...
    @property
    def failure(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def tag(self) -> str: ...
    @property
    def search(self) -> str: ...
    @property
    def since(self) -> str: ...
    @property
    def until(self) -> str: ...


def filter_of(asked: Choice, now: int, *, function_id: str = "", until: int = INSTANT_MAX) -> RunFilter:
    """The filter that is asked for; `function_id` and `until` where it does not say them. Raises InvalidArgument."""
    return RunFilter(
        function_id=asked.function_id or function_id,
        event_id=asked.event_id,
        parent_run_id=asked.parent_run_id,
        failure=asked.failure,
        statuses=statuses(asked.status),
        tags=_tags_of(asked.tag),
        search=asked.search,
        since=instant(asked.since, 0, now=now, field="since"),
        until=instant(asked.until, until, now=now, field="until"),
    )


def statuses(text: str) -> tuple[str, ...]:
    """Statuses in any spelling that is published: `failed`, `FAILED`, `RUN_STATUS_FAILED`, with commas between."""
    return tuple(one.strip().lower().removeprefix("run_status_") for one in text.split(",") if one.strip())


def _tags_of(text: str) -> tuple[str, ...]:
    """Those of a text with commas between."""
    return tuple(one for part in text.split(",") if (one := part.strip()))


def routes(services: Services) -> Sequence[Route]:
    run = Answer("the run", RunResponse)
    ended = {409: "it has ended, or several begin like that", 404: "there is none"}
    listing = Operation(
        "Runs, newest first or in another order, without payloads",
        {200: Answer("a page of runs", ListRunsResponse)},
        query=ListRunsQuery,
        permission="runs:read",
    )
    one = Operation(
        "One run with input and output",
        {200: run, 404: "there is none", 409: "several begin like that"},
        query=GetRunQuery,
        permission="runs:read",
    )
    steps = Operation(
        "The steps of a run, in order",
        {200: Answer("steps", ListStepsResponse), 404: "there is no such run"},
        permission="runs:read",
    )
    cancel = Operation(
        "Cancel a run and the children it waits for",
        {200: run, **ended},
        body=Body(CancelBody, {"reason": "ordered twice", "compensate": True}, required=False),
        permission="runs:cancel",
    )
    pause = Operation(
        "Pause a run, a running one when its current step is recorded",
        {200: run, **ended},
        body=Body(PauseBody, {"reason": "look at it first"}, required=False),
        headers=HEADERS,
        permission="runs:pause",
    )
    resume = Operation(
        "Resume a paused or failed run, also from a step on",
        {200: run, 404: "there is none", 412: "it is neither"},
        body=Body(ResumeBody, {"run_id": "run_0123456789abcdefghjkmnpqrs"}),
        headers=HEADERS,
        permission="runs:resume",
    )
    resume_one = Operation(
        "Resume a paused or failed run, also from a step on",
        {200: run, 404: "there is none", 412: "it is neither, or not at that version"},
        body=Body(ResumeOneBody, {"from_step": "charge", "reason": "the gateway is back"}, required=False),
        headers=HEADERS,
        permission="runs:resume",
    )
    retry = Operation(
        "Have a run that waits for its next attempt make it now, with a fresh budget of attempts",
        {200: run, 404: "there is none", 412: "it does not wait for one, or is not at that version"},
        body=Body(PauseBody, {"reason": "the gateway is back"}, required=False),
        headers=HEADERS,
        permission="runs:resume",
    )
    tag = Operation(
        "Give a run tags, and take some, whatever became of it",
        {200: run, 404: "there is none", 409: "several begin like that", 412: "it is not at that version"},
        body=Body(TagsBody, {"add": ["vip", "customer:42"], "remove": ["new"]}),
        headers=HEADERS,
        permission="runs:tag",
    )
    return [
        Route("/api/v1/runs", Runs(services), {"GET": listing}),
        Route("/api/v1/runs/resume", Resume(services), {"POST": resume}),
        Route("/api/v1/runs/{run_id}", Run(services), {"GET": one}),
        Route("/api/v1/runs/{run_id}/steps", Steps(services), {"GET": steps}),
        Route("/api/v1/runs/{run_id}/cancel", Cancel(services), {"POST": cancel}),
        Route("/api/v1/runs/{run_id}/pause", Pause(services), {"POST": pause}),
        Route("/api/v1/runs/{run_id}/resume", Resume(services), {"POST": resume_one}),
        Route("/api/v1/runs/{run_id}/retry", Retry(services), {"POST": retry}),
        Route("/api/v1/runs/{run_id}/tags", Tags(services), {"POST": tag}),
    ]
