import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AppendEventRequest(_message.Message):
    __slots__ = ("entity_id", "entity_type", "event_name", "data", "data_value", "expected_version", "idempotency_key", "version", "metadata")
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    ENTITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    DATA_VALUE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    entity_id: str
    entity_type: str
    event_name: str
    data: _struct_pb2.Struct
    data_value: _struct_pb2.Value
    expected_version: int
    idempotency_key: str
    version: int
    metadata: _struct_pb2.Struct
    def __init__(self, entity_id: _Optional[str] = ..., entity_type: _Optional[str] = ..., event_name: _Optional[str] = ..., data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., data_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., expected_version: _Optional[int] = ..., idempotency_key: _Optional[str] = ..., version: _Optional[int] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class AppendEventResponse(_message.Message):
    __slots__ = ("entity_version", "event_id", "sequence", "run_ids", "duplicate")
    ENTITY_VERSION_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    RUN_IDS_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    entity_version: int
    event_id: str
    sequence: int
    run_ids: _containers.RepeatedScalarFieldContainer[str]
    duplicate: bool
    def __init__(self, entity_version: _Optional[int] = ..., event_id: _Optional[str] = ..., sequence: _Optional[int] = ..., run_ids: _Optional[_Iterable[str]] = ..., duplicate: _Optional[bool] = ...) -> None: ...

class ReadStreamRequest(_message.Message):
    __slots__ = ("entity_id", "from_version", "limit", "direction", "entity_type", "at")
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_VERSION_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    ENTITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    entity_id: str
    from_version: int
    limit: int
    direction: str
    entity_type: str
    at: int
    def __init__(self, entity_id: _Optional[str] = ..., from_version: _Optional[int] = ..., limit: _Optional[int] = ..., direction: _Optional[str] = ..., entity_type: _Optional[str] = ..., at: _Optional[int] = ...) -> None: ...

class ReadStreamResponse(_message.Message):
    __slots__ = ("events", "total_count")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[StreamEvent]
    total_count: int
    def __init__(self, events: _Optional[_Iterable[_Union[StreamEvent, _Mapping]]] = ..., total_count: _Optional[int] = ...) -> None: ...

class StreamEvent(_message.Message):
    __slots__ = ("id", "name", "data", "data_value", "entity_version", "version", "timestamp", "source", "metadata", "environment_id", "idempotency_key", "processed", "run_id", "webhook_source_id", "schema_hash", "created_at", "entity_id", "entity_type", "nats_seq", "emitted_by")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    DATA_VALUE_FIELD_NUMBER: _ClassVar[int]
    ENTITY_VERSION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    PROCESSED_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_HASH_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    ENTITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    NATS_SEQ_FIELD_NUMBER: _ClassVar[int]
    EMITTED_BY_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    data: _struct_pb2.Struct
    data_value: _struct_pb2.Value
    entity_version: int
    version: int
    timestamp: _timestamp_pb2.Timestamp
    source: str
    metadata: _struct_pb2.Struct
    environment_id: str
    idempotency_key: str
    processed: bool
    run_id: str
    webhook_source_id: str
    schema_hash: str
    created_at: _timestamp_pb2.Timestamp
    entity_id: str
    entity_type: str
    nats_seq: int
    emitted_by: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., data_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., entity_version: _Optional[int] = ..., version: _Optional[int] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., environment_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., processed: _Optional[bool] = ..., run_id: _Optional[str] = ..., webhook_source_id: _Optional[str] = ..., schema_hash: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., entity_id: _Optional[str] = ..., entity_type: _Optional[str] = ..., nats_seq: _Optional[int] = ..., emitted_by: _Optional[str] = ...) -> None: ...

class GetStreamInfoRequest(_message.Message):
    __slots__ = ("entity_id", "entity_type", "at")
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    ENTITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    entity_id: str
    entity_type: str
    at: int
    def __init__(self, entity_id: _Optional[str] = ..., entity_type: _Optional[str] = ..., at: _Optional[int] = ...) -> None: ...

