"""ProjectionService's methods for SQL projections. Values are told as texts, and as what they are."""

from __future__ import annotations

from typing import Any

import msgspec
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Value

from app.api.caller import Caller
from app.api.services import Services
from app.history import moments
from app.history.kinds import ProjectionDefinition
from app.history.kinds.projection import TableRules
from app.rpc.methods import Method
from ironflow.v1 import projection_pb2 as pb


async def create(
    services: Services, caller: Caller, request: pb.CreateSQLProjectionRequest
) -> pb.CreateSQLProjectionResponse:
    handlers = dict(request.event_handlers)
    definition = ProjectionDefinition(
        mode="sql",
        events=tuple(request.events) or tuple(handlers),
        description=request.description,
        table=TableRules(request.table_sql, handlers),
    )
    projection, _ = await services.projections.register(
        caller.environment, request.name, definition, actor=caller.actor
    )
    return pb.CreateSQLProjectionResponse(name=projection.name, status=projection.status)


async def query(
    services: Services, caller: Caller, request: pb.QuerySQLProjectionRequest
) -> pb.QuerySQLProjectionResponse:
    projections = services.projections
    at = await moments.position_of(services.storage, request.at, now=services.clock.now_us())
    table, count = await projections.tables.rows(
        projections.registry.get(caller.environment, request.name),
        where=request.where,
        order_by=request.order_by,
        limit=request.limit,
        offset=request.offset,
        at=at,
    )
    rows = [pb.QuerySQLRow(values=map(_text, row), typed_values=map(_value, row)) for row in table.rows]
    return pb.QuerySQLProjectionResponse(columns=table.columns, rows=rows, total_count=count)


METHODS: dict[str, tuple[type[Message], Method]] = {
    "CreateSQLProjection": (pb.CreateSQLProjectionRequest, create),
    "QuerySQLProjection": (pb.QuerySQLProjectionRequest, query),
}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def _value(value: Any) -> Value:
    return ParseDict(value, Value())
