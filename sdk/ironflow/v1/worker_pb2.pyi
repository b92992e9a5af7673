import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from ironflow.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JobNackReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_NACK_REASON_UNSPECIFIED: _ClassVar[JobNackReason]
    JOB_NACK_REASON_AT_CAPACITY: _ClassVar[JobNackReason]
    JOB_NACK_REASON_DRAINING: _ClassVar[JobNackReason]
    JOB_NACK_REASON_NOT_PARKED: _ClassVar[JobNackReason]

class LeaseState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEASE_STATE_UNSPECIFIED: _ClassVar[LeaseState]
    LEASE_STATE_REFRESHED: _ClassVar[LeaseState]
    LEASE_STATE_STALE: _ClassVar[LeaseState]
    LEASE_STATE_UNKNOWN: _ClassVar[LeaseState]
JOB_NACK_REASON_UNSPECIFIED: JobNackReason
JOB_NACK_REASON_AT_CAPACITY: JobNackReason
JOB_NACK_REASON_DRAINING: JobNackReason
JOB_NACK_REASON_NOT_PARKED: JobNackReason
LEASE_STATE_UNSPECIFIED: LeaseState
LEASE_STATE_REFRESHED: LeaseState
LEASE_STATE_STALE: LeaseState
LEASE_STATE_UNKNOWN: LeaseState

class WorkerMessage(_message.Message):
    __slots__ = ("register", "heartbeat", "step_started", "step_completed", "step_failed", "step_yielded", "job_completed", "job_failed", "job_ack", "job_nack", "noted", "pong", "batch")
    REGISTER_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    STEP_STARTED_FIELD_NUMBER: _ClassVar[int]
    STEP_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    STEP_FAILED_FIELD_NUMBER: _ClassVar[int]
    STEP_YIELDED_FIELD_NUMBER: _ClassVar[int]
    JOB_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    JOB_FAILED_FIELD_NUMBER: _ClassVar[int]
    JOB_ACK_FIELD_NUMBER: _ClassVar[int]
    JOB_NACK_FIELD_NUMBER: _ClassVar[int]
    NOTED_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    register: WorkerRegister
    heartbeat: WorkerHeartbeat
    step_started: StepStarted
    step_completed: StepCompleted
    step_failed: StepFailed
    step_yielded: StepYielded
    job_completed: JobCompleted
    job_failed: JobFailed
    job_ack: JobAck
    job_nack: JobNack
    noted: RunNoted
    pong: Pong
    batch: _containers.RepeatedCompositeFieldContainer[WorkerMessage]
    def __init__(self, register: _Optional[_Union[WorkerRegister, _Mapping]] = ..., heartbeat: _Optional[_Union[WorkerHeartbeat, _Mapping]] = ..., step_started: _Optional[_Union[StepStarted, _Mapping]] = ..., step_completed: _Optional[_Union[StepCompleted, _Mapping]] = ..., step_failed: _Optional[_Union[StepFailed, _Mapping]] = ..., step_yielded: _Optional[_Union[StepYielded, _Mapping]] = ..., job_completed: _Optional[_Union[JobCompleted, _Mapping]] = ..., job_failed: _Optional[_Union[JobFailed, _Mapping]] = ..., job_ack: _Optional[_Union[JobAck, _Mapping]] = ..., job_nack: _Optional[_Union[JobNack, _Mapping]] = ..., noted: _Optional[_Union[RunNoted, _Mapping]] = ..., pong: _Optional[_Union[Pong, _Mapping]] = ..., batch: _Optional[_Iterable[_Union[WorkerMessage, _Mapping]]] = ...) -> None: ...

class WorkerRegister(_message.Message):
    __slots__ = ("worker_id", "hostname", "function_ids", "max_concurrent_jobs", "labels", "version", "accepts_batches", "environment")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    HOSTNAME_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_IDS_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENT_JOBS_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ACCEPTS_BATCHES_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    hostname: str
    function_ids: _containers.RepeatedScalarFieldContainer[str]
    max_concurrent_jobs: int
    labels: _containers.ScalarMap[str, str]
    version: WorkerVersion
    accepts_batches: bool
    environment: str
    def __init__(self, worker_id: _Optional[str] = ..., hostname: _Optional[str] = ..., function_ids: _Optional[_Iterable[str]] = ..., max_concurrent_jobs: _Optional[int] = ..., labels: _Optional[_Mapping[str, str]] = ..., version: _Optional[_Union[WorkerVersion, _Mapping]] = ..., accepts_batches: _Optional[bool] = ..., environment: _Optional[str] = ...) -> None: ...

