"""A push endpoint written from the published protocol alone, over plain HTTP: nothing of our SDK is in it."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple

WAIT_S = 30.0

Json = dict[str, Any]


class Request(NamedTuple):
    """What was POSTed. Names of headers are lower case."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        read: Json = json.loads(self.body)
        return read


class Reply(NamedTuple):
    """An answer of any status; `body` is JSON unless it is bytes."""

    status: int
    body: Any
    headers: Mapping[str, str] = MappingProxyType({})


Answer = Callable[[Request], Any]
"""Gives the outcome, a Reply, or an iterator of lines that are sent one by one (a bytes line goes as it is)."""


class Endpoint:
    """Listens on loopback and answers by `answer`, which may be exchanged; what came is in `requests`."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self.gone: queue.SimpleQueue[str] = queue.SimpleQueue()
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                endpoint.requests.put(request)
                try:
                    endpoint._reply(self, endpoint.answer(request))
                except OSError:
                    endpoint.gone.put(str(request.json.get("run_id", "")))  # the engine hung up
                    self.close_connection = True

            def log_message(self, format: str, *args: Any) -> None:
                """Not to the terminal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/api/ironflow"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), name="endpoint", daemon=True).start()

    def next(self) -> Request:
        """The next request that came, waited for."""
        return self.requests.get(timeout=WAIT_S)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @staticmethod
    def _reply(handler: BaseHTTPRequestHandler, answer: Any) -> None:
        if isinstance(answer, Iterator):
            handler.send_response(200)
            handler.send_header("content-type", "application/x-ndjson")
            handler.send_header("transfer-encoding", "chunked")
            handler.end_headers()
            for line in answer:
                raw = line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(raw), raw))
            handler.wfile.write(b"0\r\n\r\n")
            return
        reply = answer if isinstance(answer, Reply) else Reply(200, answer)
        raw = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        handler.send_response(reply.status)
        for name, value in {
            "content-type": "application/json",
            "content-length": str(len(raw)),
            **reply.headers,
        }.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(raw)


class Yielded(Exception):
    """The function waits; the argument is the yield."""


class Steps:
    """The steps of one execution, as any SDK would keep them."""

    def __init__(self, request: Json) -> None:
        self.done: list[Json] = []
        self._run_id = request["run_id"]
        self._recorded = {step["id"]: step for step in request["steps"] or []}
        self._uses: dict[str, int] = {}

    def run(self, name: str, work: Callable[[], Any], *, kind: str = "invoke", undoes: str = "") -> Any:
        """The recorded output, or that of `work`, which is a step executed this time."""
        step_id, recorded = self._find(name)
        if recorded is not None:
            return recorded.get("output")
        step = {"id": step_id, "name": name, "type": kind, "status": "completed", **self._times()}
        if undoes:
            step["compensation_for"] = undoes
        self.done.append(step)
        try:
            step["output"] = work()
        except Exception as error:
            step.update(status="failed", error={"message": str(error), "retryable": True})
            raise
        return step["output"]

    def wait(self, name: str, kind: str, **wanted: Any) -> Json:
        """The recorded step that the engine made of the wait; else the function yields."""
        step_id, recorded = self._find(name)
        if recorded is None:
            raise Yielded({"type": kind, "step_id": step_id, **wanted})
        found: Json = recorded
        return found

    def _find(self, name: str) -> tuple[str, Json | None]:
        number = self._uses.get(name, 0)
        self._uses[name] = number + 1
        escaped = name if name.startswith("compensate:") else name.replace("\\", "\\\\").replace(":", "\\:")
        step_id = f"{self._run_id}:{escaped}:{number}"
        return step_id, self._recorded.get(step_id)

    @staticmethod
    def _times() -> Json:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"started_at": now, "ended_at": now, "duration_ms": 0}


def function(code: Callable[[Steps, Json], Any]) -> Answer:
    """The answer of an endpoint whose function is `code(steps, event)`. An exception fails the run: for good if it has
    an attribute `final`."""

    def answer(request: Request) -> Json:
        told = request.json
        steps = Steps(told)
        try:
            return {"status": "completed", "steps": steps.done, "result": code(steps, told["event"])}
        except Yielded as waits:
            return {"status": "yielded", "steps": steps.done, "yield": waits.args[0]}
        except Exception as error:  # noqa: BLE001 - whatever the function raises is its outcome
            failure = {"message": str(error), "code": type(error).__name__, "retryable": not hasattr(error, "final")}
            return {"status": "failed", "steps": steps.done, "error": failure}

    return answer