class GetStreamInfoResponse(_message.Message):
    __slots__ = ("entity_id", "entity_type", "version", "event_count", "created_at", "updated_at", "deleted")
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    ENTITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    EVENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    entity_id: str
    entity_type: str
    version: int
    event_count: int
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    deleted: bool
    def __init__(self, entity_id: _Optional[str] = ..., entity_type: _Optional[str] = ..., version: _Optional[int] = ..., event_count: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., deleted: _Optional[bool] = ...) -> None: ...

class ListStreamsRequest(_message.Message):
    __slots__ = ("entity_type", "limit", "offset", "search", "include_deleted", "cursor")
    ENTITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_DELETED_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    entity_type: str
    limit: int
    offset: int
    search: str
    include_deleted: bool
    cursor: str
    def __init__(self, entity_type: _Optional[str] = ..., limit: _Optional[int] = ..., offset: _Optional[int] = ..., search: _Optional[str] = ..., include_deleted: _Optional[bool] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListStreamsResponse(_message.Message):
    __slots__ = ("streams", "total_count", "next_cursor")
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    streams: _containers.RepeatedCompositeFieldContainer[GetStreamInfoResponse]
    total_count: int
    next_cursor: str
    def __init__(self, streams: _Optional[_Iterable[_Union[GetStreamInfoResponse, _Mapping]]] = ..., total_count: _Optional[int] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class GetEntityHistoryRequest(_message.Message):
    __slots__ = ("entity_id", "from_version", "limit", "direction", "from_timestamp", "to_timestamp", "entity_type", "at")
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_VERSION_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    FROM_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    TO_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    ENTITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    entity_id: str
    from_version: int
    limit: int
    direction: str
    from_timestamp: _timestamp_pb2.Timestamp
    to_timestamp: _timestamp_pb2.Timestamp
    entity_type: str
    at: int
    def __init__(self, entity_id: _Optional[str] = ..., from_version: _Optional[int] = ..., limit: _Optional[int] = ..., direction: _Optional[str] = ..., from_timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., to_timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., entity_type: _Optional[str] = ..., at: _Optional[int] = ...) -> None: ...

class GetEntityHistoryResponse(_message.Message):
    __slots__ = ("entries", "next_cursor", "total_events", "info")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_EVENTS_FIELD_NUMBER: _ClassVar[int]
    INFO_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[EntityHistoryEntry]
    next_cursor: int
    total_events: int
    info: EntityHistoryInfo
    def __init__(self, entries: _Optional[_Iterable[_Union[EntityHistoryEntry, _Mapping]]] = ..., next_cursor: _Optional[int] = ..., total_events: _Optional[int] = ..., info: _Optional[_Union[EntityHistoryInfo, _Mapping]] = ...) -> None: ...

class EntityHistoryInfo(_message.Message):
    __slots__ = ("entity_id", "entity_type", "current_version", "total_event_count", "created_at", "updated_at")
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    ENTITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    CURRENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    TOTAL_EVENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    entity_id: str
    entity_type: str
    current_version: int
    total_event_count: int
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, entity_id: _Optional[str] = ..., entity_type: _Optional[str] = ..., current_version: _Optional[int] = ..., total_event_count: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class EntityHistoryEntry(_message.Message):
    __slots__ = ("event_id", "event_name", "event_data", "event_data_value", "entity_version", "schema_version", "source", "timestamp", "runs")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    EVENT_DATA_FIELD_NUMBER: _ClassVar[int]
    EVENT_DATA_VALUE_FIELD_NUMBER: _ClassVar[int]
    ENTITY_VERSION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    event_name: str
    event_data: _struct_pb2.Struct
    event_data_value: _struct_pb2.Value
    entity_version: int
    schema_version: int
    source: str
    timestamp: _timestamp_pb2.Timestamp
    runs: _containers.RepeatedCompositeFieldContainer[EntityHistoryRun]
    def __init__(self, event_id: _Optional[str] = ..., event_name: _Optional[str] = ..., event_data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., event_data_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., entity_version: _Optional[int] = ..., schema_version: _Optional[int] = ..., source: _Optional[str] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., runs: _Optional[_Iterable[_Union[EntityHistoryRun, _Mapping]]] = ...) -> None: ...

class EntityHistoryRun(_message.Message):
    __slots__ = ("run_id", "function_id", "status", "duration_ms", "started_at", "ended_at", "steps", "duration_ms_full")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FULL_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    function_id: str
    status: str
    duration_ms: int
    started_at: _timestamp_pb2.Timestamp
    ended_at: _timestamp_pb2.Timestamp
    steps: _containers.RepeatedCompositeFieldContainer[EntityHistoryStep]
    duration_ms_full: int
    def __init__(self, run_id: _Optional[str] = ..., function_id: _Optional[str] = ..., status: _Optional[str] = ..., duration_ms: _Optional[int] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., steps: _Optional[_Iterable[_Union[EntityHistoryStep, _Mapping]]] = ..., duration_ms_full: _Optional[int] = ...) -> None: ...

class EntityHistoryStep(_message.Message):
    __slots__ = ("step_id", "name", "step_type", "status", "duration_ms", "error_message", "duration_ms_full")
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STEP_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FULL_FIELD_NUMBER: _ClassVar[int]
    step_id: str
    name: str
    step_type: str
    status: str
    duration_ms: int
    error_message: str
    duration_ms_full: int
    def __init__(self, step_id: _Optional[str] = ..., name: _Optional[str] = ..., step_type: _Optional[str] = ..., status: _Optional[str] = ..., duration_ms: _Optional[int] = ..., error_message: _Optional[str] = ..., duration_ms_full: _Optional[int] = ...) -> None: ...

class CreateSnapshotRequest(_message.Message):
    __slots__ = ("entity_id", "entity_type", "entity_version", "state", "state_value")
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    ENTITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    ENTITY_VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_VALUE_FIELD_NUMBER: _ClassVar[int]
    entity_id: str
    entity_type: str
    entity_version: int
    state: _struct_pb2.Struct
    state_value: _struct_pb2.Value
    def __init__(self, entity_id: _Optional[str] = ..., entity_type: _Optional[str] = ..., entity_version: _Optional[int] = ..., state: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., state_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class CreateSnapshotResponse(_message.Message):
    __slots__ = ("snapshot_id",)
    SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    snapshot_id: str
    def __init__(self, snapshot_id: _Optional[str] = ...) -> None: ...

class GetSnapshotRequest(_message.Message):
    __slots__ = ("entity_id", "before_version", "entity_type")
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    BEFORE_VERSION_FIELD_NUMBER: _ClassVar[int]
    ENTITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    entity_id: str
    before_version: int
    entity_type: str
    def __init__(self, entity_id: _Optional[str] = ..., before_version: _Optional[int] = ..., entity_type: _Optional[str] = ...) -> None: ...

class GetSnapshotResponse(_message.Message):
    __slots__ = ("snapshot_id", "entity_id", "entity_type", "entity_version", "state", "state_value", "created_at")
    SNAPSHOT_ID_FIELD_NUMBER: _ClassVar[int]
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    ENTITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    ENTITY_VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_VALUE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    snapshot_id: str
    entity_id: str
    entity_type: str
    entity_version: int
    state: _struct_pb2.Struct
    state_value: _struct_pb2.Value
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, snapshot_id: _Optional[str] = ..., entity_id: _Optional[str] = ..., entity_type: _Optional[str] = ..., entity_version: _Optional[int] = ..., state: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., state_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DeleteStreamRequest(_message.Message):
    __slots__ = ("entity_id", "purge", "entity_type", "expected_version", "reason")
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    PURGE_FIELD_NUMBER: _ClassVar[int]
    ENTITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    entity_id: str
    purge: bool
    entity_type: str
    expected_version: int
    reason: str
    def __init__(self, entity_id: _Optional[str] = ..., purge: _Optional[bool] = ..., entity_type: _Optional[str] = ..., expected_version: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class DeleteStreamResponse(_message.Message):
    __slots__ = ("entity_version",)
    ENTITY_VERSION_FIELD_NUMBER: _ClassVar[int]
    entity_version: int
    def __init__(self, entity_version: _Optional[int] = ...) -> None: ...
