"""Subscribers that stop reading: what they have not taken stays in history, not in the server's memory."""

from __future__ import annotations

import json
import re
import socket
import struct
from typing import Any

import httpx
import pytest

from app.api.connect_streams import SUBSCRIBE_PATH
from tests.support.server import ServerProcess

EVENTS, BATCH, TEXT_CHARS = 2_000, 500, 4_000
TIMEOUT_S = 30


def stalled(server: ServerProcess, head: list[str], body: bytes = b"") -> socket.socket:
    """A connection on which somebody asked, and does not read."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.settimeout(TIMEOUT_S)
    place = httpx.URL(server.url)
    connection.connect((place.host, place.port))
    lines = [head[0], f"host: {place.netloc.decode()}", *head[1:], f"content-length: {len(body)}", "", ""]
    connection.sendall("\r\n".join(lines).encode() + body)
    return connection


def listed(http: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = http.get("/api/v1/subscriptions").json()["subscriptions"]
    return found


@pytest.mark.parametrize("way", ["sse", "connect"])
def test_a_past_is_read_as_fast_as_it_is_taken(
    http: httpx.Client, shared_server: ServerProcess, environment: str, way: str
) -> None:
    for start in range(0, EVENTS, BATCH):
        batch = [{"name": "order.placed", "data": [n, "x" * TEXT_CHARS]} for n in range(start, start + BATCH)]
        assert http.post("/api/v1/events", json=batch).is_success
    scope = f"x-ironflow-environment-id: {environment}"
    if way == "sse":
        reader = stalled(
            shared_server,
            ["GET /api/v1/subscribe?pattern=order.%3E&after=0 HTTP/1.1", scope, "accept: text/event-stream"],
        )
    else:
        asked = json.dumps({"pattern": "order.>", "options": {"startAfterSequence": "0"}}).encode()
        head = [f"POST {SUBSCRIBE_PATH} HTTP/1.1", scope, "content-type: application/connect+json"]
        reader = stalled(shared_server, head, struct.pack(">BI", 0, len(asked)) + asked)

    with reader:
        with http.stream("GET", "/api/v1/subscribe?pattern=order.%3E&after=0") as other:
            taken = 0
            for line in other.iter_lines():
                taken += line.startswith("data: ") and "order.placed" in line
                if taken == EVENTS:
                    break
            [slow] = [one for one in listed(http) if one["lag"] > 0]
            assert slow["status"] == "catching_up"

        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**21)
        read, last = bytearray(), f"[{EVENTS - 1},".encode()
        while last not in read[-(2**17) :]:
            read += reader.recv(2**16)
        assert [int(number) for number in re.findall(rb"\[(\d+),", read)] == list(range(EVENTS))
