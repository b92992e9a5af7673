"""EntityStreamService's unary methods, each once: Connect and gRPC both call these."""

from __future__ import annotations

import msgspec
from google.protobuf.message import Message

from app.api.caller import Caller
from app.api.services import Services
from app.api.shapes.streams import DELETED
from app.entities.reading import LIMIT_DEFAULT, LIMIT_MAX, Key, Told
from app.entities.streams import ANY, Append
from app.errors import InvalidArgument
from app.events.new_event import NewEvent
from app.history.entry import Entry
from app.history.kinds import EventEmitted
from app.history.kinds.entity import entity_of
from app.rpc import convert, structs
from app.rpc.methods import Method
from app.runs.reading import RunRecord
from ironflow.v1 import entity_stream_pb2 as pb
from storage import history
from storage.records import EntityRow

INT32_MAX = 2**31 - 1


async def append_event(services: Services, caller: Caller, request: pb.AppendEventRequest) -> pb.AppendEventResponse:
    event = NewEvent(
        environment=caller.environment,
        name=request.event_name,
        data=convert.payload(request, "data"),
        metadata=convert.metadata(request),
        version=request.version or 1,
        source="sdk",
        actor=caller.actor,
        run_id=caller.run_id,
    )
    append = Append(request.entity_type, request.entity_id, (event,), request.expected_version)
    appended = await services.streams.append(caller.environment, [append], idempotency_key=request.idempotency_key)
    [part] = appended.parts
    return pb.AppendEventResponse(
        entity_version=part.version,
        event_id=part.event_ids[0],
        run_ids=appended.run_ids,
        duplicate=appended.duplicate,
    )


async def read_stream(services: Services, caller: Caller, request: pb.ReadStreamRequest) -> pb.ReadStreamResponse:
    page = await services.entities.read(
        _key(caller, request.entity_id, request.entity_type, request.at),
        from_version=request.from_version,
        limit=limit_of(request.limit, LIMIT_MAX),
        direction=request.direction or "forward",
    )
    about_entity(caller, page.info)
    events = [_event(entry) for entry in page.entries]
    return pb.ReadStreamResponse(events=events, total_count=min(page.info.version, INT32_MAX))


async def get_stream_info(
    services: Services, caller: Caller, request: pb.GetStreamInfoRequest
) -> pb.GetStreamInfoResponse:
    key = _key(caller, request.entity_id, request.entity_type, request.at)
    found = await services.entities.info(key)
    about_entity(caller, found)
    return _info(found)


async def list_streams(services: Services, caller: Caller, request: pb.ListStreamsRequest) -> pb.ListStreamsResponse:
    if request.offset < 0:
        raise InvalidArgument(f"offset {request.offset} is out of range", field="offset", hint="0 or more")
    page = await services.entities.list(
        caller.environment,
        type=request.entity_type,
        search=request.search,
        include_deleted=request.include_deleted,
        limit=limit_of(request.limit, LIMIT_DEFAULT),
        cursor=request.cursor,
        offset=request.offset,
    )
    return pb.ListStreamsResponse(streams=map(_info, page.rows), total_count=page.total, next_cursor=page.next_cursor)


async def get_entity_history(
    services: Services, caller: Caller, request: pb.GetEntityHistoryRequest
) -> pb.GetEntityHistoryResponse:
    page, told = await services.entities.history(
        _key(caller, request.entity_id, request.entity_type, request.at),
        from_version=request.from_version,
        limit=limit_of(request.limit, LIMIT_DEFAULT),
        direction=request.direction or "forward",
    )
    about_entity(caller, page.info)
    since = convert.instant(request, "from_timestamp", 0)
    until = convert.instant(request, "to_timestamp", history.END)
    info = page.info
    return pb.GetEntityHistoryResponse(
        entries=[_told(one) for one in told if since <= one.entry.recorded_at <= until],
        next_cursor=page.next_version,
        total_events=info.version,
        info=pb.EntityHistoryInfo(
            entity_id=info.id,
            entity_type=info.type,
            current_version=info.version,
            total_event_count=info.event_count,
            created_at=convert.timestamp(info.created_at),
            updated_at=convert.timestamp(info.updated_at),
        ),
    )


async def create_snapshot(
    services: Services, caller: Caller, request: pb.CreateSnapshotRequest
) -> pb.CreateSnapshotResponse:
    found = await services.entities.info(_key(caller, request.entity_id, request.entity_type))
    about_entity(caller, found)
    row = await services.snapshots.save(
        caller.environment,
        found.type,
        found.id,
        version=request.entity_version,
        state=convert.payload(request, "state"),
    )
    return pb.CreateSnapshotResponse(snapshot_id=row.snapshot_id)


async def get_snapshot(services: Services, caller: Caller, request: pb.GetSnapshotRequest) -> pb.GetSnapshotResponse:
    if request.before_version < 0:
        raise InvalidArgument("before_version is out of range", field="before_version", hint="1 or more; 0 is any")
    found = await services.entities.info(_key(caller, request.entity_id, request.entity_type))
    about_entity(caller, found)
    row = await services.snapshots.newest(
        caller.environment, found.type, found.id, version=request.before_version or history.END
    )
    message = pb.GetSnapshotResponse(
        snapshot_id=row.snapshot_id,
        entity_id=row.id,
        entity_type=row.type,
        entity_version=row.version,
        created_at=convert.timestamp(row.created_at),
    )
    convert.put(message, "state", msgspec.Raw(row.state.encode()))
    return message


