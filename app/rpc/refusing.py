"""How a gRPC call ends that is refused."""

from __future__ import annotations

from typing import Any

import grpc

from app.api.answers import error_of, note

Context = grpc.aio.ServicerContext[Any, Any]


async def refuse(context: Context, error: BaseException, *, method: str = "", request_id: str = "") -> None:
    """End the call with the error: its code and hint go in the trailing metadata, and the id under which the log has
    the details of what was not foreseen."""
    told = error_of(error)
    note(error, method=method, request_id=request_id)
    trailing = [("ironflow-code", told.code), ("ironflow-hint", _header(told.hint)), ("x-request-id", request_id)]
    context.set_trailing_metadata(tuple((key, value) for key, value in trailing if value))
    await context.abort(getattr(grpc.StatusCode, told.connect.upper()), str(told))


def _header(text: str) -> str:
    """Metadata values are printable ASCII."""
    return text.encode("ascii", "replace").decode()