class WorkerVersion(_message.Message):
    __slots__ = ("sdk", "runtime")
    SDK_FIELD_NUMBER: _ClassVar[int]
    RUNTIME_FIELD_NUMBER: _ClassVar[int]
    sdk: str
    runtime: str
    def __init__(self, sdk: _Optional[str] = ..., runtime: _Optional[str] = ...) -> None: ...

class WorkerHeartbeat(_message.Message):
    __slots__ = ("worker_id", "active_jobs", "jobs", "metrics")
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_JOBS_FIELD_NUMBER: _ClassVar[int]
    JOBS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    active_jobs: int
    jobs: _containers.RepeatedCompositeFieldContainer[ActiveJob]
    metrics: WorkerMetrics
    def __init__(self, worker_id: _Optional[str] = ..., active_jobs: _Optional[int] = ..., jobs: _Optional[_Iterable[_Union[ActiveJob, _Mapping]]] = ..., metrics: _Optional[_Union[WorkerMetrics, _Mapping]] = ...) -> None: ...

class ActiveJob(_message.Message):
    __slots__ = ("job_id", "started_at", "run_id", "execution_seq", "lease_token")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_SEQ_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    started_at: _timestamp_pb2.Timestamp
    run_id: str
    execution_seq: int
    lease_token: str
    def __init__(self, job_id: _Optional[str] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., run_id: _Optional[str] = ..., execution_seq: _Optional[int] = ..., lease_token: _Optional[str] = ...) -> None: ...

class WorkerMetrics(_message.Message):
    __slots__ = ("cpu_percent", "memory_percent", "jobs_completed", "jobs_failed")
    CPU_PERCENT_FIELD_NUMBER: _ClassVar[int]
    MEMORY_PERCENT_FIELD_NUMBER: _ClassVar[int]
    JOBS_COMPLETED_FIELD_NUMBER: _ClassVar[int]
    JOBS_FAILED_FIELD_NUMBER: _ClassVar[int]
    cpu_percent: float
    memory_percent: float
    jobs_completed: int
    jobs_failed: int
    def __init__(self, cpu_percent: _Optional[float] = ..., memory_percent: _Optional[float] = ..., jobs_completed: _Optional[int] = ..., jobs_failed: _Optional[int] = ...) -> None: ...

class StepStarted(_message.Message):
    __slots__ = ("job_id", "step_id", "name", "step_type", "execution_seq", "lease_token")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STEP_TYPE_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_SEQ_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    step_id: str
    name: str
    step_type: _types_pb2.StepType
    execution_seq: int
    lease_token: str
    def __init__(self, job_id: _Optional[str] = ..., step_id: _Optional[str] = ..., name: _Optional[str] = ..., step_type: _Optional[_Union[_types_pb2.StepType, str]] = ..., execution_seq: _Optional[int] = ..., lease_token: _Optional[str] = ...) -> None: ...

class StepCompleted(_message.Message):
    __slots__ = ("job_id", "step_id", "output", "output_value", "duration_ms", "execution_seq", "lease_token", "output_json", "name", "type", "compensation_for", "emissions", "attempt", "writes", "logs", "logs_before")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_VALUE_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_SEQ_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_JSON_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    COMPENSATION_FOR_FIELD_NUMBER: _ClassVar[int]
    EMISSIONS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    WRITES_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    LOGS_BEFORE_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    step_id: str
    output: _struct_pb2.Struct
    output_value: _struct_pb2.Value
    duration_ms: int
    execution_seq: int
    lease_token: str
    output_json: bytes
    name: str
    type: str
    compensation_for: str
    emissions: _containers.RepeatedCompositeFieldContainer[Emission]
    attempt: int
    writes: _containers.RepeatedCompositeFieldContainer[KvWrite]
    logs: Logs
    logs_before: Logs
    def __init__(self, job_id: _Optional[str] = ..., step_id: _Optional[str] = ..., output: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., output_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., duration_ms: _Optional[int] = ..., execution_seq: _Optional[int] = ..., lease_token: _Optional[str] = ..., output_json: _Optional[bytes] = ..., name: _Optional[str] = ..., type: _Optional[str] = ..., compensation_for: _Optional[str] = ..., emissions: _Optional[_Iterable[_Union[Emission, _Mapping]]] = ..., attempt: _Optional[int] = ..., writes: _Optional[_Iterable[_Union[KvWrite, _Mapping]]] = ..., logs: _Optional[_Union[Logs, _Mapping]] = ..., logs_before: _Optional[_Union[Logs, _Mapping]] = ...) -> None: ...

