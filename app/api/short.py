"""The short way of the hottest calls, without a web framework between: emitting, triggering and appending, as plain
JSON; putting and getting key-values.

Only a request that needs none of the framework's rules comes here (see `plain_body`, `plain_path`): of a told length,
not packed, not sent by a browser. It meets the same operations and is refused in the same words as one that takes the
long way. The modules that answer are loaded by the first request that is theirs.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from app.access.permissions import RPC
from app.api import subject
from app.api.answers import BODY_BYTES_MAX, JSON, encode, refusal
from app.api.arrival import WHOLE_BYTES_MAX, Body
from app.api.browsers import is_ours
from app.api.caller import Caller
from app.api.conditions import expected, tag
from app.api.proxies import address_of
from app.api.services import Services
from app.api.table import BUCKETS, KEY
from app.values.kv import Put

if TYPE_CHECKING:
    from app.api.connect_json import Method
    from app.api.shapes.kv import WrittenResponse

Answer = tuple[int, Any]
Post = Callable[[Services, Caller, bytes], Awaitable[Answer]]

LENGTH_CHARS_MAX = 8

_LONG_WAY = frozenset(("content-encoding", "origin", "sec-fetch-site", "cookie"))
CONNECT = "/ironflow.v1."
"""What the paths of Connect begin with."""

_KEYS = f"{BUCKETS}/"
_CALLS = (
    "IronflowService/Trigger",
    "IronflowService/TriggerSync",
    "IronflowService/TriggerBatch",
    "IronflowService/Emit",
    "PubSubService/Emit",
    "EntityStreamService/AppendEvent",
)
_POSTS = frozenset(("/api/v1/events", "/api/v1/streams", *(f"{CONNECT}{call}" for call in _CALLS)))


class Headers(Protocol):
    def keys(self) -> list[str]: ...
    def get(self, name: str, default: Any = None) -> Any: ...


class Scope(Protocol):
    """What is known of a request before its body, as RSGI tells it."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def query_string(self) -> str: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def client(self) -> str: ...


Refused = Callable[[Exception, str, str, str], Answer]
"""Given the error, the method, the path and the request's id."""

Told = tuple[int, Any, tuple[tuple[str, str], ...]]
"""Status, content and further headers."""

Operation = Callable[["Services", "Headers", bytes, str], Awaitable[Told]]
"""Given the services, the request's headers and body, and the address it comes from."""


class Call(NamedTuple):
    """A request that takes the short way: what answers it, given its headers and its body, and what refuses it."""

    method: str
    path: str
    route: str
    headers: Headers
    address: str
    operation: Operation
    refused: Refused


class ShortWay:
    def __init__(self, services: Services) -> None:
        self._services = services

    def call(self, scope: Scope) -> Call | None:
        """The request as a call; None for one that takes the long way."""
        method, path, headers = scope.method, scope.path, scope.headers
        if method == "POST":
            if path not in _POSTS or not plain_body(headers) or headers.get("content-type") != JSON:
                return None
            return Call(method, path, path, headers, address_of(scope.client), *_post(path))
        if path.startswith(_KEYS) and method in ("GET", "PUT") and plain_path(scope):
            bucket, _, rest = path[len(_KEYS) :].partition("/")
            part, _, key = rest.partition("/")
            if part == "keys" and key and (method == "GET" or plain_length(headers)):
                operation = _getting(bucket, key) if method == "GET" else _putting(bucket, key)
                return Call(method, path, KEY, headers, address_of(scope.client), operation, _refused)
        return None

    async def answer(self, call: Call, body: Body | None) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers and body of the answer to a call with that body, if it has one. A large one is read of
        somebody who is known only."""
        started = time.perf_counter()
        request_id = self._services.ids.request()
        more: tuple[tuple[str, str], ...] = ()
        try:
            if body is not None and body.length_bytes > WHOLE_BYTES_MAX:
                self._services.door.recognise(call.headers.get)
            told = b"" if body is None else await body.read()
            started = time.perf_counter()  # how long a client takes to send says nothing about us
            status, content, more = await call.operation(self._services, call.headers, told, call.address)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told
            status, content = call.refused(error, call.method, call.path, request_id)
            self._services.metrics.refused(content.get("ironflowCode") or content["code"])
            if status == 429:
                more = (("retry-after", str(getattr(error, "retry_after_s", 1))),)
        headers = [("content-type", JSON), ("x-request-id", request_id), ("x-content-type-options", "nosniff"), *more]
        seconds = time.perf_counter() - started
        self._services.metrics.requested(method=call.method, route=call.route, status=str(status), seconds=seconds)
        return status, headers, encode(content)


def plain_body(headers: Headers) -> bool:
    """Whether the body needs no rule beyond those of the operation itself."""
    return _LONG_WAY.isdisjoint(headers.keys()) and plain_length(headers)


def plain_length(headers: Headers) -> bool:
    """Whether it is told how long the body is, and it is not too long."""
    length = headers.get("content-length") or ""
    return len(length) <= LENGTH_CHARS_MAX and length.isdigit() and int(length) <= BODY_BYTES_MAX


def plain_path(scope: Scope) -> bool:
    """Whether the request line and the host need no rule. Pages in a browser can get without saying that they are
    pages, if their host's name is made to point here."""
    headers = scope.headers
    if scope.query_string or "\0" in scope.path or not _LONG_WAY.isdisjoint(headers.keys()):
        return False
    host = headers.get("host") or ""
    return host != "" and is_ours(host)


