import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ProjectionEventKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROJECTION_EVENT_KIND_UNSPECIFIED: _ClassVar[ProjectionEventKind]
    PROJECTION_EVENT_KIND_EVENT: _ClassVar[ProjectionEventKind]
    PROJECTION_EVENT_KIND_HEARTBEAT: _ClassVar[ProjectionEventKind]

class WaitStreamFrameKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WAIT_STREAM_FRAME_KIND_UNSPECIFIED: _ClassVar[WaitStreamFrameKind]
    WAIT_STREAM_FRAME_KIND_PROGRESS: _ClassVar[WaitStreamFrameKind]
    WAIT_STREAM_FRAME_KIND_HEARTBEAT: _ClassVar[WaitStreamFrameKind]
    WAIT_STREAM_FRAME_KIND_DONE: _ClassVar[WaitStreamFrameKind]
PROJECTION_EVENT_KIND_UNSPECIFIED: ProjectionEventKind
PROJECTION_EVENT_KIND_EVENT: ProjectionEventKind
PROJECTION_EVENT_KIND_HEARTBEAT: ProjectionEventKind
WAIT_STREAM_FRAME_KIND_UNSPECIFIED: WaitStreamFrameKind
WAIT_STREAM_FRAME_KIND_PROGRESS: WaitStreamFrameKind
WAIT_STREAM_FRAME_KIND_HEARTBEAT: WaitStreamFrameKind
WAIT_STREAM_FRAME_KIND_DONE: WaitStreamFrameKind

class RegisterProjectionRequest(_message.Message):
    __slots__ = ("name", "events", "partition_key", "version", "mode", "change_reason", "on_error", "initial_json", "rules", "description", "snapshot_every")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    PARTITION_KEY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    CHANGE_REASON_FIELD_NUMBER: _ClassVar[int]
    ON_ERROR_FIELD_NUMBER: _ClassVar[int]
    INITIAL_JSON_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_EVERY_FIELD_NUMBER: _ClassVar[int]
    name: str
    events: _containers.RepeatedScalarFieldContainer[str]
    partition_key: str
    version: int
    mode: str
    change_reason: str
    on_error: str
    initial_json: bytes
    rules: _containers.RepeatedCompositeFieldContainer[ProjectionRule]
    description: str
    snapshot_every: int
    def __init__(self, name: _Optional[str] = ..., events: _Optional[_Iterable[str]] = ..., partition_key: _Optional[str] = ..., version: _Optional[int] = ..., mode: _Optional[str] = ..., change_reason: _Optional[str] = ..., on_error: _Optional[str] = ..., initial_json: _Optional[bytes] = ..., rules: _Optional[_Iterable[_Union[ProjectionRule, _Mapping]]] = ..., description: _Optional[str] = ..., snapshot_every: _Optional[int] = ...) -> None: ...

class RegisterProjectionResponse(_message.Message):
    __slots__ = ("status", "last_event_seq", "generation")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_SEQ_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    status: str
    last_event_seq: int
    generation: int
    def __init__(self, status: _Optional[str] = ..., last_event_seq: _Optional[int] = ..., generation: _Optional[int] = ...) -> None: ...

class UnregisterProjectionRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class UnregisterProjectionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PollProjectionEventsRequest(_message.Message):
    __slots__ = ("name", "batch_size", "partition", "lease", "wait_ms", "accept_json")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_JSON_FIELD_NUMBER: _ClassVar[int]
    name: str
    batch_size: int
    partition: str
    lease: ProjectionLease
    wait_ms: int
    accept_json: bool
    def __init__(self, name: _Optional[str] = ..., batch_size: _Optional[int] = ..., partition: _Optional[str] = ..., lease: _Optional[_Union[ProjectionLease, _Mapping]] = ..., wait_ms: _Optional[int] = ..., accept_json: _Optional[bool] = ...) -> None: ...

