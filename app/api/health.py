"""Whether the server lives, whether it is ready, what it can do, what it counts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import falcon.asgi

from app import clock, exposition
from app.api.answers import answer
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.health import CapabilitiesResponse, HealthResponse, ReadyResponse
from storage import cursors, history
from storage.contract import StorageError

STORE_TIMEOUT_S = 5.0
CURSOR = "ready"
"""What is written to see whether writing works."""

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
    """Ready is who can do its work: read, and have a commit made durable. Both are tried, once for all who ask
    meanwhile."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._trying: asyncio.Task[str] | None = None

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        issues = dict(self._services.problems())
        if self._trying is None or self._trying.done():
            self._trying = asyncio.create_task(self._try(), name="ready")
        if issue := await asyncio.shield(self._trying):
            issues["storage"] = issue
        content = ReadyResponse(status="not_ready" if issues else "ready", issues=issues)
        answer(resp, content, 503 if issues else 200)

    async def _try(self) -> str:
        """What the store does not do, or ""."""
        storage = self._services.storage
        try:
            async with asyncio.timeout(STORE_TIMEOUT_S):
                position, _ = await storage.read(history.head)
                await storage.write(lambda tx: cursors.save(tx, CURSOR, position))
        except StorageError as error:
            return str(error)
        except TimeoutError:
            return f"no answer within {STORE_TIMEOUT_S:.0f} s"
        return ""


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
        resp.content_type = exposition.CONTENT_TYPE
        resp.data = exposition.exposition(self._services.metrics)


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