async def delete_stream(services: Services, caller: Caller, request: pb.DeleteStreamRequest) -> pb.DeleteStreamResponse:
    found = await services.entities.info(_key(caller, request.entity_id, request.entity_type))
    about_entity(caller, found)
    version = await services.streams.delete(
        caller.environment,
        found.type,
        found.id,
        expected=request.expected_version if request.HasField("expected_version") else ANY,
        reason=request.reason,
        purge=request.purge,
        actor=caller.actor,
    )
    return pb.DeleteStreamResponse(entity_version=version)


METHODS: dict[str, tuple[type[Message], Method]] = {
    "AppendEvent": (pb.AppendEventRequest, append_event),
    "ReadStream": (pb.ReadStreamRequest, read_stream),
    "GetStreamInfo": (pb.GetStreamInfoRequest, get_stream_info),
    "ListStreams": (pb.ListStreamsRequest, list_streams),
    "GetEntityHistory": (pb.GetEntityHistoryRequest, get_entity_history),
    "CreateSnapshot": (pb.CreateSnapshotRequest, create_snapshot),
    "GetSnapshot": (pb.GetSnapshotRequest, get_snapshot),
    "DeleteStream": (pb.DeleteStreamRequest, delete_stream),
}


def about_entity(caller: Caller, found: EntityRow) -> None:
    """Returns if the caller may do what it was admitted for to the entity, which its id alone may have named. Raises
    PermissionDenied."""
    caller.about(f"entity/{found.type}/{found.id}")


def _key(caller: Caller, entity_id: str, entity_type: str, at: int = 0) -> Key:
    if at < 0:
        raise InvalidArgument(f"at {at} is out of range", field="at", hint="a position; 0 is now")
    return Key(caller.environment, entity_id, entity_type, at or history.END)


def limit_of(limit: int, default: int) -> int:
    """0 is the default; more than can be had at once is that much."""
    return min(limit, LIMIT_MAX) or default


def _info(row: EntityRow) -> pb.GetStreamInfoResponse:
    return pb.GetStreamInfoResponse(
        entity_id=row.id,
        entity_type=row.type,
        version=row.version,
        event_count=row.event_count,
        created_at=convert.timestamp(row.created_at),
        updated_at=convert.timestamp(row.updated_at),
        deleted=row.deleted_at is not None,
    )


def _event(entry: Entry) -> pb.StreamEvent:
    message = event_head(entry)
    if isinstance(entry.fact, EventEmitted):
        convert.put(message, "data", entry.fact.data)
        structs.fill(message.metadata, msgspec.json.decode(entry.metadata))
    return message


def event_head(entry: Entry) -> pb.StreamEvent:
    """An event without its data and metadata."""
    type, id = entity_of(entry.stream) or ("", "")
    at = convert.timestamp(entry.recorded_at)
    message = pb.StreamEvent(
        name=DELETED,
        source="system",
        entity_version=entry.version,
        version=1,
        timestamp=at,
        created_at=at,
        environment_id=entry.environment,
        processed=True,
        entity_id=id,
        entity_type=type,
        nats_seq=entry.position,
        emitted_by=entry.actor,
    )
    fact = entry.fact
    if isinstance(fact, EventEmitted):
        message.id, message.name, message.source, message.version = fact.id, fact.name, fact.source, fact.version
        message.idempotency_key, message.run_id = fact.idempotency_key, fact.run_id
    return message


def _told(told: Told) -> pb.EntityHistoryEntry:
    entry = told.entry
    message = pb.EntityHistoryEntry(
        event_name=DELETED,
        entity_version=entry.version,
        schema_version=1,
        source="system",
        timestamp=convert.timestamp(entry.recorded_at),
        runs=map(_run, told.runs),
    )
    fact = entry.fact
    if isinstance(fact, EventEmitted):
        message.event_id, message.event_name = fact.id, fact.name
        message.source, message.schema_version = fact.source, fact.version
        convert.put(message, "event_data", fact.data)
    return message


def _run(record: RunRecord) -> pb.EntityHistoryRun:
    state = record.state
    message = pb.EntityHistoryRun(run_id=state.id, function_id=state.function_id, status=state.status)
    if state.started_at:
        message.started_at.FromMicroseconds(state.started_at)
    if state.ended_at:
        message.ended_at.FromMicroseconds(state.ended_at)
        message.duration_ms_full = (state.ended_at - state.created_at) // 1_000
        message.duration_ms = min(message.duration_ms_full, INT32_MAX)
    for step in record.steps.values():
        message.steps.add(
            step_id=step.step_id,
            name=step.name,
            step_type=step.type,
            status=step.status,
            duration_ms=min(step.duration_ms, INT32_MAX),
            duration_ms_full=step.duration_ms,
            error_message=step.error.message if step.error else "",
        )
    return message
