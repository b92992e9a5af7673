"""/api/v1/bulk: jobs that do one thing to many runs. They go on by themselves, and can be followed and stopped."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi
import msgspec

from app.api.answers import answer, body_of, decoded
from app.api.asking import request_of
from app.api.bulk import chosen_of
from app.api.caller import Caller, caller_of, environment_of
from app.api.parameters import query_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.bulk import (
    BulkJobResponse,
    GetBulkQuery,
    ListBulkQuery,
    ListBulkResponse,
    ListBulkResultsQuery,
    ListBulkResultsResponse,
    StartBulkBody,
    StopBulkBody,
    job_shown,
    result_shown,
)
from app.runs.bulk_jobs import BulkWish

_start = msgspec.json.Decoder(StartBulkBody)
_stop = msgspec.json.Decoder(StopBulkBody)


class BulkJobList:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        query = query_of(req, ListBulkQuery)
        found = await self._services.bulk_jobs.list(
            environment_of(req), status=query.status, limit=query.limit + 1, cursor=query.cursor
        )
        shown = found[: query.limit]
        cursor = shown[-1].id if len(found) > len(shown) else ""
        answer(resp, ListBulkResponse(jobs=[job_shown(job) for job in shown], next_cursor=given(cursor)))

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        caller = caller_of(req)
        body: StartBulkBody = decoded(_start, await body_of(req))
        caller.also(f"runs:{body.verb}", "run/*")
        wish = BulkWish(
            verb=body.verb,
            chosen=chosen_of(body, self._services.clock.now_us()),
            add=body.add,
            remove=body.remove,
            compensate=body.compensate,
            detached=body.detached,
            per_second=body.per_second,
        )
        job = await self._services.bulk_jobs.start(
            caller.environment,
            wish,
            request_of(req, body.reason),
            said=msgspec.json.encode(body),
            org=_org(caller),
        )
        answer(resp, job_shown(job), 202)


class BulkJobOne:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, bulk_id: str) -> None:
        wait_s = query_of(req, GetBulkQuery).wait
        answer(resp, job_shown(await self._services.bulk_jobs.until_ended(environment_of(req), bulk_id, wait_s)))


class BulkJobStop:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, bulk_id: str) -> None:
        caller, jobs = caller_of(req), self._services.bulk_jobs
        body: StopBulkBody = decoded(_stop, await body_of(req) or b"{}")
        job = await jobs.get(caller.environment, bulk_id)
        caller.also(f"runs:{job.asked.verb}", "run/*")
        answer(resp, job_shown(await jobs.stop(caller.environment, bulk_id, request_of(req, body.reason))))


class BulkJobResults:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, bulk_id: str) -> None:
        query = query_of(req, ListBulkResultsQuery)
        found, cursor = await self._services.bulk_jobs.results(
            environment_of(req), bulk_id, outcome=query.outcome, limit=query.limit, cursor=query.cursor
        )
        content = ListBulkResultsResponse(results=[result_shown(one) for one in found], next_cursor=given(cursor))
        answer(resp, content)


def _org(caller: Caller) -> str:
    return caller.grant.org if caller.grant is not None else ""


def routes(services: Services) -> Sequence[Route]:
    missing = {404: "there is no such job"}
    job = Answer("the job", BulkJobResponse)
    jobs = Operation(
        "Jobs that do one thing to many runs, the newest first",
        {200: Answer("a page of them", ListBulkResponse)},
        query=ListBulkQuery,
        permission="runs:read",
    )
    example = {"verb": "resume", "function_id": "ship-order", "status": "failed", "since": "1h", "reason": "mended"}
    start = Operation(
        "Begin to do one thing to all runs that a filter chooses, or to those named; `runs:<verb>` is needed as well",
        {202: Answer("the job, which goes on by itself", BulkJobResponse), 400: "refused", 409: "the key is used"},
        body=Body(StartBulkBody, example),
        headers={"Idempotency-Key": "asked for again with the same key, it is the same job"},
        permission="runs:read",
    )
    get = Operation("How far a job is", {200: job, **missing}, query=GetBulkQuery, permission="runs:read")
    stop = Operation(
        "Stop a job: what it has done stays done. `runs:<verb>` is needed as well",
        {200: job, **missing, 412: "it is completed"},
        body=Body(StopBulkBody, {"reason": "too soon"}, required=False),
        permission="runs:read",
    )
    results = Operation(
        "What became of each run that a job came to",
        {200: Answer("a page of them", ListBulkResultsResponse), **missing},
        query=ListBulkResultsQuery,
        permission="runs:read",
    )
    return [
        Route("/api/v1/bulk", BulkJobList(services), {"GET": jobs, "POST": start}),
        Route("/api/v1/bulk/{bulk_id}", BulkJobOne(services), {"GET": get}),
        Route("/api/v1/bulk/{bulk_id}/stop", BulkJobStop(services), {"POST": stop}),
        Route("/api/v1/bulk/{bulk_id}/results", BulkJobResults(services), {"GET": results}),
    ]
