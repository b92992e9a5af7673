"""The Falcon application: every route of the table, once a request names it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import falcon
import falcon.asgi
from falcon.routing import CompiledRouter

from app.api import dashboard, docs
from app.api.admission import Admission
from app.api.browsers import Browsers
from app.api.hygiene import Hygiene
from app.api.middleware import Observe
from app.api.refusals import on_error
from app.api.services import Route, Services
from app.api.table import Table, part_of


def build(services: Services, browsers: Browsers, table: Table) -> Any:
    """The application over the services."""
    observe = Observe(services.ids, services.metrics)
    middleware: Any = [observe, Hygiene(), browsers, Admission(services.door, services.runs, table.operations)]
    router: Any = Router(table.at)
    app: Any = falcon.asgi.App(middleware=middleware, router=router)
    app.req_options.auto_parse_qs_csv = False
    app.req_options.keep_blank_qs_values = False
    for kind in (Exception, falcon.HTTPError):  # Falcon has handlers of its own for the second
        app.add_error_handler(kind, on_error)
    dashboard.add(app, services.version)
    docs.add(app, services.version)
    app.add_sink(_connect(services), r"^/ironflow\.v1\.(?P<service>\w+)/(?P<method>\w+)$")
    return app


def _connect(services: Services) -> Any:
    """The sink for every path of Connect, loaded by the first call."""

    @cache
    def sink() -> Any:
        from app.api import connect

        return connect.sink(services)

    async def call(req: falcon.asgi.Request, resp: falcon.asgi.Response, service: str, method: str) -> None:
        await sink()(req, resp, service=service, method=method)

    return call


class Router:
    """Falcon's own router, one for each part of the paths, made when a request names it: `routes` has those of the
    table that are there."""

    def __init__(self, routes: Callable[[str], Sequence[Route]]) -> None:
        self._routes = routes
        self._given: dict[str, list[tuple[str, object, dict[str, Any]]]] = {}
        self._made: dict[str, CompiledRouter] = {}

    def add_route(self, uri_template: str, resource: object, **more: Any) -> None:
        self._given.setdefault(part_of(uri_template), []).append((uri_template, resource, more))

    def find(self, uri: str, req: falcon.asgi.Request | None = None) -> Any:
        """As Falcon's own: what is there, or None."""
        part = part_of(uri)
        router = self._made.get(part)
        if router is None:
            found, given = self._routes(part), self._given.get(part, [])
            if not found and not given:
                return None
            router = self._made[part] = CompiledRouter()
            for route in found:
                router.add_route(route.path, _Exposed(route), _asgi=True)
            for template, resource, more in given:
                router.add_route(template, resource, **more)
        return router.find(uri, req)


class _Exposed:
    """Of a route's resource, which may serve other paths too, the methods that the table has for this one."""

    def __init__(self, route: Route) -> None:
        for method in route.operations:
            responder = f"on_{method.lower()}"
            setattr(self, responder, getattr(route.resource, responder))
