"""Whether the server lives, whether it is ready, what it can do, what it counts."""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi

from app import clock, metrics
from app.api.answers import answer
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.health import CapabilitiesResponse, HealthResponse, ReadyResponse
from storage import history
from storage.contract import StorageError

TRANSPORTS = ("rest", "connectrpc", "grpc", "websocket", "sse")
FEATURES = (
    "events",
    "subscriptions",
    "entity_streams",
    "event_schemas",
    "functions",
    "runs",
    "pull_workers",
    "streaming_workers",
    "webhooks",
    "sql",
    "consumer_groups",
    "projections",
)


class Health:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        now = clock.rfc3339(self._services.clock.now_us())
        answer(resp, HealthResponse(status="healthy", timestamp=now, version=self._services.version))


class Ready:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        issues = dict(self._services.problems())
        try:
            await self._services.storage.read(history.head)
        except StorageError as error:
            issues["storage"] = str(error)
        content = ReadyResponse(status="not_ready" if issues else "ready", issues=issues)
        answer(resp, content, 503 if issues else 200)


class Capabilities:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        services = self._services
        content = CapabilitiesResponse(
            transports=TRANSPORTS,
            features=FEATURES,
            version=services.version,
            auth_required=services.door.required,
            grpc_address=services.grpc_address,
        )
        answer(resp, content)


class MetricsPage:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        resp.content_type = metrics.CONTENT_TYPE
        resp.data = self._services.metrics.render()


def routes(services: Services) -> Sequence[Route]:
    health = Operation(
        "Whether the server lives",
        {200: Answer("it does", HealthResponse)},
        open="it is asked by what watches over the server",
    )
    ready = Operation(
        "Whether it can serve",
        {200: Answer("it can", ReadyResponse), 503: Answer("it cannot, and why", ReadyResponse)},
        open="it is asked by what watches over the server",
    )
    able = Operation(
        "What this server can do",
        {200: Answer("transports, features, version", CapabilitiesResponse)},
        open="it says how to come in",
    )
    counts = Operation(
        "Metrics",
        {200: Answer("Prometheus text format", str, "text/plain")},
        open="it is asked by what watches over the server, and counts, naming nobody",
    )
    return [
        Route("/health", Health(services), {"GET": health}),
        Route("/ready", Ready(services), {"GET": ready}),
        Route("/api/v1/capabilities", Capabilities(services), {"GET": able}),
        Route("/metrics", MetricsPage(services), {"GET": counts}),
    ]
