import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TimeTravelStepSnapshot(_message.Message):
    __slots__ = ("step_id", "name", "type", "sequence", "status", "output", "error", "original_output", "started_at", "completed_at", "duration_ms", "injected", "patched")
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    INJECTED_FIELD_NUMBER: _ClassVar[int]
    PATCHED_FIELD_NUMBER: _ClassVar[int]
    step_id: str
    name: str
    type: str
    sequence: int
    status: str
    output: bytes
    error: bytes
    original_output: bytes
    started_at: _timestamp_pb2.Timestamp
    completed_at: _timestamp_pb2.Timestamp
    duration_ms: int
    injected: bool
    patched: bool
    def __init__(self, step_id: _Optional[str] = ..., name: _Optional[str] = ..., type: _Optional[str] = ..., sequence: _Optional[int] = ..., status: _Optional[str] = ..., output: _Optional[bytes] = ..., error: _Optional[bytes] = ..., original_output: _Optional[bytes] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., duration_ms: _Optional[int] = ..., injected: _Optional[bool] = ..., patched: _Optional[bool] = ...) -> None: ...

class TimeTravelRunStateSnapshot(_message.Message):
    __slots__ = ("run_id", "function_id", "status", "input", "steps", "timestamp", "created_at", "position")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    function_id: str
    status: str
    input: bytes
    steps: _containers.RepeatedCompositeFieldContainer[TimeTravelStepSnapshot]
    timestamp: _timestamp_pb2.Timestamp
    created_at: _timestamp_pb2.Timestamp
    position: int
    def __init__(self, run_id: _Optional[str] = ..., function_id: _Optional[str] = ..., status: _Optional[str] = ..., input: _Optional[bytes] = ..., steps: _Optional[_Iterable[_Union[TimeTravelStepSnapshot, _Mapping]]] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., position: _Optional[int] = ...) -> None: ...

class GetRunStateAtRequest(_message.Message):
    __slots__ = ("run_id", "timestamp")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    timestamp: _timestamp_pb2.Timestamp
    def __init__(self, run_id: _Optional[str] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetRunStateAtResponse(_message.Message):
    __slots__ = ("snapshot",)
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    snapshot: TimeTravelRunStateSnapshot
    def __init__(self, snapshot: _Optional[_Union[TimeTravelRunStateSnapshot, _Mapping]] = ...) -> None: ...

class GetRunTimelineRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class GetRunTimelineResponse(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[TimeTravelTimelineEvent]
    def __init__(self, events: _Optional[_Iterable[_Union[TimeTravelTimelineEvent, _Mapping]]] = ...) -> None: ...

class TimeTravelTimelineEvent(_message.Message):
    __slots__ = ("id", "event_type", "step_id", "step_name", "summary", "significant", "timestamp", "position")
    ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    STEP_NAME_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    SIGNIFICANT_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    id: str
    event_type: str
    step_id: str
    step_name: str
    summary: str
    significant: bool
    timestamp: _timestamp_pb2.Timestamp
    position: int
    def __init__(self, id: _Optional[str] = ..., event_type: _Optional[str] = ..., step_id: _Optional[str] = ..., step_name: _Optional[str] = ..., summary: _Optional[str] = ..., significant: _Optional[bool] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., position: _Optional[int] = ...) -> None: ...

class GetStepOutputAtRequest(_message.Message):
    __slots__ = ("run_id", "step_id", "timestamp")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    step_id: str
    timestamp: _timestamp_pb2.Timestamp
    def __init__(self, run_id: _Optional[str] = ..., step_id: _Optional[str] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetStepOutputAtResponse(_message.Message):
    __slots__ = ("step_id", "status", "output", "original_output", "patched", "injected")
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    PATCHED_FIELD_NUMBER: _ClassVar[int]
    INJECTED_FIELD_NUMBER: _ClassVar[int]
    step_id: str
    status: str
    output: bytes
    original_output: bytes
    patched: bool
    injected: bool
    def __init__(self, step_id: _Optional[str] = ..., status: _Optional[str] = ..., output: _Optional[bytes] = ..., original_output: _Optional[bytes] = ..., patched: _Optional[bool] = ..., injected: _Optional[bool] = ...) -> None: ...