class Logs(_message.Message):
    __slots__ = ("lines", "dropped", "tags")
    LINES_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedCompositeFieldContainer[LogLine]
    dropped: int
    tags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, lines: _Optional[_Iterable[_Union[LogLine, _Mapping]]] = ..., dropped: _Optional[int] = ..., tags: _Optional[_Iterable[str]] = ...) -> None: ...

class LogLine(_message.Message):
    __slots__ = ("at_us", "level", "message", "fields_json", "logger", "path", "line", "cut_bytes")
    AT_US_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FIELDS_JSON_FIELD_NUMBER: _ClassVar[int]
    LOGGER_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    CUT_BYTES_FIELD_NUMBER: _ClassVar[int]
    at_us: int
    level: str
    message: str
    fields_json: bytes
    logger: str
    path: str
    line: int
    cut_bytes: int
    def __init__(self, at_us: _Optional[int] = ..., level: _Optional[str] = ..., message: _Optional[str] = ..., fields_json: _Optional[bytes] = ..., logger: _Optional[str] = ..., path: _Optional[str] = ..., line: _Optional[int] = ..., cut_bytes: _Optional[int] = ...) -> None: ...

class KvWrite(_message.Message):
    __slots__ = ("operation", "bucket", "key", "value", "revision", "ttl_ms", "by")
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    BUCKET_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TTL_MS_FIELD_NUMBER: _ClassVar[int]
    BY_FIELD_NUMBER: _ClassVar[int]
    operation: str
    bucket: str
    key: str
    value: bytes
    revision: int
    ttl_ms: int
    by: int
    def __init__(self, operation: _Optional[str] = ..., bucket: _Optional[str] = ..., key: _Optional[str] = ..., value: _Optional[bytes] = ..., revision: _Optional[int] = ..., ttl_ms: _Optional[int] = ..., by: _Optional[int] = ...) -> None: ...

class Emission(_message.Message):
    __slots__ = ("name", "data_json", "idempotency_key", "metadata", "version", "topic")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_JSON_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    name: str
    data_json: bytes
    idempotency_key: str
    metadata: _struct_pb2.Struct
    version: int
    topic: str
    def __init__(self, name: _Optional[str] = ..., data_json: _Optional[bytes] = ..., idempotency_key: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., version: _Optional[int] = ..., topic: _Optional[str] = ...) -> None: ...

class StepFailed(_message.Message):
    __slots__ = ("job_id", "step_id", "error", "duration_ms", "execution_seq", "lease_token", "name", "type", "compensation_for", "attempt", "logs", "logs_before")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_SEQ_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    COMPENSATION_FOR_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    LOGS_BEFORE_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    step_id: str
    error: _types_pb2.Error
    duration_ms: int
    execution_seq: int
    lease_token: str
    name: str
    type: str
    compensation_for: str
    attempt: int
    logs: Logs
    logs_before: Logs
    def __init__(self, job_id: _Optional[str] = ..., step_id: _Optional[str] = ..., error: _Optional[_Union[_types_pb2.Error, _Mapping]] = ..., duration_ms: _Optional[int] = ..., execution_seq: _Optional[int] = ..., lease_token: _Optional[str] = ..., name: _Optional[str] = ..., type: _Optional[str] = ..., compensation_for: _Optional[str] = ..., attempt: _Optional[int] = ..., logs: _Optional[_Union[Logs, _Mapping]] = ..., logs_before: _Optional[_Union[Logs, _Mapping]] = ...) -> None: ...

