"""/api/v1/capacity: what waits for capacity, what executes, and who offers how much. Lists as this node sees them."""

from __future__ import annotations

from collections import Counter
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
    waiting = services.dispatcher.queue
    rows = [
        DispatchSegment(
            environment_id=environment,
            function_id=lane[1],
            run_id=ready.run_id,
            lane_id=ready.dispatch.concurrency_key,
            blocking_reason=waiting.blocked(lane, ready),
            priority=ready.dispatch.priority,
            created_at=clock.rfc3339(ready.created_at),
            first_enqueued_at=clock.rfc3339(ready.created_at),
            execution_mode="pull",
        )
        for lane, ready in waiting
        if lane[0] == environment
    ]
    return sorted(rows, key=lambda row: row.created_at)


def lanes(services: Services, environment: str) -> list[ConcurrencyLane]:
    """How much of its limit each concurrency key takes up now, and what waits for it; what waits longest first."""
    now, waiting = services.clock.now_us(), services.dispatcher.queue
    queued: Counter[tuple[str, str]] = Counter()
    oldest: dict[str, dict[str, Ready]] = {}
    for lane, one in waiting:
        if lane[0] == environment:
            key = one.dispatch.concurrency_key
            queued[lane[1], key] += 1
            of_function = oldest.setdefault(lane[1], {})
            if key not in of_function or one.created_at < of_function[key].created_at:
                of_function[key] = one
    rows = []
    for function in services.functions.list(environment):
        function_id, limit = function.fact.id, function.fact.concurrency
        running, first = waiting.running((environment, function_id)), oldest.get(function_id, {})
        for name in dict.fromkeys([*running, *first]):
            ready = first.get(name)
            age_us = now - ready.created_at if ready is not None else 0
            rows.append(
                ConcurrencyLane(
                    environment_id=environment,
                    function_id=function_id,
                    lane_id=name,
                    active_reserved=running.get(name, 0),
                    limit=limit.limit if limit else 0,
                    config_version=function.fact.version,
                    queued=queued[function_id, name],
                    oldest_queue_age_seconds=max(0.0, age_us / 1_000_000),
                    blocking_reason=waiting.blocked((environment, function_id), ready) if ready is not None else "",
                )
            )
    return sorted(rows, key=lambda row: (-row.oldest_queue_age_seconds, row.function_id, row.lane_id))


def stats(services: Services, environment: str) -> list[CapacityStat]:
    """What waits and executes, by function."""
    now = services.clock.now_us()
    waiting: Counter[str] = Counter()
    oldest: dict[str, int] = {}
    for lane, ready in services.dispatcher.queue:
        if lane[0] == environment:
            waiting[lane[1]] += 1
            oldest[lane[1]] = min(oldest.get(lane[1], ready.created_at), ready.created_at)
    rows = []
    for function in services.functions.list(environment):
        function_id = function.fact.id
        running = services.dispatcher.queue.running((environment, function_id))
        age_us = now - oldest[function_id] if function_id in oldest else 0
        rows.append(
            CapacityStat(
                environment_id=environment,
                function_id=function_id,
                queued=waiting[function_id],
                active_leases=sum(running.values()),
                reservations=0,
                lane_limit=function.fact.concurrency.limit if function.fact.concurrency else 0,
                oldest_queue_age_seconds=max(0.0, age_us / 1_000_000),
            )
        )
    return rows


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
