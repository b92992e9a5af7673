"""Where a server's gRPC face is, and what its refusals mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ironflow import errors
from ironflow.errors import IronflowError
from ironflow.transport import grpc

SDK = "python/0.1.0"
CALL_TIMEOUT_S = 10.0
MESSAGE_BYTES_MAX = 64 * 2**20
OPTIONS: list[tuple[str, Any]] = [
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    # A server that is gone without a word is noticed within ten seconds.
    ("grpc.keepalive_time_ms", 5_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # Each connection is tried anew: gRPC would remember the failures of the one before, and wait.
    ("grpc.use_local_subchannel_pool", 1),
]
_FATAL: dict[grpc.StatusCode, type[IronflowError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InvalidArgument,
    grpc.StatusCode.UNAUTHENTICATED: errors.Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: errors.PermissionDenied,
    grpc.StatusCode.NOT_FOUND: errors.NotFound,
    grpc.StatusCode.ALREADY_EXISTS: errors.Conflict,
    grpc.StatusCode.FAILED_PRECONDITION: errors.Conflict,
    grpc.StatusCode.UNIMPLEMENTED: IronflowError,
}


class ConnectionLost(Exception):
    """The server is away or has ended the stream: try again."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to connect, and as whom."""

    address: str
    secure: bool
    environment: str
    api_key: str = field(default="", repr=False)

    def channel(self) -> grpc.aio.Channel:
        if self.secure:
            return grpc.aio.secure_channel(self.address, grpc.ssl_channel_credentials(), options=self._options())
        return grpc.aio.insecure_channel(self.address, options=self._options())

    def blocking_channel(self) -> grpc.Channel:
        if self.secure:
            return grpc.secure_channel(self.address, grpc.ssl_channel_credentials(), options=self._options())
        return grpc.insecure_channel(self.address, options=self._options())

    def _options(self) -> list[tuple[str, Any]]:
        # A proxy that is meant for the outside cannot reach a server on this machine.
        local = self.address.startswith(("127.", "localhost:", "[::1]:"))
        return [*OPTIONS, ("grpc.enable_http_proxy", 0)] if local else OPTIONS

    def metadata(self) -> list[tuple[str, str]]:
        told = [("x-ironflow-environment-id", self.environment), ("x-ironflow-sdk", SDK)]
        return [*told, ("authorization", f"Bearer {self.api_key}")] if self.api_key else told


def refusal(error: grpc.RpcError) -> IronflowError | ConnectionLost:
    """The error in the server's words: final if trying again cannot help."""
    code, message = error.code(), error.details() or error.code().name
    kind = _FATAL.get(code)
    if kind is None:
        return ConnectionLost(message)
    told: dict[str, Any] = dict(error.trailing_metadata() or ())  # type: ignore[arg-type]
    return kind(
        message, code=str(told.get("ironflow-code", code.name)), hint=str(told.get("ironflow-hint", "")), status=0
    )


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What ended a group of tasks, in the server's words if it was the server."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return refusal(error) if isinstance(error, grpc.aio.AioRpcError) else error
