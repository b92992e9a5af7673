import datetime

from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from ironflow.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RegisterFunctionRequest(_message.Message):
    __slots__ = ("id", "name", "description", "triggers", "retry", "timeout_ms", "concurrency", "preferred_mode", "endpoint_url", "actor_key", "secrets", "recording", "recording_profile", "metadata", "change_reason", "debounce", "cancel_on", "circuit_breaker", "throttle", "rate_limit", "batch", "singleton", "priority", "idempotency", "on_failure", "delay_ms", "step_timeout_ms", "tags")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TRIGGERS_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    PREFERRED_MODE_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_URL_FIELD_NUMBER: _ClassVar[int]
    ACTOR_KEY_FIELD_NUMBER: _ClassVar[int]
    SECRETS_FIELD_NUMBER: _ClassVar[int]
    RECORDING_FIELD_NUMBER: _ClassVar[int]
    RECORDING_PROFILE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    CHANGE_REASON_FIELD_NUMBER: _ClassVar[int]
    DEBOUNCE_FIELD_NUMBER: _ClassVar[int]
    CANCEL_ON_FIELD_NUMBER: _ClassVar[int]
    CIRCUIT_BREAKER_FIELD_NUMBER: _ClassVar[int]
    THROTTLE_FIELD_NUMBER: _ClassVar[int]
    RATE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    SINGLETON_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_FIELD_NUMBER: _ClassVar[int]
    ON_FAILURE_FIELD_NUMBER: _ClassVar[int]
    DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    STEP_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    description: str
    triggers: _containers.RepeatedCompositeFieldContainer[_types_pb2.Trigger]
    retry: _types_pb2.RetryConfig
    timeout_ms: int
    concurrency: _types_pb2.ConcurrencyConfig
    preferred_mode: _types_pb2.ExecutionMode
    endpoint_url: str
    actor_key: str
    secrets: _containers.RepeatedScalarFieldContainer[str]
    recording: bool
    recording_profile: str
    metadata: _struct_pb2.Struct
    change_reason: str
    debounce: _types_pb2.DebounceConfig
    cancel_on: _containers.RepeatedCompositeFieldContainer[_types_pb2.CancelOnSpec]
    circuit_breaker: _types_pb2.CircuitBreakerConfig
    throttle: _types_pb2.ThrottleConfig
    rate_limit: _types_pb2.RateLimitConfig
    batch: _types_pb2.BatchConfig
    singleton: _types_pb2.SingletonConfig
    priority: str
    idempotency: str
    on_failure: str
    delay_ms: int
    step_timeout_ms: int
    tags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., triggers: _Optional[_Iterable[_Union[_types_pb2.Trigger, _Mapping]]] = ..., retry: _Optional[_Union[_types_pb2.RetryConfig, _Mapping]] = ..., timeout_ms: _Optional[int] = ..., concurrency: _Optional[_Union[_types_pb2.ConcurrencyConfig, _Mapping]] = ..., preferred_mode: _Optional[_Union[_types_pb2.ExecutionMode, str]] = ..., endpoint_url: _Optional[str] = ..., actor_key: _Optional[str] = ..., secrets: _Optional[_Iterable[str]] = ..., recording: _Optional[bool] = ..., recording_profile: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., change_reason: _Optional[str] = ..., debounce: _Optional[_Union[_types_pb2.DebounceConfig, _Mapping]] = ..., cancel_on: _Optional[_Iterable[_Union[_types_pb2.CancelOnSpec, _Mapping]]] = ..., circuit_breaker: _Optional[_Union[_types_pb2.CircuitBreakerConfig, _Mapping]] = ..., throttle: _Optional[_Union[_types_pb2.ThrottleConfig, _Mapping]] = ..., rate_limit: _Optional[_Union[_types_pb2.RateLimitConfig, _Mapping]] = ..., batch: _Optional[_Union[_types_pb2.BatchConfig, _Mapping]] = ..., singleton: _Optional[_Union[_types_pb2.SingletonConfig, _Mapping]] = ..., priority: _Optional[str] = ..., idempotency: _Optional[str] = ..., on_failure: _Optional[str] = ..., delay_ms: _Optional[int] = ..., step_timeout_ms: _Optional[int] = ..., tags: _Optional[_Iterable[str]] = ...) -> None: ...