class ProjectionEvent(_message.Message):
    __slots__ = ("id", "name", "data", "data_value", "seq", "timestamp", "source", "metadata", "kind", "data_json", "metadata_json", "version", "partition", "entity_type", "entity_id", "entity_version")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    DATA_VALUE_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DATA_JSON_FIELD_NUMBER: _ClassVar[int]
    METADATA_JSON_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    ENTITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    ENTITY_VERSION_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    data: _struct_pb2.Struct
    data_value: _struct_pb2.Value
    seq: int
    timestamp: _timestamp_pb2.Timestamp
    source: str
    metadata: _struct_pb2.Struct
    kind: ProjectionEventKind
    data_json: bytes
    metadata_json: bytes
    version: int
    partition: str
    entity_type: str
    entity_id: str
    entity_version: int
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., data_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., seq: _Optional[int] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., kind: _Optional[_Union[ProjectionEventKind, str]] = ..., data_json: _Optional[bytes] = ..., metadata_json: _Optional[bytes] = ..., version: _Optional[int] = ..., partition: _Optional[str] = ..., entity_type: _Optional[str] = ..., entity_id: _Optional[str] = ..., entity_version: _Optional[int] = ...) -> None: ...

class PollProjectionEventsResponse(_message.Message):
    __slots__ = ("events", "current_state", "current_state_value", "last_event_seq", "through", "status")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    CURRENT_STATE_FIELD_NUMBER: _ClassVar[int]
    CURRENT_STATE_VALUE_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_SEQ_FIELD_NUMBER: _ClassVar[int]
    THROUGH_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[ProjectionEvent]
    current_state: _struct_pb2.Struct
    current_state_value: _struct_pb2.Value
    last_event_seq: int
    through: int
    status: str
    def __init__(self, events: _Optional[_Iterable[_Union[ProjectionEvent, _Mapping]]] = ..., current_state: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., current_state_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., last_event_seq: _Optional[int] = ..., through: _Optional[int] = ..., status: _Optional[str] = ...) -> None: ...

class StreamProjectionEventsRequest(_message.Message):
    __slots__ = ("name", "batch_size", "partition", "accept_heartbeats", "lease")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_HEARTBEATS_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    name: str
    batch_size: int
    partition: str
    accept_heartbeats: bool
    lease: ProjectionLease
    def __init__(self, name: _Optional[str] = ..., batch_size: _Optional[int] = ..., partition: _Optional[str] = ..., accept_heartbeats: _Optional[bool] = ..., lease: _Optional[_Union[ProjectionLease, _Mapping]] = ...) -> None: ...

class SaveProjectionStateRequest(_message.Message):
    __slots__ = ("name", "partition_key", "state", "state_value", "last_event_id", "last_event_seq", "last_event_time", "lease", "partitions", "through")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARTITION_KEY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_VALUE_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    THROUGH_FIELD_NUMBER: _ClassVar[int]
    name: str
    partition_key: str
    state: _struct_pb2.Struct
    state_value: _struct_pb2.Value
    last_event_id: str
    last_event_seq: int
    last_event_time: _timestamp_pb2.Timestamp
    lease: ProjectionLease
    partitions: _containers.RepeatedCompositeFieldContainer[ProjectionPartition]
    through: int
    def __init__(self, name: _Optional[str] = ..., partition_key: _Optional[str] = ..., state: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., state_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., last_event_id: _Optional[str] = ..., last_event_seq: _Optional[int] = ..., last_event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., lease: _Optional[_Union[ProjectionLease, _Mapping]] = ..., partitions: _Optional[_Iterable[_Union[ProjectionPartition, _Mapping]]] = ..., through: _Optional[int] = ...) -> None: ...

class SaveProjectionStateResponse(_message.Message):
    __slots__ = ("ok",)
    OK_FIELD_NUMBER: _ClassVar[int]
    ok: bool
    def __init__(self, ok: _Optional[bool] = ...) -> None: ...

class AckProjectionEventsRequest(_message.Message):
    __slots__ = ("name", "last_event_id", "last_event_seq", "lease", "through")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_SEQ_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    THROUGH_FIELD_NUMBER: _ClassVar[int]
    name: str
    last_event_id: str
    last_event_seq: int
    lease: ProjectionLease
    through: int
    def __init__(self, name: _Optional[str] = ..., last_event_id: _Optional[str] = ..., last_event_seq: _Optional[int] = ..., lease: _Optional[_Union[ProjectionLease, _Mapping]] = ..., through: _Optional[int] = ...) -> None: ...

