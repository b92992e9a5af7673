"""/api/v1/capacity: what waits for capacity, what executes, and who offers how much. Lists as this node sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import falcon.asgi

from app import clock
from app.api.answers import answer
from app.api.caller import environment_of
from app.api.parameters import query_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.base import Shape
from app.api.shapes.capacity import (
    CapacityQuery,
    CapacityStat,
    ConcurrencyLane,
    ConcurrencyLease,
    DispatchSegment,
    WorkerSession,
)
from app.dispatch.queue import Ready

Read = Callable[[Services, str], Sequence[Shape]]


class Listing:
    def __init__(self, services: Services, read: Read) -> None:
        self._services = services
        self._read = read

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        query = query_of(req, CapacityQuery)
        rows = self._read(self._services, environment_of(req))
        chosen = [row for row in rows if query.function in ("", getattr(row, "function_id", ""))]
        answer(resp, chosen[: query.limit])


def queue(services: Services, environment: str) -> list[DispatchSegment]:
    """Runs that wait, longest first, and what for."""
    waiting, rows = services.dispatcher.queue, []
    for lane in waiting.functions(environment):
        blocking = waiting.blocking(lane)
        rows += [
            DispatchSegment(
                environment_id=environment,
                function_id=lane[1],
                run_id=ready.run_id,
                lane_id=ready.dispatch.concurrency_key,
                blocking_reason=blocking(ready),
                priority=ready.dispatch.priority,
                created_at=clock.rfc3339(ready.created_at),
                first_enqueued_at=clock.rfc3339(ready.created_at),
                execution_mode="pull",
            )
            for ready in waiting.waiting(lane)
        ]
    return sorted(rows, key=lambda row: row.created_at)


def lanes(services: Services, environment: str) -> list[ConcurrencyLane]:
    """How much of its limit each concurrency key takes up now, and what waits for it; what waits longest first."""
    now, queue = services.clock.now_us(), services.dispatcher.queue
    rows = []
    for function in services.functions.list(environment):
        lane, limit = (environment, function.fact.id), function.fact.concurrency
        running, blocking = queue.running(lane), queue.blocking(lane)
        waiting: dict[str, list[Ready]] = {}
        for ready in queue.waiting(lane):
            waiting.setdefault(ready.dispatch.concurrency_key, []).append(ready)
        for key in dict.fromkeys([*running, *waiting]):
            runs = waiting.get(key, [])
            oldest = min(runs, key=_created_at, default=None)
            rows.append(
                ConcurrencyLane(
                    environment_id=environment,
                    function_id=function.fact.id,
                    lane_id=key,
                    active_reserved=running.get(key, 0),
                    limit=limit.limit if limit else 0,
                    config_version=function.fact.version,
                    queued=len(runs),
                    oldest_queue_age_seconds=_age_s(oldest, now),
                    blocking_reason=blocking(oldest) if oldest is not None else "",
                )
            )
    return sorted(rows, key=lambda row: (-row.oldest_queue_age_seconds, row.function_id, row.lane_id))


def stats(services: Services, environment: str) -> list[CapacityStat]:
    """What waits and executes, by function."""
    now, queue = services.clock.now_us(), services.dispatcher.queue
    rows = []
    for function in services.functions.list(environment):
        lane = (environment, function.fact.id)
        runs = queue.waiting(lane)
        rows.append(
            CapacityStat(
                environment_id=environment,
                function_id=function.fact.id,
                queued=len(runs),
                active_leases=sum(queue.running(lane).values()),
                reservations=0,
                lane_limit=function.fact.concurrency.limit if function.fact.concurrency else 0,
                oldest_queue_age_seconds=_age_s(min(runs, key=_created_at, default=None), now),
            )
        )
    return rows


def _created_at(ready: Ready) -> int:
    return ready.created_at


def _age_s(ready: Ready | None, now_us: int) -> float:
    """How long the run has waited; 0 for none."""
    return max(0.0, (now_us - ready.created_at) / 1_000_000) if ready is not None else 0.0


def leases(services: Services, environment: str) -> list[ConcurrencyLease]:
    """Runs in workers' hands, and until when without a sign of life."""
    return [
        ConcurrencyLease(
            environment_id=environment,
            function_id=job.function_id,
            run_id=job.run_id,
            execution_seq=job.execution_seq,
            lease_id=job.id,
            worker_id=session.info.id,
            activated_at=clock.rfc3339(job.started_at),
            expires_at=clock.rfc3339(job.lease_expires_at),
        )
        for session in services.dispatcher.sessions
        if session.info.environment == environment
        for job in session.jobs.values()
    ]


def sessions(services: Services, environment: str) -> list[WorkerSession]:
    """Workers that are connected, and how many more runs each wants."""
    return [
        WorkerSession(
            environment_id=environment,
            session_id=session.info.id,
            worker_id=session.info.id,
            created_at=clock.rfc3339(session.registered_at),
            draining=session.draining,
            credit=session.credit,
            heartbeat_expiry=clock.rfc3339(session.last_seen_at + session.lease_ttl_us),
            labels=dict(session.info.labels),
        )
        for session in services.dispatcher.sessions
        if session.info.environment == environment
    ]


_LISTS: dict[str, tuple[Read, Any, str]] = {
    "queue": (queue, list[DispatchSegment], "Runs that wait for capacity, and what for"),
    "lanes": (
        lanes,
        list[ConcurrencyLane],
        "How much of its limit each concurrency key takes up, and what waits for it",
    ),
    "stats": (stats, list[CapacityStat], "What waits and executes, by function"),
    "leases": (leases, list[ConcurrencyLease], "Runs in workers' hands"),
    "sessions": (sessions, list[WorkerSession], "Workers and the capacity they offer"),
}


def routes(services: Services) -> Sequence[Route]:
    return [
        Route(
            f"/api/v1/capacity/{name}",
            Listing(services, read),
            {"GET": Operation(summary, {200: Answer("a list", kind)}, query=CapacityQuery, permission="capacity:read")},
        )
        for name, (read, kind, summary) in _LISTS.items()
    ]
