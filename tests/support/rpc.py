"""A gRPC client of IronflowService in a few lines."""

from __future__ import annotations

from typing import Any

import grpc

from ironflow.v1 import ironflow_pb2_grpc


class Service:
    """Calls a method by its name; `metadata` is added to what names the environment."""

    def __init__(self, channel: grpc.Channel, environment: str) -> None:
        self._stub: Any = ironflow_pb2_grpc.IronflowServiceStub(channel)
        self._environment = ("x-ironflow-environment-id", environment)

    def __call__(self, method: str, request: Any, *metadata: tuple[str, str], timeout: float = 30) -> Any:
        return getattr(self._stub, method)(request, metadata=[*metadata, self._environment], timeout=timeout)