class RegisterFunctionResponse(_message.Message):
    __slots__ = ("function", "created")
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    function: _types_pb2.Function
    created: bool
    def __init__(self, function: _Optional[_Union[_types_pb2.Function, _Mapping]] = ..., created: _Optional[bool] = ...) -> None: ...

class GetFunctionRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class ListFunctionsRequest(_message.Message):
    __slots__ = ("status", "limit", "cursor", "name", "mode", "offset")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    status: _types_pb2.FunctionStatus
    limit: int
    cursor: str
    name: str
    mode: str
    offset: int
    def __init__(self, status: _Optional[_Union[_types_pb2.FunctionStatus, str]] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ..., name: _Optional[str] = ..., mode: _Optional[str] = ..., offset: _Optional[int] = ...) -> None: ...

class ListFunctionsResponse(_message.Message):
    __slots__ = ("functions", "next_cursor", "total_count")
    FUNCTIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    functions: _containers.RepeatedCompositeFieldContainer[_types_pb2.Function]
    next_cursor: str
    total_count: int
    def __init__(self, functions: _Optional[_Iterable[_Union[_types_pb2.Function, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total_count: _Optional[int] = ...) -> None: ...

class UpdateFunctionStatusRequest(_message.Message):
    __slots__ = ("id", "status", "reason")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    id: str
    status: _types_pb2.FunctionStatus
    reason: str
    def __init__(self, id: _Optional[str] = ..., status: _Optional[_Union[_types_pb2.FunctionStatus, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class DeleteFunctionRequest(_message.Message):
    __slots__ = ("id", "reason")
    ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    id: str
    reason: str
    def __init__(self, id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class TriggerRequest(_message.Message):
    __slots__ = ("event", "data", "data_value", "idempotency_key", "metadata", "version", "delay_ms", "start_at", "tags")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    DATA_VALUE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    START_AT_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    event: str
    data: _struct_pb2.Struct
    data_value: _struct_pb2.Value
    idempotency_key: str
    metadata: _struct_pb2.Struct
    version: int
    delay_ms: int
    start_at: _timestamp_pb2.Timestamp
    tags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, event: _Optional[str] = ..., data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., data_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., idempotency_key: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., version: _Optional[int] = ..., delay_ms: _Optional[int] = ..., start_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tags: _Optional[_Iterable[str]] = ...) -> None: ...

class TriggerResponse(_message.Message):
    __slots__ = ("run_ids", "event_id", "error", "outcomes")
    RUN_IDS_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    run_ids: _containers.RepeatedScalarFieldContainer[str]
    event_id: str
    error: _types_pb2.Error
    outcomes: _containers.RepeatedCompositeFieldContainer[EventOutcome]
    def __init__(self, run_ids: _Optional[_Iterable[str]] = ..., event_id: _Optional[str] = ..., error: _Optional[_Union[_types_pb2.Error, _Mapping]] = ..., outcomes: _Optional[_Iterable[_Union[EventOutcome, _Mapping]]] = ...) -> None: ...

class EventOutcome(_message.Message):
    __slots__ = ("function_id", "outcome", "run_id", "due_at")
    FUNCTION_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    function_id: str
    outcome: str
    run_id: str
    due_at: _timestamp_pb2.Timestamp
    def __init__(self, function_id: _Optional[str] = ..., outcome: _Optional[str] = ..., run_id: _Optional[str] = ..., due_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TriggerSyncRequest(_message.Message):
    __slots__ = ("event", "data", "data_value", "idempotency_key", "timeout_ms", "metadata", "version", "tags")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    DATA_VALUE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    event: str
    data: _struct_pb2.Struct
    data_value: _struct_pb2.Value
    idempotency_key: str
    timeout_ms: int
    metadata: _struct_pb2.Struct
    version: int
    tags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, event: _Optional[str] = ..., data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., data_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., idempotency_key: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., version: _Optional[int] = ..., tags: _Optional[_Iterable[str]] = ...) -> None: ...

class TriggerSyncResponse(_message.Message):
    __slots__ = ("results", "event_id")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[RunResult]
    event_id: str
    def __init__(self, results: _Optional[_Iterable[_Union[RunResult, _Mapping]]] = ..., event_id: _Optional[str] = ...) -> None: ...

class RunResult(_message.Message):
    __slots__ = ("run_id", "function_id", "status", "output", "output_value", "error", "duration_ms", "wait_timed_out")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_VALUE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    WAIT_TIMED_OUT_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    function_id: str
    status: _types_pb2.RunStatus
    output: _struct_pb2.Struct
    output_value: _struct_pb2.Value
    error: _types_pb2.Error
    duration_ms: int
    wait_timed_out: bool
    def __init__(self, run_id: _Optional[str] = ..., function_id: _Optional[str] = ..., status: _Optional[_Union[_types_pb2.RunStatus, str]] = ..., output: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., output_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., error: _Optional[_Union[_types_pb2.Error, _Mapping]] = ..., duration_ms: _Optional[int] = ..., wait_timed_out: _Optional[bool] = ...) -> None: ...

class InvokeFunctionRequest(_message.Message):
    __slots__ = ("function_id", "data", "data_value", "idempotency_key", "tags")
    FUNCTION_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    DATA_VALUE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    function_id: str
    data: _struct_pb2.Struct
    data_value: _struct_pb2.Value
    idempotency_key: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, function_id: _Optional[str] = ..., data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., data_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., idempotency_key: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ...) -> None: ...

class InvokeFunctionResponse(_message.Message):
    __slots__ = ("run_id", "event_id")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    event_id: str
    def __init__(self, run_id: _Optional[str] = ..., event_id: _Optional[str] = ...) -> None: ...

class InvokeFunctionSyncRequest(_message.Message):
    __slots__ = ("function_id", "data", "data_value", "timeout_ms", "idempotency_key", "metadata", "tags")
    FUNCTION_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    DATA_VALUE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    function_id: str
    data: _struct_pb2.Struct
    data_value: _struct_pb2.Value
    timeout_ms: int
    idempotency_key: str
    metadata: _struct_pb2.Struct
    tags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, function_id: _Optional[str] = ..., data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., data_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., timeout_ms: _Optional[int] = ..., idempotency_key: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., tags: _Optional[_Iterable[str]] = ...) -> None: ...

class InvokeFunctionSyncResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: RunResult
    def __init__(self, result: _Optional[_Union[RunResult, _Mapping]] = ...) -> None: ...

class TriggerBatchRequest(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[TriggerRequest]
    def __init__(self, events: _Optional[_Iterable[_Union[TriggerRequest, _Mapping]]] = ...) -> None: ...

class TriggerBatchResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[TriggerResponse]
    def __init__(self, results: _Optional[_Iterable[_Union[TriggerResponse, _Mapping]]] = ...) -> None: ...

class GetRunRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class ListRunsRequest(_message.Message):
    __slots__ = ("function_id", "status", "since", "until", "limit", "cursor", "offset", "search", "event_id", "statuses", "tags")
    FUNCTION_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    function_id: str
    status: _types_pb2.RunStatus
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    limit: int
    cursor: str
    offset: int
    search: str
    event_id: str
    statuses: _containers.RepeatedScalarFieldContainer[_types_pb2.RunStatus]
    tags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, function_id: _Optional[str] = ..., status: _Optional[_Union[_types_pb2.RunStatus, str]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ..., offset: _Optional[int] = ..., search: _Optional[str] = ..., event_id: _Optional[str] = ..., statuses: _Optional[_Iterable[_Union[_types_pb2.RunStatus, str]]] = ..., tags: _Optional[_Iterable[str]] = ...) -> None: ...

class ListRunsResponse(_message.Message):
    __slots__ = ("runs", "next_cursor", "total_count")
    RUNS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    runs: _containers.RepeatedCompositeFieldContainer[_types_pb2.Run]
    next_cursor: str
    total_count: int
    def __init__(self, runs: _Optional[_Iterable[_Union[_types_pb2.Run, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total_count: _Optional[int] = ...) -> None: ...

class GetRunStepsRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class GetRunStepsResponse(_message.Message):
    __slots__ = ("steps",)
    STEPS_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedCompositeFieldContainer[_types_pb2.Step]
    def __init__(self, steps: _Optional[_Iterable[_Union[_types_pb2.Step, _Mapping]]] = ...) -> None: ...

class CancelRunRequest(_message.Message):
    __slots__ = ("id", "reason")
    ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    id: str
    reason: str
    def __init__(self, id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class DeleteRunRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class DeleteRunsRequest(_message.Message):
    __slots__ = ("function_id", "status", "until")
    FUNCTION_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    function_id: str
    status: _types_pb2.RunStatus
    until: _timestamp_pb2.Timestamp
    def __init__(self, function_id: _Optional[str] = ..., status: _Optional[_Union[_types_pb2.RunStatus, str]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DeleteRunsResponse(_message.Message):
    __slots__ = ("deleted",)
    DELETED_FIELD_NUMBER: _ClassVar[int]
    deleted: int
    def __init__(self, deleted: _Optional[int] = ...) -> None: ...

class RedactEventRequest(_message.Message):
    __slots__ = ("event_id", "reason")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    reason: str
    def __init__(self, event_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RedactStepRequest(_message.Message):
    __slots__ = ("step_id", "reason")
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    step_id: str
    reason: str
    def __init__(self, step_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class RedactRunRequest(_message.Message):
    __slots__ = ("run_id", "reason")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    reason: str
    def __init__(self, run_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class PatchStepRequest(_message.Message):
    __slots__ = ("step_id", "output", "output_value", "reason")
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_VALUE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    step_id: str
    output: _struct_pb2.Struct
    output_value: _struct_pb2.Value
    reason: str
    def __init__(self, step_id: _Optional[str] = ..., output: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., output_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class ResumeRunRequest(_message.Message):
    __slots__ = ("run_id", "from_step")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_STEP_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    from_step: str
    def __init__(self, run_id: _Optional[str] = ..., from_step: _Optional[str] = ...) -> None: ...

class PauseRunRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class PauseRunResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: str
    def __init__(self, status: _Optional[str] = ...) -> None: ...

class GetPausedStateRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class GetPausedStateResponse(_message.Message):
    __slots__ = ("steps", "next_step_hint", "pause_reason")
    STEPS_FIELD_NUMBER: _ClassVar[int]
    NEXT_STEP_HINT_FIELD_NUMBER: _ClassVar[int]
    PAUSE_REASON_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedCompositeFieldContainer[PausedStepInfo]
    next_step_hint: str
    pause_reason: str
    def __init__(self, steps: _Optional[_Iterable[_Union[PausedStepInfo, _Mapping]]] = ..., next_step_hint: _Optional[str] = ..., pause_reason: _Optional[str] = ...) -> None: ...

class PausedStepInfo(_message.Message):
    __slots__ = ("id", "name", "output", "injected", "completed_at", "step_type", "status", "error")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    INJECTED_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_AT_FIELD_NUMBER: _ClassVar[int]
    STEP_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    output: bytes
    injected: bool
    completed_at: _timestamp_pb2.Timestamp
    step_type: str
    status: str
    error: bytes
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., output: _Optional[bytes] = ..., injected: _Optional[bool] = ..., completed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., step_type: _Optional[str] = ..., status: _Optional[str] = ..., error: _Optional[bytes] = ...) -> None: ...

class InjectStepOutputRequest(_message.Message):
    __slots__ = ("run_id", "step_id", "new_output", "reason")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    NEW_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    step_id: str
    new_output: bytes
    reason: str
    def __init__(self, run_id: _Optional[str] = ..., step_id: _Optional[str] = ..., new_output: _Optional[bytes] = ..., reason: _Optional[str] = ...) -> None: ...

class InjectStepOutputResponse(_message.Message):
    __slots__ = ("step_id", "previous_output")
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    step_id: str
    previous_output: bytes
    def __init__(self, step_id: _Optional[str] = ..., previous_output: _Optional[bytes] = ...) -> None: ...

class HealthRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HealthResponse(_message.Message):
    __slots__ = ("status", "timestamp", "components")
    class ComponentsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ComponentHealth
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ComponentHealth, _Mapping]] = ...) -> None: ...
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    COMPONENTS_FIELD_NUMBER: _ClassVar[int]
    status: str
    timestamp: _timestamp_pb2.Timestamp
    components: _containers.MessageMap[str, ComponentHealth]
    def __init__(self, status: _Optional[str] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., components: _Optional[_Mapping[str, ComponentHealth]] = ...) -> None: ...

class ComponentHealth(_message.Message):
    __slots__ = ("status", "message")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    status: str
    message: str
    def __init__(self, status: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class InfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class InfoResponse(_message.Message):
    __slots__ = ("version", "go_version", "started_at", "function_count", "active_runs", "connected_workers")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    GO_VERSION_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_COUNT_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_RUNS_FIELD_NUMBER: _ClassVar[int]
    CONNECTED_WORKERS_FIELD_NUMBER: _ClassVar[int]
    version: str
    go_version: str
    started_at: _timestamp_pb2.Timestamp
    function_count: int
    active_runs: int
    connected_workers: int
    def __init__(self, version: _Optional[str] = ..., go_version: _Optional[str] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., function_count: _Optional[int] = ..., active_runs: _Optional[int] = ..., connected_workers: _Optional[int] = ...) -> None: ...

class FunctionHistoryEntry(_message.Message):
    __slots__ = ("event_id", "entity_version", "function_id", "function_snapshot", "actor_id", "change_reason", "change_type", "recorded_at")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    ENTITY_VERSION_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_ID_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    ACTOR_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGE_REASON_FIELD_NUMBER: _ClassVar[int]
    CHANGE_TYPE_FIELD_NUMBER: _ClassVar[int]
    RECORDED_AT_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    entity_version: int
    function_id: str
    function_snapshot: _types_pb2.Function
    actor_id: str
    change_reason: str
    change_type: str
    recorded_at: _timestamp_pb2.Timestamp
    def __init__(self, event_id: _Optional[str] = ..., entity_version: _Optional[int] = ..., function_id: _Optional[str] = ..., function_snapshot: _Optional[_Union[_types_pb2.Function, _Mapping]] = ..., actor_id: _Optional[str] = ..., change_reason: _Optional[str] = ..., change_type: _Optional[str] = ..., recorded_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListFunctionHistoryRequest(_message.Message):
    __slots__ = ("function_id", "limit", "from_version")
    FUNCTION_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    FROM_VERSION_FIELD_NUMBER: _ClassVar[int]
    function_id: str
    limit: int
    from_version: int
    def __init__(self, function_id: _Optional[str] = ..., limit: _Optional[int] = ..., from_version: _Optional[int] = ...) -> None: ...

class ListFunctionHistoryResponse(_message.Message):
    __slots__ = ("entries", "has_more")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    HAS_MORE_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[FunctionHistoryEntry]
    has_more: bool
    def __init__(self, entries: _Optional[_Iterable[_Union[FunctionHistoryEntry, _Mapping]]] = ..., has_more: _Optional[bool] = ...) -> None: ...

class GetFunctionAtVersionRequest(_message.Message):
    __slots__ = ("function_id", "version")
    FUNCTION_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    function_id: str
    version: int
    def __init__(self, function_id: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class GetFunctionAtVersionResponse(_message.Message):
    __slots__ = ("entry",)
    ENTRY_FIELD_NUMBER: _ClassVar[int]
    entry: FunctionHistoryEntry
    def __init__(self, entry: _Optional[_Union[FunctionHistoryEntry, _Mapping]] = ...) -> None: ...

class RollbackFunctionRequest(_message.Message):
    __slots__ = ("function_id", "version", "change_reason")
    FUNCTION_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CHANGE_REASON_FIELD_NUMBER: _ClassVar[int]
    function_id: str
    version: int
    change_reason: str
    def __init__(self, function_id: _Optional[str] = ..., version: _Optional[int] = ..., change_reason: _Optional[str] = ...) -> None: ...

class RollbackFunctionResponse(_message.Message):
    __slots__ = ("function",)
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    function: _types_pb2.Function
    def __init__(self, function: _Optional[_Union[_types_pb2.Function, _Mapping]] = ...) -> None: ...
