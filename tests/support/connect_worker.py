"""Calls both ways, a streaming worker's and a group member's, written from the published facts alone: the Connect
protocol over HTTP/2 with prior knowledge.

It speaks through a plain socket and the `h2` state machine, so that each frame is one that we chose.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
from collections.abc import Mapping
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.events
from google.protobuf.message import Message

from ironflow.v1 import pubsub_pb2, worker_pb2

PATH = "/ironflow.v1.WorkerService/Connect"
MEMBER_PATH = "/ironflow.v1.PubSubService/SubscribeBidirectional"
CONTENT_TYPE = "application/connect+proto"
TIMEOUT_S = 30.0


Sent = TypeVar("Sent", bound=Message)
Told = TypeVar("Told", bound=Message)


class ConnectCall(Generic[Sent, Told]):
    """One call. `status` and `headers` are the answer's, `end` its last frame; all methods block, with a bound."""

    def __init__(
        self, url: str, path: str, told: type[Told], *, content_type: str = CONTENT_TYPE, headers: Mapping[str, str]
    ) -> None:
        place = urlsplit(url)
        self._http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self._http.initiate_connection()
        self._stream = self._http.get_next_available_stream_id()
        head = {":method": "POST", ":scheme": "http", ":authority": place.netloc, ":path": path}
        common = {"content-type": content_type, "connect-protocol-version": "1", "connect-content-encoding": "gzip"}
        self._http.send_headers(self._stream, [*{**head, **common, **headers}.items()])
        self._told = told
        self._buffer = b""
        self._closed = False
        self.status = 0
        self.end: Any = None
        # Now that there is something to say, which takes a while to pack if it is large.
        self._socket = socket.create_connection((place.hostname or "", place.port or 80), timeout=TIMEOUT_S)
        self._flush()

    def send(self, message: Sent, *, packed: bool = True) -> None:
        raw = message.SerializeToString()
        content = gzip.compress(raw) if packed else raw
        self.send_raw(struct.pack(">BI", int(packed), len(content)) + content)

    def send_raw(self, data: bytes) -> None:
        self._http.send_data(self._stream, data)
        self._flush()

    def receive(self) -> Told | None:
        """The next message, or None at the end of the stream."""
        while True:
            if len(self._buffer) >= 5:
                flags, length = struct.unpack_from(">BI", self._buffer)
                if len(self._buffer) >= 5 + length:
                    content, self._buffer = self._buffer[5 : 5 + length], self._buffer[5 + length :]
                    if flags & 2:
                        self.end = json.loads(content)
                        return None
                    return self._told.FromString(content)
            if self._closed:
                return None
            self._read()

    def half_close(self) -> None:
        """The worker has nothing more to say."""
        self._http.end_stream(self._stream)
        self._flush()

    def answered(self) -> bytes:
        """The whole body of an answer that is no stream."""
        while not self._closed:
            self._read()
        return self._buffer

    def close(self) -> None:
        self._socket.close()

    def _flush(self) -> None:
        self._socket.sendall(self._http.data_to_send())

    def _read(self) -> None:
        data = self._socket.recv(65_536)
        assert data, "the server closed the connection"
        for event in self._http.receive_data(data):
            match event:
                case h2.events.ResponseReceived():
                    self.status = int(dict(event.headers)[b":status"])
                case h2.events.DataReceived():
                    self._buffer += event.data
                    self._http.acknowledge_received_data(event.flow_controlled_length, self._stream)
                case h2.events.StreamEnded() | h2.events.StreamReset():
                    self._closed = True
        self._flush()


class ConnectWorker(ConnectCall[worker_pb2.WorkerMessage, worker_pb2.EngineMessage]):
    def __init__(self, url: str, *, content_type: str = CONTENT_TYPE, headers: Mapping[str, str]) -> None:
        super().__init__(url, PATH, worker_pb2.EngineMessage, content_type=content_type, headers=headers)


class ConnectMember(ConnectCall[pubsub_pb2.SubscribeBidirectionalRequest, pubsub_pb2.SubscribeBidirectionalResponse]):
    def __init__(self, url: str, *, headers: Mapping[str, str]) -> None:
        super().__init__(url, MEMBER_PATH, pubsub_pb2.SubscribeBidirectionalResponse, headers=headers)
