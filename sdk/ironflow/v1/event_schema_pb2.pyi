import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RegisterSchemaRequest(_message.Message):
    __slots__ = ("event_name", "version", "schema_json", "description", "change_reason")
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CHANGE_REASON_FIELD_NUMBER: _ClassVar[int]
    event_name: str
    version: int
    schema_json: str
    description: str
    change_reason: str
    def __init__(self, event_name: _Optional[str] = ..., version: _Optional[int] = ..., schema_json: _Optional[str] = ..., description: _Optional[str] = ..., change_reason: _Optional[str] = ...) -> None: ...

class RegisterSchemaResponse(_message.Message):
    __slots__ = ("status", "problems")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    status: str
    problems: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, status: _Optional[str] = ..., problems: _Optional[_Iterable[str]] = ...) -> None: ...

class GetSchemaRequest(_message.Message):
    __slots__ = ("event_name", "version")
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    event_name: str
    version: int
    def __init__(self, event_name: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class GetSchemaResponse(_message.Message):
    __slots__ = ("event_name", "version", "schema_json", "description", "created_at", "environment_id")
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_ID_FIELD_NUMBER: _ClassVar[int]
    event_name: str
    version: int
    schema_json: str
    description: str
    created_at: _timestamp_pb2.Timestamp
    environment_id: str
    def __init__(self, event_name: _Optional[str] = ..., version: _Optional[int] = ..., schema_json: _Optional[str] = ..., description: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., environment_id: _Optional[str] = ...) -> None: ...

class ListSchemasRequest(_message.Message):
    __slots__ = ("event_name", "limit", "offset")
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    event_name: str
    limit: int
    offset: int
    def __init__(self, event_name: _Optional[str] = ..., limit: _Optional[int] = ..., offset: _Optional[int] = ...) -> None: ...

class ListSchemasResponse(_message.Message):
    __slots__ = ("schemas", "total_count")
    SCHEMAS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    schemas: _containers.RepeatedCompositeFieldContainer[SchemaInfo]
    total_count: int
    def __init__(self, schemas: _Optional[_Iterable[_Union[SchemaInfo, _Mapping]]] = ..., total_count: _Optional[int] = ...) -> None: ...

class SchemaInfo(_message.Message):
    __slots__ = ("event_name", "version", "description", "created_at", "schema_json", "environment_id")
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_ID_FIELD_NUMBER: _ClassVar[int]
    event_name: str
    version: int
    description: str
    created_at: _timestamp_pb2.Timestamp
    schema_json: str
    environment_id: str
    def __init__(self, event_name: _Optional[str] = ..., version: _Optional[int] = ..., description: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., schema_json: _Optional[str] = ..., environment_id: _Optional[str] = ...) -> None: ...

class DeleteSchemaRequest(_message.Message):
    __slots__ = ("event_name", "version", "change_reason")
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CHANGE_REASON_FIELD_NUMBER: _ClassVar[int]
    event_name: str
    version: int
    change_reason: str
    def __init__(self, event_name: _Optional[str] = ..., version: _Optional[int] = ..., change_reason: _Optional[str] = ...) -> None: ...

class DeleteSchemaResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TestUpcastRequest(_message.Message):
    __slots__ = ("event_name", "from_version", "to_version", "data", "data_value")
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    FROM_VERSION_FIELD_NUMBER: _ClassVar[int]
    TO_VERSION_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    DATA_VALUE_FIELD_NUMBER: _ClassVar[int]
    event_name: str
    from_version: int
    to_version: int
    data: _struct_pb2.Struct
    data_value: _struct_pb2.Value
    def __init__(self, event_name: _Optional[str] = ..., from_version: _Optional[int] = ..., to_version: _Optional[int] = ..., data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., data_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class TestUpcastResponse(_message.Message):
    __slots__ = ("data", "data_value", "steps_applied")
    DATA_FIELD_NUMBER: _ClassVar[int]
    DATA_VALUE_FIELD_NUMBER: _ClassVar[int]
    STEPS_APPLIED_FIELD_NUMBER: _ClassVar[int]
    data: _struct_pb2.Struct
    data_value: _struct_pb2.Value
    steps_applied: _containers.RepeatedCompositeFieldContainer[UpcastStep]
    def __init__(self, data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., data_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., steps_applied: _Optional[_Iterable[_Union[UpcastStep, _Mapping]]] = ...) -> None: ...

class UpcastStep(_message.Message):
    __slots__ = ("from_version", "to_version", "description")
    FROM_VERSION_FIELD_NUMBER: _ClassVar[int]
    TO_VERSION_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    from_version: int
    to_version: int
    description: str
    def __init__(self, from_version: _Optional[int] = ..., to_version: _Optional[int] = ..., description: _Optional[str] = ...) -> None: ...

class CheckEnforcementRequest(_message.Message):
    __slots__ = ("event_name", "traffic_window_hours")
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    TRAFFIC_WINDOW_HOURS_FIELD_NUMBER: _ClassVar[int]
    event_name: str
    traffic_window_hours: int
    def __init__(self, event_name: _Optional[str] = ..., traffic_window_hours: _Optional[int] = ...) -> None: ...

class CheckEnforcementResponse(_message.Message):
    __slots__ = ("mode", "schemas", "traffic_window_hours", "total_schemas")
    MODE_FIELD_NUMBER: _ClassVar[int]
    SCHEMAS_FIELD_NUMBER: _ClassVar[int]
    TRAFFIC_WINDOW_HOURS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SCHEMAS_FIELD_NUMBER: _ClassVar[int]
    mode: str
    schemas: _containers.RepeatedCompositeFieldContainer[SchemaCheck]
    traffic_window_hours: int
    total_schemas: int
    def __init__(self, mode: _Optional[str] = ..., schemas: _Optional[_Iterable[_Union[SchemaCheck, _Mapping]]] = ..., traffic_window_hours: _Optional[int] = ..., total_schemas: _Optional[int] = ...) -> None: ...

class SchemaCheck(_message.Message):
    __slots__ = ("event_name", "schema_hash", "version", "asserts", "compile_error", "traffic", "traffic_truncated")
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_HASH_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ASSERTS_FIELD_NUMBER: _ClassVar[int]
    COMPILE_ERROR_FIELD_NUMBER: _ClassVar[int]
    TRAFFIC_FIELD_NUMBER: _ClassVar[int]
    TRAFFIC_TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    event_name: str
    schema_hash: str
    version: int
    asserts: bool
    compile_error: str
    traffic: _containers.RepeatedCompositeFieldContainer[SchemaTraffic]
    traffic_truncated: bool
    def __init__(self, event_name: _Optional[str] = ..., schema_hash: _Optional[str] = ..., version: _Optional[int] = ..., asserts: _Optional[bool] = ..., compile_error: _Optional[str] = ..., traffic: _Optional[_Iterable[_Union[SchemaTraffic, _Mapping]]] = ..., traffic_truncated: _Optional[bool] = ...) -> None: ...

class SchemaTraffic(_message.Message):
    __slots__ = ("version", "schema_hash", "count")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_HASH_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    version: int
    schema_hash: str
    count: int
    def __init__(self, version: _Optional[int] = ..., schema_hash: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class ListSchemaHistoryRequest(_message.Message):
    __slots__ = ("event_name", "version", "limit", "before_revision")
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    BEFORE_REVISION_FIELD_NUMBER: _ClassVar[int]
    event_name: str
    version: int
    limit: int
    before_revision: int
    def __init__(self, event_name: _Optional[str] = ..., version: _Optional[int] = ..., limit: _Optional[int] = ..., before_revision: _Optional[int] = ...) -> None: ...

class ListSchemaHistoryResponse(_message.Message):
    __slots__ = ("entries", "has_more", "next_before_revision")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    NEXT_BEFORE_REVISION_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[SchemaHistoryEntry]
    has_more: bool
    next_before_revision: int
    def __init__(self, entries: _Optional[_Iterable[_Union[SchemaHistoryEntry, _Mapping]]] = ..., has_more: _Optional[bool] = ..., next_before_revision: _Optional[int] = ...) -> None: ...

class GetSchemaRevisionRequest(_message.Message):
    __slots__ = ("event_name", "version", "revision")
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    event_name: str
    version: int
    revision: int
    def __init__(self, event_name: _Optional[str] = ..., version: _Optional[int] = ..., revision: _Optional[int] = ...) -> None: ...

class GetSchemaRevisionResponse(_message.Message):
    __slots__ = ("entry",)
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    entry: SchemaHistoryEntry
    def __init__(self, entry: _Optional[_Union[SchemaHistoryEntry, _Mapping]] = ...) -> None: ...

class SchemaHistoryEntry(_message.Message):
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
    previous_definition: SchemaDefinition
    actor_id: str
    change_reason: str
    change_type: str
    recorded_at: _timestamp_pb2.Timestamp
    def __init__(self, event_id: _Optional[str] = ..., revision: _Optional[int] = ..., previous_definition: _Optional[_Union[SchemaDefinition, _Mapping]] = ..., actor_id: _Optional[str] = ..., change_reason: _Optional[str] = ..., change_type: _Optional[str] = ..., recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SchemaDefinition(_message.Message):
    __slots__ = ("event_name", "environment_id", "version", "schema_json", "description")
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    event_name: str
    environment_id: str
    version: int
    schema_json: str
    description: str
    def __init__(self, event_name: _Optional[str] = ..., environment_id: _Optional[str] = ..., version: _Optional[int] = ..., schema_json: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...