@lru_cache(len(_POSTS))
def _post(path: str) -> tuple[Operation, Refused]:
    """What answers a POST there, and what refuses it."""
    if path.startswith(CONNECT):
        from app.api import connect

        call = path.removeprefix(CONNECT)
        service, _, method = call.partition("/")
        called = _called(connect.JSON_METHODS[service, method])
        return _posted(called, RPC[call], subject.of_call(call)), _refused_by_connect
    from app.api import events, streams

    if path == "/api/v1/events":
        return _posted(events.post, "events:emit", "event/*"), _refused
    return _posted(streams.post, "entities:append", "entity/*/*"), _refused


def _posted(post: Post, action: str, about: str) -> Operation:
    async def posted(services: Services, headers: Headers, body: bytes, address: str) -> Told:
        caller = services.door.admit(headers.get, action, about, method="POST", address=address, ends=True)
        status, content = await caller.told(post(services, caller, body))
        return status, content, ()

    return posted


def _called(operation: Method) -> Post:
    async def post(services: Services, caller: Caller, body: bytes) -> Answer:
        subject.check_body(caller, body)
        return 200, await operation(services, caller, body or b"{}")

    return post


def _getting(bucket: str, key: str) -> Operation:
    from app.api import kv

    async def get(services: Services, headers: Headers, body: bytes, address: str) -> Told:
        about = f"kv/{bucket}/{key}"
        caller = services.door.admit(headers.get, "kv:read", about, method="GET", address=address, ends=True)
        found = await caller.told(services.keyspace.get(caller.environment, bucket, key))
        return 200, kv.value_shown(found), (("etag", tag(found.revision)),)

    return get


def _putting(bucket: str, key: str) -> Operation:
    async def put(services: Services, headers: Headers, body: bytes, address: str) -> Told:
        about = f"kv/{bucket}/{key}"
        caller = services.door.admit(headers.get, "kv:write", about, method="PUT", address=address, ends=True)
        written = await caller.told(_written(services, caller, headers, bucket, key, body))
        return 200, written, (("etag", tag(written.revision)),)

    return put


async def _written(
    services: Services, caller: Caller, headers: Headers, bucket: str, key: str, body: bytes
) -> WrittenResponse:
    from app.api import kv

    return await kv.written_by(caller, services.keyspace, Put(bucket, key, body, expected(headers.get)))


def _refused_by_connect(error: Exception, method: str, path: str, request_id: str) -> Answer:
    from app.api import connect

    return connect.refusal(error, path, request_id)


def _refused(error: Exception, method: str, path: str, request_id: str) -> tuple[int, Mapping[str, Any]]:
    told = refusal(error, method=method, path=path, request_id=request_id)
    return told.status, told.body()
