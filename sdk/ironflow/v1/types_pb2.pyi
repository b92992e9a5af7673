import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FunctionStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FUNCTION_STATUS_UNSPECIFIED: _ClassVar[FunctionStatus]
    FUNCTION_STATUS_ACTIVE: _ClassVar[FunctionStatus]
    FUNCTION_STATUS_PAUSED: _ClassVar[FunctionStatus]
    FUNCTION_STATUS_ARCHIVED: _ClassVar[FunctionStatus]

class ExecutionMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXECUTION_MODE_UNSPECIFIED: _ClassVar[ExecutionMode]
    EXECUTION_MODE_PUSH: _ClassVar[ExecutionMode]
    EXECUTION_MODE_PULL: _ClassVar[ExecutionMode]

class RunStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RUN_STATUS_UNSPECIFIED: _ClassVar[RunStatus]
    RUN_STATUS_RUNNING: _ClassVar[RunStatus]
    RUN_STATUS_COMPLETED: _ClassVar[RunStatus]
    RUN_STATUS_FAILED: _ClassVar[RunStatus]
    RUN_STATUS_CANCELLED: _ClassVar[RunStatus]
    RUN_STATUS_PAUSED: _ClassVar[RunStatus]
    RUN_STATUS_WAITING_FOR_CAPACITY: _ClassVar[RunStatus]
    RUN_STATUS_WAITING: _ClassVar[RunStatus]

class StepStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STEP_STATUS_UNSPECIFIED: _ClassVar[StepStatus]
    STEP_STATUS_PENDING: _ClassVar[StepStatus]
    STEP_STATUS_RUNNING: _ClassVar[StepStatus]
    STEP_STATUS_COMPLETED: _ClassVar[StepStatus]
    STEP_STATUS_FAILED: _ClassVar[StepStatus]
    STEP_STATUS_SLEEPING: _ClassVar[StepStatus]
    STEP_STATUS_WAITING: _ClassVar[StepStatus]
    STEP_STATUS_TIMED_OUT: _ClassVar[StepStatus]
    STEP_STATUS_RETRYING: _ClassVar[StepStatus]
    STEP_STATUS_DEAD: _ClassVar[StepStatus]

class StepType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STEP_TYPE_UNSPECIFIED: _ClassVar[StepType]
    STEP_TYPE_INVOKE: _ClassVar[StepType]
    STEP_TYPE_SLEEP: _ClassVar[StepType]
    STEP_TYPE_WAIT_FOR_EVENT: _ClassVar[StepType]
    STEP_TYPE_COMPENSATE: _ClassVar[StepType]
    STEP_TYPE_INVOKE_FUNCTION: _ClassVar[StepType]
FUNCTION_STATUS_UNSPECIFIED: FunctionStatus
FUNCTION_STATUS_ACTIVE: FunctionStatus
FUNCTION_STATUS_PAUSED: FunctionStatus
FUNCTION_STATUS_ARCHIVED: FunctionStatus
EXECUTION_MODE_UNSPECIFIED: ExecutionMode
EXECUTION_MODE_PUSH: ExecutionMode
EXECUTION_MODE_PULL: ExecutionMode
RUN_STATUS_UNSPECIFIED: RunStatus
RUN_STATUS_RUNNING: RunStatus
RUN_STATUS_COMPLETED: RunStatus
RUN_STATUS_FAILED: RunStatus
RUN_STATUS_CANCELLED: RunStatus
RUN_STATUS_PAUSED: RunStatus
RUN_STATUS_WAITING_FOR_CAPACITY: RunStatus
RUN_STATUS_WAITING: RunStatus
STEP_STATUS_UNSPECIFIED: StepStatus
STEP_STATUS_PENDING: StepStatus
STEP_STATUS_RUNNING: StepStatus
STEP_STATUS_COMPLETED: StepStatus
STEP_STATUS_FAILED: StepStatus
STEP_STATUS_SLEEPING: StepStatus
STEP_STATUS_WAITING: StepStatus
STEP_STATUS_TIMED_OUT: StepStatus
STEP_STATUS_RETRYING: StepStatus
STEP_STATUS_DEAD: StepStatus
STEP_TYPE_UNSPECIFIED: StepType
STEP_TYPE_INVOKE: StepType
STEP_TYPE_SLEEP: StepType
STEP_TYPE_WAIT_FOR_EVENT: StepType
STEP_TYPE_COMPENSATE: StepType
STEP_TYPE_INVOKE_FUNCTION: StepType