class AckProjectionEventsResponse(_message.Message):
    __slots__ = ("ok",)
    OK_FIELD_NUMBER: _ClassVar[int]
    ok: bool
    def __init__(self, ok: _Optional[bool] = ...) -> None: ...

class ProjectionLease(_message.Message):
    __slots__ = ("token", "epoch")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    token: str
    epoch: int
    def __init__(self, token: _Optional[str] = ..., epoch: _Optional[int] = ...) -> None: ...

class AcquireProjectionLeaseRequest(_message.Message):
    __slots__ = ("name", "version", "wait_ms")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    wait_ms: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., wait_ms: _Optional[int] = ...) -> None: ...

class AcquireProjectionLeaseResponse(_message.Message):
    __slots__ = ("granted", "lease", "ttl", "generation")
    GRANTED_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    granted: bool
    lease: ProjectionLease
    ttl: _duration_pb2.Duration
    generation: int
    def __init__(self, granted: _Optional[bool] = ..., lease: _Optional[_Union[ProjectionLease, _Mapping]] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., generation: _Optional[int] = ...) -> None: ...

class RenewProjectionLeaseRequest(_message.Message):
    __slots__ = ("name", "lease")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    name: str
    lease: ProjectionLease
    def __init__(self, name: _Optional[str] = ..., lease: _Optional[_Union[ProjectionLease, _Mapping]] = ...) -> None: ...

