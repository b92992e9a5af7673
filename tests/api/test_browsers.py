"""A web page must not be able to emit to a server on its visitor's machine."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.support.history import recorded
from tests.support.server import ServerProcess

EVENTS = "/api/v1/events"
TRIGGER = "/ironflow.v1.IronflowService/Trigger"
EVENT = b'{"name": "a.b", "event": "a.b"}'


@pytest.mark.parametrize("path", [EVENTS, TRIGGER, "/ironflow.v1.IronflowService/RegisterFunction"])
@pytest.mark.parametrize(
    "told",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "application/jsonp",
        "text/json",
    ],
)
def test_a_body_of_a_type_that_any_page_can_send_is_refused(http: httpx.Client, path: str, told: str) -> None:
    before = recorded(http)

    answer = http.post(path, content=b'{"name": "a.b", "event": "a.b", "id": "f"}', headers={"Content-Type": told})

    assert answer.status_code == 415, answer.text
    assert "UNSUPPORTED_MEDIA_TYPE" in answer.text
    assert "--json" in answer.json()["hint"]
    assert recorded(http) == before


def test_a_body_without_a_type_is_refused(http: httpx.Client) -> None:
    del http.headers["Content-Type"]

    assert http.post(EVENTS, content=EVENT).status_code == 415
    assert http.post(EVENTS, content=iter([EVENT])).status_code == 415
    assert http.put("/api/v1/workers/w/register", content=b"{}").status_code == 415


def test_json_may_be_told_in_every_way_and_no_body_needs_no_type(http: httpx.Client) -> None:
    for told in ("application/json", "application/json; charset=utf-8", "Application/JSON ;x=y"):
        assert http.post(TRIGGER, content=EVENT, headers={"Content-Type": told}).status_code == 200

    del http.headers["Content-Type"]
    assert http.post("/api/v1/runs/run_nope/cancel").status_code == 404
    form = {"Content-Type": "application/x-www-form-urlencoded"}  # as `curl -d ''` sends it
    assert http.post("/api/v1/runs/run_nope/cancel", content=b"", headers=form).status_code == 404
    assert http.post("/ironflow.v1.IronflowService/Health", content=b"", headers=form).status_code == 200


def test_protobuf_is_for_connect_only(http: httpx.Client) -> None:
    proto = {"Content-Type": "application/proto"}

    assert http.post(TRIGGER, content=b"\x0a\x03a.b", headers=proto).status_code == 200
    assert http.post(EVENTS, content=b"\x0a\x03a.b", headers=proto).status_code == 415


@pytest.mark.parametrize("path", [EVENTS, TRIGGER])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "evil.example"},
    ],
)
def test_a_strange_page_is_refused_and_nothing_recorded(http: httpx.Client, path: str, headers: dict[str, str]) -> None:
    before = recorded(http)

    answer = http.post(path, content=EVENT, headers={**headers, "Content-Type": "application/json; charset=utf-8"})

    assert (answer.status_code, answer.json()["code"]) == (403, "PERMISSION_DENIED")
    assert answer.headers["X-Request-ID"]
    assert recorded(http) == before


def test_the_servers_own_page_is_let_in(http: httpx.Client, shared_server: ServerProcess) -> None:
    answer = http.post(EVENTS, content=EVENT.replace(b', "event": "a.b"', b""), headers={"Origin": shared_server.url})

    assert answer.status_code == 201


def test_origins_are_let_in_by_setting(start_server: Callable[..., ServerProcess]) -> None:
    server = start_server(environment={"IRONFLOW_ALLOW_ORIGIN": "https://a.example, https://b.example:8443"})

    for origin, status in (
        ("https://a.example", 200),
        ("https://b.example:8443", 200),
        ("https://b.example", 403),
        ("http://localhost:5173", 200),  # with --dev
    ):
        headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}
        answer = httpx.post(server.url + TRIGGER, content=EVENT, headers=headers, timeout=30)
        assert answer.status_code == status
        assert answer.headers.get("Access-Control-Allow-Origin") == (origin if status == 200 else None)
