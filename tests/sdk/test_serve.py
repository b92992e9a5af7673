"""Functions behind HTTP, asked by requests written by hand from the wire facts: ASGI, WSGI, and neither."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from wsgiref.validate import validator

import pytest

from ironflow import Context, InvokeError, NonRetryableError, RetryAfterError, SyncContext, function, serve

WAIT_S = 10.0
KEY = "s3crét"
NDJSON = {"Accept": "application/x-ndjson, application/json;q=0.9"}

Json = dict[str, Any]
runs: list[str] = []


@function("greet", triggers=["user.*"])
async def greet(ctx: Context) -> Json:
    name = await ctx.step.run("find: name", lambda: ctx.event.data["name"])
    return {"greeting": await ctx.step.run("greet", lambda: f"hello {name}"), "attempt": ctx.attempt}


@function("plain")
def plain(ctx: SyncContext) -> Any:
    first = ctx.step.run("one", lambda: 1)
    ctx.step.sleep("nap", "1h")
    return first


@function("waits")
async def waits(ctx: Context) -> Any:
    paid = await ctx.step.wait_for_event("paid", "order.paid", match="data.id", timeout="2d")
    return paid.data


@function("parent")
async def parent(ctx: Context) -> Any:
    try:
        return await ctx.step.invoke("child", {"n": 1}, tags=["vip"])
    except InvokeError as error:
        return {"child failed": str(error)}


@function("saga")
async def saga(ctx: Context) -> None:
    await ctx.step.run("book", lambda: "h-1")
    ctx.step.compensate("book", lambda: runs.append("undone"))
    if ctx.event.data == "later":
        raise RetryAfterError("not now", seconds=7)
    raise NonRetryableError("declined", code="DECLINED")


app = serve([greet, plain, waits, parent, saga], signing_key="")


def request(function_id: str = "greet", data: Any = None, steps: Iterable[Json] | None = (), **more: Any) -> bytes:
    event = {"id": "evt_1", "name": "user.new", "data": data, "timestamp": "2026-01-31T12:00:00.000Z"}
    told = {"run_id": "run_1", "function_id": function_id, "attempt": 1, "event": event, **more}
    return json.dumps({**told, "steps": None if steps is None else list(steps)}).encode()


def step(name: str, output: Any = None, **more: Any) -> Json:
    return {"id": f"run_1:{name}:0", "name": name, "status": "completed", "output": output, **more}


def answered(body: bytes, **headers: str) -> Json:
    status, _, answer = app.handle(headers, body)
    assert status == 200, answer
    read: Json = json.loads(answer)
    return read


def refused(one: serve, body: bytes, headers: Mapping[str, str], *, method: str = "POST") -> tuple[int, str]:
    status, told, answer = one.handle(headers, body, method=method)
    assert told["content-type"] == "application/json"
    error = json.loads(answer)["error"]
    assert error["message"]
    return status, error["code"]


# What an execution comes to.


def test_all_steps_of_an_execution_and_its_result_are_one_answer() -> None:
    answer = answered(request(data={"name": "Ada"}, steps=None))

    assert (answer["status"], answer["result"]) == ("completed", {"greeting": "hello Ada", "attempt": 1})
    assert [(one["id"], one["name"], one["type"], one["status"], one["output"]) for one in answer["steps"]] == [
        ("run_1:find\\: name:0", "find: name", "invoke", "completed", "Ada"),
        ("run_1:greet:0", "greet", "invoke", "completed", "hello Ada"),
    ]
    assert all(one["started_at"].endswith("Z") and one["duration_ms"] >= 0 for one in answer["steps"])


def test_recorded_steps_are_not_run_again_nor_told_again() -> None:
    known = {"id": "run_1:find\\: name:0", "name": "find: name", "status": "completed", "output": "Bob"}

    answer = answered(request(data={}, steps=[known], attempt=2, resume={"step_id": "x", "type": "sleep"}))

    assert answer["result"] == {"greeting": "hello Bob", "attempt": 2}
    assert [one["name"] for one in answer["steps"]] == ["greet"]


def test_a_sleep_ends_the_execution_and_a_later_one_goes_on_after_it() -> None:
    first = answered(request("plain"))

    assert (first["status"], [one["name"] for one in first["steps"]]) == ("yielded", ["one"])
    assert (first["yield"]["type"], first["yield"]["step_id"]) == ("sleep", "run_1:nap:0")
    assert first["yield"]["until"].endswith("Z")
    last = answered(request("plain", steps=[step("one", 41), step("nap")]))
    assert (last["status"], last["result"], last["steps"]) == ("completed", 41, [])


def test_a_wait_for_an_event_tells_what_it_waits_for() -> None:
    asked = answered(request("waits"))["yield"]

    assert (asked["type"], asked["step_id"]) == ("wait_for_event", "run_1:paid:0")
    wanted = asked["event_filter"]
    assert (wanted["event"], wanted["match"]) == ("order.paid", "data.id")
    assert 172_790_000 < int(wanted["timeout"].removesuffix("ms")) <= 172_800_000
    event = {"id": "evt_2", "name": "order.paid", "data": {"id": 7}, "timestamp": "2026-01-31T12:00:00Z"}
    assert answered(request("waits", steps=[step("paid", event)]))["result"] == {"id": 7}


def test_a_child_run_is_invoked_and_its_failure_is_an_error_that_can_be_caught() -> None:
    asked = answered(request("parent"))["yield"]

    assert (asked["type"], asked["step_id"]) == ("invoke_function", "run_1:child:0")
    assert (asked["function_id"], asked["input"], asked["invoke_timeout_ms"]) == ("child", {"n": 1}, 0)
    assert asked["tags"] == ["vip"]
    assert answered(request("parent", steps=[step("child", "fine")]))["result"] == "fine"
    error = json.dumps({"function_id": "child", "child_run_id": "run_2", "cause": "it broke"})
    failed = {"id": "run_1:child:0", "name": "child", "status": "failed", "error": error}
    assert "it broke" in answered(request("parent", steps=[failed]))["result"]["child failed"]


def test_a_final_failure_is_undone_and_told() -> None:
    runs.clear()

    answer = answered(request("saga"))

    assert (answer["status"], answer["error"]["code"], answer["error"]["retryable"]) == ("failed", "DECLINED", False)
    assert runs == ["undone"]
    assert [(one["name"], one["type"]) for one in answer["steps"]] == [
        ("book", "invoke"),
        ("compensate:book", "compensate"),
    ]
    assert answer["steps"][1]["compensation_for"] == "book"


def test_a_failure_that_may_be_tried_again_says_when_and_the_last_one_is_undone() -> None:
    runs.clear()

    answer = answered(request("saga", "later", max_attempts=3, on_exhausted="fail"))
    assert (answer["error"]["retryable"], answer["error"]["retry_after_ms"], runs) == (True, 7_000, [])

    answered(request("saga", "later", attempt=3, max_attempts=3, on_exhausted="fail"))
    assert runs == ["undone"]


def test_a_result_that_is_no_json_fails_the_run() -> None:
    @function("odd")
    async def odd(ctx: Context) -> Any:
        return object()

    _, _, answer = serve([odd], signing_key="").handle({}, request("odd"))

    assert json.loads(answer)["error"]["code"] == "SERIALIZATION_ERROR"


# Requests that are refused.


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "INVALID_JSON"),
        (b"{", "INVALID_JSON"),
        (b"\xff", "INVALID_JSON"),
        (b"[" * 100_000, "INVALID_JSON"),
        (b"[]", "VALIDATION_ERROR"),
        (b"{}", "VALIDATION_ERROR"),
        (request(run_id=1), "VALIDATION_ERROR"),
        (request(attempt=True), "VALIDATION_ERROR"),
        (request(event=None), "VALIDATION_ERROR"),
        (request(event={"id": "e", "name": "n", "data": 1, "timestamp": "soon"}), "VALIDATION_ERROR"),
        (request(event={"id": "e", "name": "n", "data": 1, "timestamp": "2026-01-31T12:00:00"}), "VALIDATION_ERROR"),
        (request(steps=[{"name": "n"}]), "VALIDATION_ERROR"),
    ],
)
def test_a_body_that_is_no_execution_is_refused(body: bytes, code: str) -> None:
    assert refused(app, body, {}) == (400, code)


def test_other_methods_and_unknown_functions_are_refused() -> None:
    assert refused(app, b"", {}, method="GET") == (405, "METHOD_NOT_ALLOWED")
    assert refused(app, request("nobody"), {}) == (404, "FUNCTION_NOT_FOUND")


def signed(body: bytes, *, key: str = KEY, at_s: float = 0) -> str:
    now = int(time.time() + at_s)
    return f"t={now},v1={hmac.new(key.encode(), f'{now}.'.encode() + body, hashlib.sha256).hexdigest()}"


def test_requests_signed_by_the_engine_are_taken_in_both_forms() -> None:
    one, body = serve([greet], signing_key=["new", KEY]), request(data={"name": "x"})
    older = f"sha256={hmac.new(KEY.encode(), body, hashlib.sha256).hexdigest()}"

    for signature in (signed(body), signed(body, at_s=-290), signed(body, at_s=290), older, signed(body, key="new")):
        assert one.handle({"x-ironflow-signature": signature}, body)[0] == 200
        assert one.handle({"X-Ironflow-Signature": signature}, body)[0] == 200


FORGED: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "no digest": lambda: "v1=",
    "no older digest": lambda: "sha256=",
    "a wrong older digest": lambda: "sha256=00",
    "no hex": lambda: "sha256=\u00e9",
    "a wrong digest": lambda: "t=1,v1=00",
    "too old": lambda: signed(request(), at_s=-310),
    "from the future": lambda: signed(request(), at_s=310),
    "another key": lambda: signed(request(), key="other"),
    "another body": lambda: signed(request() + b" "),
    "another time": lambda: signed(request()).replace("t=", "t=1"),
    "a digit of another script": lambda: signed(request()).replace("t=", "t=\u0661"),
    "two times": lambda: "t=5," + signed(request()),
    "cut short": lambda: signed(request())[:-1],
    "another version": lambda: signed(request()).replace("v1=", "v0="),
}


@pytest.mark.parametrize("forgery", FORGED)
def test_a_signature_that_is_not_right_is_refused(forgery: str) -> None:
    one = serve([greet], signing_key=KEY)

    assert refused(one, request(), {"x-ironflow-signature": FORGED[forgery]()}) == (401, "SIGNATURE_INVALID")


def test_a_request_without_signature_is_refused_where_a_key_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IRONFLOW_SIGNING_KEY", KEY)

    assert refused(serve([greet]), request(), {}) == (401, "SIGNATURE_MISSING")


def test_what_cannot_be_served_is_refused_where_it_is_written() -> None:
    for wrong, error in (([], ValueError), (greet, ValueError), ([greet, greet], ValueError), ([print], TypeError)):
        with pytest.raises(error):
            serve(wrong)  # type: ignore[arg-type]


# ASGI.


class Asked:
    """One request to an ASGI app; what it sends is kept as it comes."""

    def __init__(self, body: bytes, headers: Mapping[str, str], method: str = "POST") -> None:
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self.scope = {"type": "http", "method": method, "path": "/any", "headers": raw}
        half = len(body) // 2
        self._messages: asyncio.Queue[Json] = asyncio.Queue()
        self._messages.put_nowait({"type": "http.request", "body": body[:half], "more_body": True})
        self._messages.put_nowait({"type": "http.request", "body": body[half:]})
        self.status = 0
        self.headers: dict[str, str] = {}
        self.parts: asyncio.Queue[bytes] = asyncio.Queue()
        self.complete = False

    def hang_up(self) -> None:
        self._messages.put_nowait({"type": "http.disconnect"})

    async def receive(self) -> Json:
        return await self._messages.get()

    async def send(self, message: Json) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            assert not self.complete
            self.parts.put_nowait(message["body"])
            self.complete = not message.get("more_body", False)

    def rest(self) -> bytes:
        return b"".join(self.parts.get_nowait() for _ in range(self.parts.qsize()))


@asynccontextmanager
async def asking(one: serve, body: bytes, headers: Mapping[str, str] = {}) -> AsyncIterator[Asked]:
    asked = Asked(body, headers)
    async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as tasks:
        tasks.create_task(one(asked.scope, asked.receive, asked.send))
        yield asked


async def test_an_asgi_server_gets_the_whole_answer() -> None:
    async with asking(app, request(data={"name": "Ada"})) as asked:
        pass

    body = asked.rest()
    assert (asked.status, asked.headers["content-type"], asked.complete) == (200, "application/json", True)
    assert asked.headers["content-length"] == str(len(body))
    assert json.loads(body)["result"]["greeting"] == "hello Ada"


async def test_an_asgi_server_gets_refusals_too() -> None:
    async with asking(serve([greet], signing_key=KEY), request()) as asked:
        pass

    assert (asked.status, json.loads(asked.rest())["error"]["code"]) == (401, "SIGNATURE_MISSING")


async def test_lines_are_sent_while_the_function_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ironflow.serving.BEAT_S", 0.01)
    go_on = asyncio.Event()

    @function("slow")
    async def slow(ctx: Context) -> str:
        await ctx.step.run("one", lambda: 1)
        await ctx.step.run("two", go_on.wait)
        return "done"

    async with asking(serve([slow], signing_key=""), request("slow"), NDJSON) as asked:
        while (part := await asked.parts.get()) == b"\n":
            pass  # the first step took its time
        first = json.loads(part)
        beats = [await asked.parts.get() for _ in range(3)]
        go_on.set()

    assert (asked.headers["content-type"], asked.complete) == ("application/x-ndjson", True)
    assert (first["step"]["name"], first["step"]["output"]) == ("one", 1)
    assert beats == [b"\n"] * 3
    lines = [json.loads(line) for line in asked.rest().splitlines() if line]
    assert lines[0]["step"]["name"] == "two"
    assert lines[1] == {"status": "completed", "result": "done"}


async def test_a_run_whose_engine_hangs_up_is_abandoned() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    @function("endless")
    async def endless(ctx: Context) -> None:
        async def work() -> None:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

        await ctx.step.run("work", work)

    for headers in ({}, NDJSON):
        begun.clear()
        ended.clear()
        async with asking(serve([endless], signing_key=""), request("endless"), headers) as asked:
            await begun.wait()
            asked.hang_up()
            await ended.wait()
        assert not asked.complete


async def test_an_asgi_server_may_announce_its_life() -> None:
    told: list[str] = []
    messages = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> Json:
        return {"type": next(messages)}

    async def send(message: Json) -> None:
        told.append(message["type"])

    await app({"type": "lifespan"}, receive, send)

    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


# WSGI.


def wsgi(one: serve, body: bytes, headers: Mapping[str, str] = {}, method: str = "POST") -> Any:
    """Status, headers and the iterable, of which the validator checks that the app keeps to PEP 3333."""
    answer: Json = {}
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": "/any",
        "SERVER_NAME": "x",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }

    def start_response(status: str, told: list[tuple[str, str]], exc_info: Any = None) -> Any:
        answer.update(status=status, headers=dict(told))
        return lambda data: None

    return answer, validator(one.wsgi)(environ, start_response)


def test_a_wsgi_server_gets_the_whole_answer() -> None:
    answer, parts = wsgi(app, request(data={"name": "Ada"}))
    body = b"".join(parts)
    parts.close()

    assert (answer["status"], answer["headers"]["content-length"]) == ("200 OK", str(len(body)))
    assert json.loads(body)["result"]["greeting"] == "hello Ada"


def test_a_wsgi_server_gets_refusals_and_signatures_are_checked() -> None:
    one, body = serve([greet], signing_key=KEY), request(data={"name": "x"})

    missing, parts = wsgi(one, body)
    assert missing["status"] == "401 Unauthorized"
    assert json.loads(b"".join(parts))["error"]["code"] == "SIGNATURE_MISSING"
    parts.close()
    good, parts = wsgi(one, body, {"X-Ironflow-Signature": signed(body)})
    assert good["status"] == "200 OK"
    parts.close()


def test_a_wsgi_server_sends_lines_while_the_function_runs() -> None:
    go_on = threading.Event()

    @function("slow")
    def slow(ctx: SyncContext) -> str:
        ctx.step.run("one", lambda: 1)
        ctx.step.run("two", lambda: go_on.wait(WAIT_S))
        return "done"

    answer, parts = wsgi(serve([slow], signing_key=""), request("slow"), NDJSON)
    lines = iter(parts)
    first = json.loads(next(lines))
    go_on.set()
    rest = [json.loads(line) for part in lines for line in part.splitlines() if line]
    parts.close()

    assert answer["headers"]["content-type"] == "application/x-ndjson"
    assert first["step"]["name"] == "one"
    assert [rest[0]["step"]["output"], rest[-1]["result"]] == [True, "done"]


def test_a_wsgi_server_that_closes_early_abandons_the_run() -> None:
    ended = threading.Event()

    @function("endless")
    async def endless(ctx: Context) -> None:
        await ctx.step.run("one", lambda: 1)
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    _, parts = wsgi(serve([endless], signing_key=""), request("endless"), NDJSON)
    next(iter(parts))
    parts.close()

    assert ended.wait(WAIT_S)


def test_calls_of_handle_share_one_event_loop() -> None:
    loops: set[int] = set()

    @function("loop")
    async def loop(ctx: Context) -> None:
        loops.add(id(asyncio.get_running_loop()))

    one = serve([loop], signing_key="")
    threads = [threading.Thread(target=one.handle, args=({}, request("loop"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)

    assert len(loops) == 1