class StepYielded(_message.Message):
    __slots__ = ("sleep", "wait_event", "invoke_function", "invoke_function_async", "job_id", "step_id", "execution_seq", "lease_token", "name", "also", "parked", "logs")
    SLEEP_FIELD_NUMBER: _ClassVar[int]
    WAIT_EVENT_FIELD_NUMBER: _ClassVar[int]
    INVOKE_FUNCTION_FIELD_NUMBER: _ClassVar[int]
    INVOKE_FUNCTION_ASYNC_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_SEQ_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALSO_FIELD_NUMBER: _ClassVar[int]
    PARKED_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    sleep: SleepYield
    wait_event: WaitEventYield
    invoke_function: InvokeFunctionYield
    invoke_function_async: InvokeFunctionAsyncYield
    job_id: str
    step_id: str
    execution_seq: int
    lease_token: str
    name: str
    also: _containers.RepeatedCompositeFieldContainer[StepYielded]
    parked: bool
    logs: Logs
    def __init__(self, sleep: _Optional[_Union[SleepYield, _Mapping]] = ..., wait_event: _Optional[_Union[WaitEventYield, _Mapping]] = ..., invoke_function: _Optional[_Union[InvokeFunctionYield, _Mapping]] = ..., invoke_function_async: _Optional[_Union[InvokeFunctionAsyncYield, _Mapping]] = ..., job_id: _Optional[str] = ..., step_id: _Optional[str] = ..., execution_seq: _Optional[int] = ..., lease_token: _Optional[str] = ..., name: _Optional[str] = ..., also: _Optional[_Iterable[_Union[StepYielded, _Mapping]]] = ..., parked: _Optional[bool] = ..., logs: _Optional[_Union[Logs, _Mapping]] = ...) -> None: ...

class SleepYield(_message.Message):
    __slots__ = ("until",)
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    until: _timestamp_pb2.Timestamp
    def __init__(self, until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class WaitEventYield(_message.Message):
    __slots__ = ("event_name", "match_expression", "match_value", "timeout", "payload_json", "lookback_ms", "on_timeout", "default_json")
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    MATCH_EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    MATCH_VALUE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_JSON_FIELD_NUMBER: _ClassVar[int]
    LOOKBACK_MS_FIELD_NUMBER: _ClassVar[int]
    ON_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_JSON_FIELD_NUMBER: _ClassVar[int]
    event_name: str
    match_expression: str
    match_value: str
    timeout: _timestamp_pb2.Timestamp
    payload_json: bytes
    lookback_ms: int
    on_timeout: str
    default_json: bytes
    def __init__(self, event_name: _Optional[str] = ..., match_expression: _Optional[str] = ..., match_value: _Optional[str] = ..., timeout: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payload_json: _Optional[bytes] = ..., lookback_ms: _Optional[int] = ..., on_timeout: _Optional[str] = ..., default_json: _Optional[bytes] = ...) -> None: ...

class InvokeFunctionYield(_message.Message):
    __slots__ = ("function_id", "input_json", "invoke_timeout_ms", "tags")
    FUNCTION_ID_FIELD_NUMBER: _ClassVar[int]
    INPUT_JSON_FIELD_NUMBER: _ClassVar[int]
    INVOKE_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    function_id: str
    input_json: bytes
    invoke_timeout_ms: int
    tags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, function_id: _Optional[str] = ..., input_json: _Optional[bytes] = ..., invoke_timeout_ms: _Optional[int] = ..., tags: _Optional[_Iterable[str]] = ...) -> None: ...

class InvokeFunctionAsyncYield(_message.Message):
    __slots__ = ("function_id", "input_json", "tags")
    FUNCTION_ID_FIELD_NUMBER: _ClassVar[int]
    INPUT_JSON_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    function_id: str
    input_json: bytes
    tags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, function_id: _Optional[str] = ..., input_json: _Optional[bytes] = ..., tags: _Optional[_Iterable[str]] = ...) -> None: ...

class JobCompleted(_message.Message):
    __slots__ = ("job_id", "output", "output_value", "duration_ms", "execution_seq", "lease_token", "output_json", "logs")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_VALUE_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_SEQ_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_JSON_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    output: _struct_pb2.Struct
    output_value: _struct_pb2.Value
    duration_ms: int
    execution_seq: int
    lease_token: str
    output_json: bytes
    logs: Logs
    def __init__(self, job_id: _Optional[str] = ..., output: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., output_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., duration_ms: _Optional[int] = ..., execution_seq: _Optional[int] = ..., lease_token: _Optional[str] = ..., output_json: _Optional[bytes] = ..., logs: _Optional[_Union[Logs, _Mapping]] = ...) -> None: ...