class Trigger(_message.Message):
    __slots__ = ("event", "expression", "cron", "timezone", "missed", "jitter_ms")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    CRON_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    MISSED_FIELD_NUMBER: _ClassVar[int]
    JITTER_MS_FIELD_NUMBER: _ClassVar[int]
    event: str
    expression: str
    cron: str
    timezone: str
    missed: str
    jitter_ms: int
    def __init__(self, event: _Optional[str] = ..., expression: _Optional[str] = ..., cron: _Optional[str] = ..., timezone: _Optional[str] = ..., missed: _Optional[str] = ..., jitter_ms: _Optional[int] = ...) -> None: ...

class RetryConfig(_message.Message):
    __slots__ = ("max_attempts", "initial_delay_ms", "backoff_factor", "max_delay_ms", "on_exhausted")
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    INITIAL_DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    BACKOFF_FACTOR_FIELD_NUMBER: _ClassVar[int]
    MAX_DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    ON_EXHAUSTED_FIELD_NUMBER: _ClassVar[int]
    max_attempts: int
    initial_delay_ms: int
    backoff_factor: float
    max_delay_ms: int
    on_exhausted: str
    def __init__(self, max_attempts: _Optional[int] = ..., initial_delay_ms: _Optional[int] = ..., backoff_factor: _Optional[float] = ..., max_delay_ms: _Optional[int] = ..., on_exhausted: _Optional[str] = ...) -> None: ...

class CircuitBreakerConfig(_message.Message):
    __slots__ = ("failure_threshold", "open_duration_ms", "max_open_duration_ms")
    FAILURE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    OPEN_DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_OPEN_DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    failure_threshold: int
    open_duration_ms: int
    max_open_duration_ms: int
    def __init__(self, failure_threshold: _Optional[int] = ..., open_duration_ms: _Optional[int] = ..., max_open_duration_ms: _Optional[int] = ...) -> None: ...

class ThrottleConfig(_message.Message):
    __slots__ = ("limit", "period_ms", "key")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PERIOD_MS_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    limit: int
    period_ms: int
    key: str
    def __init__(self, limit: _Optional[int] = ..., period_ms: _Optional[int] = ..., key: _Optional[str] = ...) -> None: ...

class ConcurrencyConfig(_message.Message):
    __slots__ = ("limit", "key")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    limit: int
    key: str
    def __init__(self, limit: _Optional[int] = ..., key: _Optional[str] = ...) -> None: ...

class CancelOnSpec(_message.Message):
    __slots__ = ("event", "match", "expression")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    MATCH_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    event: str
    match: str
    expression: str
    def __init__(self, event: _Optional[str] = ..., match: _Optional[str] = ..., expression: _Optional[str] = ...) -> None: ...

class RateLimitConfig(_message.Message):
    __slots__ = ("limit", "period_ms", "key")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PERIOD_MS_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    limit: int
    period_ms: int
    key: str
    def __init__(self, limit: _Optional[int] = ..., period_ms: _Optional[int] = ..., key: _Optional[str] = ...) -> None: ...

class BatchConfig(_message.Message):
    __slots__ = ("size", "timeout_ms", "key")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    size: int
    timeout_ms: int
    key: str
    def __init__(self, size: _Optional[int] = ..., timeout_ms: _Optional[int] = ..., key: _Optional[str] = ...) -> None: ...

