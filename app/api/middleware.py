"""What holds for every request: a request id, metrics; and parameters of the query."""

from __future__ import annotations

import re
import time

import falcon.asgi

from app import clock
from app.errors import InvalidArgument
from app.ids import Ids
from app.metrics import Metrics

NUMBER_CHARS_MAX = 20
INSTANT_CHARS_MAX = 64
INSTANT_MAX = 2**62

_NUMBER = re.compile(r"-?[0-9]+")


def int_param(req: falcon.asgi.Request, name: str, default: int, *, low: int, high: int) -> int:
    """A whole number of the query. Raises InvalidArgument naming the parameter."""
    text = req.get_param(name)
    if text is None:
        return default
    if len(text) > NUMBER_CHARS_MAX or not _NUMBER.fullmatch(text) or not low <= int(text) <= high:
        raise InvalidArgument(f"{name} {text[:40]!r} is not in range", field=name, hint=f"{low} to {high}")
    return int(text)


def instant_param(req: falcon.asgi.Request, name: str, default: int, *, now: int) -> int:
    """An instant of the query, in µs: RFC 3339, or such as `15m` before now. Raises InvalidArgument naming it."""
    text = req.get_param(name)
    if text is None:
        return default
    instant = clock.parse_instant(text, now, field=name) if len(text) <= INSTANT_CHARS_MAX else INSTANT_MAX + 1
    if abs(instant) > INSTANT_MAX:
        raise InvalidArgument(f"{name} {text[:40]!r} is not in range", field=name, hint="RFC 3339, or such as 15m")
    return instant


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


def _refuse_nul(req: falcon.asgi.Request) -> None:
    """Postgres cannot be asked for a text with a NUL, and no name or id has one."""
    if "\0" in req.path:
        raise InvalidArgument("the path has a NUL character", field="path", hint="leave %00 out")
    if "%00" in req.query_string:
        named = next((name for name, value in req.params.items() if "\0" in f"{name}{value}"), "query")
        raise InvalidArgument(f"{named} has a NUL character", field=named, hint="leave %00 out")
