"""/api/v1/system: how the node is that answers, and a bundle of that for whoever helps with it."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence

import falcon.asgi
from msgspec import UNSET
from msgspec.structs import replace

from app import clock
from app.access.tenancy import SEE_ALL
from app.api import diagnostics
from app.api.answers import answer
from app.api.caller import caller_of
from app.api.services import Answer, Operation, Route, Services
from app.api.shapes.system import (
    RefusalCount,
    RequestsShape,
    RouteFigures,
    SnapshotsShape,
    StoreShape,
    SystemResponse,
)
from app.metrics import Distribution, Metrics
from storage import store

TOP = 10
GZIP = "application/gzip"
WITHHELD = f"requests and sizes are those of all organizations: to see them takes {SEE_ALL}"


class System:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        services = self._services
        if services.access.tenancy.sees_all(caller_of(req).who):
            answer(resp, await about(services))
        else:
            answer(resp, _of_node(services))


class Diagnostics:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        services = self._services
        now = services.clock.now_us()
        applied = await services.storage.read(store.migrations)
        resp.content_type = GZIP
        resp.set_header("Content-Disposition", f'attachment; filename="{diagnostics.name_at(now)}"')
        resp.data = diagnostics.bundle(services, await about(services), applied, now)


async def about(services: Services) -> SystemResponse:
    """What there is to say of this node and of its store."""
    refused = Counter(services.metrics.refusals)
    sizes, snapshots = await services.storage.read(lambda tx: (store.sizes(tx), store.snapshots(tx)))
    return replace(
        _of_node(services),
        store=_store(services, sizes, snapshots),
        requests=_requests(services.metrics),
        refusals=[RefusalCount(code=code, count=count) for code, count in refused.most_common(TOP)],
        withheld=UNSET,
    )


def _of_node(services: Services) -> SystemResponse:
    """What does not count what organizations do."""
    now = services.clock.now_us()
    own = next((row for row in services.nodes.listed() if row.id == services.nodes.id), None)
    started = own.started_at if own is not None else now
    return SystemResponse(
        version=services.version,
        python=platform.python_version(),
        node=services.nodes.id,
        now=clock.rfc3339(now),
        started_at=clock.rfc3339(started),
        uptime_seconds=(now - started) / 1_000_000,
        problems=dict(services.problems()),
        switches={name: value for name, value in services.settings.items() if isinstance(value, bool)},
        withheld=WITHHELD,
    )


def _store(services: Services, sizes: Mapping[str, int], snapshots: store.Snapshots) -> StoreShape:
    return StoreShape(
        kind=services.storage.dialect,
        position=services.tail.head,
        database_bytes=sizes["database"],
        free_bytes=sizes.get("free", UNSET),
        log_bytes=sizes.get("log", UNSET),
        history_bytes=sizes.get("history", UNSET),
        snapshots_bytes=sizes.get("snapshots", UNSET),
        snapshots=SnapshotsShape(
            entities=snapshots.entities,
            projections=snapshots.projections,
            whole=max(snapshots) < store.SNAPSHOTS_COUNTED_MAX,
        ),
    )


def _requests(metrics: Metrics) -> RequestsShape:
    total = failed = 0
    for (_, _, status), count in list(metrics.requests.items()):
        total += count
        failed += count if status.startswith("5") else 0
    busiest = sorted(metrics.request_seconds.items(), key=lambda one: (-one[1].count, one[0]))[:TOP]
    return RequestsShape(total=total, failed=failed, routes=[_route(route, told) for route, told in busiest])


def _route(route: str, told: Distribution) -> RouteFigures:
    at_most = {name: told.quantile(share) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))}
    return RouteFigures(
        route=route,
        count=told.count,
        mean_ms=told.mean * 1_000,
        **{f"{name}_ms": UNSET if bound is None else bound * 1_000 for name, bound in at_most.items()},
    )


def routes(services: Services) -> Sequence[Route]:
    told = Operation(
        "How the node is that answers, since its start, and its store; figures that count what every organization does "
        f"take {SEE_ALL}, where there are several",
        {200: Answer("it", SystemResponse)},
        permission="system:read",
    )
    bundle = Operation(
        "The same with settings, figures, recent warnings and migrations in one file, for whoever helps: no secrets, "
        "and nothing of what is recorded",
        {200: Answer("a .tar.gz", bytes, GZIP)},
        permission="platform:diagnose",
    )
    return [
        Route("/api/v1/system", System(services), {"GET": told}),
        Route("/api/v1/system/diagnostics", Diagnostics(services), {"GET": bundle}),
    ]
