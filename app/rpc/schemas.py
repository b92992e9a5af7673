"""EventSchemaService's unary methods, each once: Connect and gRPC both call these."""

from __future__ import annotations

from google.protobuf.message import Message

from app.api.caller import Caller
from app.api.schemas import HOUR_US
from app.api.services import Services
from app.api.shapes.schemas import HOURS_DEFAULT
from app.errors import InvalidArgument
from app.events.schemas import TRAFFIC_HOURS_MAX, hash_of
from app.rpc import convert
from app.rpc.methods import Method
from ironflow.v1 import event_schema_pb2 as pb
from storage.records import SchemaRow

LIMIT_MAX = 1_000


async def register_schema(
    services: Services, caller: Caller, request: pb.RegisterSchemaRequest
) -> pb.RegisterSchemaResponse:
    registered = await services.schemas.register(
        caller.environment,
        request.event_name,
        request.version or 1,
        request.schema_json,
        description=request.description,
        reason=request.change_reason,
        actor=caller.actor,
    )
    return pb.RegisterSchemaResponse(status=registered.status, problems=registered.problems)


async def get_schema(services: Services, caller: Caller, request: pb.GetSchemaRequest) -> pb.GetSchemaResponse:
    row = services.schemas.get(caller.environment, request.event_name, request.version)
    return pb.GetSchemaResponse(
        event_name=row.event_name,
        version=row.version,
        schema_json=row.schema,
        description=row.description,
        created_at=convert.timestamp(row.created_at),
        environment_id=row.environment,
    )


async def list_schemas(services: Services, caller: Caller, request: pb.ListSchemasRequest) -> pb.ListSchemasResponse:
    if request.limit < 0 or request.offset < 0:
        raise InvalidArgument("limit and offset must not be negative", field="limit", hint=f"at most {LIMIT_MAX}")
    rows = services.schemas.list(caller.environment, request.event_name)
    page = rows[request.offset : request.offset + (min(request.limit, LIMIT_MAX) or LIMIT_MAX)]
    return pb.ListSchemasResponse(schemas=map(_info, page), total_count=len(rows))


async def delete_schema(services: Services, caller: Caller, request: pb.DeleteSchemaRequest) -> pb.DeleteSchemaResponse:
    await services.schemas.delete(
        caller.environment,
        request.event_name,
        request.version,
        reason=request.change_reason,
        actor=caller.actor,
    )
    return pb.DeleteSchemaResponse()


async def check_enforcement(
    services: Services, caller: Caller, request: pb.CheckEnforcementRequest
) -> pb.CheckEnforcementResponse:
    hours = request.traffic_window_hours or HOURS_DEFAULT
    if not 1 <= hours <= TRAFFIC_HOURS_MAX:
        raise InvalidArgument(
            f"traffic_window_hours {hours} is out of range",
            field="traffic_window_hours",
            hint=f"1 to {TRAFFIC_HOURS_MAX}",
        )
    since = services.clock.now_us() - hours * HOUR_US
    checks = await services.schemas.report(caller.environment, request.event_name, since=since)
    return pb.CheckEnforcementResponse(
        mode=services.schemas.mode(caller.environment),
        schemas=[
            pb.SchemaCheck(
                event_name=check.row.event_name,
                version=check.row.version,
                schema_hash=hash_of(check.row),
                asserts=check.asserts,
                traffic=[pb.SchemaTraffic(version=v, count=count) for v, count in check.traffic.items()],
                traffic_truncated=check.traffic_truncated,
            )
            for check in checks
        ],
        traffic_window_hours=hours,
        total_schemas=len(checks),
    )


METHODS: dict[str, tuple[type[Message], Method]] = {
    "RegisterSchema": (pb.RegisterSchemaRequest, register_schema),
    "GetSchema": (pb.GetSchemaRequest, get_schema),
    "ListSchemas": (pb.ListSchemasRequest, list_schemas),
    "DeleteSchema": (pb.DeleteSchemaRequest, delete_schema),
    "CheckEnforcement": (pb.CheckEnforcementRequest, check_enforcement),
}


def _info(row: SchemaRow) -> pb.SchemaInfo:
    return pb.SchemaInfo(
        event_name=row.event_name,
        version=row.version,
        description=row.description,
        created_at=convert.timestamp(row.created_at),
        schema_json=row.schema,
        environment_id=row.environment,
    )
