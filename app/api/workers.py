"""/api/v1/workers: the published REST pull protocol, and the list of workers of every transport.

Absent optional keys are omitted, never null: published workers reject an assignment with a null in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import falcon.asgi
import msgspec

from app import clock, jsonvalue
from app.api.answers import answer, body_of, decoded
from app.api.caller import environment_of
from app.api.middleware import int_param
from app.api.services import Operation, Route, Services
from app.dispatch.jobs import Job
from app.dispatch.pull import AVAILABLE_MAX, POLL_S_MAX, Step
from app.dispatch.workers import Session, WorkerInfo
from app.errors import InvalidArgument, Unimplemented
from app.history.kinds import NULL, Failure, RunCompleted, StepCompleted, StepFailed, StepSleeping

JOBS_MAX = 10_000


class VersionBody(msgspec.Struct, frozen=True):
    sdk: str = ""
    runtime: str = ""


class RegisterBody(msgspec.Struct):
    function_ids: list[str]
    max_concurrent_jobs: int = 10
    hostname: str = ""
    labels: dict[str, str] = {}
    version: VersionBody = VersionBody()
    worker_id: str = ""


class HeartbeatJob(msgspec.Struct):
    job_id: str


class HeartbeatBody(msgspec.Struct):
    jobs: list[HeartbeatJob] = []
    active_jobs: int = 0


class AckBody(msgspec.Struct):
    execution_seq: int
    lease_token: str
    run_id: str = ""


class ErrorBody(msgspec.Struct):
    message: str = ""
    code: str | None = None
    retryable: bool = True
    retry_after_ms: int | None = None
    stack: str | None = None


class StepBody(msgspec.Struct):
    id: str
    name: str
    status: str
    type: str = "invoke"
    output: msgspec.Raw = NULL
    error: ErrorBody | None = None
    compensation_for: str | None = None
    started_at: str | None = None
    duration_ms: int | None = None


class YieldBody(msgspec.Struct):
    type: str
    step_id: str
    step_name: str = ""
    until: str = ""


class UpdateBody(msgspec.Struct):
    status: str
    execution_seq: int
    lease_token: str
    steps: list[StepBody] = []
    step_offset: int = 0
    output: msgspec.Raw = NULL
    error: ErrorBody | None = None
    yield_info: YieldBody | None = msgspec.field(default=None, name="yield")


_register = msgspec.json.Decoder(RegisterBody)
_heartbeat = msgspec.json.Decoder(HeartbeatBody)
_ack = msgspec.json.Decoder(AckBody)
_update = msgspec.json.Decoder(UpdateBody)


class Workers:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        environment = environment_of(req)
        sessions = [s for s in self._services.dispatcher.sessions if s.info.environment == environment]
        answer(resp, {"workers": [_shown(session) for session in sessions], "count": len(sessions)})


class Register:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, worker_id: str) -> None:
        body: RegisterBody = decoded(_register, await body_of(req))
        if not 1 <= body.max_concurrent_jobs <= JOBS_MAX:
            raise InvalidArgument(
                f"max_concurrent_jobs {body.max_concurrent_jobs} is out of range",
                field="max_concurrent_jobs",
                hint=f"1 to {JOBS_MAX}",
            )
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
        answer(resp, {"status": "registered"})

    on_put = on_post


class Heartbeat:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, worker_id: str) -> None:
        body: HeartbeatBody = decoded(_heartbeat, await body_of(req))
        self._services.pull.heartbeat(environment_of(req), worker_id, [job.job_id for job in body.jobs])
        answer(resp, {"status": "ok"})

    on_put = on_post


class Jobs:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, worker_id: str) -> None:
        available = int_param(req, "available", 1, low=0, high=AVAILABLE_MAX)
        wait_s = min(POLL_S_MAX, int_param(req, "wait", 0, low=0, high=3_600))
        jobs = await self._services.pull.poll(
            environment_of(req), worker_id, available=available, wait_s=wait_s if available else 0.0
        )
        if jobs:
            answer(resp, {"jobs": [_assignment(job) for job in jobs]})
            return
        resp.status = 204
        if wait_s > 0 and available:
            resp.set_header("Ironflow-Poll-Wait", str(int(wait_s)))


class Ack:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, worker_id: str, job_id: str) -> None:
        body: AckBody = decoded(_ack, await body_of(req))
        self._services.pull.ack(
            environment_of(req), worker_id, job_id, execution_seq=body.execution_seq, lease_token=body.lease_token
        )
        answer(resp, {"status": "ok"})


class OneJob:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, worker_id: str, job_id: str) -> None:
        body: UpdateBody = decoded(_update, await body_of(req))
        pull = self._services.pull
        job = pull.held(
            environment_of(req), worker_id, job_id, execution_seq=body.execution_seq, lease_token=body.lease_token
        )
        ending = self._ending(worker_id, job, body)  # everything is checked before anything is recorded
        await pull.progress(job, [_step(job, step, number) for number, step in enumerate(body.steps)])
        if ending is not None:
            await ending()
        answer(resp, {"status": "ok"})

    def _ending(self, worker_id: str, job: Job, body: UpdateBody) -> Any:
        """How the execution ends, to be called when its steps are recorded; None if it goes on."""
        pull = self._services.pull
        match body.status:
            case "progress":
                return None
            case "completed":
                fact = RunCompleted(execution_seq=job.execution_seq, output=_checked(body.output, "output"))
                return lambda: pull.complete(worker_id, job, fact)
            case "failed":
                failure = _failure(body.error or ErrorBody(message="the worker gave no message"))
                return lambda: pull.fail(worker_id, job, failure)
            case "yielded" if body.yield_info is not None:
                return self._yielding(worker_id, job, body.yield_info)
            case _:
                raise InvalidArgument(
                    f"status {body.status[:40]!r} is unknown, or its details are missing",
                    field="status",
                    hint="progress, completed, failed, or yielded with `yield`",
                )

    def _yielding(self, worker_id: str, job: Job, wanted: YieldBody) -> Any:
        pull = self._services.pull
        _check_step_id(job, wanted.step_id, "yield.step_id")
        if wanted.type == "sleep":
            until = clock.parse_rfc3339(wanted.until, field="yield.until")
            name = wanted.step_name or name_of(job.run_id, wanted.step_id)
            sleeping = StepSleeping(wanted.step_id, name, until, execution_seq=job.execution_seq)
            return lambda: pull.sleep(worker_id, job, sleeping)
        if wanted.type in ("wait_for_event", "invoke_function", "invoke_function_async"):
            unsupported = Unimplemented(f"{wanted.type} is not supported yet")
            failure = Failure(message=str(unsupported), code=unsupported.code, retryable=False)
            return lambda: pull.fail(worker_id, job, failure)
        raise InvalidArgument(f"yield.type {wanted.type[:40]!r} is unknown", field="yield.type")


def _assignment(job: Job) -> dict[str, Any]:
    emitted = job.emitted
    event: dict[str, Any] = {
        "id": emitted.id,
        "name": emitted.name,
        "data": emitted.data,
        "timestamp": clock.rfc3339(job.event.recorded_at),
        "version": emitted.version,
        "source": emitted.source,
    }
    if emitted.idempotency_key:
        event["idempotency_key"] = emitted.idempotency_key
    if len(job.event.metadata) > 2:
        event["metadata"] = msgspec.Raw(job.event.metadata)
    return {
        "job_id": job.id,
        "run_id": job.run_id,
        "function_id": job.function_id,
        "attempt": job.attempt,
        "event": event,
        "completed_steps": [
            {"step_id": memo.step_id, "name": memo.name, "output": memo.output or NULL, "status": "completed"}
            for memo in job.memos
        ],
        "execution_seq": job.execution_seq,
        "lease_token": job.lease_token,
        "lease_expires_at": clock.rfc3339(job.lease_expires_at),
        "step_sequence_base": job.step_sequence_base,
        "max_attempts": job.retry.max_attempts,
        "on_exhausted": job.retry.on_exhausted,
    }


def _step(job: Job, body: StepBody, number: int) -> Step:
    field = f"steps[{number}]"
    _check_step_id(job, body.id, f"{field}.id")
    common: dict[str, Any] = {
        "step_id": body.id,
        "name": body.name,
        "type": body.type,
        "execution_seq": job.execution_seq,
        "attempt": job.attempt,
        "duration_ms": max(0, body.duration_ms or 0),
        "started_at": clock.parse_rfc3339(body.started_at, field=f"{field}.started_at") if body.started_at else 0,
        "compensation_for": body.compensation_for or "",
    }
    if body.status == "completed":
        return StepCompleted(output=_checked(body.output, f"{field}.output"), **common)
    if body.status == "failed":
        return StepFailed(error=_failure(body.error or ErrorBody(message="the worker gave no message")), **common)
    raise InvalidArgument(
        f"{field}.status {body.status[:40]!r} is unknown", field=f"{field}.status", hint="completed or failed"
    )


def _failure(body: ErrorBody) -> Failure:
    return Failure(
        message=body.message.replace("\0", "\\0")[:4_000],
        code=(body.code or "")[:200],
        retryable=body.retryable,
        stack=(body.stack or "").replace("\0", "\\0")[:16_000],
        retry_after_ms=max(0, body.retry_after_ms or 0),
    )


def _checked(raw: msgspec.Raw, field: str) -> msgspec.Raw:
    jsonvalue.check(bytes(raw), field=field)
    return raw


def _check_step_id(job: Job, step_id: str, field: str) -> None:
    if not step_id.startswith(f"{job.run_id}:") or len(step_id) > 1_024:
        raise InvalidArgument(
            f"step id {step_id[:100]!r} does not belong to {job.run_id}", field=field, hint="<run id>:<name>:<number>"
        )


def name_of(run_id: str, step_id: str) -> str:
    """The name within a step id (wire facts, "Step ids"): unescaped, without run id and number."""
    inner = step_id[len(run_id) + 1 :].rpartition(":")[0] or step_id
    return inner.replace("\\:", ":").replace("\\\\", "\\")


def _shown(session: Session) -> dict[str, Any]:
    info = session.info
    return {
        "id": info.id,
        "hostname": info.hostname,
        "function_ids": sorted(info.function_ids),
        "active_jobs": len(session.jobs),
        "max_concurrent": info.max_concurrent_jobs,
        "labels": info.labels,
        "version": {"sdk": info.sdk, "runtime": info.runtime},
        "transport": session.transport,
        "draining": session.draining,
        "registered_at": clock.rfc3339(session.registered_at),
        "last_heartbeat": clock.rfc3339(session.last_seen_at),
    }


def routes(services: Services) -> Sequence[Route]:
    unknown = "the worker is not registered: register again"
    stale = "STALE_EXECUTION: the job is no longer the worker's"
    register = Operation("Register a worker", {200: "registered", 400: "refused"}, body="RegisterRequest")
    beat = Operation("Extend the leases of the listed jobs", {200: "ok", 404: unknown}, body="HeartbeatRequest")
    poll = Operation(
        "Jobs for a worker",
        {200: "jobs", 204: "none; Ironflow-Poll-Wait says how long it was waited", 404: unknown},
        query={"available": "how many at most", "wait": f"seconds to hold, at most {POLL_S_MAX:g}"},
    )
    ack = Operation("Acknowledge a job", {200: "ok", 404: unknown, 409: stale}, body="JobAckRequest")
    update = Operation("Report on a job", {200: "recorded", 404: unknown, 409: stale}, body="JobUpdateRequest")
    listing = Operation("Workers that are connected", {200: "workers"})
    base = "/api/v1/workers/{worker_id}"
    return [
        Route("/api/v1/workers", Workers(services), {"GET": listing}),
        Route(f"{base}/register", Register(services), {"POST": register, "PUT": register}),
        Route(f"{base}/heartbeat", Heartbeat(services), {"POST": beat, "PUT": beat}),
        Route(f"{base}/jobs", Jobs(services), {"GET": poll}),
        Route(f"{base}/jobs/{{job_id}}", OneJob(services), {"PUT": update}),
        Route(f"{base}/jobs/{{job_id}}/ack", Ack(services), {"PUT": ack}),
    ]
