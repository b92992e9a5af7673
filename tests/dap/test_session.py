"""A whole session over TCP with the adapter of a server that asks who calls (`serve --dap-port`), on each store."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from app.debugger.dap import framing, server
from ironflow import Client
from tests.dap.conftest import failed_run
from tests.support.ports import free_port
from tests.support.puller import Puller, emit, step
from tests.support.server import ServerProcess

TIMEOUT_S = 30


class Editor:
    """One connection. Events that come with an answer are kept until they are asked for."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self._file: Any = self._socket.makefile("rwb")
        self._writer = framing.Writer(self._file)
        self._seq = 0
        self._events: list[dict[str, Any]] = []

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """The response."""
        self._send(command, arguments)
        return self._next(lambda one: one.get("request_seq") == self._seq)

    def get(self, command: str, **arguments: Any) -> Any:
        """What the request is answered, which has to succeed."""
        answer = self.ask(command, **arguments)
        assert answer["success"], answer
        return answer.get("body")

    def begin(self, **arguments: Any) -> dict[str, Any]:
        """Attach; where it stops first, None where it does not."""
        self.get("initialize", adapterID="ironflow", clientID="a test", linesStartAt1=True)
        self._send("attach", arguments)
        self.until("initialized")
        return self.get("configurationDone") or {}

    def until(self, name: str) -> dict[str, Any]:
        """The body of the next event of that name."""
        for number, event in enumerate(self._events):
            if event["event"] == name:
                return dict(self._events.pop(number).get("body") or {})
        return dict(self._next(lambda one: one.get("event") == name).get("body") or {})

    def stop(self, command: str) -> str:
        """What is on top of the stack where a move leads."""
        self._events.clear()
        self.get(command, threadId=1)
        self.until("stopped")
        return self.top()

    def top(self) -> str:
        return str(self.get("stackTrace", threadId=1)["stackFrames"][0]["name"])

    def scope(self, name: str) -> int:
        frame = self.get("stackTrace", threadId=1)["stackFrames"][0]["id"]
        scopes = self.get("scopes", frameId=frame)["scopes"]
        return int(next(one["variablesReference"] for one in scopes if one["name"] == name))

    def variables(self, reference: int) -> dict[str, Any]:
        return {one["name"]: one for one in self.get("variables", variablesReference=reference)["variables"]}

    def say(self, text: str, context: str = "repl") -> str:
        return str(self.get("evaluate", expression=text, context=context)["result"])

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def _send(self, command: str, arguments: dict[str, Any]) -> None:
        self._writer.send({"type": "request", "command": command, "arguments": arguments})
        self._seq += 1  # as the writer counts

    def _next(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while True:
            message = framing.read(self._file)
            assert message is not None, "the adapter ended the conversation"
            if fits(message):
                return message
            if message["type"] == "event":
                self._events.append(message)


class Debugged:
    """A guarded server with an adapter beside it."""

    def __init__(self, process: ServerProcess, port: int) -> None:
        self.key, self.port = process.key, port
        headers = {"Authorization": f"Bearer {process.key}"}
        self.http = httpx.Client(base_url=process.url, headers=headers, timeout=TIMEOUT_S)
        self.client = Client(process.url, api_key=process.key)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def debugged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Debugged]:
    url = request.getfixturevalue("postgres").create_database() if request.param == "postgres" else None
    port = free_port()
    process = ServerProcess(
        data_dir=tmp_path_factory.mktemp("session") / "data",
        database_url=url,
        guarded=True,
        arguments=["--dap-port", str(port)],
    )
    process.start()
    made = Debugged(process, port)
    yield made
    made.http.close()
    made.client.close()
    process.terminate()


@pytest.fixture
def editor(debugged: Debugged) -> Iterator[Editor]:
    made = Editor(debugged.port)
    yield made
    made.close()


