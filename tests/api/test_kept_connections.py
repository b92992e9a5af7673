"""Connections over HTTP/1.1 take the next request, unless the answer said that they are closed."""

from __future__ import annotations

import re
import socket
from typing import Self
from urllib.parse import urlsplit

import pytest

from app.api.connect_streams import SUBSCRIBE_PATH
from tests.support.server import ServerProcess

ANSWERED_S = 30
LARGE = 100_000
JSON, CONNECT_JSON = "application/json", "application/connect+json"

REFUSED = [
    ("POST", "/api/v1/events", JSON, False),  # the short way
    ("PUT", "/api/v1/kv/buckets/b/keys/k", JSON, False),
    ("POST", "/api/v1/sql", JSON, False),
    ("POST", "/api/v1/nowhere", JSON, True),
    ("DELETE", "/api/v1/apikeys/nobody", JSON, True),  # whose body nobody reads
    ("POST", "/ironflow.v1.IronflowService/ListRuns", JSON, False),
    ("POST", SUBSCRIBE_PATH, JSON, True),
    ("POST", SUBSCRIBE_PATH, CONNECT_JSON, False),
]
"""Each is refused before its body was read: somebody unknown asks, or for what is not there."""


class Kept:
    """One connection, on which requests follow one another."""

    def __init__(self, server: ServerProcess) -> None:
        self._host = urlsplit(server.url).netloc
        self._key = server.key
        place = urlsplit(server.url)
        self._socket = socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=ANSWERED_S)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def ask(self, request: tuple[str, str, str, bool], body: bytes, *, length: int) -> tuple[int, bool]:
        """Status of the answer, and whether it says that the connection is closed."""
        method, path, content_type, known = request
        head = [f"{method} {path} HTTP/1.1", f"host: {self._host}", f"content-type: {content_type}"]
        head += [f"content-length: {length}", *([f"authorization: Bearer {self._key}"] if known else [])]
        self._socket.sendall("\r\n".join([*head, "", ""]).encode() + body)
        line, told = self._file.readline(), b""
        while (one := self._file.readline()) not in (b"\r\n", b""):
            told += one.lower()
        if sized := re.search(rb"^content-length: (\d+)", told, re.MULTILINE):
            self._file.read(int(sized[1]))
        elif b"transfer-encoding: chunked" in told:
            while size := int(self._file.readline(), 16):
                self._file.read(size + 2)
            self._file.readline()
        return int(line.split()[1]), b"connection: close" in told

    def is_over(self) -> bool:
        return self._file.read(1) == b""


@pytest.mark.parametrize("request_", REFUSED)
def test_a_connection_on_which_a_body_was_not_read_is_told_to_be_closed(
    guarded: ServerProcess, request_: tuple[str, str, str, bool]
) -> None:
    """A client that is not told sends its next request into a connection that ends."""
    with Kept(guarded) as connection:
        _, closes = connection.ask(request_, b"{", length=LARGE)

        assert closes
        assert connection.is_over()


@pytest.mark.parametrize("request_", [one for one in REFUSED if one[1] != SUBSCRIBE_PATH])
def test_a_refusal_of_what_was_read_keeps_it(guarded: ServerProcess, request_: tuple[str, str, str, bool]) -> None:
    with Kept(guarded) as connection:
        first = connection.ask(request_, b"{}", length=2)

        assert first[0] >= 400
        assert first[1] is False
        assert connection.ask(request_, b"{}", length=2) == first
