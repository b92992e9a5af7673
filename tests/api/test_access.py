"""Getting in and out over HTTP: sessions in browsers, tricks with headers and tokens, and what is cut when."""

from __future__ import annotations

import json
import secrets
import struct
import threading
from collections.abc import Iterator
from itertools import islice
from typing import Any

import grpc
import httpx
import pytest

from ironflow import Client
from ironflow.errors import PermissionDenied, Unauthenticated
from ironflow.v1 import pubsub_pb2
from tests.support.history import recorded
from tests.support.server import PROXY, ServerProcess
from tests.support.websocket import HandshakeRefused, WebSocket

PASSWORD = "correct horse battery"
PAGE = {"Sec-Fetch-Site": "same-origin"}
SUBSCRIBE = "/ironflow.v1.PubSubService/Subscribe"


@pytest.fixture
def root(guarded: ServerProcess) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {guarded.key}"}
    with httpx.Client(base_url=guarded.url, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture
def page(guarded: ServerProcess) -> Iterator[httpx.Client]:
    """A page of ours in a browser, with its cookies."""
    with httpx.Client(base_url=guarded.url, headers=PAGE, timeout=30) as client:
        yield client


@pytest.fixture
def ada(root: httpx.Client) -> Iterator[dict[str, Any]]:
    user = root.post("/api/v1/users", json={"email": "ada@example.com", "password": PASSWORD, "roles": ["developer"]})
    yield user.json()
    root.delete(f"/api/v1/users/{user.json()['id']}")


def key_of(root: httpx.Client, *roles: str, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = root.post("/api/v1/apikeys", json={"name": "k", "role_ids": roles, **more}).json()
    return made


def log_in(page: httpx.Client) -> dict[str, Any]:
    answer = page.post("/api/v1/auth/login", json={"email": "ada@example.com", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


# Sessions.


def test_a_page_signs_in_with_a_cookie_that_scripts_cannot_read(page: httpx.Client, ada: dict[str, Any]) -> None:
    answer = page.post("/api/v1/auth/login", json={"email": "ada@example.com", "password": PASSWORD})

    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly; SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert (answer.json()["token"], answer.headers["Cache-Control"]) == ("", "no-store")
    me = page.get("/api/v1/auth/me").json()
    assert (me["kind"], me["user"]["email"], me["csrf_token"]) == (
        "session",
        "ada@example.com",
        answer.json()["csrf_token"],
    )
    page.post("/api/v1/auth/logout", headers={"X-Ironflow-CSRF": me["csrf_token"]})
    assert page.get("/api/v1/auth/me", headers={"Cookie": cookie.partition(";")[0]}).status_code == 401


def test_what_comes_with_a_cookie_needs_the_csrf_token_to_change_something(
    page: httpx.Client, root: httpx.Client, ada: dict[str, Any]
) -> None:
    csrf = log_in(page)["csrf_token"]
    before = recorded(root)

    for told in ({}, {"X-Ironflow-CSRF": ""}, {"X-Ironflow-CSRF": "0" * 32}, {"X-Ironflow-CSRF": csrf[:-1]}):
        answer = page.post("/api/v1/events", json={"name": "a.b"}, headers=told)
        assert (answer.status_code, answer.json()["code"]) == (403, "CSRF_REFUSED")
        call = page.post("/ironflow.v1.IronflowService/Trigger", json={"event": "a.b"}, headers=told)
        assert (call.status_code, call.json()["ironflowCode"]) == (403, "CSRF_REFUSED")
    plain = {"Sec-Fetch-Site": ""}  # as a program, which takes the short way
    assert page.post("/api/v1/events", json={"name": "a.b"}, headers=plain).status_code == 403
    assert recorded(root) == before

    assert page.post("/api/v1/events", json={"name": "a.b"}, headers={"X-Ironflow-CSRF": csrf}).status_code == 201
    assert page.get("/api/v1/events").status_code == 200


def test_another_site_can_neither_sign_somebody_in_nor_use_their_session(
    page: httpx.Client, ada: dict[str, Any]
) -> None:
    csrf = log_in(page)["csrf_token"]
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "X-Ironflow-CSRF": csrf}

    for method, path in (("POST", "/api/v1/events"), ("GET", "/api/v1/runs"), ("POST", "/api/v1/auth/login")):
        answer = page.request(method, path, json={"name": "a.b"}, headers=foreign)
        assert answer.status_code == 403, (method, path)
    token = page.cookies["ironflow_session"]
    for told in (foreign, {"Origin": "https://evil.example"}):
        with pytest.raises(HandshakeRefused) as refused:
            WebSocket(str(page.base_url), "/ws", headers={**told, "Cookie": f"ironflow_session={token}"})
        assert refused.value.status == 403
    with WebSocket(str(page.base_url), "/ws", headers={**PAGE, "Cookie": f"ironflow_session={token}"}):
        pass


def test_a_program_gets_the_token_and_bears_it(guarded: ServerProcess, ada: dict[str, Any]) -> None:
    told = httpx.post(
        f"{guarded.url}/api/v1/auth/login", json={"email": "ada@example.com", "password": PASSWORD}, timeout=30
    ).json()

    bearer = {"Authorization": f"Bearer {told['token']}"}
    assert httpx.get(f"{guarded.url}/api/v1/runs", headers=bearer, timeout=30).status_code == 200
    answer = httpx.post(f"{guarded.url}/api/v1/events", json={"name": "a.b"}, headers=bearer, timeout=30)
    assert answer.status_code == 201  # no CSRF: no page can send that header


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(page: httpx.Client, ada: dict[str, Any]) -> None:
    answers = [
        page.post("/api/v1/auth/login", json={"email": email, "password": "not it at all"})
        for email in ("ada@example.com", "nobody@example.com")
    ]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()
    log_in(page)  # and forgotten are the failures from this address


def test_a_link_signs_in_once(page: httpx.Client, root: httpx.Client, ada: dict[str, Any]) -> None:
    link = root.post(f"/api/v1/users/{ada['id']}/link").json()

    assert page.post("/api/v1/auth/exchange", json={"token": link["token"]}).json()["user"]["email"] == ada["email"]
    assert page.post("/api/v1/auth/exchange", json={"token": link["token"]}).status_code == 401
    log_in(page)


# Tokens and headers.


def test_tricks_with_tokens(guarded: ServerProcess, root: httpx.Client) -> None:
    key = key_of(root, "viewer")["key"]
    jwt = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhZG1pbiJ9."

    for authorization in (
        f"Bearer {key[:-1]}{'0' if key[-1] != '0' else '1'}",
        f"Bearer {key}0",
        f"Bearer {key.upper()}",
        f"Bearer {key[:14]}",
        f"Bearer {jwt}",
        f"Bearer {'A' * 6_000}",
        f"Basic {key}",
        f"{key}",
        "Bearer null",
        "Bearer ifkey_%00",
    ):
        answer = httpx.get(f"{guarded.url}/api/v1/runs", headers={"Authorization": authorization}, timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED"), authorization
        assert key not in answer.text
    good = httpx.get(f"{guarded.url}/api/v1/runs", headers={"authorization": f"bearer {key}"}, timeout=30)
    assert good.status_code == 200


def test_no_other_header_or_parameter_lets_anybody_in(guarded: ServerProcess) -> None:
    key = guarded.key

    for told in (
        {"X-Api-Key": key},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-User": "admin"},
        {"X-Original-URL": "/health"},
        {"X-HTTP-Method-Override": "GET"},
        {"X-Ironflow-Org": "org_default"},
        {"Proxy-Authorization": f"Bearer {key}"},
    ):
        assert httpx.get(f"{guarded.url}/api/v1/runs", headers=told, timeout=30).status_code == 401, told
    assert httpx.get(f"{guarded.url}/api/v1/runs", params={"token": key}, timeout=30).status_code == 401
    for path in ("/health/../api/v1/runs", "//api/v1/runs", "/api/v1/runs/", "/API/V1/RUNS", "/api/v1/runs%3Fx"):
        assert httpx.get(f"{guarded.url}{path}", timeout=30).status_code in (401, 404), path
    assert key not in guarded.log()


def test_a_key_of_one_environment_cannot_name_another(guarded: ServerProcess, root: httpx.Client) -> None:
    key = key_of(root, "admin", env_id="staging")["key"]
    root.post("/api/v1/events", json={"name": "secret.thing", "data": "canary"})

    with httpx.Client(base_url=guarded.url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as bound:
        assert bound.get("/api/v1/events").json()["events"] == []
        for named in ("production", "env_production", "sta%67ing"):
            for header in ("X-Ironflow-Environment-ID", "X-Ironflow-Environment"):
                answer = bound.get("/api/v1/events", headers={header: named})
                assert (answer.status_code, answer.json()["code"]) == (404, "ENVIRONMENT_NOT_FOUND"), named
        assert bound.get("/api/v1/events", headers={"X-Ironflow-Environment": "default"}).json()["events"] == []
        assert bound.delete("/api/v1/debounce/entries/default/f/-").status_code == 400
        assert bound.post("/api/v1/sql", json={"query": "select * from events"}).json()["rows"] == []
        assert bound.get("/api/v1/runs", headers={"X-Ironflow-Org": "org_other"}).status_code == 403


def test_answers_tell_browsers_what_not_to_do(page: httpx.Client) -> None:
    for path in ("/", "/docs", "/health", "/api/v1/runs", "/api/v1/openapi.json"):
        headers = page.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["X-Frame-Options"] == "DENY", path
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], path
    policy = page.get("/").headers["Content-Security-Policy"]
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy


# What is cut.


def cut(root: httpx.Client, made: dict[str, Any]) -> None:
    assert root.delete(f"/api/v1/apikeys/{made['id']}").status_code == 204


def test_a_stream_of_events_ends_with_its_key(guarded: ServerProcess, root: httpx.Client) -> None:
    made = key_of(root, "viewer")
    bearer = {"Authorization": f"Bearer {made['key']}"}

    with httpx.stream(
        "GET", f"{guarded.url}/api/v1/subscribe", params={"pattern": ">"}, headers=bearer, timeout=30
    ) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith(":")
        cut(root, made)
        told = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]

    assert (told[-1]["code"], told[-1]["retrying"]) == ("UNAUTHENTICATED", False)


def test_a_socket_is_closed_with_its_key(guarded: ServerProcess, root: httpx.Client) -> None:
    made = key_of(root, "viewer")

    with WebSocket(guarded.url, f"/ws?token={made['key']}") as socket:
        socket.send({"type": "subscribe", "subscription": {"pattern": ">"}})
        assert socket.receive()["type"] == "subscription_result"
        cut(root, made)
        assert socket.receive() is None


def test_a_call_ends_with_its_key(guarded: ServerProcess, root: httpx.Client) -> None:
    made = key_of(root, "viewer")
    root.post("/api/v1/events", json={"name": "a.b"})
    request = pubsub_pb2.SubscribeRequest(pattern="a.b", options=pubsub_pb2.SubscribeOptions(replay=1))

    with grpc.insecure_channel(guarded.grpc_address) as channel:
        call = channel.unary_stream(SUBSCRIBE, request_serializer=pubsub_pb2.SubscribeRequest.SerializeToString)
        stream = call(request, metadata=[("authorization", f"Bearer {made['key']}")], timeout=30)
        assert next(stream)
        cut(root, made)
        with pytest.raises(grpc.RpcError) as ended:
            list(stream)

    assert ended.value.code() == grpc.StatusCode.UNAUTHENTICATED  # type: ignore[attr-defined]


def test_a_call_of_connect_ends_with_its_key(guarded: ServerProcess, root: httpx.Client) -> None:
    made = key_of(root, "viewer")
    root.post("/api/v1/events", json={"name": "a.b"})
    headers = {"Content-Type": "application/connect+json", "Authorization": f"Bearer {made['key']}"}
    request = b'{"pattern":"a.b","options":{"replay":1}}'
    body = b"\0" + struct.pack(">I", len(request)) + request

    with httpx.stream("POST", f"{guarded.url}{SUBSCRIBE}", content=body, headers=headers, timeout=30) as answer:
        parts = answer.iter_bytes()
        assert b"a.b" in next(parts)
        cut(root, made)
        rest = b"".join(parts)

    assert json.loads(rest[5:])["error"]["code"] == "unauthenticated"


def test_a_worker_that_polls_is_answered_when_its_key_goes(guarded: ServerProcess, root: httpx.Client) -> None:
    made = key_of(root, "developer")
    bearer = {"Authorization": f"Bearer {made['key']}"}
    worker = f"{guarded.url}/api/v1/workers/w1"
    root.post("/ironflow.v1.IronflowService/RegisterFunction", json={"id": "f", "triggers": [{"event": "never"}]})
    told = {"worker_id": "w1", "function_ids": ["f"]}
    assert httpx.post(f"{worker}/register", json=told, headers=bearer, timeout=30).is_success
    later = threading.Timer(0.3, cut, (root, made))  # while it polls; before it would be answered the same
    later.start()

    answer = httpx.get(f"{worker}/jobs", params={"available": 1, "wait": 25}, headers=bearer, timeout=30)
    later.join()

    assert answer.status_code == 401, answer.text


# For the platform.


def test_who_acts_in_another_organization_is_in_both_audits(guarded: ServerProcess, root: httpx.Client) -> None:
    tenant = root.post("/api/v1/platform/tenants", json={"name": f"Acme {secrets.token_hex(4)}"}).json()
    org, told = tenant["id"], {"Authorization": f"Bearer {tenant['api_key']}"}
    assert root.get(f"/api/v1/platform/tenants/{org}").json()["name"] == tenant["name"]
    assert org in [one["id"] for one in root.get("/api/v1/platform/tenants").json()]
    viewer, admin = key_of(root, "platform_viewer"), key_of(root, "admin")

    with Client(guarded.url, api_key=viewer["key"], organization=org) as client:
        assert client.me()["org_id"] == org
        with pytest.raises(PermissionDenied):
            client.emit("order.placed", {})
    with Client(guarded.url, api_key=admin["key"], organization=org) as client, pytest.raises(PermissionDenied):
        client.me()
    root.post("/api/v1/events", json={"name": "a.b"})  # what was to be recorded before is

    asked = {"impersonated_org_id": org}
    events = root.get("/api/v1/platform/audit", params=asked).json()["events"]
    assert {one["action"] for one in events} == {"platform:impersonate:read"}
    assert [(one["actor"], one["event_type"], one["method"]) for one in events] == [
        (admin["id"], "authz.denied", "GET /api/v1/auth/me"),
        (viewer["id"], "platform.impersonated", "POST"),
        (viewer["id"], "platform.impersonated", "GET /api/v1/auth/me"),
    ]
    narrow = {**asked, "event_type": "platform.impersonated", "platform_key_id": viewer["id"]}
    assert len(root.get("/api/v1/platform/audit", params=narrow).json()["events"]) == 2
    with httpx.Client(base_url=guarded.url, headers=told, timeout=30) as theirs:
        seen = theirs.get("/api/v1/audit", params={"scope": "org", "event_type": "platform.impersonated"}).json()
        assert [one["actor"] for one in seen["events"]] == [viewer["id"]] * 2
        for path in ("/api/v1/platform/audit", "/api/v1/platform/tenants"):
            assert theirs.get(path).status_code == 403
    assert root.delete(f"/api/v1/platform/tenants/{org}").status_code == 204
    with Client(guarded.url, api_key=tenant["api_key"]) as client, pytest.raises(Unauthenticated):
        client.me()


# Behind a proxy.


@pytest.fixture
def proxy(guarded: ServerProcess) -> Iterator[httpx.Client]:
    """A proxy that ends TLS, and hands on what somebody at 203.0.113.9 asks for."""
    told = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "iron.example"}
    transport = httpx.HTTPTransport(local_address=PROXY)
    with httpx.Client(base_url=guarded.url, headers=told, timeout=30, transport=transport) as client:
        yield client


def test_whoever_is_behind_a_proxy_has_an_address_of_their_own_in_the_audit(
    guarded: ServerProcess, proxy: httpx.Client, root: httpx.Client
) -> None:
    made = key_of(root, "viewer")
    told = {"Authorization": f"Bearer {made['key']}"}
    forged = {**told, "X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    forwarded = [("authorization", told["Authorization"]), ("x-forwarded-for", "203.0.113.9")]

    assert proxy.post("/api/v1/events", json={"name": "short.way"}, headers=told).status_code == 403
    assert proxy.post("/api/v1/secrets", json={}, headers=told).status_code == 403
    assert httpx.post(f"{guarded.url}/api/v1/events", json={"name": "a.b"}, headers=forged, timeout=30).is_error
    assert httpx.delete(f"{guarded.url}/api/v1/secrets/s", headers=forged, timeout=30).is_error
    with grpc.insecure_channel(guarded.grpc_address) as channel, pytest.raises(grpc.RpcError):
        channel.unary_unary("/ironflow.v1.IronflowService/Trigger")(b"", metadata=forwarded, timeout=30)
    root.post("/api/v1/events", json={"name": "a.b"})  # what was to be recorded before is

    asked = {"event_type": "authz.denied", "api_key_id": made["id"]}
    events = root.get("/api/v1/audit", params=asked).json()["events"]
    assert sorted((event["method"], event["address"]) for event in events) == [
        ("DELETE /api/v1/secrets/{name}", "127.0.0.1"),
        ("IronflowService/Trigger", "127.0.0.1"),
        ("POST", "127.0.0.1"),
        ("POST", "203.0.113.9"),
        ("POST /api/v1/secrets", "203.0.113.9"),
    ]


def test_guessing_through_a_proxy_slows_down_who_guesses_and_nobody_else(
    guarded: ServerProcess, proxy: httpx.Client
) -> None:
    def guess(client: httpx.Client, account: int, address: str) -> int:
        body = {"email": f"nobody{account}@example.com", "password": "not it at all"}
        return client.post("/api/v1/auth/login", json=body, headers={"X-Forwarded-For": address}).status_code

    def slowed(statuses: Iterator[int]) -> bool:
        """Whether five are free, and then one comes too soon: each wait is twice the last, the first is a second."""
        free, later = list(islice(statuses, 5)), islice(statuses, 7)
        return free == [401] * 5 and 429 in later

    assert slowed(guess(proxy, n, f"6.6.6.{n}, 203.0.113.7") for n in range(12))
    assert guess(proxy, 19, "203.0.113.8") == 401
    with httpx.Client(
        base_url=guarded.url, timeout=30, transport=httpx.HTTPTransport(local_address="127.0.0.3")
    ) as forger:
        assert slowed(guess(forger, 20 + n, f"203.0.113.{100 + n}") for n in range(12))


def test_pages_come_from_the_name_and_by_the_scheme_that_the_proxy_was_asked_by(
    guarded: ServerProcess, proxy: httpx.Client, ada: dict[str, Any]
) -> None:
    body, page = {"email": "ada@example.com", "password": PASSWORD}, {"Origin": "https://iron.example"}

    answer = proxy.post("/api/v1/auth/login", json=body, headers=page)

    assert answer.headers["Set-Cookie"].endswith("; Secure")
    proxy.cookies.clear()
    assert proxy.post("/api/v1/auth/login", json=body, headers={"Origin": "https://evil.example"}).status_code == 403
    forged = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "iron.example", "Forwarded": "proto=https"}
    direct = httpx.post(f"{guarded.url}/api/v1/auth/login", json=body, headers=forged, timeout=30)
    assert "Secure" not in direct.headers["Set-Cookie"]
    refused = httpx.post(f"{guarded.url}/api/v1/auth/login", json=body, headers={**forged, **page}, timeout=30)
    assert (refused.status_code, refused.json()["field"]) == (403, "Origin")


# How much.


def test_who_asks_too_much_is_told_when_to_come_again(start_server: Any) -> None:
    server = start_server(guarded=True, arguments=["--rate-limit-key", "1"])
    bearer = {"Authorization": f"Bearer {server.key}"}

    with httpx.Client(base_url=server.url, headers=bearer, timeout=30) as client:
        answers = [client.get(path) for _ in range(5) for path in ("/api/v1/runs", "/api/v1/kv/buckets/b/keys/k")]

    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert {answer.json()["code"] for answer in refused} == {"RATE_LIMITED"}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
    assert httpx.get(f"{server.url}/health", timeout=30).status_code == 200


def test_views_are_ones_own_unless_they_are_shared(guarded: ServerProcess, root: httpx.Client) -> None:
    def client(role: str) -> httpx.Client:
        key = key_of(root, role)["key"]
        return httpx.Client(base_url=guarded.url, headers={"Authorization": f"Bearer {key}"}, timeout=30)

    def seen(by: httpx.Client) -> list[tuple[str, str, bool]]:
        listed = by.get("/api/v1/views/runs").json()["views"]
        return [(one["name"], one["filter"], one["own"]) for one in listed]

    with client("developer") as ann, client("viewer") as bob:
        for name, filter, shared in (("mine", "status:paused", False), ("on call", "status:failed since:1h", True)):
            saved = ann.put(f"/api/v1/views/runs/{name}", json={"filter": filter, "shared": shared})
            assert saved.status_code == 200, saved.text
        assert ann.put("/api/v1/views/runs/mine", json={"filter": "status:failed"}).status_code == 200
        assert seen(ann) == [("mine", "status:failed", True), ("on call", "status:failed since:1h", True)]
        assert seen(bob) == [("on call", "status:failed since:1h", False)]
        assert ann.get("/api/v1/views/events").json()["views"] == []

        owner = bob.get("/api/v1/views/runs").json()["views"][0]["owner"]
        assert bob.delete("/api/v1/views/runs/on call").status_code == 404
        assert bob.delete("/api/v1/views/runs/on call", params={"owner": owner}).status_code == 403
        assert root.delete("/api/v1/views/runs/on call", params={"owner": owner}).status_code == 204
        assert ann.delete("/api/v1/views/runs/mine").status_code == 204
        assert seen(ann) == []
        for where, body, field in (
            ("runs/x", {"filter": ""}, "filter"),
            ("runs/x", {"filter": "a" * 2_001}, "filter"),
            ("nothing/x", {"filter": "a"}, "page"),
            ("runs/" + "x" * 81, {"filter": "a"}, "name"),
        ):
            refused = ann.put(f"/api/v1/views/{where}", json=body)
            assert (refused.status_code, refused.json()["field"]) == (400, field)


def test_no_message_of_a_stranger_is_waited_for(guarded: ServerProcess) -> None:
    """Over gRPC as over HTTP, where bodies are read once it is known whose they are."""
    never = threading.Event()

    def silent() -> Iterator[bytes]:
        never.wait(20)
        yield from ()

    with grpc.insecure_channel(guarded.grpc_address) as channel:
        call: Any = channel.stream_unary("/ironflow.v1.IronflowService/Trigger").future(silent(), timeout=15)
        with pytest.raises(grpc.RpcError):
            call.result()
        never.set()

    assert call.code() == grpc.StatusCode.UNAUTHENTICATED


def test_a_key_tells_who_made_it_and_where_it_was_used_last(guarded: ServerProcess, root: httpx.Client) -> None:
    made = key_of(root, "viewer")
    assert (made["last_used_at"], made["last_used_from"], made["last_used_by"]) == (None, "", "")
    assert made["created_by_name"] == "bootstrap"

    with httpx.Client(base_url=guarded.url, headers={"Authorization": f"Bearer {made['key']}"}) as client:
        assert client.get("/api/v1/runs", headers={"User-Agent": "nightly-report/2.1"}).is_success
        assert client.get("/api/v1/runs", headers={"User-Agent": "another/1"}).is_success

    told = root.get(f"/api/v1/apikeys/{made['id']}").json()
    assert told["last_used_at"]
    assert (told["last_used_from"], told["last_used_by"]) == ("127.0.0.1", "nightly-report/2.1"), "once a minute"
    [listed] = [one for one in root.get("/api/v1/apikeys").json() if one["id"] == made["id"]]
    assert listed == told
    rotated = root.post(f"/api/v1/apikeys/{made['id']}/rotate", json={"overlap_seconds": 600}).json()
    assert rotated["previous_expires_at"] > rotated["last_used_at"]


def test_a_tenant_is_not_told_what_who_made_its_first_key_is_called(guarded: ServerProcess, root: httpx.Client) -> None:
    tenant = root.post("/api/v1/platform/tenants", json={"name": f"Acme {secrets.token_hex(4)}"}).json()

    with httpx.Client(base_url=guarded.url, headers={"Authorization": f"Bearer {tenant['api_key']}"}) as theirs:
        [first] = theirs.get("/api/v1/apikeys").json()
        own = key_of(theirs, "viewer")

    assert (bool(first["created_by"]), first["created_by_name"]) == (True, "")
    assert own["created_by_name"] == first["name"]


def test_a_key_says_what_it_may_and_what_decides(guarded: ServerProcess, root: httpx.Client) -> None:
    role = root.post("/api/v1/roles", json={"name": "reader", "permissions": ["runs:read", "users:read"]}).json()
    key = key_of(root, role["id"], env_id="prod")
    policy = {"name": "no-runs", "actions": "runs:read", "resources": "run/secret-*", "roles": ["reader"]}
    headers = {"X-Ironflow-Environment-ID": "prod"}
    made = root.post("/api/v1/policies", json=policy, headers=headers).json()
    path = f"/api/v1/apikeys/{key['id']}/access"

    def decided(action: str, resource: str = "*") -> dict[str, Any]:
        answer: dict[str, Any] = root.get(path, params={"action": action, "resource": resource}).json()["decision"]
        return answer

    told = root.get(path).json()
    assert (told["permissions"], told["withheld"]) == (["runs:read"], ["users:read"])
    assert [one["name"] for one in told["roles"]] == ["reader"]
    assert [(one["name"], one["enforced"]) for one in told["policies"]] == [("no-runs", True)]
    assert "decision" not in told

    allowed = decided("runs:read", "run/run_1")
    assert (allowed["allowed"], allowed["by"], allowed["roles"]) == (True, "role", ["reader"])
    denied = decided("runs:read", "run/secret-1")
    assert (denied["allowed"], denied["by"], denied["policy"]) == (False, "policy", made["id"])
    assert decided("kv:read")["by"] == "role"
    assert "bound" in decided("users:read")["reason"]
    looks = root.post("/api/v1/roles", json={"name": "keyholder", "permissions": ["apikeys:read"]}).json()["id"]
    bearer = {"Authorization": f"Bearer {key_of(root, looks)['key']}"}
    with httpx.Client(base_url=guarded.url, headers=bearer) as other:
        bare = other.get(path, params={"action": "runs:read", "resource": "run/secret-1"}).json()
    assert (bare["policies"], bare["decision"]["by"], bare["decision"]["reason"]) == (
        [],
        "policy",
        "a policy denies it",
    )
    assert "policy" not in bare["decision"]
    wrong = root.get(path, params={"action": "run:read"})
    assert (wrong.status_code, wrong.json()["field"], wrong.json()["hint"]) == (400, "action", "is runs:read meant?")

    root.delete("/api/v1/policies/no-runs", headers=headers)
