"""What holds for every request: a request id, the environment, the actor, metrics."""

from __future__ import annotations

import time

import falcon.asgi

from app import patterns
from app.errors import InvalidArgument
from app.ids import Ids
from app.metrics import Metrics

ENVIRONMENT_HEADERS = ("X-IRONFLOW-ENVIRONMENT-ID", "X-IRONFLOW-ENVIRONMENT")
DEFAULT_ENVIRONMENT = "default"


def environment_of(req: falcon.asgi.Request) -> str:
    """The environment that the request names, or the default. Raises InvalidArgument."""
    for header in ENVIRONMENT_HEADERS:
        named = req.get_header(header)
        if named:
            return environment(named)
    return DEFAULT_ENVIRONMENT


def environment(name: str) -> str:
    """The environment of that name or id. Raises InvalidArgument."""
    if name in (DEFAULT_ENVIRONMENT, "env_default", ""):
        return DEFAULT_ENVIRONMENT
    if "." in name or "/" in name:
        raise InvalidArgument(f"environment {name[:80]!r} has a dot or a slash", field="environment")
    patterns.validate_name(name, field="environment")
    return name


def actor_of(req: falcon.asgi.Request) -> str:
    """Who asks. Nobody is known yet: authentication is not built."""
    return ""


def int_param(req: falcon.asgi.Request, name: str, default: int, *, low: int, high: int) -> int:
    """A whole number of the query. Raises InvalidArgument naming the parameter."""
    text = req.get_param(name)
    if text is None:
        return default
    if not text.lstrip("-").isdecimal() or not low <= int(text) <= high:
        raise InvalidArgument(f"{name} {text[:40]!r} is not in range", field=name, hint=f"{low} to {high}")
    return int(text)


class Observe:
    """Gives each request an id and counts it."""

    def __init__(self, ids: Ids, metrics: Metrics) -> None:
        self._ids = ids
        self._metrics = metrics

    async def process_request(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        resp.set_header("X-Request-ID", self._ids.request())
        req.context.started = time.perf_counter()

    async def process_response(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, resource: object, succeeded: bool
    ) -> None:
        self._metrics.requested(
            method=req.method if req.method in ("GET", "POST", "PUT", "PATCH", "DELETE") else "other",
            route=req.uri_template or "unknown",
            status=str(resp.status_code),
            seconds=time.perf_counter() - req.context.started,
        )
