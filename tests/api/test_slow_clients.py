"""Clients that begin requests and do not end them, by hand: they are let go, and nobody else is."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import grpc
import h2.config
import h2.connection
import httpx
import pytest

from app.api.connect_streams import SUBSCRIBE_PATH
from ironflow.v1 import pubsub_pb2, worker_pb2
from tests.support.connect_frames import frames
from tests.support.connect_worker import ConnectCall, ConnectWorker
from tests.support.server import ServerProcess

TIMEOUT_S = 1
JSON = "content-type: application/json"
ANSWERED_S = 20


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """On one store: nothing of a request reaches it before all of the request is there."""
    server = ServerProcess(
        data_dir=tmp_path_factory.mktemp("impatient") / "data", arguments=["--receive-timeout", f"{TIMEOUT_S}s"]
    )
    server.start()
    yield server
    server.close()


def connected(server: ServerProcess, said: bytes = b"") -> socket.socket:
    """A connection on which that was said first, at once."""
    place = urlsplit(server.url)
    made = socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=ANSWERED_S)
    made.sendall(said)
    return made


def answered(connection: socket.socket) -> bytes:
    """All that the server says before it closes the connection."""
    told = b""
    try:
        while part := connection.recv(65_536):
            told += part
    except TimeoutError:
        raise AssertionError(f"the connection was not closed after {told!r}") from None
    return told


@pytest.mark.parametrize(
    ("line", "headers", "sent"),
    [
        ("POST /api/v1/events", ("content-length: 100",), b'{"name": "a"'),  # the short way
        ("PUT /api/v1/kv/buckets/b/keys/k", ("content-length: 5",), b""),
        ("POST /api/v1/events?long=1", ("content-length: 100",), b""),
        ("POST /api/v1/sql", ("transfer-encoding: chunked",), b"2\r\n{ \r\n"),
        ("POST /ironflow.v1.IronflowService/Trigger", ("content-length: 100",), b"{"),
        ("POST /ironflow.v1.IronflowService/ListRuns", ("content-length: 100",), b""),
    ],
)
def test_a_body_that_does_not_come_is_answered_and_the_connection_closed(
    impatient: ServerProcess, line: str, headers: tuple[str, ...], sent: bytes
) -> None:
    host = urlsplit(impatient.url).netloc
    with connected(impatient) as connection:
        connection.sendall("\r\n".join([f"{line} HTTP/1.1", f"host: {host}", JSON, *headers, "", ""]).encode() + sent)
        told = answered(connection)

    head, _, body = told.partition(b"\r\n\r\n")
    assert head.split()[1] == b"408", told
    assert b"connection: close" in head.lower()
    content = json.loads(body)
    code = content.get("ironflowCode", content["code"])
    assert (code, "--receive-timeout" in content["hint"]) == ("BODY_TIMEOUT", True)
    counted = httpx.get(f"{impatient.url}/metrics", timeout=ANSWERED_S).text
    assert 'code="BODY_TIMEOUT"' in counted


def test_a_head_that_does_not_come_ends_the_connection(impatient: ServerProcess) -> None:
    with connected(impatient) as connection:
        connection.sendall(b"POST /api/v1/events HTTP/1.1\r\nhost: a\r\n")

        assert answered(connection) == b""


def test_a_head_has_a_limit(impatient: ServerProcess) -> None:
    large = {"x-large": "a" * 100_000}

    assert httpx.get(f"{impatient.url}/health", headers=large, timeout=ANSWERED_S).status_code == 431


@pytest.mark.parametrize("said", [b"", b"PRI * HTTP/2.0\r\n"], ids=["nothing", "not yet which HTTP"])
def test_connections_on_which_nothing_is_asked_are_let_go(impatient: ServerProcess, said: bytes) -> None:
    with ExitStack() as opened:
        crowd = [opened.enter_context(connected(impatient, said)) for _ in range(100)]
        assert httpx.get(f"{impatient.url}/health", timeout=ANSWERED_S).status_code == 200

        assert {answered(connection) for connection in crowd} == {b""}


def test_a_grpc_connection_on_which_nothing_is_said_is_let_go(impatient: ServerProcess) -> None:
    host, _, port = impatient.grpc_address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=ANSWERED_S) as connection:
        answered(connection)


def test_grpc_does_not_answer_pings_without_end(impatient: ServerProcess) -> None:
    host, _, port = impatient.grpc_address.rpartition(":")
    http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    http.initiate_connection()
    with socket.create_connection((host, int(port)), timeout=ANSWERED_S) as connection, suppress(ConnectionError):
        for number in range(1_000):
            http.ping(number.to_bytes(8, "big"))
        connection.sendall(http.data_to_send())

        assert b"too_many_pings" in answered(connection)


def test_a_message_that_does_not_come_is_not_waited_for_and_streams_are(impatient: ServerProcess) -> None:
    """The same promise over gRPC. A worker says nothing for as long, and is heard then."""
    ended = threading.Event()

    def silent() -> Iterator[bytes]:
        ended.wait(ANSWERED_S)
        yield from ()

    def later() -> Iterator[bytes]:
        ended.wait(ANSWERED_S)
        register = worker_pb2.WorkerRegister(worker_id="late-grpc", function_ids=["f"], max_concurrent_jobs=1)
        yield worker_pb2.WorkerMessage(register=register).SerializeToString()

    with grpc.insecure_channel(impatient.grpc_address) as channel:
        worker: Any = channel.stream_stream("/ironflow.v1.WorkerService/Connect")(later(), timeout=2 * ANSWERED_S)
        unary: Any = channel.stream_unary("/ironflow.v1.IronflowService/Trigger").future(silent(), timeout=ANSWERED_S)
        stream: Any = channel.stream_stream("/ironflow.v1.PubSubService/Subscribe")(silent(), timeout=ANSWERED_S)

        for call, heard in ((unary, unary.result), (stream, partial(next, stream))):
            with pytest.raises(grpc.RpcError):
                heard()
            assert (call.code(), dict(call.trailing_metadata())["ironflow-code"]) == (
                grpc.StatusCode.DEADLINE_EXCEEDED,
                "BODY_TIMEOUT",
            )
        ended.set()
        assert worker_pb2.EngineMessage.FromString(next(worker)).WhichOneof("payload") == "registered"
        worker.cancel()


def test_a_call_that_ends_without_its_message_is_refused(impatient: ServerProcess) -> None:
    with grpc.insecure_channel(impatient.grpc_address) as channel, pytest.raises(grpc.RpcError) as told:
        channel.stream_unary("/ironflow.v1.IronflowService/Trigger")(iter(()), timeout=ANSWERED_S)

    error: Any = told.value
    assert (error.code(), dict(error.trailing_metadata())["ironflow-code"]) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_ARGUMENT",
    )


def test_over_http_2_its_stream_is_answered_and_others_go_on(impatient: ServerProcess) -> None:
    headers = {"content-length": "100"}
    told = pubsub_pb2.SubscriptionEvent
    slow: ConnectCall[Any, Any] = ConnectCall(
        impatient.url, "/api/v1/sql", told, content_type="application/json", headers=headers
    )
    slow.send_raw(b"{")

    assert json.loads(slow.answered())["code"] == "BODY_TIMEOUT"
    assert slow.status == 408
    slow.close()


def test_headers_over_http_2_have_a_limit(impatient: ServerProcess) -> None:
    large: ConnectCall[Any, Any] = ConnectCall(
        impatient.url, "/api/v1/sql", pubsub_pb2.SubscriptionEvent, headers={"x-large": "a" * 100_000}
    )
    large.answered()

    assert large.status in (0, 431)
    assert httpx.get(f"{impatient.url}/health", timeout=ANSWERED_S).status_code == 200
    large.close()


def test_a_call_that_streams_is_told_in_its_last_frame(impatient: ServerProcess) -> None:
    slow: ConnectCall[Any, Any] = ConnectCall(impatient.url, SUBSCRIBE_PATH, pubsub_pb2.SubscriptionEvent, headers={})
    slow.send_raw(b"\0\0")

    [(_, last)] = frames([slow.answered()])
    assert json.loads(last)["error"]["code"] == "deadline_exceeded"
    slow.close()


def test_what_is_held_or_goes_both_ways_is_not_hurried(impatient: ServerProcess) -> None:
    worker = ConnectWorker(impatient.url, headers={})  # says nothing for longer than a body may take
    began = time.monotonic()
    with httpx.Client(base_url=impatient.url, timeout=ANSWERED_S) as client:
        client.post("/api/v1/workers/w/register", json={"worker_id": "w", "function_ids": ["f"]})
        held = client.get("/api/v1/workers/w/jobs", params={"wait": 2 * TIMEOUT_S})
    assert held.status_code == 204
    assert time.monotonic() - began >= TIMEOUT_S

    late = worker_pb2.WorkerRegister(worker_id="late", function_ids=["f"], max_concurrent_jobs=1)
    worker.send(worker_pb2.WorkerMessage(register=late))
    told = worker.receive()
    assert told is not None, worker.end
    assert told.WhichOneof("payload") == "registered"
    worker.close()


def test_streams_that_are_taken_back_at_once_keep_nobody_waiting(impatient: ServerProcess) -> None:
    place = urlsplit(impatient.url)
    http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    http.initiate_connection()
    head = [(":method", "POST"), (":scheme", "http"), (":authority", place.netloc), (":path", "/api/v1/sql")]
    with connected(impatient) as connection, suppress(ConnectionError):  # it may be closed for that
        for _ in range(1_000):
            stream = http.get_next_available_stream_id()
            http.send_headers(stream, head)
            http.reset_stream(stream)
            connection.sendall(http.data_to_send())

    assert httpx.get(f"{impatient.url}/health", timeout=ANSWERED_S).status_code == 200
    assert httpx.post(f"{impatient.url}/api/v1/sql", json={"query": "select 1"}, timeout=ANSWERED_S).is_success