class SingletonConfig(_message.Message):
    __slots__ = ("key", "mode")
    KEY_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    key: str
    mode: str
    def __init__(self, key: _Optional[str] = ..., mode: _Optional[str] = ...) -> None: ...

class DebounceConfig(_message.Message):
    __slots__ = ("period_ms", "key", "max_wait_ms")
    PERIOD_MS_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    MAX_WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    period_ms: int
    key: str
    max_wait_ms: int
    def __init__(self, period_ms: _Optional[int] = ..., key: _Optional[str] = ..., max_wait_ms: _Optional[int] = ...) -> None: ...

class Function(_message.Message):
    __slots__ = ("id", "name", "description", "triggers", "retry", "timeout_ms", "concurrency", "preferred_mode", "endpoint_url", "actor_key", "status", "version", "created_at", "updated_at", "recording", "recording_profile", "next_run", "metadata", "debounce", "cancel_on", "circuit_breaker", "throttle", "rate_limit", "batch", "singleton", "priority", "idempotency", "on_failure", "delay_ms", "step_timeout_ms", "secrets", "tags")
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
    STATUS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    RECORDING_FIELD_NUMBER: _ClassVar[int]
    RECORDING_PROFILE_FIELD_NUMBER: _ClassVar[int]
    NEXT_RUN_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
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
    SECRETS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    description: str
    triggers: _containers.RepeatedCompositeFieldContainer[Trigger]
    retry: RetryConfig
    timeout_ms: int
    concurrency: ConcurrencyConfig
    preferred_mode: ExecutionMode
    endpoint_url: str
    actor_key: str
    status: FunctionStatus
    version: int
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    recording: bool
    recording_profile: str
    next_run: _timestamp_pb2.Timestamp
    metadata: _struct_pb2.Struct
    debounce: DebounceConfig
    cancel_on: _containers.RepeatedCompositeFieldContainer[CancelOnSpec]
    circuit_breaker: CircuitBreakerConfig
    throttle: ThrottleConfig
    rate_limit: RateLimitConfig
    batch: BatchConfig
    singleton: SingletonConfig
    priority: str
    idempotency: str
    on_failure: str
    delay_ms: int
    step_timeout_ms: int
    secrets: _containers.RepeatedScalarFieldContainer[str]
    tags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., triggers: _Optional[_Iterable[_Union[Trigger, _Mapping]]] = ..., retry: _Optional[_Union[RetryConfig, _Mapping]] = ..., timeout_ms: _Optional[int] = ..., concurrency: _Optional[_Union[ConcurrencyConfig, _Mapping]] = ..., preferred_mode: _Optional[_Union[ExecutionMode, str]] = ..., endpoint_url: _Optional[str] = ..., actor_key: _Optional[str] = ..., status: _Optional[_Union[FunctionStatus, str]] = ..., version: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., recording: _Optional[bool] = ..., recording_profile: _Optional[str] = ..., next_run: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., debounce: _Optional[_Union[DebounceConfig, _Mapping]] = ..., cancel_on: _Optional[_Iterable[_Union[CancelOnSpec, _Mapping]]] = ..., circuit_breaker: _Optional[_Union[CircuitBreakerConfig, _Mapping]] = ..., throttle: _Optional[_Union[ThrottleConfig, _Mapping]] = ..., rate_limit: _Optional[_Union[RateLimitConfig, _Mapping]] = ..., batch: _Optional[_Union[BatchConfig, _Mapping]] = ..., singleton: _Optional[_Union[SingletonConfig, _Mapping]] = ..., priority: _Optional[str] = ..., idempotency: _Optional[str] = ..., on_failure: _Optional[str] = ..., delay_ms: _Optional[int] = ..., step_timeout_ms: _Optional[int] = ..., secrets: _Optional[_Iterable[str]] = ..., tags: _Optional[_Iterable[str]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("id", "name", "data", "data_value", "idempotency_key", "source", "timestamp", "metadata", "version", "entity_id", "entity_type", "entity_version", "emitted_by", "data_json")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    DATA_VALUE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    ENTITY_TYPE_FIELD_NUMBER: _ClassVar[int]
    ENTITY_VERSION_FIELD_NUMBER: _ClassVar[int]
    EMITTED_BY_FIELD_NUMBER: _ClassVar[int]
    DATA_JSON_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    data: _struct_pb2.Struct
    data_value: _struct_pb2.Value
    idempotency_key: str
    source: str
    timestamp: _timestamp_pb2.Timestamp
    metadata: _struct_pb2.Struct
    version: int
    entity_id: str
    entity_type: str
    entity_version: int
    emitted_by: str
    data_json: bytes
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., data_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., idempotency_key: _Optional[str] = ..., source: _Optional[str] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., version: _Optional[int] = ..., entity_id: _Optional[str] = ..., entity_type: _Optional[str] = ..., entity_version: _Optional[int] = ..., emitted_by: _Optional[str] = ..., data_json: _Optional[bytes] = ...) -> None: ...

