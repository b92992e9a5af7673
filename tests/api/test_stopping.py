"""A server that is told to stop does not wait for clients who do not read, and cuts no answer short."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import h2.config
import h2.connection
from hyperframe.frame import DataFrame, Frame, GoAwayFrame, HeadersFrame, WindowUpdateFrame

from tests.support.server import ServerProcess

STREAM = 1
HEAD_BYTES = 9
WAITED_FOR_GOODBYES_S = 10
"""By a server that waits for every client to say goodbye, until it has waited for long enough."""
LARGE = "/api/v1/openapi.json"
"""Several times what is sent over HTTP/2 before the client says that it takes more."""


def asked(server: ServerProcess, path: str) -> socket.socket:
    """A connection over HTTP/2 on which that was asked."""
    place = urlsplit(server.url)
    said = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    said.initiate_connection()
    head = {":method": "GET", ":scheme": "http", ":authority": place.netloc, ":path": path}
    said.send_headers(STREAM, [*head.items()], end_stream=True)
    made = socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=30)
    made.sendall(said.data_to_send())
    return made


def frames(connection: socket.socket) -> Iterator[Frame]:
    """All that the server says, until it closes the connection."""
    with connection.makefile("rb") as told:
        while head := told.read(HEAD_BYTES):
            frame, length = Frame.parse_frame_header(memoryview(head))
            frame.parse_body(memoryview(told.read(length)))
            yield frame


def take_more(connection: socket.socket) -> None:
    for stream in (0, STREAM):
        connection.sendall(WindowUpdateFrame(stream, window_increment=2**24).serialize())


def test_a_stop_waits_for_answers_and_not_for_who_does_not_read(tmp_path: Path) -> None:
    server = ServerProcess(data_dir=tmp_path / "data")
    server.start()
    connections = [asked(server, path) for path in ("/health", "/api/v1/subscribe?pattern=%3E", LARGE)]
    try:
        told = [frames(connection) for connection in connections]
        for one in told:  # each is answered, and two of the three are read no further
            assert any(isinstance(frame, HeadersFrame) for frame in one)
        body, went = b"", False
        with ThreadPoolExecutor(1) as pool:
            begun = time.monotonic()
            stopping = pool.submit(server.terminate)
            for frame in told[2]:
                if isinstance(frame, GoAwayFrame):
                    take_more(connections[2])
                    went = True
                elif isinstance(frame, DataFrame):
                    body += frame.data
            assert stopping.result() == 0
            took = time.monotonic() - begun

        assert went, "it was answered before the server was told to stop: what is asked is too small"
        assert json.loads(body)["openapi"]
        assert took < WAITED_FOR_GOODBYES_S / 2
    finally:
        for connection in connections:
            connection.close()
        server.close()
