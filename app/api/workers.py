"""/api/v1/workers: polling workers register and say that they live; the list has those of every transport, and any of
them is asked to drain, or disconnected.

What a worker does with its jobs is in `jobs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import falcon.asgi
import msgspec
from msgspec import UNSET, Meta

from app import clock
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of, environment_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.workers import (
    DepartedWorkerResponse,
    ListWorkersResponse,
    SteeredWorkerResponse,
    SteerWorkerBody,
    TurnedAwayResponse,
    WorkerInfoResponse,
    WorkerStatusResponse,
    WorkerVersionResponse,
)
from app.dispatch.workers import Session, WorkerInfo
from app.errors import InvalidArgument


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
    started_at: Annotated[
        str, Meta(description="RFC 3339, by the worker's clock: tells how far that is from the server's")
    ] = ""


class HeartbeatRequest(msgspec.Struct):
    jobs: list[HeartbeatJob] = []
    active_jobs: int = 0


_register = msgspec.json.Decoder(RegisterRequest)
_heartbeat = msgspec.json.Decoder(HeartbeatRequest)
_steer = msgspec.json.Decoder(SteerWorkerBody)


class Workers:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        environment, services = environment_of(req), self._services
        sessions = [s for s in services.dispatcher.sessions if s.info.environment == environment]
        departed = services.dispatcher.sessions.departed(environment, now_us=services.clock.now_us())
        content = ListWorkersResponse(
            workers=[_shown(session) for session in sessions],
            count=len(sessions),
            departed=[
                DepartedWorkerResponse(
                    **msgspec.structs.asdict(_shown(one.session)), left_at=clock.rfc3339(one.left_at), reason=one.reason
                )
                for one in departed
            ],
            rejected=[
                TurnedAwayResponse(
                    key=one.key,
                    code=one.code,
                    message=one.message,
                    address=one.address,
                    times=one.times,
                    first_at=clock.rfc3339(one.first_at),
                    last_at=clock.rfc3339(one.last_at),
                )
                for one in services.access.refusals.listed(environment)
            ],
        )
        answer(resp, content)


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
        begun = {job.job_id: _told(job.started_at) for job in body.jobs}
        draining = self._services.pull.heartbeat(environment_of(req), worker_id, begun)
        answer(resp, WorkerStatusResponse(status="draining" if draining else "ok"))

    on_put = on_post


class Drain:
    def __init__(self, services: Services) -> None:
        self._steering = services.worker_steering

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, worker_id: str) -> None:
        caller = caller_of(req)
        body: SteerWorkerBody = decoded(_steer, await body_of(req) or b"{}")
        session = await self._steering.drain(caller.environment, worker_id, actor=caller.actor, reason=body.reason)
        active = len(session.jobs) if session is not None else 0
        status = "asked" if session is None else "draining" if active else "drained"
        answer(resp, SteeredWorkerResponse(worker_id=worker_id, status=status, active_jobs=active))


class Disconnect:
    def __init__(self, services: Services) -> None:
        self._steering = services.worker_steering

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, worker_id: str) -> None:
        caller = caller_of(req)
        body: SteerWorkerBody = decoded(_steer, await body_of(req) or b"{}")
        session = await self._steering.disconnect(caller.environment, worker_id, actor=caller.actor, reason=body.reason)
        status = "asked" if session is None else "disconnected"
        answer(resp, SteeredWorkerResponse(worker_id=worker_id, status=status, active_jobs=0))


def _told(started_at: str) -> int | None:
    """What a worker may say in any way: one that nobody can read says nothing of its clock, and lives all the same."""
    try:
        return clock.parse_rfc3339(started_at) if started_at else None
    except InvalidArgument:
        return None


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
        rtt_ms=UNSET if session.rtt_us is None else session.rtt_us / 1_000,
        skew_ms=UNSET if session.skew_us is None else session.skew_us / 1_000,
        skewed=session.skewed,
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
        {200: Answer("ok, or draining: it gets no more jobs", WorkerStatusResponse), 404: unknown},
        body=Body(
            HeartbeatRequest,
            {
                "active_jobs": 1,
                "jobs": [{"job_id": "job_0123456789abcdefghjkmnpqrs", "started_at": "2026-01-05T09:00:00.250Z"}],
            },
        ),
        permission="workers:connect",
    )
    steered = Answer("it is recorded", SteeredWorkerResponse)
    missing = {404: "no such worker is connected", 412: "an endpoint that runs are pushed to"}
    why = Body(SteerWorkerBody, {"reason": "a new release is coming"}, required=False)
    drain = Operation(
        "Hand a worker no more jobs, and let it finish those it has",
        {200: steered, **missing},
        body=why,
        permission="workers:manage",
    )
    disconnect = Operation(
        "End a worker's session: its jobs go to others at once. It may connect again",
        {200: steered, **missing},
        body=why,
        permission="workers:manage",
    )
    listing = Operation(
        "Workers that are connected to this node, those that left of late, and those it turned away",
        {200: Answer("workers", ListWorkersResponse)},
        permission="workers:read",
    )
    base = "/api/v1/workers/{worker_id}"
    return [
        Route("/api/v1/workers", Workers(services), {"GET": listing}),
        Route(f"{base}/register", Register(services), {"POST": register, "PUT": register}),
        Route(f"{base}/drain", Drain(services), {"POST": drain}),
        Route(f"{base}/disconnect", Disconnect(services), {"POST": disconnect}),
        Route(f"{base}/heartbeat", Heartbeat(services), {"POST": beat, "PUT": beat}),
    ]
