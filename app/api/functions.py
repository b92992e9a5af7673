"""/api/v1/functions: the functions that workers registered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import falcon.asgi

from app import clock
from app.api.answers import answer
from app.api.caller import environment_of
from app.api.services import Operation, Route, Services
from app.runs.function import Function


class Functions:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        known = self._services.functions.list(environment_of(req))
        answer(resp, {"functions": [shown(function) for function in known], "count": len(known)})


class OneFunction:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, function_id: str) -> None:
        answer(resp, shown(self._services.functions.get(environment_of(req), function_id)))


def shown(function: Function) -> dict[str, Any]:
    fact = function.fact
    retry = fact.retry
    return {
        "id": fact.id,
        "name": fact.name,
        "description": fact.description,
        "status": function.status,
        "version": fact.version,
        "preferred_mode": fact.preferred_mode,
        "triggers": [
            {"event": trigger.event, **({"expression": trigger.expression} if trigger.expression else {})}
            for trigger in fact.triggers
        ],
        "retry": {
            "max_attempts": retry.max_attempts,
            "initial_delay_ms": retry.initial_delay_ms,
            "backoff_factor": retry.backoff_factor,
            "max_delay_ms": retry.delay_ms_max,
            "on_exhausted": retry.on_exhausted,
        },
        "timeout_ms": fact.timeout_ms,
        **({"endpoint_url": fact.endpoint_url} if fact.endpoint_url else {}),
        "metadata": fact.metadata,
        "created_at": clock.rfc3339(function.created_at),
        "updated_at": clock.rfc3339(function.updated_at),
    }


def routes(services: Services) -> Sequence[Route]:
    listing = Operation("Every function, by id", {200: "functions"})
    one = Operation("One function", {200: "the function", 404: "there is none"})
    return [
        Route("/api/v1/functions", Functions(services), {"GET": listing}),
        Route("/api/v1/functions/{function_id}", OneFunction(services), {"GET": one}),
    ]
