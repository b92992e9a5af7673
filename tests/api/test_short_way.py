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
