"""Clients that others wrote drive `ironflow dap`: Microsoft's test client for Node, and that of debugpy.

The first is installed by `make test-peers`, which then runs this; without it, only the other is tried. dap-python
cannot be: it takes no answer to `configurationDone` that the protocol has.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from debugpy.common import messaging

from tests.dap.test_transports import bundle, log_file, port

__all__ = ["bundle", "log_file", "port"]

FOLDER = Path(__file__).with_name("peers")
TOKEN = "open sesame"
TIMEOUT_S = 120


@pytest.mark.skipif(not (FOLDER / "node_modules").exists(), reason="make test-peers installs it")
def test_microsofts_client_debugs_a_bundle(port: int, bundle: Path) -> None:
    command = ["node", FOLDER / "session.mjs", str(port), TOKEN, bundle]
    done = subprocess.run(command, timeout=TIMEOUT_S, capture_output=True, text=True, check=False)

    assert (done.stdout, done.returncode) == ("ok\n", 0), done.stderr


@pytest.fixture
def channel(port: int) -> Iterator[Any]:
    """That of debugpy, which speaks with debuggers as editors do."""
    heard: list[Any] = []

    class Handlers:
        def event(self, event: Any) -> None:
            heard.append((event.event, dict(event.body)))

        def disconnect(self) -> None: ...

    stream = messaging.JsonIOStream.from_socket(socket.create_connection(("127.0.0.1", port), 30))
    made = messaging.JsonMessageChannel(stream, Handlers())
    made.start()
    yield made, heard
    made.close()
    made.wait()


def test_debugpys_client_debugs_a_bundle(channel: Any, bundle: Path) -> None:
    made, heard = channel

    told = made.request("initialize", {"adapterID": "ironflow", "linesStartAt1": True})
    attached = made.send_request("attach", {"bundle": str(bundle), "token": TOKEN, "at": "failure"})
    made.request("configurationDone")
    attached.wait_for_response()
    frames = made.request("stackTrace", {"threadId": 1})["stackFrames"]
    made.request("stepBack", {"threadId": 1})
    made.request("disconnect")

    assert told["supportsStepBack"]
    assert frames[0]["name"] == "run.failed"
    assert [name for name, _ in heard][:2] == ["initialized", "stopped"]
