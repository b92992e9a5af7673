"""/api/v1/circuit-breakers: the endpoints of push functions, and whether they are left alone for now."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi
from msgspec import UNSET

from app import clock
from app.api.answers import answer
from app.api.caller import environment_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.breakers import BreakerState
from app.dispatch.push import Endpoint


class Breakers:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        answer(resp, [shown(endpoint) for endpoint in self._services.push.breakers(environment_of(req))])


class Reset:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response, key: str) -> None:
        answer(resp, shown(self._services.push.reset(environment_of(req), key)))


def shown(endpoint: Endpoint) -> BreakerState:
    breaker = endpoint.breaker
    failed = breaker.failed_at is not None
    return BreakerState(
        key=endpoint.key,
        function_id=endpoint.function.id,
        endpoint=endpoint.function.endpoint_url,
        environment_id=endpoint.environment,
        state=breaker.state,
        consecutive_fails=breaker.failures,
        last_failure=UNSET if breaker.failed_at is None else clock.rfc3339(breaker.failed_at),
        last_error=breaker.reason if failed else UNSET,
        retry_at=UNSET if breaker.wake_at is None else clock.rfc3339(breaker.wake_at),
    )


def routes(services: Services) -> Sequence[Route]:
    listing = Operation(
        "Every push function's endpoint with its circuit breaker",
        {200: Answer("breakers", list[BreakerState])},
        permission="functions:read",
    )
    reset = Operation(
        "Close a circuit breaker, by its key or by the id of its function",
        {200: Answer("the breaker", BreakerState), 404: "there is none"},
        permission="breakers:manage",
    )
    return [
        Route("/api/v1/circuit-breakers", Breakers(services), {"GET": listing}),
        Route("/api/v1/circuit-breakers/{key}/reset", Reset(services), {"POST": reset}),
    ]
