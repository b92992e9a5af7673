"""Watching keys and documents over WebSockets: every revision in order, and what cannot be watched."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.server import ServerProcess
from tests.support.websocket import HandshakeRefused, WebSocket

Watch = Callable[[str], WebSocket]


@pytest.fixture
def watch(shared_server: ServerProcess, environment: str) -> Iterator[Watch]:
    opened: list[WebSocket] = []

    def watching(path: str) -> WebSocket:
        opened.append(WebSocket(shared_server.url, path, headers={"X-Ironflow-Environment-ID": environment}))
        return opened[-1]

    yield watching
    for ws in opened:
        ws.close()


@pytest.fixture
def carts(http: httpx.Client) -> str:
    base = "/api/v1/kv/buckets"
    assert http.post(base, json={"name": "carts"}).status_code == 201
    return f"{base}/carts"


def test_every_revision_of_a_key_comes_in_order(http: httpx.Client, watch: Watch, carts: str) -> None:
    ws = watch(f"{carts}/watch?key=a.*")
    for value in ("1", "2"):
        http.put(f"{carts}/keys/b.1", content=value)
        http.put(f"{carts}/keys/a.1", content=value)
    http.delete(f"{carts}/keys/a.1")

    updates = [ws.expect("kv_update") for _ in range(3)]

    assert [(one["bucket"], one["key"], one["operation"]) for one in updates] == [
        ("carts", "a.1", "put"),
        ("carts", "a.1", "put"),
        ("carts", "a.1", "delete"),
    ]
    assert [base64.b64decode(one["value"]) for one in updates] == [b"1", b"2", b""]
    assert [one["revision"] for one in updates] == sorted({one["revision"] for one in updates})
    assert http.delete(carts).status_code == 204
    assert ws.expect("bucket_deleted")["bucket"] == "carts"


def test_a_watch_resumes_after_a_position(http: httpx.Client, watch: Watch, carts: str) -> None:
    first = watch(f"{carts}/watch")
    for value in ("1", "2", "3"):
        http.put(f"{carts}/keys/a", content=value)
    seen = first.expect("kv_update")
    first.close()

    again = watch(f"{carts}/watch?after={seen['position']}")

    assert [base64.b64decode(again.expect("kv_update")["value"]) for _ in range(2)] == [b"2", b"3"]


def test_a_document_is_watched_or_all(http: httpx.Client, watch: Watch) -> None:
    one, every = watch("/api/v1/config/limits/watch"), watch("/api/v1/config/*/watch")
    http.post("/api/v1/config/theme", json={"dark": True})
    http.post("/api/v1/config/limits", json={"orders": 1})
    http.patch("/api/v1/config/limits", json={"carts": 2})

    first, second = (one.expect("config_update") for _ in range(2))

    assert (first["name"], first["data"], first["revision"]) == ("limits", {"orders": 1}, 1)
    assert (second["data"], second["revision"]) == ({"orders": 1, "carts": 2}, 2)
    assert second["updatedAt"]
    assert [every.expect("config_update")["name"] for _ in range(3)] == ["theme", "limits", "limits"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/kv/buckets/none/watch", 404),
        ("/api/v1/kv/buckets/carts/watch?after=x", 400),
        ("/api/v1/kv/buckets/carts/watch?after=999999999", 400),
        ("/api/v1/kv/buckets/carts/watch?key=a..b", 400),
        ("/api/v1/kv/buckets/carts/watch?backpressure=panic", 400),
        ("/api/v1/kv/buckets/carts", 404),
        ("/api/v1/config/a%20b/watch", 400),
    ],
)
def test_what_cannot_be_watched_is_refused_by_the_handshake(watch: Watch, carts: str, path: str, status: int) -> None:
    with pytest.raises(HandshakeRefused) as refused:
        watch(path)

    assert refused.value.status == status


def test_a_watcher_is_told_that_the_server_stops(start_server: Callable[..., ServerProcess]) -> None:
    server = start_server()
    with WebSocket(server.url, "/api/v1/config/*/watch") as ws, ThreadPoolExecutor() as threads:
        httpx.post(f"{server.url}/api/v1/config/theme", json={"dark": True}, timeout=30)
        assert ws.expect("config_update")["name"] == "theme"
        stopping = threads.submit(server.terminate)

        error = ws.expect("error")

        assert (error["retrying"], bool(error["message"])) == (True, True)
        assert ws.receive() is None
        ws.close()
        assert stopping.result() == 0
