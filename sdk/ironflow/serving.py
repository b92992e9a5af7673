"""Functions behind HTTP, for push mode: an ASGI app, a WSGI app, and a function of headers and body for the rest.

    app = serve([welcome, remind])                  # uvicorn module:app, or mounted in another ASGI app
    app.wsgi                                        # the same for WSGI
    status, headers, body = app.handle(headers, body)
    serve.register([welcome, remind], "https://example.com/api/ironflow")      # once for each deployment

The same functions run in a `Worker` too. Where the engine asks for it, ASGI and WSGI answer in lines: each step is
recorded while the run goes on.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import os
import queue
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

from ironflow import signatures
from ironflow.assignment import Assignment
from ironflow.breaker import CircuitBreaker
from ironflow.durations import milliseconds
from ironflow.execution import Execution
from ironflow.function import Function
from ironflow.pushing import Answer, Lines, Refused, assignment
from ironflow.threads import Threads

log = logging.getLogger("ironflow.serve")

BODY_BYTES_MAX = 64 * 2**20
BEAT_S = 3.0
"""How long an answer in lines is silent at most: an empty line says that the run still goes on."""
THREADS = 32
JSON = "application/json"
NDJSON = "application/x-ndjson"
SIGNATURE = "x-ironflow-signature"

_BEAT = b"\n"

T = TypeVar("T")
Headers = Mapping[str, str]
Result = tuple[int, dict[str, str], bytes]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Asked(NamedTuple):
    """A request that is in order. `lines` tells whether the answer may come in lines."""

    assignment: Assignment
    function: Function
    lines: bool


class Serve:
    """An ASGI app. `signing_key`, else `IRONFLOW_SIGNING_KEY`, is the engine's; several are accepted while a new one is
    brought in. Without any, requests of anybody are taken."""

    def __init__(
        self,
        functions: Sequence[Function],
        *,
        signing_key: str | Sequence[str] | None = None,
        threads: int = THREADS,
    ) -> None:
        if isinstance(functions, Function) or not functions:
            raise ValueError("give the functions to serve: serve([my_function])")
        self._functions: dict[str, Function] = {}
        for declared in functions:
            if not isinstance(declared, Function):
                raise TypeError(f"{declared!r} is not a function of ironflow: declare it with @function(...)")
            if declared.id in self._functions:
                raise ValueError(f"two functions have the id {declared.id!r}")
            self._functions[declared.id] = declared
        keys = os.environ.get("IRONFLOW_SIGNING_KEY", "") if signing_key is None else signing_key
        self._keys = [key for key in ([keys] if isinstance(keys, str) else keys) if key]
        if not self._keys:
            log.warning("requests are not verified: set IRONFLOW_SIGNING_KEY here and at the engine")
        self._handlers = Threads(threads, name="ironflow-function")
        self._steps = Threads(threads, name="ironflow-step")
        self._loop = _Loop()
        self._running: set[asyncio.Task[None]] = set()

    @staticmethod
    def register(
        functions: Sequence[Function],
        endpoint_url: str,
        *,
        circuit_breaker: CircuitBreaker | None = None,
        server: str | None = None,
        api_key: str | None = None,
        environment: str | None = None,
    ) -> None:
        """Tell the engine, which is found as by `Client`, that the functions are served at this URL. Raises
        IronflowError."""
        from google.protobuf.json_format import MessageToDict

        from ironflow.client import Client
        from ironflow.registration import registration
        from ironflow.v1 import types_pb2

        breaker = circuit_breaker or CircuitBreaker()
        with Client(server, api_key=api_key, environment=environment) as client:
            for declared in functions:
                request = registration(declared)
                request.preferred_mode = types_pb2.EXECUTION_MODE_PUSH
                request.endpoint_url = endpoint_url
                request.metadata.update({"__ironflow_unwinds": True})
                request.circuit_breaker.failure_threshold = breaker.failure_threshold
                request.circuit_breaker.open_duration_ms = milliseconds(breaker.open_duration, what="open_duration")
                request.circuit_breaker.max_open_duration_ms = milliseconds(breaker.max_open_duration, what="duration")
                client.request("POST", "/ironflow.v1.IronflowService/RegisterFunction", json=MessageToDict(request))

    def handle(self, headers: Headers, body: bytes, *, method: str = "POST") -> Result:
        """Status, headers and body of the answer; blocks. Async functions run in an event loop that all calls share."""
        return self._loop.run(self.handle_async(headers, body, method=method))

    async def handle_async(self, headers: Headers, body: bytes, *, method: str = "POST") -> Result:
        """As `handle`, in the event loop that it is called in."""
        try:
            asked = self._asked(method, list(headers.items()), body)
        except Refused as refused:
            return refused.status, _headers(JSON), refused.body
        return 200, _headers(JSON), await self._answered(asked)

    # ASGI.

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError(f"ironflow serves HTTP, not {scope['type']}")
        try:
            headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
            body = await _body(receive)
            if body is None:
                return
            asked = self._asked(scope["method"], headers, body)
        except Refused as refused:
            await _send_whole(send, refused.status, refused.body)
            return
        answering = asyncio.ensure_future(
            self._send_lines(asked, send) if asked.lines else self._send_answer(asked, send)
        )
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiting in (answering, leaving):
                waiting.cancel()
            await asyncio.wait((answering, leaving))
        if not answering.cancelled():
            answering.result()

    async def _send_answer(self, asked: Asked, send: Send) -> None:
        await _send_whole(send, 200, await self._answered(asked))

    async def _send_lines(self, asked: Asked, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": _raw(_headers(NDJSON))})
        async with contextlib.aclosing(self._lines(asked)) as lines:
            async for part in lines:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    # WSGI.

    def wsgi(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI app (PEP 3333)."""
        try:
            headers = [
                (name[5:].replace("_", "-"), str(value)) for name, value in environ.items() if name.startswith("HTTP_")
            ]
            asked = self._asked(environ["REQUEST_METHOD"], headers, _wsgi_body(environ))
        except Refused as refused:
            return _start(start_response, refused.status, refused.body)
        if not asked.lines:
            return _start(start_response, 200, self._loop.run(self._answered(asked)))
        start_response("200 OK", list(_headers(NDJSON).items()))
        return self._blocking_lines(asked)

    def _blocking_lines(self, asked: Asked) -> Iterator[bytes]:
        parts: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

        async def produce() -> None:
            try:
                async with contextlib.aclosing(self._lines(asked)) as lines:
                    async for part in lines:
                        parts.put(part)
            finally:
                parts.put(None)

        produced = self._loop.start(produce())
        try:
            while (part := parts.get()) is not None:
                yield part
            produced.result()
        finally:
            produced.cancel()

    # What all of them do.

    def _asked(self, method: str, headers: Sequence[tuple[str, str]], body: bytes) -> Asked:
        """What is to be executed. Raises Refused."""
        if method != "POST":
            raise Refused(405, "METHOD_NOT_ALLOWED", "the engine POSTs here")
        if len(body) > BODY_BYTES_MAX:
            raise _too_large()
        if self._keys:
            signed = [value for name, value in headers if name.lower() == SIGNATURE]
            if not signed:
                raise Refused(401, "SIGNATURE_MISSING", "the request is not signed")
            if len(signed) > 1 or not signatures.valid(signed[0], body, keys=self._keys, now_s=time.time()):
                raise Refused(401, "SIGNATURE_INVALID", "the signature is not right, or more than five minutes old")
        told = assignment(body)
        function = self._functions.get(told.function_id)
        if function is None:
            raise Refused(404, "FUNCTION_NOT_FOUND", f"function {told.function_id[:255]!r} is not served here")
        accepted = ",".join(value for name, value in headers if name.lower() == "accept")
        return Asked(told, function, NDJSON in accepted)

    async def _answered(self, asked: Asked) -> bytes:
        answer = Answer()
        await self._execute(asked, answer)
        return answer.body

    async def _lines(self, asked: Asked) -> AsyncGenerator[bytes, None]:
        """What is said, in parts of one line or more, and beats in between. Closing it abandons the run."""
        said: list[bytes] = []
        heard = asyncio.Event()

        def write(line: bytes) -> None:
            said.append(line)
            heard.set()

        executing = asyncio.ensure_future(self._execute(asked, Lines(write)))
        executing.add_done_callback(lambda _: heard.set())
        try:
            while not executing.done() or said:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(BEAT_S):
                        await heard.wait()
                heard.clear()
                part = b"".join(said) or _BEAT
                said.clear()
                if part is not _BEAT or not executing.done():
                    yield part
            executing.result()
        finally:
            executing.cancel()

    async def _execute(self, asked: Asked, sink: Answer | Lines) -> None:
        """Returns when the execution has said its last word; cancelled, it is abandoned."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def ended(_: Execution) -> None:
            if not over.done():
                over.set_result(None)

        execution = sink.execution = Execution(
            asked.assignment,
            function=asked.function,
            sink=sink,
            handlers=self._handlers,
            threads=self._steps,
            on_end=ended,
        )
        task = execution.start()
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            await over
        finally:
            execution.abandon()


serve = Serve


class _Loop:
    """An event loop in a thread, begun when it is first needed, and again in a process that was forked since."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What the coroutine returns; blocks."""
        return self.start(work).result()

    def start(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._running())

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid():
                self._loop, self._pid = asyncio.new_event_loop(), os.getpid()
                threading.Thread(target=self._loop.run_forever, name="ironflow-serve", daemon=True).start()
            return self._loop


