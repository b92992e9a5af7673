"""Clients that are killed while they send: a part of a body is never taken for the whole."""

from __future__ import annotations

import re
import socket
import struct
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import httpx
import pytest

from tests.support.server import ServerProcess

NOTICED_S = 20
LARGE = 200_000
KEYS = "/api/v1/kv/buckets/uploads/keys"


@pytest.fixture
def bucket(http: httpx.Client) -> None:
    assert http.post("/api/v1/kv/buckets", json={"name": "uploads"}).status_code == 201


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    ("query", "header", "sent"),
    [
        ("", "content-length: 10", b"hello"),  # the short way
        ("", f"content-length: {LARGE}", b"x" * (LARGE // 2)),
        ("?long=way", "content-length: 10", b"hello"),
        ("?long=way", "content-length: 10", b""),
        ("", "transfer-encoding: chunked", b"5\r\nhello\r\n"),
        ("", "transfer-encoding: chunked", b""),
    ],
)
def test_what_was_cut_is_not_stored(http: httpx.Client, environment: str, query: str, header: str, sent: bytes) -> None:
    place = http.base_url
    head = [
        f"PUT {KEYS}/photo{query} HTTP/1.1",
        f"host: {place.netloc.decode()}",
        f"x-ironflow-environment-id: {environment}",
        "content-type: application/octet-stream",
        header,
    ]
    with socket.create_connection((place.host, place.port or 80), timeout=20) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + sent)
        connection.shutdown(socket.SHUT_WR)
        told = connection.recv(65_536)  # nothing, or the refusal, but only when all is over

    assert told == b"" or b'"code":"BODY_CUT"' in told
    assert http.get(f"{KEYS}/photo").status_code == 404


@pytest.mark.usefixtures("bucket")
def test_what_came_in_pieces_is_stored_whole(http: httpx.Client) -> None:
    pieces = [b"x" * 30_000, b"", b"y" * 100_000]

    assert http.put(f"{KEYS}/photo", content=iter(pieces)).is_success

    assert http.get(f"{KEYS}/photo", params={"raw": "true"}).content == b"".join(pieces)


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("how", ["killed", "killed over HTTP/2", "taken back over HTTP/2"])
def test_nor_is_what_a_client_that_is_gone_had_sent(
    http: httpx.Client, shared_server: ServerProcess, environment: str, how: str
) -> None:
    place, before = http.base_url, refused(http)
    head = {"x-ironflow-environment-id": environment, "content-type": "application/octet-stream"}
    with socket.create_connection((place.host, place.port or 80), timeout=NOTICED_S) as connection:
        if how == "killed":
            lines = [f"PUT {KEYS}/photo HTTP/1.1", f"host: {place.netloc.decode()}", f"content-length: {LARGE}"]
            lines += [f"{name}: {value}" for name, value in head.items()]
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + b"x" * (LARGE // 2))
        else:
            sender = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
            sender.initiate_connection()
            stream, later = 1, 3
            pseudo = {":scheme": "http", ":authority": place.netloc.decode()}
            photo = {":method": "PUT", ":path": f"{KEYS}/photo", **pseudo, **head}
            sender.send_headers(stream, [*photo.items()])
            sender.send_data(stream, b"hello")
            health = {":method": "GET", ":path": "/health", **pseudo}
            sender.send_headers(later, [*health.items()], end_stream=True)
            connection.sendall(sender.data_to_send())
            until_answered(sender, connection, later)  # so it has taken the one before
            if how.startswith("taken back"):
                sender.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
                connection.sendall(sender.data_to_send())
        if how.startswith("killed"):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

        until = time.monotonic() + NOTICED_S
        while refused(http) == before:
            assert time.monotonic() < until, shared_server.log()[-2_000:]
    assert http.get(f"{KEYS}/photo").status_code == 404


def until_answered(sender: h2.connection.H2Connection, connection: socket.socket, stream: int) -> None:
    told: list[h2.events.Event] = []
    while not any(isinstance(one, h2.events.ResponseReceived) and one.stream_id == stream for one in told):
        part = connection.recv(65_536)
        assert part, "the server closed the connection"
        told += sender.receive_data(part)


def refused(http: httpx.Client) -> float:
    """How many bodies were refused for that."""
    found = re.search(r'^ironflow_refusals_total{code="BODY_CUT"} (\S+)$', http.get("/metrics").text, re.MULTILINE)
    return float(found.group(1)) if found else 0.0