class JobFailed(_message.Message):
    __slots__ = ("job_id", "error", "duration_ms", "steps", "execution_seq", "lease_token", "divergence", "logs")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_SEQ_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DIVERGENCE_FIELD_NUMBER: _ClassVar[int]
    LOGS_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    error: _types_pb2.Error
    duration_ms: int
    steps: _containers.RepeatedCompositeFieldContainer[ExecutedStep]
    execution_seq: int
    lease_token: str
    divergence: Divergence
    logs: Logs
    def __init__(self, job_id: _Optional[str] = ..., error: _Optional[_Union[_types_pb2.Error, _Mapping]] = ..., duration_ms: _Optional[int] = ..., steps: _Optional[_Iterable[_Union[ExecutedStep, _Mapping]]] = ..., execution_seq: _Optional[int] = ..., lease_token: _Optional[str] = ..., divergence: _Optional[_Union[Divergence, _Mapping]] = ..., logs: _Optional[_Union[Logs, _Mapping]] = ...) -> None: ...

class Divergence(_message.Message):
    __slots__ = ("step_id", "recorded", "requested", "location")
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    RECORDED_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    step_id: str
    recorded: str
    requested: str
    location: str
    def __init__(self, step_id: _Optional[str] = ..., recorded: _Optional[str] = ..., requested: _Optional[str] = ..., location: _Optional[str] = ...) -> None: ...

class RunNoted(_message.Message):
    __slots__ = ("job_id", "name", "value_json", "execution_seq", "lease_token")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_JSON_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_SEQ_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    name: str
    value_json: bytes
    execution_seq: int
    lease_token: str
    def __init__(self, job_id: _Optional[str] = ..., name: _Optional[str] = ..., value_json: _Optional[bytes] = ..., execution_seq: _Optional[int] = ..., lease_token: _Optional[str] = ...) -> None: ...

class ExecutedStep(_message.Message):
    __slots__ = ("id", "name", "type", "status", "output", "output_value", "error", "compensation_for", "duration_ms")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_VALUE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    COMPENSATION_FOR_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    type: str
    status: str
    output: _struct_pb2.Struct
    output_value: _struct_pb2.Value
    error: _types_pb2.Error
    compensation_for: str
    duration_ms: int
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., type: _Optional[str] = ..., status: _Optional[str] = ..., output: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., output_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., error: _Optional[_Union[_types_pb2.Error, _Mapping]] = ..., compensation_for: _Optional[str] = ..., duration_ms: _Optional[int] = ...) -> None: ...

class JobAck(_message.Message):
    __slots__ = ("job_id", "run_id", "execution_seq", "lease_token")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_SEQ_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    run_id: str
    execution_seq: int
    lease_token: str
    def __init__(self, job_id: _Optional[str] = ..., run_id: _Optional[str] = ..., execution_seq: _Optional[int] = ..., lease_token: _Optional[str] = ...) -> None: ...

class JobNack(_message.Message):
    __slots__ = ("job_id", "run_id", "execution_seq", "lease_token", "reason")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_SEQ_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    run_id: str
    execution_seq: int
    lease_token: str
    reason: JobNackReason
    def __init__(self, job_id: _Optional[str] = ..., run_id: _Optional[str] = ..., execution_seq: _Optional[int] = ..., lease_token: _Optional[str] = ..., reason: _Optional[_Union[JobNackReason, str]] = ...) -> None: ...

