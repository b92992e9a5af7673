"""QueryService's one method: Connect and gRPC both call it. Values are texts, as published."""

from __future__ import annotations

from typing import Any

import msgspec
from google.protobuf.message import Message

from app.api.answers import decoded
from app.api.caller import Caller
from app.api.services import Services
from app.history.sql import ROWS_DEFAULT, TIMEOUT_MS_DEFAULT
from app.rpc.methods import Method
from ironflow.v1 import query_pb2 as pb

_params = msgspec.json.Decoder(dict[str, Any])


async def execute_sql(services: Services, caller: Caller, request: pb.ExecuteSQLRequest) -> pb.ExecuteSQLResponse:
    table = await services.sql.ask(
        caller.environment,
        request.query,
        decoded(_params, request.params_json.encode() or b"{}"),
        timeout_ms=request.timeout_ms or TIMEOUT_MS_DEFAULT,
        rows_max=request.max_rows or ROWS_DEFAULT,
    )
    return pb.ExecuteSQLResponse(
        columns=table.columns,
        rows=[pb.SQLRow(values=map(_text, row)) for row in table.rows],
        total_rows=len(table.rows),
        truncated=table.truncated,
    )


METHODS: dict[str, tuple[type[Message], Method]] = {"ExecuteSQL": (pb.ExecuteSQLRequest, execute_sql)}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()
