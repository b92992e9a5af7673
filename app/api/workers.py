"""/api/v1/workers: polling workers register and say that they live; the list has those of every transport.

What a worker does with its jobs is in `jobs`.
"""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi
import msgspec

from app import clock
from app.api.answers import answer, body_of, decoded
from app.api.caller import environment_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.workers import (
    ListWorkersResponse,
    WorkerInfoResponse,
    WorkerStatusResponse,
    WorkerVersionResponse,
)
from app.dispatch.workers import Session, WorkerInfo


class WorkerVersion(msgspec.Struct, frozen=True):
    sdk: str = ""
    runtime: str = ""


class RegisterRequest(msgspec.Struct):
    function_ids: list[str]
    max_concurrent_jobs: int = 10
    hostname: str = ""
    labels: dict[str, str] = {}
    version: WorkerVersion = WorkerVersion()
    worker_id: str = ""


class HeartbeatJob(msgspec.Struct):
    job_id: str


class HeartbeatRequest(msgspec.Struct):
    jobs: list[HeartbeatJob] = []
    active_jobs: int = 0


_register = msgspec.json.Decoder(RegisterRequest)
_heartbeat = msgspec.json.Decoder(HeartbeatRequest)


class Workers:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        environment = environment_of(req)
        sessions = [s for s in self._services.dispatcher.sessions if s.info.environment == environment]
        answer(resp, ListWorkersResponse(workers=[_shown(session) for session in sessions], count=len(sessions)))


class Register:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, worker_id: str) -> None:
        body: RegisterRequest = decoded(_register, await body_of(req))
        self._services.pull.register(
            WorkerInfo(
                id=worker_id,
                environment=environment_of(req),
                function_ids=frozenset(body.function_ids),
                max_concurrent_jobs=body.max_concurrent_jobs,
                hostname=body.hostname,
                labels=body.labels,
                sdk=body.version.sdk,
                runtime=body.version.runtime,
            )
        )
        answer(resp, WorkerStatusResponse(status="registered"))

    on_put = on_post


class Heartbeat:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, worker_id: str) -> None:
        body: HeartbeatRequest = decoded(_heartbeat, await body_of(req))
        self._services.pull.heartbeat(environment_of(req), worker_id, [job.job_id for job in body.jobs])
        answer(resp, WorkerStatusResponse(status="ok"))

    on_put = on_post


def _shown(session: Session) -> WorkerInfoResponse:
    info = session.info
    return WorkerInfoResponse(
        id=info.id,
        hostname=info.hostname,
        function_ids=sorted(info.function_ids),
        active_jobs=len(session.jobs),
        max_concurrent=info.max_concurrent_jobs,
        labels=info.labels,
        version=WorkerVersionResponse(sdk=info.sdk, runtime=info.runtime),
        transport=session.transport,
        draining=session.draining,
        registered_at=clock.rfc3339(session.registered_at),
        last_heartbeat=clock.rfc3339(session.last_seen_at),
    )


def routes(services: Services) -> Sequence[Route]:
    unknown = "the worker is not registered: register again"
    register = Operation(
        "Register a worker",
        {200: Answer("registered", WorkerStatusResponse), 400: "refused"},
        body=Body(
            RegisterRequest,
            {
                "function_ids": ["ship-order"],
                "max_concurrent_jobs": 10,
                "hostname": "box-1",
                "labels": {"zone": "a"},
                "version": {"sdk": "mine/1.0", "runtime": "python/3.11"},
            },
        ),
        permission="workers:connect",
    )
    beat = Operation(
        "Extend the leases of the listed jobs",
        {200: Answer("ok", WorkerStatusResponse), 404: unknown},
        body=Body(HeartbeatRequest, {"active_jobs": 1, "jobs": [{"job_id": "job_0123456789abcdefghjkmnpqrs"}]}),
        permission="workers:connect",
    )
    listing = Operation(
        "Workers that are connected", {200: Answer("workers", ListWorkersResponse)}, permission="workers:read"
    )
    base = "/api/v1/workers/{worker_id}"
    return [
        Route("/api/v1/workers", Workers(services), {"GET": listing}),
        Route(f"{base}/register", Register(services), {"POST": register, "PUT": register}),
        Route(f"{base}/heartbeat", Heartbeat(services), {"POST": beat, "PUT": beat}),
    ]
