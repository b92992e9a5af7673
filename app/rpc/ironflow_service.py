"""IronflowService over gRPC: every unary method of the table, errors as status, code and hint."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import structlog

from app.api.answers import error_of
from app.api.services import Services
from app.rpc import metadata
from app.rpc.methods import METHODS, Call, Method
from ironflow.v1 import ironflow_pb2_grpc

log = structlog.get_logger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]


class IronflowService(ironflow_pb2_grpc.IronflowServiceServicer):
    """Methods that are not in the table stay as generated: UNIMPLEMENTED."""

    def __init__(self, services: Services) -> None:
        for name, (_, method) in METHODS.items():
            setattr(self, name, _unary(services, method))


def _unary(services: Services, method: Method) -> Callable[[Any, Context], Awaitable[Any]]:
    async def answer(request: Any, context: Context) -> Any:
        try:
            told = context.invocation_metadata()
            call = Call(metadata.environment_of(told), run_id=metadata.value_of(told, metadata.RUN_ID))
            return await method(services, call, request)
        except Exception as error:  # noqa: BLE001 - gRPC tells errors by status and metadata
            await refuse(context, error)

    return answer


async def refuse(context: Context, error: BaseException) -> None:
    """End the call with the error: its code and hint go in the trailing metadata."""
    told = error_of(error)
    if told.status >= 500:
        log.error("call failed", exc_info=error)
    context.set_trailing_metadata((("ironflow-code", told.code), ("ironflow-hint", _header(told.hint))))
    await context.abort(getattr(grpc.StatusCode, told.connect.upper()), str(told))


def _header(text: str) -> str:
    """Metadata values are printable ASCII."""
    return text.encode("ascii", "replace").decode()
