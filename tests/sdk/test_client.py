"""What the clients send, how they take answers, and when they try again. Both clients go through every case."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from ironflow import AsyncClient, Client, errors
from ironflow.client import Emitted, event
from ironflow.context import current_run

URL = "http://127.0.0.1:9123"
Answer = Callable[[httpx.Request], httpx.Response]


class Server:
    """Answers one after the other, the last one for ever; keeps the requests and the pauses between them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.requests: list[httpx.Request] = []
        self.pauses_s: list[float] = []
        self.answers: list[Answer | Exception] = []
        self._awaited = False

        async def pause(delay_s: float) -> None:
            self.pauses_s.append(delay_s)

        ours, sleep = threading.get_ident(), time.sleep

        def pause_thread(delay_s: float) -> None:
            if threading.get_ident() == ours:
                self.pauses_s.append(delay_s)
            else:  # of a client that another test left to its retries
                sleep(delay_s)

        monkeypatch.setattr(time, "sleep", pause_thread)
        monkeypatch.setattr(asyncio, "sleep", pause)

    def awaited(self) -> Server:
        self._awaited = True
        return self

    def do(self, operation: Callable[[Any], Any], **options: Any) -> Any:
        """What the operation gives, from the blocking client or the other one."""
        transport = httpx.MockTransport(self._answer)
        if not self._awaited:
            with Client(URL, transport=transport, **options) as client:
                return operation(client)

        async def run() -> Any:
            async with AsyncClient(URL, transport=transport, **options) as client:
                return await operation(client)

        return asyncio.run(run())

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer(request)


@pytest.fixture(params=["blocking", "awaited"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Server:
    for name in ("IRONFLOW_SERVER_URL", "IRONFLOW_API_KEY", "IRONFLOW_ENV"):
        monkeypatch.delenv(name, raising=False)
    made = Server(monkeypatch)
    return made.awaited() if request.param == "awaited" else made


def ok(body: Any, status: int = 200, **headers: str) -> Answer:
    return lambda request: httpx.Response(status, json=body, headers=headers)


def page(text: str, status: int = 200) -> Answer:
    return lambda request: httpx.Response(status, text=text)


def test_an_emit_says_who_what_and_where(server: Server) -> None:
    server.answers = [ok({"event_id": "evt_1", "run_ids": ["run_1"]}, 201)]

    answer = server.do(
        lambda client: client.emit("a.b", {"é": 1}, idempotency_key="k", metadata={"m": 1}, version=2),
        api_key="key-1",
        environment="test",
    )

    [request] = server.requests
    assert answer == Emitted("evt_1", ("run_1",))
    assert (request.method, request.url.path) == ("POST", "/api/v1/events")
    told = {"name": "a.b", "data": {"é": 1}, "idempotencyKey": "k", "metadata": {"m": 1}, "version": 2}
    assert json.loads(request.content) == told
    assert request.headers["Authorization"] == "Bearer key-1"
    assert request.headers["X-Ironflow-Environment-ID"] == "test"
    assert "X-Ironflow-Run-ID" not in request.headers


def test_what_is_emitted_inside_a_run_is_attributed_to_it(server: Server) -> None:
    server.answers = [ok({"event_id": "evt_1", "run_ids": []}, 201)]

    token = current_run.set("run_7")
    server.do(lambda client: client.emit("a.b"))
    current_run.reset(token)

    assert server.requests[0].headers["X-Ironflow-Run-ID"] == "run_7"


def test_each_event_of_a_batch_has_its_own_answer(server: Server) -> None:
    refused = {"error": "bad name", "code": "INVALID_ARGUMENT", "hint": "mend it"}
    server.answers = [ok({"results": [{"event_id": "evt_1", "run_ids": []}, refused]})]

    first, second = server.do(lambda client: client.emit_batch([event("a.b", 1), event("a..b")]))

    assert first == Emitted("evt_1", ())
    assert isinstance(second, errors.InvalidArgument)
    assert str(second) == "bad name (mend it)"


def test_lists_pass_on_what_is_given_and_nothing_else(server: Server) -> None:
    server.answers = [ok({"runs": [{"id": "run_1"}], "next_cursor": "c2", "total": 7})]

    since = datetime(2026, 1, 2, tzinfo=UTC)
    found = server.do(lambda client: client.runs.list(status="failed", since=since, limit=1))

    assert (found.items, found.next_cursor, found.total) == ([{"id": "run_1"}], "c2", 7)
    assert dict(server.requests[0].url.params) == {
        "status": "failed",
        "since": "2026-01-02T00:00:00+00:00",
        "limit": "1",
    }


def test_ids_cannot_leave_their_place_in_the_path(server: Server) -> None:
    server.answers = [ok({})]

    server.do(lambda client: client.runs.get("../events?x=1"))

    assert server.requests[0].url.raw_path == b"/api/v1/runs/..%2Fevents%3Fx%3D1"


def test_waiting_asks_until_the_run_has_ended(server: Server) -> None:
    server.answers = [ok({"status": "running"}), ok({"status": "waiting"}), ok({"status": "completed", "output": 1})]

    run = server.do(lambda client: client.runs.wait("run_1", timeout_s=100))

    assert run["output"] == 1
    assert [float(request.url.params["wait"]) for request in server.requests] == pytest.approx([60, 60, 60])


def test_waiting_ends_with_its_time(server: Server) -> None:
    server.answers = [ok({"status": "running"})]

    with pytest.raises(errors.Timeout, match="run_1 is running after 0 s"):
        server.do(lambda client: client.runs.wait("run_1", timeout_s=0))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, errors.InvalidArgument),
        (401, errors.Unauthenticated),
        (403, errors.PermissionDenied),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (413, errors.PayloadTooLarge),
        (418, errors.IronflowError),
        (429, errors.RateLimited),
        (503, errors.ServerUnavailable),
        (504, errors.Timeout),
    ],
)
def test_errors_are_told_apart(server: Server, status: int, error: type[errors.IronflowError]) -> None:
    server.answers = [ok({"error": "no", "code": "SO_SO", "hint": "do that"}, status)]

    with pytest.raises(error, match="no") as told:
        server.do(lambda client: client.runs.resume("run_1"))

    assert (told.value.code, told.value.hint, told.value.status) == ("SO_SO", "do that", status)
    assert str(told.value) == "no (do that)"