class Run(_message.Message):
    __slots__ = ("id", "function_id", "event_id", "execution_mode", "worker_id", "actor_id", "input", "input_value", "output", "output_value", "error", "status", "attempt", "max_attempts", "started_at", "ended_at", "created_at", "updated_at", "pause_requested", "pause_reason", "function_version", "resume_from_step", "parent_run_id", "parent_step_id", "timeout_at", "environment_id", "version", "claimed_by", "claimed_at", "cancellation_cause", "error_value", "event_name", "tags")
    ID_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_MODE_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    ACTOR_ID_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    INPUT_VALUE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_VALUE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    PAUSE_REQUESTED_FIELD_NUMBER: _ClassVar[int]
    PAUSE_REASON_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_VERSION_FIELD_NUMBER: _ClassVar[int]
    RESUME_FROM_STEP_FIELD_NUMBER: _ClassVar[int]
    PARENT_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_STEP_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_AT_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_BY_FIELD_NUMBER: _ClassVar[int]
    CLAIMED_AT_FIELD_NUMBER: _ClassVar[int]
    CANCELLATION_CAUSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_VALUE_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    id: str
    function_id: str
    event_id: str
    execution_mode: ExecutionMode
    worker_id: str
    actor_id: str
    input: _struct_pb2.Struct
    input_value: _struct_pb2.Value
    output: _struct_pb2.Struct
    output_value: _struct_pb2.Value
    error: Error
    status: RunStatus
    attempt: int
    max_attempts: int
    started_at: _timestamp_pb2.Timestamp
    ended_at: _timestamp_pb2.Timestamp
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    pause_requested: bool
    pause_reason: str
    function_version: int
    resume_from_step: str
    parent_run_id: str
    parent_step_id: str
    timeout_at: _timestamp_pb2.Timestamp
    environment_id: str
    version: int
    claimed_by: str
    claimed_at: _timestamp_pb2.Timestamp
    cancellation_cause: str
    error_value: _struct_pb2.Value
    event_name: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., function_id: _Optional[str] = ..., event_id: _Optional[str] = ..., execution_mode: _Optional[_Union[ExecutionMode, str]] = ..., worker_id: _Optional[str] = ..., actor_id: _Optional[str] = ..., input: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., input_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., output: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., output_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., status: _Optional[_Union[RunStatus, str]] = ..., attempt: _Optional[int] = ..., max_attempts: _Optional[int] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., pause_requested: _Optional[bool] = ..., pause_reason: _Optional[str] = ..., function_version: _Optional[int] = ..., resume_from_step: _Optional[str] = ..., parent_run_id: _Optional[str] = ..., parent_step_id: _Optional[str] = ..., timeout_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., environment_id: _Optional[str] = ..., version: _Optional[int] = ..., claimed_by: _Optional[str] = ..., claimed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., cancellation_cause: _Optional[str] = ..., error_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., event_name: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ...) -> None: ...

