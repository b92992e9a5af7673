"""The Falcon application: every route from its module's table."""

from __future__ import annotations

from typing import Any

import falcon
import falcon.asgi

from app.api import (
    apikeys,
    audit,
    auth,
    breakers,
    breakpoints,
    bulk,
    capacity,
    comparing,
    config,
    connect,
    dashboard,
    docs,
    events,
    failures,
    following,
    functions,
    gates,
    groups,
    health,
    history,
    jobs,
    kv,
    nats,
    nodes,
    openapi,
    outbox,
    past,
    platform,
    platform_policies,
    platform_roles,
    platform_users,
    policies,
    policy_set,
    projection_rows,
    projections,
    recordings,
    redactions,
    rehearsals,
    rewind,
    roles,
    run_logs,
    runs,
    schemas,
    secrets,
    sql,
    stats,
    streams,
    subscriptions,
    tenants,
    topics,
    trials,
    users,
    views,
    watching,
    webhook_deliveries,
    webhooks,
    workers,
)
from app.api.admission import Admission
from app.api.answers import on_error
from app.api.browsers import Browsers
from app.api.hygiene import Hygiene
from app.api.middleware import Observe
from app.api.services import Answer, Operation, Route, Services

MODULES = (
    health,
    events,
    rehearsals,
    runs,
    past,
    run_logs,
    comparing,
    watching,
    views,
    stats,
    bulk,
    rewind,
    breakpoints,
    functions,
    gates,
    capacity,
    history,
    sql,
    workers,
    jobs,
    kv,
    config,
    secrets,
    schemas,
    streams,
    subscriptions,
    following,
    topics,
    projections,
    projection_rows,
    breakers,
    webhooks,
    webhook_deliveries,
    groups,
    outbox,
    nats,
    nodes,
    recordings,
    apikeys,
    roles,
    auth,
    users,
    tenants,
    platform,
    platform_users,
    platform_roles,
    platform_policies,
    policies,
    policy_set,
    trials,
    audit,
    redactions,
    failures,
)


def build(services: Services, browsers: Browsers) -> Any:
    """The application over the services."""
    table = route_table(services)
    observe = Observe(services.ids, services.metrics)
    middleware: Any = [observe, Hygiene(), browsers, Admission(services.door, services.runs, table)]
    app: Any = falcon.asgi.App(middleware=middleware, cors_enable=False)
    app.req_options.auto_parse_qs_csv = False
    app.req_options.keep_blank_qs_values = False
    for kind in (Exception, falcon.HTTPError):  # Falcon has handlers of its own for the second
        app.add_error_handler(kind, on_error)
    for route in table:
        app.add_route(route.path, _Exposed(route))
    dashboard.add(app, services.version)
    docs.add(app, services.version)
    app.add_sink(connect.sink(services), r"^/ironflow\.v1\.(?P<service>\w+)/(?P<method>\w+)$")
    return app


class _Exposed:
    """Of a route's resource, which may serve other paths too, the methods that the table has for this one."""

    def __init__(self, route: Route) -> None:
        for method in route.operations:
            responder = f"on_{method.lower()}"
            setattr(self, responder, getattr(route.resource, responder))


def route_table(services: Services) -> list[Route]:
    """Every REST route, the OpenAPI document's own included."""
    table = [route for module in MODULES for route in module.routes(services)]
    own = {
        "GET": Operation(
            "This document",
            {200: Answer("OpenAPI 3.1", dict[str, Any])},
            open="it says how to ask, and is the same for everybody",
        )
    }
    table.append(Route("/api/v1/openapi.json", None, own))
    table[-1] = Route("/api/v1/openapi.json", openapi.Document(table, services.version), own)
    return table
