"""The hottest calls skip the web framework; nobody must be able to tell by the answer."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

EVENTS = "/api/v1/events"
SERVICE = "/ironflow.v1.IronflowService"
PLAIN = "application/json"
LONG_WAY = "application/json; charset=utf-8"

BODIES = [
    b'{"name": "order.placed", "data": {"id": 1}}',
    b'{"name": "order.placed", "data": {"text": "\\u0000"}}',
    b'[{"name": "order.placed"}, {"name": ""}, {"nome": 1}]',
    b'{"events": [{"name": "order.placed"}]}',
    b'{"name": "order..placed"}',
    b'{"name": 5}',
    b"{",
    b"",
    b"[" * 200 + b"]" * 200,
    b'{"event": "order.placed", "data": 1}',
    b'{"event": "", "timeoutMs": "soon"}',
]
HEADERS: list[dict[str, str]] = [
    {},
    {"X-Ironflow-Environment-ID": "a/b"},
    {"X-Ironflow-Run-ID": "run_forged"},
]


def shape(response: httpx.Response) -> Any:
    """The answer without what differs from call to call."""

    def masked(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: "…" if key in ("event_id", "eventId") else masked(one) for key, one in value.items()}
        return [masked(one) for one in value] if isinstance(value, list) else value

    headers = {name: response.headers.get(name) for name in ("content-type", "retry-after")}
    return response.status_code, headers, "x-request-id" in response.headers, masked(json.loads(response.content))


@pytest.mark.parametrize("headers", HEADERS, ids=["no headers", "bad environment", "forged run"])
@pytest.mark.parametrize("path", [EVENTS, f"{SERVICE}/Trigger", f"{SERVICE}/TriggerBatch", f"{SERVICE}/TriggerSync"])
def test_both_ways_answer_alike(http: httpx.Client, path: str, headers: dict[str, str]) -> None:
    for body in BODIES:
        short, long = (
            http.post(path, content=body, headers={**headers, "Content-Type": content_type})
            for content_type in (PLAIN, LONG_WAY)
        )

        assert shape(short) == shape(long), body


def test_a_body_of_untold_length_is_read_too(http: httpx.Client) -> None:
    parts = iter([b'{"name": "order.placed", ', b'"data": 1}'])

    response = http.post(EVENTS, content=parts, headers={"Content-Type": PLAIN})

    assert response.status_code == 201


def test_a_body_above_the_limit_is_refused(http: httpx.Client) -> None:
    body = b'{"name": "order.placed", "data": "' + b"x" * 11 * 2**20 + b'"}'

    response = http.post(EVENTS, content=body, headers={"Content-Type": PLAIN})

    assert response.status_code == 413
    assert response.json()["code"] == "PAYLOAD_TOO_LARGE"


KEYS = "/api/v1/kv/buckets/carts/keys"
LONG = "?unused=1"
"""A query takes the long way, and one that no operation has is passed over."""

PATHS = [
    f"{KEYS}/here",
    f"{KEYS}/there.a/b//c",
    f"{KEYS}/%C3%A9%20%2F%2f+",
    f"{KEYS}/%FF",
    f"{KEYS}/a%00b",
    f"{KEYS}/a*",
    f"{KEYS}/{'k' * 600}",
    "/api/v1/kv/buckets/none/keys/here",
    "/api/v1/kv/buckets//keys/here",
    "/api/v1/kv/buckets/a.b/keys/here",
]
CONDITIONS: list[dict[str, str]] = [
    {},
    {"If-Match": "*"},
    {"If-Match": "99"},
    {"If-Match": "soon"},
    {"If-None-Match": "*"},
    {"If-None-Match": "7"},
    {"If-Match": "1", "If-None-Match": "*"},
    {"X-Ironflow-Environment-ID": "a/b"},
    {"X-Ironflow-Run-ID": "run_forged"},
]


def value_shape(response: httpx.Response) -> Any:
    """The answer without what differs from revision to revision."""
    told = {
        name: "…" if name in ("revision", "created_at", "position") else value
        for name, value in response.json().items()
    }
    return response.status_code, response.headers["content-type"], "etag" in response.headers, told


@pytest.mark.parametrize("headers", CONDITIONS, ids=lambda headers: " ".join(f"{k}:{v}" for k, v in headers.items()))
def test_values_are_put_and_got_alike_both_ways(http: httpx.Client, headers: dict[str, str]) -> None:
    http.post("/api/v1/kv/buckets", json={"name": "carts"})
    for path in PATHS:
        put = [http.put(path + query, content=b"\0\xff", headers=headers) for query in ("", LONG)]
        got = [http.get(path + query, headers=headers) for query in ("", LONG)]

        if headers != {"If-None-Match": "*"}:  # the first put of a key makes the second one differ
            assert value_shape(put[0]) == value_shape(put[1]), path
        assert value_shape(got[0]) == value_shape(got[1]), path
        assert got[0].headers.get("etag") == got[1].headers.get("etag"), path


def test_a_value_put_the_short_way_is_of_any_type_and_any_way_of_sending(http: httpx.Client) -> None:
    http.post("/api/v1/kv/buckets", json={"name": "carts"})
    parts = iter([b"in ", b"parts"])

    for content, expected in ((b"whole", "d2hvbGU="), (parts, "aW4gcGFydHM=")):
        put = http.put(f"{KEYS}/a", content=content, headers={"Content-Type": "text/plain"})
        got = http.get(f"{KEYS}/a")

        assert put.status_code == 200
        assert put.headers["etag"] == got.headers["etag"] == f'"{put.json()["revision"]}"'
        assert got.json()["value"] == expected


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_no_page_of_another_site_gets_a_value_the_short_way(http: httpx.Client, headers: dict[str, str]) -> None:
    http.post("/api/v1/kv/buckets", json={"name": "carts"})
    http.put(f"{KEYS}/a", content=b"1")

    for response in (http.get(f"{KEYS}/a", headers=headers), http.put(f"{KEYS}/a", content=b"2", headers=headers)):
        assert response.status_code == 403

    assert http.get(f"{KEYS}/a").json()["value"] == "MQ=="


def test_calls_of_the_short_way_are_counted_by_their_route(http: httpx.Client) -> None:
    http.post("/api/v1/kv/buckets", json={"name": "carts"})
    http.get(f"{KEYS}/none")

    metrics = http.get("/metrics").text

    assert 'route="/api/v1/kv/buckets/{bucket}/keys/{key:path}",status="404"' in metrics