class EngineMessage(_message.Message):
    __slots__ = ("registered", "job", "step_ack", "resume", "cancel", "shutdown", "lease_refresh", "memo_page", "announce", "ping", "batch")
    REGISTERED_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    STEP_ACK_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    LEASE_REFRESH_FIELD_NUMBER: _ClassVar[int]
    MEMO_PAGE_FIELD_NUMBER: _ClassVar[int]
    ANNOUNCE_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    registered: WorkerRegistered
    job: JobAssignment
    step_ack: StepAck
    resume: ResumeJob
    cancel: CancelJob
    shutdown: Shutdown
    lease_refresh: LeaseRefreshResult
    memo_page: MemoPage
    announce: AnnounceSteps
    ping: Ping
    batch: _containers.RepeatedCompositeFieldContainer[EngineMessage]
    def __init__(self, registered: _Optional[_Union[WorkerRegistered, _Mapping]] = ..., job: _Optional[_Union[JobAssignment, _Mapping]] = ..., step_ack: _Optional[_Union[StepAck, _Mapping]] = ..., resume: _Optional[_Union[ResumeJob, _Mapping]] = ..., cancel: _Optional[_Union[CancelJob, _Mapping]] = ..., shutdown: _Optional[_Union[Shutdown, _Mapping]] = ..., lease_refresh: _Optional[_Union[LeaseRefreshResult, _Mapping]] = ..., memo_page: _Optional[_Union[MemoPage, _Mapping]] = ..., announce: _Optional[_Union[AnnounceSteps, _Mapping]] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ..., batch: _Optional[_Iterable[_Union[EngineMessage, _Mapping]]] = ...) -> None: ...

class LeaseRefreshResult(_message.Message):
    __slots__ = ("segments",)
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    segments: _containers.RepeatedCompositeFieldContainer[SegmentLeaseStatus]
    def __init__(self, segments: _Optional[_Iterable[_Union[SegmentLeaseStatus, _Mapping]]] = ...) -> None: ...

class SegmentLeaseStatus(_message.Message):
    __slots__ = ("run_id", "execution_seq", "state")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_SEQ_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    execution_seq: int
    state: LeaseState
    def __init__(self, run_id: _Optional[str] = ..., execution_seq: _Optional[int] = ..., state: _Optional[_Union[LeaseState, str]] = ...) -> None: ...

class WorkerRegistered(_message.Message):
    __slots__ = ("worker_id", "heartbeat_interval_ms")
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    heartbeat_interval_ms: int
    def __init__(self, worker_id: _Optional[str] = ..., heartbeat_interval_ms: _Optional[int] = ...) -> None: ...

class JobAssignment(_message.Message):
    __slots__ = ("job_id", "run_id", "function_id", "event", "completed_steps", "actor_id", "attempt", "context", "execution_seq", "lease_token", "lease_expires_at", "max_attempts", "on_exhausted", "resumes_job_id", "memo_pages", "unwind", "always_replay", "function_version", "announce_steps", "rested")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_STEPS_FIELD_NUMBER: _ClassVar[int]
    ACTOR_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_SEQ_FIELD_NUMBER: _ClassVar[int]
    LEASE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    LEASE_EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    ON_EXHAUSTED_FIELD_NUMBER: _ClassVar[int]
    RESUMES_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    MEMO_PAGES_FIELD_NUMBER: _ClassVar[int]
    UNWIND_FIELD_NUMBER: _ClassVar[int]
    ALWAYS_REPLAY_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_VERSION_FIELD_NUMBER: _ClassVar[int]
    ANNOUNCE_STEPS_FIELD_NUMBER: _ClassVar[int]
    RESTED_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    run_id: str
    function_id: str
    event: _types_pb2.Event
    completed_steps: _containers.RepeatedCompositeFieldContainer[CompletedStep]
    actor_id: str
    attempt: int
    context: JobContext
    execution_seq: int
    lease_token: str
    lease_expires_at: _timestamp_pb2.Timestamp
    max_attempts: int
    on_exhausted: str
    resumes_job_id: str
    memo_pages: int
    unwind: Unwind
    always_replay: bool
    function_version: int
    announce_steps: bool
    rested: bool
    def __init__(self, job_id: _Optional[str] = ..., run_id: _Optional[str] = ..., function_id: _Optional[str] = ..., event: _Optional[_Union[_types_pb2.Event, _Mapping]] = ..., completed_steps: _Optional[_Iterable[_Union[CompletedStep, _Mapping]]] = ..., actor_id: _Optional[str] = ..., attempt: _Optional[int] = ..., context: _Optional[_Union[JobContext, _Mapping]] = ..., execution_seq: _Optional[int] = ..., lease_token: _Optional[str] = ..., lease_expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., max_attempts: _Optional[int] = ..., on_exhausted: _Optional[str] = ..., resumes_job_id: _Optional[str] = ..., memo_pages: _Optional[int] = ..., unwind: _Optional[_Union[Unwind, _Mapping]] = ..., always_replay: _Optional[bool] = ..., function_version: _Optional[int] = ..., announce_steps: _Optional[bool] = ..., rested: _Optional[bool] = ...) -> None: ...

