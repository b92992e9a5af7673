"""Whoever asks for parts gets the whole, once: nothing here is served in parts (RFC 9110 §14.2 lets a server ignore
that), so that no number of ranges makes an answer larger, and none can be wrong."""

from __future__ import annotations

import httpx
import pytest

from tests.support.server import ServerProcess

RANGES = (
    "bytes=0-",
    "bytes=0-0",
    "bytes=-1",
    "bytes=5-1",
    "bytes=99999999999999999999999-",
    "bytes=" + ",".join(["0-"] * 2_000),
    "bytes=" + ",".join(f"{number}-{number}" for number in range(1_000)),
    "bytes",
    "bytes=",
    "lines=1-2",
    "bytes=a-b, 0x1-%31",
)


@pytest.fixture(scope="module")
def filled(server: ServerProcess) -> ServerProcess:
    with httpx.Client(base_url=server.url, headers={"X-Ironflow-Environment-ID": "ranges"}, timeout=30) as client:
        client.post("/api/v1/events", json={"name": "a", "data": {"n": 1}}).raise_for_status()
        client.post("/api/v1/kv/buckets", json={"name": "b"}).raise_for_status()
        client.put("/api/v1/kv/buckets/b/keys/k", content=b'"value"').raise_for_status()
    return server


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/docs",
        "/docs/security",
        "/api/v1/openapi.json",
        "/api/v1/kv/buckets/b/keys/k",
        "/api/v1/events",
        "/api/v1/audit/export?event_type=bucket.created",
        "/assets/none-1.js",
    ],
)
def test_a_range_changes_nothing(filled: ServerProcess, path: str) -> None:
    with httpx.Client(base_url=filled.url, headers={"X-Ironflow-Environment-ID": "ranges"}, timeout=30) as client:
        whole = client.get(path)
        assert whole.status_code in (200, 404)
        assert "accept-ranges" not in whole.headers

        for told in RANGES:
            answer = client.get(path, headers={"Range": told, "If-Range": '"x"'})
            assert answer.status_code == whole.status_code, told[:40]
            assert len(answer.content) == len(whole.content), told[:40]
            assert "content-range" not in answer.headers
