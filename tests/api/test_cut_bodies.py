"""Clients that are killed while they send: a part of a body is never taken for the whole."""

from __future__ import annotations

import socket

import httpx
import pytest

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