class Ping(_message.Message):
    __slots__ = ("at_us",)
    AT_US_FIELD_NUMBER: _ClassVar[int]
    at_us: int
    def __init__(self, at_us: _Optional[int] = ...) -> None: ...

class Pong(_message.Message):
    __slots__ = ("at_us", "worker_us")
    AT_US_FIELD_NUMBER: _ClassVar[int]
    WORKER_US_FIELD_NUMBER: _ClassVar[int]
    at_us: int
    worker_us: int
    def __init__(self, at_us: _Optional[int] = ..., worker_us: _Optional[int] = ...) -> None: ...

class AnnounceSteps(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    def __init__(self, job_id: _Optional[str] = ...) -> None: ...

class MemoPage(_message.Message):
    __slots__ = ("job_id", "completed_steps")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_STEPS_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    completed_steps: _containers.RepeatedCompositeFieldContainer[CompletedStep]
    def __init__(self, job_id: _Optional[str] = ..., completed_steps: _Optional[_Iterable[_Union[CompletedStep, _Mapping]]] = ...) -> None: ...

class Unwind(_message.Message):
    __slots__ = ("cause", "error")
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    cause: str
    error: _types_pb2.Error
    def __init__(self, cause: _Optional[str] = ..., error: _Optional[_Union[_types_pb2.Error, _Mapping]] = ...) -> None: ...

class CompletedStep(_message.Message):
    __slots__ = ("step_id", "name", "output", "output_value", "status", "error_json", "output_json", "type", "attempt", "news")
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_VALUE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_JSON_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_JSON_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    NEWS_FIELD_NUMBER: _ClassVar[int]
    step_id: str
    name: str
    output: _struct_pb2.Struct
    output_value: _struct_pb2.Value
    status: str
    error_json: bytes
    output_json: bytes
    type: str
    attempt: int
    news: bool
    def __init__(self, step_id: _Optional[str] = ..., name: _Optional[str] = ..., output: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., output_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., status: _Optional[str] = ..., error_json: _Optional[bytes] = ..., output_json: _Optional[bytes] = ..., type: _Optional[str] = ..., attempt: _Optional[int] = ..., news: _Optional[bool] = ...) -> None: ...

class JobContext(_message.Message):
    __slots__ = ("trace_id", "metadata", "secrets")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class SecretsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SECRETS_FIELD_NUMBER: _ClassVar[int]
    trace_id: str
    metadata: _containers.ScalarMap[str, str]
    secrets: _containers.ScalarMap[str, str]
    def __init__(self, trace_id: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., secrets: _Optional[_Mapping[str, str]] = ...) -> None: ...

class StepAck(_message.Message):
    __slots__ = ("step_id", "accepted", "error", "job_id", "failure")
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    step_id: str
    accepted: bool
    error: str
    job_id: str
    failure: _types_pb2.Error
    def __init__(self, step_id: _Optional[str] = ..., accepted: _Optional[bool] = ..., error: _Optional[str] = ..., job_id: _Optional[str] = ..., failure: _Optional[_Union[_types_pb2.Error, _Mapping]] = ...) -> None: ...

class ResumeJob(_message.Message):
    __slots__ = ("job_id", "step_id", "resume_type", "resume_data", "resume_data_value")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    RESUME_TYPE_FIELD_NUMBER: _ClassVar[int]
    RESUME_DATA_FIELD_NUMBER: _ClassVar[int]
    RESUME_DATA_VALUE_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    step_id: str
    resume_type: str
    resume_data: _struct_pb2.Struct
    resume_data_value: _struct_pb2.Value
    def __init__(self, job_id: _Optional[str] = ..., step_id: _Optional[str] = ..., resume_type: _Optional[str] = ..., resume_data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., resume_data_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class CancelJob(_message.Message):
    __slots__ = ("job_id", "reason")
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    job_id: str
    reason: str
    def __init__(self, job_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Shutdown(_message.Message):
    __slots__ = ("reason", "drain_timeout_ms")
    REASON_FIELD_NUMBER: _ClassVar[int]
    DRAIN_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    reason: str
    drain_timeout_ms: int
    def __init__(self, reason: _Optional[str] = ..., drain_timeout_ms: _Optional[int] = ...) -> None: ...