class RenewProjectionLeaseResponse(_message.Message):
    __slots__ = ("ttl",)
    TTL_FIELD_NUMBER: _ClassVar[int]
    ttl: _duration_pb2.Duration
    def __init__(self, ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ReleaseProjectionLeaseRequest(_message.Message):
    __slots__ = ("name", "lease")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    name: str
    lease: ProjectionLease
    def __init__(self, name: _Optional[str] = ..., lease: _Optional[_Union[ProjectionLease, _Mapping]] = ...) -> None: ...

class ReleaseProjectionLeaseResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetProjectionRequest(_message.Message):
    __slots__ = ("name", "partition", "as_of", "at", "generation", "accept_json")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    ACCEPT_JSON_FIELD_NUMBER: _ClassVar[int]
    name: str
    partition: str
    as_of: _timestamp_pb2.Timestamp
    at: str
    generation: int
    accept_json: bool
    def __init__(self, name: _Optional[str] = ..., partition: _Optional[str] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., at: _Optional[str] = ..., generation: _Optional[int] = ..., accept_json: _Optional[bool] = ...) -> None: ...

class GetProjectionResponse(_message.Message):
    __slots__ = ("name", "partition", "state", "state_value", "last_event_id", "last_event_time", "version", "mode", "registry", "state_last_event_seq", "state_updated_at", "state_environment_id", "state_json", "generation")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_VALUE_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    STATE_LAST_EVENT_SEQ_FIELD_NUMBER: _ClassVar[int]
    STATE_UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_ENVIRONMENT_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_JSON_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    name: str
    partition: str
    state: _struct_pb2.Struct
    state_value: _struct_pb2.Value
    last_event_id: str
    last_event_time: _timestamp_pb2.Timestamp
    version: int
    mode: str
    registry: ProjectionInfo
    state_last_event_seq: int
    state_updated_at: _timestamp_pb2.Timestamp
    state_environment_id: str
    state_json: bytes
    generation: int
    def __init__(self, name: _Optional[str] = ..., partition: _Optional[str] = ..., state: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., state_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., last_event_id: _Optional[str] = ..., last_event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version: _Optional[int] = ..., mode: _Optional[str] = ..., registry: _Optional[_Union[ProjectionInfo, _Mapping]] = ..., state_last_event_seq: _Optional[int] = ..., state_updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state_environment_id: _Optional[str] = ..., state_json: _Optional[bytes] = ..., generation: _Optional[int] = ...) -> None: ...

class ListProjectionsRequest(_message.Message):
    __slots__ = ("status", "mode", "limit", "offset")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    status: str
    mode: str
    limit: int
    offset: int
    def __init__(self, status: _Optional[str] = ..., mode: _Optional[str] = ..., limit: _Optional[int] = ..., offset: _Optional[int] = ...) -> None: ...

class ProjectionInfo(_message.Message):
    __slots__ = ("name", "mode", "status", "events", "partition_key", "version", "last_event_seq", "created_at", "updated_at", "environment_id", "error_message", "type", "sql_definition", "event_handlers", "description", "rebuild_target_seq", "rebuild_start_cursor", "rebuild_started_at", "version_full", "generation", "on_error", "initial_json", "rules")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    PARTITION_KEY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_SEQ_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SQL_DEFINITION_FIELD_NUMBER: _ClassVar[int]
    EVENT_HANDLERS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    REBUILD_TARGET_SEQ_FIELD_NUMBER: _ClassVar[int]
    REBUILD_START_CURSOR_FIELD_NUMBER: _ClassVar[int]
    REBUILD_STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    VERSION_FULL_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    ON_ERROR_FIELD_NUMBER: _ClassVar[int]
    INITIAL_JSON_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    name: str
    mode: str
    status: str
    events: _containers.RepeatedScalarFieldContainer[str]
    partition_key: str
    version: int
    last_event_seq: int
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    environment_id: str
    error_message: str
    type: str
    sql_definition: str
    event_handlers: _struct_pb2.Struct
    description: str
    rebuild_target_seq: int
    rebuild_start_cursor: int
    rebuild_started_at: _timestamp_pb2.Timestamp
    version_full: int
    generation: int
    on_error: str
    initial_json: bytes
    rules: _containers.RepeatedCompositeFieldContainer[ProjectionRule]
    def __init__(self, name: _Optional[str] = ..., mode: _Optional[str] = ..., status: _Optional[str] = ..., events: _Optional[_Iterable[str]] = ..., partition_key: _Optional[str] = ..., version: _Optional[int] = ..., last_event_seq: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., environment_id: _Optional[str] = ..., error_message: _Optional[str] = ..., type: _Optional[str] = ..., sql_definition: _Optional[str] = ..., event_handlers: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., description: _Optional[str] = ..., rebuild_target_seq: _Optional[int] = ..., rebuild_start_cursor: _Optional[int] = ..., rebuild_started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., version_full: _Optional[int] = ..., generation: _Optional[int] = ..., on_error: _Optional[str] = ..., initial_json: _Optional[bytes] = ..., rules: _Optional[_Iterable[_Union[ProjectionRule, _Mapping]]] = ...) -> None: ...

class ListProjectionsResponse(_message.Message):
    __slots__ = ("projections", "total_count")
    PROJECTIONS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    projections: _containers.RepeatedCompositeFieldContainer[ProjectionInfo]
    total_count: int
    def __init__(self, projections: _Optional[_Iterable[_Union[ProjectionInfo, _Mapping]]] = ..., total_count: _Optional[int] = ...) -> None: ...

class GetProjectionStatusRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetProjectionStatusResponse(_message.Message):
    __slots__ = ("name", "status", "mode", "last_event_seq", "lag", "error_message", "updated_at", "rebuild_target_seq", "rebuild_start_cursor", "rebuild_started_at", "error_event_id", "parked")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAG_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    REBUILD_TARGET_SEQ_FIELD_NUMBER: _ClassVar[int]
    REBUILD_START_CURSOR_FIELD_NUMBER: _ClassVar[int]
    REBUILD_STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    ERROR_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    PARKED_FIELD_NUMBER: _ClassVar[int]
    name: str
    status: str
    mode: str
    last_event_seq: int
    lag: int
    error_message: str
    updated_at: _timestamp_pb2.Timestamp
    rebuild_target_seq: int
    rebuild_start_cursor: int
    rebuild_started_at: _timestamp_pb2.Timestamp
    error_event_id: str
    parked: int
    def __init__(self, name: _Optional[str] = ..., status: _Optional[str] = ..., mode: _Optional[str] = ..., last_event_seq: _Optional[int] = ..., lag: _Optional[int] = ..., error_message: _Optional[str] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., rebuild_target_seq: _Optional[int] = ..., rebuild_start_cursor: _Optional[int] = ..., rebuild_started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., error_event_id: _Optional[str] = ..., parked: _Optional[int] = ...) -> None: ...

class RebuildProjectionRequest(_message.Message):
    __slots__ = ("name", "partition", "from_event_id", "dry_run", "to_event_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    FROM_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    TO_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    partition: str
    from_event_id: str
    dry_run: bool
    to_event_id: str
    def __init__(self, name: _Optional[str] = ..., partition: _Optional[str] = ..., from_event_id: _Optional[str] = ..., dry_run: _Optional[bool] = ..., to_event_id: _Optional[str] = ...) -> None: ...

class RebuildProjectionResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: RebuildJob
    def __init__(self, job: _Optional[_Union[RebuildJob, _Mapping]] = ...) -> None: ...

class RebuildJob(_message.Message):
    __slots__ = ("job_id", "projection_name", "status", "events_processed", "total_events", "progress", "started_at", "estimated_remaining", "error", "from_event_id", "to_event_id", "partition", "dry_run")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_PROCESSED_FIELD_NUMBER: _ClassVar[int]
    TOTAL_EVENTS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_REMAINING_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    FROM_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    TO_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    projection_name: str
    status: str
    events_processed: int
    total_events: int
    progress: float
    started_at: _timestamp_pb2.Timestamp
    estimated_remaining: _duration_pb2.Duration
    error: str
    from_event_id: str
    to_event_id: str
    partition: str
    dry_run: bool
    def __init__(self, job_id: _Optional[str] = ..., projection_name: _Optional[str] = ..., status: _Optional[str] = ..., events_processed: _Optional[int] = ..., total_events: _Optional[int] = ..., progress: _Optional[float] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., estimated_remaining: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., error: _Optional[str] = ..., from_event_id: _Optional[str] = ..., to_event_id: _Optional[str] = ..., partition: _Optional[str] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class GetRebuildJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetRebuildJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: RebuildJob
    def __init__(self, job: _Optional[_Union[RebuildJob, _Mapping]] = ...) -> None: ...

class CancelRebuildRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CancelRebuildResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: str
    def __init__(self, status: _Optional[str] = ...) -> None: ...

class PauseProjectionRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class PauseProjectionResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: str
    def __init__(self, status: _Optional[str] = ...) -> None: ...

class ResumeProjectionRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ResumeProjectionResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: str
    def __init__(self, status: _Optional[str] = ...) -> None: ...

class CreateSQLProjectionRequest(_message.Message):
    __slots__ = ("name", "table_sql", "event_handlers", "events", "description")
    class EventHandlersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    TABLE_SQL_FIELD_NUMBER: _ClassVar[int]
    EVENT_HANDLERS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    table_sql: str
    event_handlers: _containers.ScalarMap[str, str]
    events: _containers.RepeatedScalarFieldContainer[str]
    description: str
    def __init__(self, name: _Optional[str] = ..., table_sql: _Optional[str] = ..., event_handlers: _Optional[_Mapping[str, str]] = ..., events: _Optional[_Iterable[str]] = ..., description: _Optional[str] = ...) -> None: ...

class CreateSQLProjectionResponse(_message.Message):
    __slots__ = ("name", "status")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    name: str
    status: str
    def __init__(self, name: _Optional[str] = ..., status: _Optional[str] = ...) -> None: ...

class QuerySQLProjectionRequest(_message.Message):
    __slots__ = ("name", "where", "order_by", "limit", "offset", "at")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    name: str
    where: str
    order_by: str
    limit: int
    offset: int
    at: str
    def __init__(self, name: _Optional[str] = ..., where: _Optional[str] = ..., order_by: _Optional[str] = ..., limit: _Optional[int] = ..., offset: _Optional[int] = ..., at: _Optional[str] = ...) -> None: ...

class QuerySQLProjectionResponse(_message.Message):
    __slots__ = ("columns", "rows", "total_count")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedScalarFieldContainer[str]
    rows: _containers.RepeatedCompositeFieldContainer[QuerySQLRow]
    total_count: int
    def __init__(self, columns: _Optional[_Iterable[str]] = ..., rows: _Optional[_Iterable[_Union[QuerySQLRow, _Mapping]]] = ..., total_count: _Optional[int] = ...) -> None: ...

class QuerySQLRow(_message.Message):
    __slots__ = ("values", "typed_values")
    VALUES_FIELD_NUMBER: _ClassVar[int]
    TYPED_VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[str]
    typed_values: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Value]
    def __init__(self, values: _Optional[_Iterable[str]] = ..., typed_values: _Optional[_Iterable[_Union[_struct_pb2.Value, _Mapping]]] = ...) -> None: ...

class WaitProjectionCatchupRequest(_message.Message):
    __slots__ = ("name", "min_seq", "timeout", "partition")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MIN_SEQ_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    name: str
    min_seq: int
    timeout: _duration_pb2.Duration
    partition: str
    def __init__(self, name: _Optional[str] = ..., min_seq: _Optional[int] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., partition: _Optional[str] = ...) -> None: ...

class WaitProjectionCatchupResponse(_message.Message):
    __slots__ = ("caught_up", "timed_out", "current_seq", "target_seq", "behind_by_events", "rebuilding", "mode")
    CAUGHT_UP_FIELD_NUMBER: _ClassVar[int]
    TIMED_OUT_FIELD_NUMBER: _ClassVar[int]
    CURRENT_SEQ_FIELD_NUMBER: _ClassVar[int]
    TARGET_SEQ_FIELD_NUMBER: _ClassVar[int]
    BEHIND_BY_EVENTS_FIELD_NUMBER: _ClassVar[int]
    REBUILDING_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    caught_up: bool
    timed_out: bool
    current_seq: int
    target_seq: int
    behind_by_events: int
    rebuilding: bool
    mode: str
    def __init__(self, caught_up: _Optional[bool] = ..., timed_out: _Optional[bool] = ..., current_seq: _Optional[int] = ..., target_seq: _Optional[int] = ..., behind_by_events: _Optional[int] = ..., rebuilding: _Optional[bool] = ..., mode: _Optional[str] = ...) -> None: ...

class WaitItem(_message.Message):
    __slots__ = ("name", "min_seq", "partition")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MIN_SEQ_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    name: str
    min_seq: int
    partition: str
    def __init__(self, name: _Optional[str] = ..., min_seq: _Optional[int] = ..., partition: _Optional[str] = ...) -> None: ...

class WaitProjectionCatchupBatchRequest(_message.Message):
    __slots__ = ("items", "timeout")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[WaitItem]
    timeout: _duration_pb2.Duration
    def __init__(self, items: _Optional[_Iterable[_Union[WaitItem, _Mapping]]] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WaitItemResult(_message.Message):
    __slots__ = ("result", "error")
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    result: WaitProjectionCatchupResponse
    error: str
    def __init__(self, result: _Optional[_Union[WaitProjectionCatchupResponse, _Mapping]] = ..., error: _Optional[str] = ...) -> None: ...

class WaitProjectionCatchupBatchResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[WaitItemResult]
    def __init__(self, results: _Optional[_Iterable[_Union[WaitItemResult, _Mapping]]] = ...) -> None: ...

class WaitForEventRequest(_message.Message):
    __slots__ = ("event_id", "projection", "partition", "timeout")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECTION_FIELD_NUMBER: _ClassVar[int]
    PARTITION_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    projection: str
    partition: str
    timeout: _duration_pb2.Duration
    def __init__(self, event_id: _Optional[str] = ..., projection: _Optional[str] = ..., partition: _Optional[str] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WaitProjectionCatchupStreamResponse(_message.Message):
    __slots__ = ("kind", "current_seq", "target_seq", "behind_by_events", "caught_up", "timed_out", "error", "mode")
    KIND_FIELD_NUMBER: _ClassVar[int]
    CURRENT_SEQ_FIELD_NUMBER: _ClassVar[int]
    TARGET_SEQ_FIELD_NUMBER: _ClassVar[int]
    BEHIND_BY_EVENTS_FIELD_NUMBER: _ClassVar[int]
    CAUGHT_UP_FIELD_NUMBER: _ClassVar[int]
    TIMED_OUT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    kind: WaitStreamFrameKind
    current_seq: int
    target_seq: int
    behind_by_events: int
    caught_up: bool
    timed_out: bool
    error: str
    mode: str
    def __init__(self, kind: _Optional[_Union[WaitStreamFrameKind, str]] = ..., current_seq: _Optional[int] = ..., target_seq: _Optional[int] = ..., behind_by_events: _Optional[int] = ..., caught_up: _Optional[bool] = ..., timed_out: _Optional[bool] = ..., error: _Optional[str] = ..., mode: _Optional[str] = ...) -> None: ...

class ListProjectionHistoryRequest(_message.Message):
    __slots__ = ("name", "limit", "before_revision")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    BEFORE_REVISION_FIELD_NUMBER: _ClassVar[int]
    name: str
    limit: int
    before_revision: int
    def __init__(self, name: _Optional[str] = ..., limit: _Optional[int] = ..., before_revision: _Optional[int] = ...) -> None: ...

class ListProjectionHistoryResponse(_message.Message):
    __slots__ = ("entries", "has_more", "next_before_revision")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    NEXT_BEFORE_REVISION_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[ProjectionHistoryEntry]
    has_more: bool
    next_before_revision: int
    def __init__(self, entries: _Optional[_Iterable[_Union[ProjectionHistoryEntry, _Mapping]]] = ..., has_more: _Optional[bool] = ..., next_before_revision: _Optional[int] = ...) -> None: ...

class GetProjectionRevisionRequest(_message.Message):
    __slots__ = ("name", "revision")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    name: str
    revision: int
    def __init__(self, name: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class GetProjectionRevisionResponse(_message.Message):
    __slots__ = ("entry",)
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    entry: ProjectionHistoryEntry
    def __init__(self, entry: _Optional[_Union[ProjectionHistoryEntry, _Mapping]] = ...) -> None: ...

class ProjectionHistoryEntry(_message.Message):
    __slots__ = ("event_id", "revision", "previous_definition", "actor_id", "change_reason", "change_type", "recorded_at")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_DEFINITION_FIELD_NUMBER: _ClassVar[int]
    ACTOR_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_REASON_FIELD_NUMBER: _ClassVar[int]
    CHANGE_TYPE_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    revision: int
    previous_definition: ProjectionDefinition
    actor_id: str
    change_reason: str
    change_type: str
    recorded_at: _timestamp_pb2.Timestamp
    def __init__(self, event_id: _Optional[str] = ..., revision: _Optional[int] = ..., previous_definition: _Optional[_Union[ProjectionDefinition, _Mapping]] = ..., actor_id: _Optional[str] = ..., change_reason: _Optional[str] = ..., change_type: _Optional[str] = ..., recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ProjectionDefinition(_message.Message):
    __slots__ = ("name", "environment_id", "version", "events", "partition_key", "mode", "type", "sql_definition", "event_handlers", "description")
    class EventHandlersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    PARTITION_KEY_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SQL_DEFINITION_FIELD_NUMBER: _ClassVar[int]
    EVENT_HANDLERS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    environment_id: str
    version: int
    events: _containers.RepeatedScalarFieldContainer[str]
    partition_key: str
    mode: str
    type: str
    sql_definition: str
    event_handlers: _containers.ScalarMap[str, str]
    description: str
    def __init__(self, name: _Optional[str] = ..., environment_id: _Optional[str] = ..., version: _Optional[int] = ..., events: _Optional[_Iterable[str]] = ..., partition_key: _Optional[str] = ..., mode: _Optional[str] = ..., type: _Optional[str] = ..., sql_definition: _Optional[str] = ..., event_handlers: _Optional[_Mapping[str, str]] = ..., description: _Optional[str] = ...) -> None: ...

class LendProjectionReducerRequest(_message.Message):
    __slots__ = ("name", "version", "wait_ms", "fold_id", "state_json", "error")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    FOLD_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_JSON_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    wait_ms: int
    fold_id: str
    state_json: bytes
    error: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., wait_ms: _Optional[int] = ..., fold_id: _Optional[str] = ..., state_json: _Optional[bytes] = ..., error: _Optional[str] = ...) -> None: ...

class LendProjectionReducerResponse(_message.Message):
    __slots__ = ("fold_id", "state_json", "events", "skips")
    FOLD_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_JSON_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    SKIPS_FIELD_NUMBER: _ClassVar[int]
    fold_id: str
    state_json: bytes
    events: _containers.RepeatedCompositeFieldContainer[ProjectionEvent]
    skips: bool
    def __init__(self, fold_id: _Optional[str] = ..., state_json: _Optional[bytes] = ..., events: _Optional[_Iterable[_Union[ProjectionEvent, _Mapping]]] = ..., skips: _Optional[bool] = ...) -> None: ...

class ProjectionPartition(_message.Message):
    __slots__ = ("partition_key", "state_json", "last_event_id", "last_event_seq", "last_event_time", "events")
    PARTITION_KEY_FIELD_NUMBER: _ClassVar[int]
    STATE_JSON_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    partition_key: str
    state_json: bytes
    last_event_id: str
    last_event_seq: int
    last_event_time: _timestamp_pb2.Timestamp
    events: int
    def __init__(self, partition_key: _Optional[str] = ..., state_json: _Optional[bytes] = ..., last_event_id: _Optional[str] = ..., last_event_seq: _Optional[int] = ..., last_event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., events: _Optional[int] = ...) -> None: ...

class ProjectionRule(_message.Message):
    __slots__ = ("on", "when", "set", "remove")
    class SetEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ON_FIELD_NUMBER: _ClassVar[int]
    WHEN_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    REMOVE_FIELD_NUMBER: _ClassVar[int]
    on: str
    when: str
    set: _containers.ScalarMap[str, str]
    remove: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, on: _Optional[str] = ..., when: _Optional[str] = ..., set: _Optional[_Mapping[str, str]] = ..., remove: _Optional[_Iterable[str]] = ...) -> None: ...

class ReportProjectionErrorRequest(_message.Message):
    __slots__ = ("name", "lease", "event_id", "event_seq", "message")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_SEQ_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    name: str
    lease: ProjectionLease
    event_id: str
    event_seq: int
    message: str
    def __init__(self, name: _Optional[str] = ..., lease: _Optional[_Union[ProjectionLease, _Mapping]] = ..., event_id: _Optional[str] = ..., event_seq: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class ReportProjectionErrorResponse(_message.Message):
    __slots__ = ("skip",)
    SKIP_FIELD_NUMBER: _ClassVar[int]
    skip: bool
    def __init__(self, skip: _Optional[bool] = ...) -> None: ...

class PassProjectionEventRequest(_message.Message):
    __slots__ = ("name", "reason", "event_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    reason: str
    event_id: str
    def __init__(self, name: _Optional[str] = ..., reason: _Optional[str] = ..., event_id: _Optional[str] = ...) -> None: ...

class PassProjectionEventResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: str
    def __init__(self, status: _Optional[str] = ...) -> None: ...

class ListParkedProjectionEventsRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListParkedProjectionEventsResponse(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[ParkedProjectionEvent]
    def __init__(self, events: _Optional[_Iterable[_Union[ParkedProjectionEvent, _Mapping]]] = ...) -> None: ...

class ParkedProjectionEvent(_message.Message):
    __slots__ = ("event_id", "event_seq", "error", "reason", "actor", "parked_at")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_SEQ_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    PARKED_AT_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    event_seq: int
    error: str
    reason: str
    actor: str
    parked_at: _timestamp_pb2.Timestamp
    def __init__(self, event_id: _Optional[str] = ..., event_seq: _Optional[int] = ..., error: _Optional[str] = ..., reason: _Optional[str] = ..., actor: _Optional[str] = ..., parked_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RetryParkedProjectionEventsRequest(_message.Message):
    __slots__ = ("name", "reason", "event_ids")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EVENT_IDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    reason: str
    event_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., reason: _Optional[str] = ..., event_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class RetryParkedProjectionEventsResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: RebuildJob
    def __init__(self, job: _Optional[_Union[RebuildJob, _Mapping]] = ...) -> None: ...

class DiscardParkedProjectionEventsRequest(_message.Message):
    __slots__ = ("name", "reason", "event_ids")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EVENT_IDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    reason: str
    event_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., reason: _Optional[str] = ..., event_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class DiscardParkedProjectionEventsResponse(_message.Message):
    __slots__ = ("discarded",)
    DISCARDED_FIELD_NUMBER: _ClassVar[int]
    discarded: int
    def __init__(self, discarded: _Optional[int] = ...) -> None: ...