async def _body(receive: Receive) -> bytes | None:
    """The whole body, None if the engine left before it was there. Raises Refused."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_BYTES_MAX:
            raise _too_large()
        if not message.get("more_body", False):
            return b"".join(parts)


async def _left(receive: Receive) -> None:
    """Returns when the engine has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _send_whole(send: Send, status: int, body: bytes) -> None:
    headers = {**_headers(JSON), "content-length": str(len(body))}
    await send({"type": "http.response.start", "status": status, "headers": _raw(headers)})
    await send({"type": "http.response.body", "body": body})


def _wsgi_body(environ: Environ) -> bytes:
    """Raises Refused."""
    told = environ.get("CONTENT_LENGTH") or ""
    if not told:
        body: bytes = environ["wsgi.input"].read(BODY_BYTES_MAX + 1) if environ.get("wsgi.input_terminated") else b""
        return body
    length = int(told) if told.isdecimal() and len(told) < 12 else BODY_BYTES_MAX + 1
    if length > BODY_BYTES_MAX:
        raise _too_large()
    read: bytes = environ["wsgi.input"].read(length)
    return read


def _start(start_response: StartResponse, status: int, body: bytes) -> list[bytes]:
    headers = {**_headers(JSON), "content-length": str(len(body))}
    start_response(f"{status} {HTTPStatus(status).phrase}", list(headers.items()))
    return [body]


def _headers(content_type: str) -> dict[str, str]:
    headers = {"content-type": content_type, "cache-control": "no-store"}
    return {**headers, "x-accel-buffering": "no"} if content_type == NDJSON else headers


def _raw(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def _too_large() -> Refused:
    return Refused(413, "PAYLOAD_TOO_LARGE", f"the body has more than {BODY_BYTES_MAX} bytes")
