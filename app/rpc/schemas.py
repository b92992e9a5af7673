"""EventSchemaService's unary methods, each once: Connect and gRPC both call these."""

from __future__ import annotations

import msgspec
from google.protobuf.message import Message

from app.api.caller import Caller
from app.api.schemas import HOUR_US
from app.api.services import Services
from app.api.shapes.schemas import HOURS_DEFAULT
from app.errors import InvalidArgument
from app.events.schema_revisions import Revision
from app.events.schemas import TRAFFIC_HOURS_MAX, hash_of
from app.rpc import convert
from app.rpc.methods import Method
from ironflow.v1 import event_schema_pb2 as pb
from storage.records import SchemaRow

LIMIT_MAX = 1_000
HISTORY_LIMIT = 100


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


async def test_upcast(services: Services, caller: Caller, request: pb.TestUpcastRequest) -> pb.TestUpcastResponse:
    data = convert.payload(request, "data")
    services.schemas.try_upcast(
        caller.environment,
        request.event_name,
        request.from_version or 1,
        request.to_version,
        msgspec.json.decode(data),
    )
    response = pb.TestUpcastResponse()
    convert.put(response, "data", msgspec.Raw(data))
    return response


async def list_history(
    services: Services, caller: Caller, request: pb.ListSchemaHistoryRequest
) -> pb.ListSchemaHistoryResponse:
    if request.limit < 0 or request.before_revision < 0:
        raise InvalidArgument("limit and before_revision must not be negative", field="limit", hint="1 or more")
    limit = min(request.limit or HISTORY_LIMIT, LIMIT_MAX)
    found = await services.schemas.revisions.list(
        caller.environment, request.event_name, request.version, before=request.before_revision, limit=limit + 1
    )
    page, has_more = found[:limit], len(found) > limit
    return pb.ListSchemaHistoryResponse(
        entries=[_revision(caller, one) for one in page],
        has_more=has_more,
        next_before_revision=page[-1].number if has_more else 0,
    )


async def get_revision(
    services: Services, caller: Caller, request: pb.GetSchemaRevisionRequest
) -> pb.GetSchemaRevisionResponse:
    found = await services.schemas.revisions.get(
        caller.environment, request.event_name, request.version, request.revision
    )
    return pb.GetSchemaRevisionResponse(entry=_revision(caller, found))


METHODS: dict[str, tuple[type[Message], Method]] = {
    "RegisterSchema": (pb.RegisterSchemaRequest, register_schema),
    "GetSchema": (pb.GetSchemaRequest, get_schema),
    "ListSchemas": (pb.ListSchemasRequest, list_schemas),
    "DeleteSchema": (pb.DeleteSchemaRequest, delete_schema),
    "TestUpcast": (pb.TestUpcastRequest, test_upcast),
    "ListSchemaHistory": (pb.ListSchemaHistoryRequest, list_history),
    "GetSchemaRevision": (pb.GetSchemaRevisionRequest, get_revision),
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


def _revision(caller: Caller, revision: Revision) -> pb.SchemaHistoryEntry:
    entry, before = revision.entry, revision.before
    message = pb.SchemaHistoryEntry(
        event_id=f"sys_{entry.position}",
        revision=revision.number,
        actor_id=entry.actor,
        change_reason=revision.reason,
        change_type=revision.change,
        recorded_at=convert.timestamp(entry.recorded_at),
    )
    if before is not None:
        definition = pb.SchemaDefinition(
            event_name=before.event_name,
            environment_id=caller.environment,
            version=before.version,
            schema_json=before.schema,
            description=before.description,
        )
        message.previous_definition.CopyFrom(definition)
    return message
