"""Conversations with clients: over standard input and output, or over TCP, one thread each."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from app.debugger.dap import framing
from app.debugger.dap.adapter import Adapter
from app.debugger.dap.attaching import Open
from app.debugger.dap.framing import BadFrame, Writer

IDLE_S = 3_600.0
"""For as long as a TCP client may say nothing."""
CONVERSATIONS_MAX = 64
"""TCP clients at a time; more are hung up on."""

Log = Callable[[str], None]


class Trace:
    """A file of every message, one JSON a line, for reports of defects."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()

    def __call__(self, way: str, message: dict[str, Any]) -> None:
        if self._path is None:
            return
        shown = json.dumps({"at": time.time(), "way": way, "message": _without_token(message)}, default=str)
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            file.write(shown + "\n")


def _without_token(message: dict[str, Any]) -> dict[str, Any]:
    arguments = message.get("arguments")
    if isinstance(arguments, dict) and "token" in arguments:
        return {**message, "arguments": {**arguments, "token": "…"}}
    return message


def converse(reading: BinaryIO, writing: BinaryIO, open_: Open, *, token: str = "", trace: Trace, log: Log) -> None:
    """Answer until the client leaves, is done, or says what is no message."""
    writer = Writer(writing)

    def send(message: dict[str, Any]) -> None:
        trace("out", message)
        writer.send(message)

    adapter = Adapter(send, open_, token=token)
    try:
        while not adapter.ended:
            message = framing.read(reading)
            if message is None:
                return
            trace("in", message)
            adapter.handle(message)
    except BadFrame as error:
        log(f"a conversation was ended: {error}")
    finally:
        adapter.close()


def serve_stdio(open_: Open, *, trace: Trace, log: Log) -> None:
    """One conversation; what would be printed to standard output goes to standard error."""
    reading, writing = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    converse(reading, writing, open_, trace=trace, log=log)


def serve_tcp(listening: socket.socket, open_: Open, *, token: str, trace: Trace, log: Log) -> None:
    """Conversations, side by side, until the socket is closed. Each client says the token when it attaches."""
    conversations: list[threading.Thread] = []
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        conversations = [one for one in conversations if one.is_alive()]
        if len(conversations) >= CONVERSATIONS_MAX:
            log(f"a client was hung up on: there are {CONVERSATIONS_MAX} already")
            connection.close()
            continue
        conversations.append(
            threading.Thread(
                target=_serve, args=(connection, open_, token, trace, log), name="dap-conversation", daemon=True
            )
        )
        conversations[-1].start()


def _serve(connection: socket.socket, open_: Open, token: str, trace: Trace, log: Log) -> None:
    connection.settimeout(IDLE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        with connection, connection.makefile("rb") as reading, connection.makefile("wb") as writing:
            converse(reading, writing, open_, token=token, trace=trace, log=log)
    except OSError as error:
        log(f"a client is gone: {error}")