def test_a_session_from_attaching_to_a_committed_edit(debugged: Debugged, editor: Editor) -> None:
    run_id = failed_run(debugged.http)
    editor.get("initialize", adapterID="ironflow")
    for token in ("", "not a key"):
        refused = editor.ask("attach", runId=run_id, token=token)
        assert (refused["success"], "key" in refused["message"].lower()) == (False, True), refused

    editor.begin(runId=run_id, token=debugged.key, at="end")
    assert editor.until("stopped")["reason"] == "entry"

    assert [one["id"] for one in editor.get("threads")["threads"]] == [1]
    assert editor.top() == "run.failed"
    assert editor.stop("stepBack") == "charge #2"
    assert editor.stop("next") == "run.failed"
    editor.get("setFunctionBreakpoints", breakpoints=[{"name": "fetch"}])
    assert editor.stop("reverseContinue") == "fetch"
    output = editor.variables(editor.scope("Step"))["output"]["variablesReference"]
    assert editor.variables(output)["amount"]["value"] == "99"
    assert editor.say("$.fetch.amount") == "99"
    assert editor.say("state.fetch.amount > 50", "watch") == "true"
    assert "set by" in editor.say("why fetch.amount")
    assert "reverse" not in editor.say("help").split("\n")[0]

    assert editor.get("setVariable", variablesReference=output, name="amount", value="50")["value"] == "50"
    assert editor.say("state.fetch.amount", "hover") == "50"
    assert debugged.client.runs.state(run_id).step("fetch").output["amount"] == 99  # staged here only
    editor.say('commit "the price was wrong"')
    step_ = debugged.client.runs.state(run_id).step("fetch")
    assert (step_.output["amount"], step_.patch_reason) == (50, "the price was wrong")
    [patched] = [one for one in debugged.client.audit.of_run(run_id).items if one["kind"] == "step.patched"]
    assert (patched["via"], patched["reason"]) == ("dap/a-test", "the price was wrong")
    assert patched["actor"]

    editor.get("disconnect")


def test_who_hangs_up_lets_go_of_what_was_held(debugged: Debugged, editor: Editor) -> None:
    worker = Puller(debugged.http)
    worker.register_function()
    worker.register()
    run_id = emit(debugged.http)
    editor.get("initialize", adapterID="ironflow")
    editor._send("attach", {"runId": run_id, "token": debugged.key, "mode": "live"})
    editor.until("initialized")
    editor.get("setFunctionBreakpoints", breakpoints=[{"name": "after *"}])
    editor.get("configurationDone")
    job = worker.job()
    worker.ack(job)
    worker.report(job, "progress", steps=[step(job, "charge")], step_offset=0)
    assert editor.until("stopped")["reason"] == "function breakpoint"
    assert debugged.client.runs.get(run_id)["status"] == "paused"

    editor.close()  # without a goodbye

    assert worker.job()["run_id"] == run_id
    assert debugged.client.breakpoints.list() == []


@pytest.mark.parametrize(
    "thrown",
    [
        b'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 44\r\n\r\n{"type":"request","command":"threads","a":1}',
        b"Content-Length: 8388609\r\n\r\n",
    ],
    ids=["http", "large"],
)
def test_what_is_no_message_ends_the_conversation(debugged: Debugged, thrown: bytes) -> None:
    with socket.create_connection(("127.0.0.1", debugged.port), TIMEOUT_S) as connection:
        connection.sendall(thrown)
        with suppress(ConnectionResetError):  # closed with something unread
            assert connection.recv(1_000) == b""


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """Served in this process, without runs."""
    import threading

    made = socket.create_server(("127.0.0.1", 0))
    heard = threading.Thread(
        target=server.serve_tcp,
        args=(made, lambda arguments: pytest.fail("nothing is attached to")),
        kwargs={"token": "t", "trace": server.Trace(None), "log": lambda text: None},
        daemon=True,
    )
    heard.start()
    yield made
    made.shutdown(socket.SHUT_RDWR)
    made.close()
    heard.join(TIMEOUT_S)


@pytest.mark.parametrize("said", [b"", b"Content-Length: 100\r\n\r\n{"], ids=["nothing", "half a message"])
def test_who_says_nothing_for_long_is_hung_up_on(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(server, "IDLE_S", 0.05)

    with socket.create_connection(listening.getsockname(), TIMEOUT_S) as connection:
        connection.sendall(said)

        assert connection.recv(1) == b""


def test_there_are_only_so_many_conversations_at_a_time(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CONVERSATIONS_MAX", 1)
    first = Editor(listening.getsockname()[1])
    first.get("initialize", adapterID="ironflow")

    with socket.create_connection(listening.getsockname(), TIMEOUT_S) as second:
        assert second.recv(1) == b""

    assert first.get("initialize", adapterID="ironflow")
    first.close()