class Step(_message.Message):
    __slots__ = ("id", "run_id", "step_id", "step_type", "sequence", "status", "input", "input_value", "input_hash", "output", "output_value", "error", "attempt", "duration_ms", "started_at", "ended_at", "original_output", "original_output_value", "patched_at", "patched_by", "compensation_for", "duration_ms_full", "sleep_until", "wait_event_name", "wait_timeout", "created_at", "updated_at", "error_value", "stored_status", "child_run_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    STEP_TYPE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    INPUT_VALUE_FIELD_NUMBER: _ClassVar[int]
    INPUT_HASH_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_VALUE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_OUTPUT_VALUE_FIELD_NUMBER: _ClassVar[int]
    PATCHED_AT_FIELD_NUMBER: _ClassVar[int]
    PATCHED_BY_FIELD_NUMBER: _ClassVar[int]
    COMPENSATION_FOR_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FULL_FIELD_NUMBER: _ClassVar[int]
    SLEEP_UNTIL_FIELD_NUMBER: _ClassVar[int]
    WAIT_EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    WAIT_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    ERROR_VALUE_FIELD_NUMBER: _ClassVar[int]
    STORED_STATUS_FIELD_NUMBER: _ClassVar[int]
    CHILD_RUN_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    run_id: str
    step_id: str
    step_type: StepType
    sequence: int
    status: StepStatus
    input: _struct_pb2.Struct
    input_value: _struct_pb2.Value
    input_hash: str
    output: _struct_pb2.Struct
    output_value: _struct_pb2.Value
    error: Error
    attempt: int
    duration_ms: int
    started_at: _timestamp_pb2.Timestamp
    ended_at: _timestamp_pb2.Timestamp
    original_output: _struct_pb2.Struct
    original_output_value: _struct_pb2.Value
    patched_at: _timestamp_pb2.Timestamp
    patched_by: str
    compensation_for: str
    duration_ms_full: int
    sleep_until: _timestamp_pb2.Timestamp
    wait_event_name: str
    wait_timeout: _timestamp_pb2.Timestamp
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    error_value: _struct_pb2.Value
    stored_status: str
    child_run_id: str
    def __init__(self, id: _Optional[str] = ..., run_id: _Optional[str] = ..., step_id: _Optional[str] = ..., step_type: _Optional[_Union[StepType, str]] = ..., sequence: _Optional[int] = ..., status: _Optional[_Union[StepStatus, str]] = ..., input: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., input_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., input_hash: _Optional[str] = ..., output: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., output_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., attempt: _Optional[int] = ..., duration_ms: _Optional[int] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ended_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., original_output: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., original_output_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., patched_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., patched_by: _Optional[str] = ..., compensation_for: _Optional[str] = ..., duration_ms_full: _Optional[int] = ..., sleep_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., wait_event_name: _Optional[str] = ..., wait_timeout: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., error_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., stored_status: _Optional[str] = ..., child_run_id: _Optional[str] = ...) -> None: ...

class Error(_message.Message):
    __slots__ = ("message", "code", "stack", "retryable", "details", "retry_after_ms")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    STACK_FIELD_NUMBER: _ClassVar[int]
    RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    message: str
    code: str
    stack: str
    retryable: bool
    details: _struct_pb2.Struct
    retry_after_ms: int
    def __init__(self, message: _Optional[str] = ..., code: _Optional[str] = ..., stack: _Optional[str] = ..., retryable: _Optional[bool] = ..., details: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., retry_after_ms: _Optional[int] = ...) -> None: ...

class ErrorInfo(_message.Message):
    __slots__ = ("resource_type", "resource_id", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    RESOURCE_TYPE_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    resource_type: str
    resource_id: str
    metadata: _containers.ScalarMap[str, str]
    def __init__(self, resource_type: _Optional[str] = ..., resource_id: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ...) -> None: ...
