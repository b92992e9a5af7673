"""What the application is told of a request that Granian hands in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from app.api.connections import Connections
from app.api.proxies import Proxies
from app.api.rsgi import Front


async def told(**more: Any) -> dict[str, Any]:
    """The ASGI scope of a request that takes the long way."""
    seen: list[dict[str, Any]] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)

    async def body() -> AsyncIterator[bytes]:
        yield b""

    def never() -> Any:
        pytest.fail("such a request takes the long way")

    short: Any = SimpleNamespace(call=lambda _: None)
    common = {"proto": "http", "method": "GET", "path": "/a", "query_string": "b=1", "scheme": "http"}
    places = {"http_version": "2", "client": "127.0.0.1:1", "server": "[::1]:2", "authority": None, "headers": {}}
    scope: Any = SimpleNamespace(**{**common, **places, **more})
    connections = Connections(silent_s=60)
    front = Front(short, never, never, lambda: application, Proxies(), connections, receive_timeout_s=30)
    await front(scope, body())
    assert len(connections) == 0, "it is answered"
    return seen[0]


@pytest.mark.parametrize(
    ("authority", "headers", "host"),
    [
        ("evil.example:9123", {}, [b"evil.example:9123"]),
        ("evil.example", {"host": "localhost"}, [b"localhost"]),
        (None, {"host": "localhost"}, [b"localhost"]),
        (None, {}, []),
    ],
)
async def test_the_host_is_told_however_it_came(
    authority: str | None, headers: dict[str, str], host: list[bytes]
) -> None:
    scope = await told(authority=authority, headers=headers)

    assert [value for name, value in scope["headers"] if name == b"host"] == host


async def test_addresses_and_the_query_are_handed_on() -> None:
    scope = await told()

    assert (scope["client"], scope["server"]) == (("127.0.0.1", 1), ("::1", 2))
    assert (scope["path"], scope["query_string"]) == ("/a", b"b=1")
