"""The short way of the hottest calls: emitting, triggering, appending, as plain JSON, without a web framework between.

Only a request that needs none of the framework's rules comes here (see `plain`): JSON of a told length, not packed, not
sent by a browser. It meets the same operations and is refused in the same words as one that takes the long way.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from app.api import connect, connect_json, events, streams
from app.api.answers import BODY_BYTES_MAX, JSON, encode, refusal
from app.api.caller import Caller, caller
from app.api.services import Services

Answer = tuple[int, Any]
Refusal = Callable[[Exception, str, str], Answer]
Post = Callable[[Services, Caller, bytes], Awaitable[Answer]]

LENGTH_CHARS_MAX = 8

_LONG_WAY = ("content-encoding", "origin", "sec-fetch-site")
_CONNECT = (
    ("IronflowService", "Trigger"),
    ("IronflowService", "TriggerSync"),
    ("IronflowService", "TriggerBatch"),
    ("IronflowService", "Emit"),
    ("PubSubService", "Emit"),
    ("EntityStreamService", "AppendEvent"),
)


class Headers(Protocol):
    def __contains__(self, name: str) -> bool: ...
    def get(self, name: str, default: Any = None) -> Any: ...


class ShortWay:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._posts: dict[str, tuple[Post, Refusal]] = {
            "/api/v1/events": (events.post, _refused),
            "/api/v1/streams": (streams.post, _refused),
        }
        for service, method in _CONNECT:
            posts = (_called(connect.JSON_METHODS[service, method]), connect.refusal)
            self._posts[f"/ironflow.v1.{service}/{method}"] = posts

    def takes(self, method: str, path: str, headers: Headers) -> bool:
        return method == "POST" and path in self._posts and plain(headers)

    async def answer(self, path: str, headers: Headers, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers and body of the answer to a request that `takes` said yes to."""
        started = time.perf_counter()
        request_id = self._services.ids.request()
        post, refused = self._posts[path]
        try:
            status, content = await post(self._services, caller(headers.get), body)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told
            status, content = refused(error, path, request_id)
        told = [("content-type", JSON), ("x-request-id", request_id)]
        if status == 429:
            told.append(("retry-after", "1"))
        seconds = time.perf_counter() - started
        self._services.metrics.requested(method="POST", route=path, status=str(status), seconds=seconds)
        return status, told, encode(content)


def plain(headers: Headers) -> bool:
    """Whether the request needs no rule beyond those of the operation itself."""
    if headers.get("content-type") != JSON or any(name in headers for name in _LONG_WAY):
        return False
    length = headers.get("content-length") or ""
    return len(length) <= LENGTH_CHARS_MAX and length.isdigit() and int(length) <= BODY_BYTES_MAX


def _called(operation: connect_json.Method) -> Post:
    async def post(services: Services, caller: Caller, body: bytes) -> Answer:
        return 200, await operation(services, caller, body or b"{}")

    return post


def _refused(error: Exception, path: str, request_id: str) -> tuple[int, Mapping[str, Any]]:
    told = refusal(error, method="POST", path=path, request_id=request_id)
    return told.status, told.body()