REFUSED = httpx.ConnectError("refused")


@pytest.mark.parametrize(
    ("operation", "failure", "requests"),
    [
        (lambda client: client.runs.get("run_1"), REFUSED, 3),
        (lambda client: client.runs.get("run_1"), httpx.ReadTimeout("late"), 3),
        (lambda client: client.runs.get("run_1"), ok({}, 500), 3),
        (lambda client: client.runs.get("run_1"), ok({}, 501), 1),
        (lambda client: client.runs.get("run_1"), ok({}, 404), 1),
        (lambda client: client.emit("a.b"), REFUSED, 1),
        (lambda client: client.emit("a.b"), ok({}, 503), 1),
        (lambda client: client.emit("a.b", idempotency_key="k"), REFUSED, 3),
        (lambda client: client.emit("a.b", idempotency_key="k"), ok({}, 503), 3),
        (lambda client: client.emit_batch([event("a", idempotency_key="k"), event("b")]), ok({}, 503), 1),
        (lambda client: client.runs.resume("run_1"), REFUSED, 1),
    ],
)
def test_only_what_is_safe_to_repeat_is_tried_again(
    server: Server, operation: Callable[[Any], Any], failure: Any, requests: int
) -> None:
    server.answers = [failure]

    with pytest.raises(errors.IronflowError):
        server.do(operation)

    assert len(server.requests) == requests
    assert server.pauses_s == [0.1, 0.2][: requests - 1]


def test_the_second_try_may_succeed(server: Server) -> None:
    server.answers = [REFUSED, ok({"id": "run_1"})]

    assert server.do(lambda client: client.runs.get("run_1")) == {"id": "run_1"}


def test_what_the_server_says_about_when_to_try_again_counts_within_bounds(server: Server) -> None:
    server.answers = [ok({}, 429, **{"Retry-After": "3"}), ok({"retry_after": 9999}, 503), ok({"id": "run_1"})]

    server.do(lambda client: client.runs.get("run_1"))

    assert server.pauses_s == [3, 10]


@pytest.mark.parametrize("data", [object(), float("nan"), "\ud800"])
def test_data_that_is_no_json_is_refused_before_it_is_sent(server: Server, data: Any) -> None:
    with pytest.raises(errors.InvalidArgument, match="not JSON"):
        server.do(lambda client: client.emit("a.b", data))

    assert server.requests == []


@pytest.mark.parametrize("answer", [page("<html>"), ok([]), ok({"ok": True})])
def test_a_server_that_is_not_ours_is_told_as_such(server: Server, answer: Answer) -> None:
    server.answers = [answer]

    with pytest.raises(errors.IronflowError, match="is it an Ironflow server"):
        server.do(lambda client: client.runs.list())


def test_an_error_page_of_something_in_between_is_shown(server: Server) -> None:
    server.answers = [page("a teapot", 418)]

    with pytest.raises(errors.IronflowError, match="a teapot"):
        server.do(lambda client: client.runs.get("run_1"))


@pytest.mark.parametrize(("url", "key"), [("nonsense", None), ("ftp://host", None), (URL, "se\ncret"), (URL, "sécret")])
def test_addresses_and_keys_that_cannot_be_are_refused_without_being_shown(url: str, key: str | None) -> None:
    with pytest.raises(errors.InvalidArgument) as told:
        Client(url, api_key=key)

    assert "cret" not in str(told.value)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_certificates_are_read_only_where_a_server_shows_one(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading them takes some fifty times as long as making a client."""
    read: list[str] = []
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda context, cafile, *_: read.append(cafile))

    kind(URL)
    assert read == []
    for checked in ("https://127.0.0.1:9123", "http://ironflow.example:9123"):
        kind(checked)
        assert read.pop()
