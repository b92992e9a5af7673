"""/api/v1/workers/{id}/jobs: the published REST pull protocol, from the poll to the last report.

Absent optional keys are omitted, never null: published workers reject an assignment with a null in it. A report that
is malformed is refused and the job goes on; one that ends the job with a value that cannot be recorded fails the run
for good, because it would come again the same.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence

import falcon.asgi
import msgspec
from msgspec import UNSET

from app import clock
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of, environment_of
from app.api.parameters import query_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.base import given
from app.api.shapes.jobs import (
    CompletedStepResp,
    JobAssignmentResponse,
    JobBatchResponse,
    JobContextResponse,
    JobEventResponse,
    PollJobsQuery,
)
from app.api.shapes.workers import RefusedStepResponse, WorkerStatusResponse
from app.dispatch import reports, yielding
from app.dispatch.jobs import Job
from app.dispatch.pull import POLL_S_MAX
from app.dispatch.redaction import SecretInName
from app.dispatch.reports import (
    JobError,
    LogsBody,
    Reported,
    StepResult,
    Unrecordable,
    bad_report,
    check_step_id,
    checked,
    failure,
)
from app.dispatch.yielding import YieldInfo
from app.errors import InvalidArgument, IronflowError, PayloadTooLarge
from app.history.kinds import NULL, Failure, RunCompleted, Said
from app.history.kinds.base import null
from app.runs.memo import Memo
from app.runs.yields import Yield

Ending = Callable[[], Awaitable[None]]


class JobAckRequest(msgspec.Struct):
    execution_seq: int
    lease_token: str
    run_id: str = ""


class JobUpdateRequest(msgspec.Struct):
    status: str
    execution_seq: int
    lease_token: str
    steps: list[StepResult] = []
    step_offset: int = 0
    output: msgspec.Raw = msgspec.field(default_factory=null)
    error: JobError | None = None
    yield_info: YieldInfo | None = msgspec.field(default=None, name="yield")
    logs: LogsBody | None = None


class _Fence(msgspec.Struct):
    status: str
    execution_seq: int
    lease_token: str


_ack = msgspec.json.Decoder(JobAckRequest)
_update = msgspec.json.Decoder(JobUpdateRequest)


class Jobs:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, worker_id: str) -> None:
        query = query_of(req, PollJobsQuery)
        wait_s = min(POLL_S_MAX, query.wait)
        caller, pull = caller_of(req), self._services.pull
        with self._services.door.live.going(caller.grant):  # a key that is revoked meanwhile gets no job
            jobs = await pull.poll(
                caller.environment, worker_id, available=query.available, wait_s=wait_s if query.available else 0.0
            )
        if jobs:
            answer(resp, JobBatchResponse(jobs=[_assignment(job) for job in jobs]))
            return
        resp.status = 204
        if wait_s > 0 and query.available:
            resp.set_header("Ironflow-Poll-Wait", str(int(wait_s)))


class Ack:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, worker_id: str, job_id: str) -> None:
        body: JobAckRequest = decoded(_ack, await body_of(req))
        self._services.pull.ack(
            environment_of(req), worker_id, job_id, execution_seq=body.execution_seq, lease_token=body.lease_token
        )
        answer(resp, WorkerStatusResponse(status="ok"))


class OneJob:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_put(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, worker_id: str, job_id: str) -> None:
        environment, pull = environment_of(req), self._services.pull
        raw = await body_of(req)
        try:
            body: JobUpdateRequest = decoded(_update, raw)
        except InvalidArgument as refusal:
            await self._fail_unreadable(environment, worker_id, job_id, raw, refusal)
            raise
        if body.step_offset < 0:
            raise InvalidArgument(f"step_offset {body.step_offset} is negative", field="step_offset")
        job = pull.held(environment, worker_id, job_id, execution_seq=body.execution_seq, lease_token=body.lease_token)
        try:  # everything is checked before anything is recorded
            ending = self._ending(worker_id, job, body)
            steps = [_reported(job, step, f"steps[{number}]") for number, step in enumerate(body.steps)]
        except SecretInName as refusal:
            await pull.fail(worker_id, job, bad_report(refusal))
            raise
        except Unrecordable as told:
            if body.status != "progress":
                await pull.fail(worker_id, job, bad_report(told.reason))
            raise told.reason from None
        refused = await pull.progress(environment, worker_id, job, steps)
        if refused and body.status in ("completed", "yielded"):  # an end that builds on what did not come about
            await pull.fail(worker_id, job, refused[0][1])
        elif ending is not None:
            await ending()
        answer(resp, WorkerStatusResponse(status="ok", refused=given([_refused(*one) for one in refused])))

    async def _fail_unreadable(
        self, environment: str, worker_id: str, job_id: str, raw: bytes, refusal: IronflowError
    ) -> None:
        """Fail the run if the report is its last and no JSON only because of a value in it, such as Python's NaN: it
        would come again the same, from one worker after the other."""
        fence = _lenient_fence(raw)
        if fence is None or fence.status not in ("completed", "failed", "yielded"):
            return
        job = self._services.pull.held(
            environment, worker_id, job_id, execution_seq=fence.execution_seq, lease_token=fence.lease_token
        )
        await self._services.pull.fail(worker_id, job, bad_report(refusal))

    def _ending(self, worker_id: str, job: Job, body: JobUpdateRequest) -> Ending | None:
        """How the execution ends, to be called when its steps are recorded; None if it goes on."""
        pull = self._services.pull
        logged = [job.redacted(one) for one in reports.logged(job, body.logs)]
        match body.status:
            case "progress" if body.logs is not None:
                raise InvalidArgument(
                    "logs without an end", field="logs", hint="lines of progress go with a step: its logs, logs_before"
                )
            case "progress":
                return None
            case "completed":
                output = checked(body.output, "output")
                fact = job.redacted(RunCompleted(execution_seq=job.execution_seq, output=output))
                return lambda: pull.complete(worker_id, job, fact, logged)
            case "failed":
                error = failure(body.error)
                return lambda: pull.fail(worker_id, job, error, logged)
            case "yielded" if body.yield_info is not None:
                return self._yielding(worker_id, job, body.yield_info, logged)
            case _:
                raise InvalidArgument(
                    f"status {body.status[:40]!r} is unknown, or its details are missing",
                    field="status",
                    hint="progress, completed, failed, or yielded with `yield`",
                )

    def _yielding(self, worker_id: str, job: Job, told: YieldInfo, logged: Sequence[Said]) -> Ending:
        check_step_id(job, told.step_id, "yield.step_id")
        wanted = job.redacted(yielding.wanted(told, now=self._services.clock.now_us()))
        return lambda: self._suspend(worker_id, job, wanted, logged)

    async def _suspend(self, worker_id: str, job: Job, wanted: Yield, logged: Sequence[Said]) -> None:
        """Fail the run if its code waits for what cannot be: it would again."""
        pull = self._services.pull
        try:
            await pull.suspend(worker_id, job, wanted, logged)
        except (InvalidArgument, PayloadTooLarge) as refusal:
            await pull.fail(worker_id, job, Failure(str(refusal), code=refusal.code, retryable=False))


def _reported(job: Job, step: StepResult, field: str) -> Reported:
    fact = job.redacted(reports.step(job, step, field))
    return Reported(
        fact,
        writes=[job.redacted(write) for write in reports.writes(step, field)],
        logged=[job.redacted(one) for one in reports.step_logged(job, step)],
    )


def _refused(step_id: str, failure: Failure) -> RefusedStepResponse:
    return RefusedStepResponse(id=step_id, message=failure.message, code=failure.code, retryable=failure.retryable)


def _lenient_fence(raw: bytes) -> _Fence | None:
    """Status and fence of a report that is JSON but for NaN, infinities and the like; None for any other text."""
    try:
        msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    else:
        return None  # it is JSON: what is wrong is its shape, which may come better the next time
    try:
        return msgspec.convert(json.loads(raw), _Fence)
    except (ValueError, RecursionError):  # of which those of msgspec and of Unicode are
        return None


def _assignment(job: Job) -> JobAssignmentResponse:
    emitted = job.emitted
    return JobAssignmentResponse(
        job_id=job.id,
        run_id=job.run_id,
        function_id=job.function_id,
        attempt=job.attempt,
        event=JobEventResponse(
            id=emitted.id,
            name=emitted.name,
            data=emitted.data,
            timestamp=clock.rfc3339(job.event.recorded_at),
            version=emitted.version,
            source=emitted.source,
            idempotency_key=given(emitted.idempotency_key),
            metadata=msgspec.Raw(job.event.metadata) if len(job.event.metadata) > 2 else UNSET,
        ),
        completed_steps=[_memo(memo) for memo in job.memos if memo.error is None or memo.awaited],
        execution_seq=job.execution_seq,
        lease_token=job.lease_token,
        lease_expires_at=clock.rfc3339(job.lease_expires_at),
        step_sequence_base=job.step_sequence_base,
        max_attempts=job.retry.max_attempts,
        on_exhausted=job.retry.on_exhausted,
        context=JobContextResponse(secrets=dict(job.secrets)) if job.secrets else UNSET,
    )


def _memo(memo: Memo) -> CompletedStepResp:
    """A step that is not to be run again. Of failed ones only those that were awaited, as published."""
    return CompletedStepResp(
        step_id=memo.step_id,
        name=memo.name,
        output=memo.output or NULL,
        status=memo.status,
        error=UNSET if memo.error is None else memo.error.told(),
    )


def routes(services: Services) -> Sequence[Route]:
    unknown = "the worker is not registered: register again"
    stale = "STALE_EXECUTION: the job is no longer the worker's"
    fence = {"execution_seq": 1, "lease_token": "0123456789abcdef"}
    step = {
        "id": "run_0123456789abcdefghjkmnpqrs:charge:0",
        "name": "charge",
        "type": "invoke",
        "status": "completed",
        "output": {"amount": 12},
        "started_at": "2026-01-31T12:00:00.000Z",
        "duration_ms": 5,
    }
    poll = Operation(
        "Jobs for a worker",
        {
            200: Answer("jobs", JobBatchResponse),
            204: Answer("none", headers={"Ironflow-Poll-Wait": "how many seconds the poll was held, if it was"}),
            404: unknown,
        },
        query=PollJobsQuery,
        permission="workers:connect",
    )
    ack = Operation(
        "Acknowledge a job",
        {200: Answer("ok", WorkerStatusResponse), 404: unknown, 409: stale},
        body=Body(JobAckRequest, {**fence, "run_id": "run_0123456789abcdefghjkmnpqrs"}),
        permission="workers:connect",
    )
    update = Operation(
        "Report on a job",
        {200: Answer("recorded", WorkerStatusResponse), 404: unknown, 409: stale},
        body=Body(
            JobUpdateRequest, {**fence, "status": "completed", "steps": [step], "step_offset": 1, "output": "done"}
        ),
        permission="workers:connect",
    )
    base = "/api/v1/workers/{worker_id}/jobs"
    return [
        Route(base, Jobs(services), {"GET": poll}),
        Route(f"{base}/{{job_id}}", OneJob(services), {"PUT": update}),
        Route(f"{base}/{{job_id}}/ack", Ack(services), {"PUT": ack}),
    ]
