"""`ironflow dap` as editors start it: over standard input and output, and over TCP, where not everybody may."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import pytest

from app.cli import debugging
from app.debugger.dap import framing
from ironflow import Client
from tests.support import reaper
from tests.support.server import ServerProcess

TIMEOUT_S = 30


@pytest.fixture
def bundle(client: Client, failed: str, tmp_path: Path) -> Path:
    path = tmp_path / "run.zip"
    path.write_bytes(client.runs.export(failed))
    return path


class Conversation:
    def __init__(self, reading: IO[bytes], writing: IO[bytes]) -> None:
        self._reading = reading
        self._writer = framing.Writer(writing)  # type: ignore[arg-type]

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """The response, or the first event where there is none."""
        self._writer.send({"type": "request", "command": command, "arguments": arguments})
        while True:
            message = framing.read(self._reading)  # type: ignore[arg-type]
            assert message is not None
            if message["type"] == "response" and message["command"] == command:
                return message
            if message.get("event") == "initialized":
                return message


def test_an_editor_speaks_over_standard_input_and_output(bundle: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "dap", "--trace", trace], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    reaper.adopt(process.pid)
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        editor = Conversation(process.stdout, process.stdin)
        assert editor.ask("initialize", adapterID="ironflow")["body"]["supportsStepBack"]
        editor.ask("attach", bundle=str(bundle), at="failure", token="hidden")
        assert editor.ask("configurationDone")["success"]
        frames = editor.ask("stackTrace", threadId=1)["body"]["stackFrames"]
        assert editor.ask("disconnect")["success"]
        assert process.wait(TIMEOUT_S) == 0
    reaper.release(process.pid)

    assert frames[0]["name"] == "run.failed"
    told = [json.loads(line) for line in trace.read_text().splitlines()]
    assert {one["way"] for one in told} == {"in", "out"}
    assert "hidden" not in trace.read_text()


@pytest.fixture(scope="module")
def log_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dap") / "log"


@pytest.fixture(scope="module")
def port(log_file: Path) -> Iterator[int]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "app", "dap", "--listen", "127.0.0.1:0", "--token", "open sesame"),
            "--log-file",
            log_file,
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    reaper.adopt(process.pid)
    assert process.stderr is not None
    told = process.stderr.readline()
    yield int(told.split()[1].rpartition(":")[2])
    process.kill()
    process.wait()
    reaper.release(process.pid)


def test_over_tcp_a_token_is_asked_for(port: int, bundle: Path) -> None:
    for token, succeeds in (("", False), ("open sesame", True)):
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection, connection.makefile("rwb") as file:
            editor = Conversation(file, file)
            editor.ask("initialize", adapterID="ironflow")
            answer = editor.ask("attach", bundle=str(bundle), token=token)
            assert answer.get("success", True) is succeeds
            assert succeeds or framing.read(file) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "thrown",
    [
        b'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 44\r\n\r\n{"type":"request","command":"threads","a":1}',
        b"Content-Length: 2\r\nX: y\r\n\r\n{}",
        b"Content-Length: 999999999\r\n\r\n",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 2\r\n\r\n[]",
        b"Content-Length: 3\r\n\r\n{{{",
        b"\n" * 100,
    ],
)
def test_what_is_no_message_is_dropped_without_an_answer(port: int, log_file: Path, thrown: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
        connection.sendall(thrown)
        with suppress(ConnectionResetError):  # closed with something unread
            assert connection.recv(1_000) == b""
    assert "a conversation was ended" in log_file.read_text("utf-8")


def test_a_server_has_an_adapter_that_ends_with_it_for_its_own_runs(
    shared_server: ServerProcess, environment: str, failed: str, bundle: Path
) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    address = listening.getsockname()
    with (
        debugging.adapter(listening, shared_server.url),
        socket.create_connection(address, TIMEOUT_S) as connection,
        connection.makefile("rwb") as file,
    ):
        editor = Conversation(file, file)
        editor.ask("initialize", adapterID="ironflow")
        assert "machine" in editor.ask("attach", bundle=str(bundle))["message"]
        assert "machine" in editor.ask("attach", runId=failed, tokenEnv="PATH")["message"]
        assert editor.ask("attach", runId=failed, environment=environment, at="end")["event"] == "initialized"
        assert editor.ask("configurationDone")["success"]
        assert editor.ask("stackTrace", threadId=1)["body"]["stackFrames"][0]["name"] == "run.failed"

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, TIMEOUT_S)
