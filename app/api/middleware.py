"""What holds for every request: a request id, metrics, no NUL in what it asks for."""

from __future__ import annotations

import time

import falcon.asgi

from app.errors import InvalidArgument
from app.ids import Ids
from app.metrics import Metrics


class Observe:
    """Gives each request an id and counts it. HEAD is answered as GET is, without the body."""

    def __init__(self, ids: Ids, metrics: Metrics) -> None:
        self._ids = ids
        self._metrics = metrics

    async def process_request(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        resp.set_header("X-Request-ID", self._ids.request())
        req.context.started = time.perf_counter()
        if req.method == "HEAD":
            req.context.head = True
            req.method = "GET"  # for the router; put back before the answer is written
        _refuse_nul(req)

    async def process_response(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, resource: object, succeeded: bool
    ) -> None:
        if "head" in req.context:
            req.method = "HEAD"
        self._metrics.requested(
            method=req.method if req.method in ("GET", "POST", "PUT", "PATCH", "DELETE") else "other",
            route=req.uri_template or "unknown",
            status=str(resp.status_code),
            seconds=time.perf_counter() - req.context.started,
        )
        if "refused" in req.context:
            self._metrics.refused(req.context.refused)


def _refuse_nul(req: falcon.asgi.Request) -> None:
    """Postgres cannot be asked for a text with a NUL, and no name or id has one."""
    if "\0" in req.path:
        raise InvalidArgument("the path has a NUL character", field="path", hint="leave %00 out")
    if "%00" in req.query_string:
        named = next((name for name, value in req.params.items() if "\0" in f"{name}{value}"), "query")
        raise InvalidArgument(f"{named} has a NUL character", field=named, hint="leave %00 out")
