import datetime

from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ConsumerGroupStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONSUMER_GROUP_STATUS_UNSPECIFIED: _ClassVar[ConsumerGroupStatus]
    CONSUMER_GROUP_STATUS_ACTIVE: _ClassVar[ConsumerGroupStatus]
    CONSUMER_GROUP_STATUS_PAUSED: _ClassVar[ConsumerGroupStatus]
    CONSUMER_GROUP_STATUS_DELETED: _ClassVar[ConsumerGroupStatus]

class AckType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACK_TYPE_UNSPECIFIED: _ClassVar[AckType]
    ACK_TYPE_ACK: _ClassVar[AckType]
    ACK_TYPE_NAK: _ClassVar[AckType]
    ACK_TYPE_TERM: _ClassVar[AckType]

class AckResultCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACK_RESULT_CODE_UNSPECIFIED: _ClassVar[AckResultCode]
    ACK_RESULT_CODE_OK: _ClassVar[AckResultCode]
    ACK_RESULT_CODE_INVALID_ARGUMENT: _ClassVar[AckResultCode]
    ACK_RESULT_CODE_INTERNAL: _ClassVar[AckResultCode]
    ACK_RESULT_CODE_NOT_FOUND: _ClassVar[AckResultCode]

class AckMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACK_MODE_UNSPECIFIED: _ClassVar[AckMode]
    ACK_MODE_AUTO: _ClassVar[AckMode]
    ACK_MODE_MANUAL: _ClassVar[AckMode]

class BackpressureMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BACKPRESSURE_MODE_UNSPECIFIED: _ClassVar[BackpressureMode]
    BACKPRESSURE_MODE_DROP: _ClassVar[BackpressureMode]
    BACKPRESSURE_MODE_BLOCK: _ClassVar[BackpressureMode]
    BACKPRESSURE_MODE_BUFFER: _ClassVar[BackpressureMode]
CONSUMER_GROUP_STATUS_UNSPECIFIED: ConsumerGroupStatus
CONSUMER_GROUP_STATUS_ACTIVE: ConsumerGroupStatus
CONSUMER_GROUP_STATUS_PAUSED: ConsumerGroupStatus
CONSUMER_GROUP_STATUS_DELETED: ConsumerGroupStatus
ACK_TYPE_UNSPECIFIED: AckType
ACK_TYPE_ACK: AckType
ACK_TYPE_NAK: AckType
ACK_TYPE_TERM: AckType
ACK_RESULT_CODE_UNSPECIFIED: AckResultCode
ACK_RESULT_CODE_OK: AckResultCode
ACK_RESULT_CODE_INVALID_ARGUMENT: AckResultCode
ACK_RESULT_CODE_INTERNAL: AckResultCode
ACK_RESULT_CODE_NOT_FOUND: AckResultCode
ACK_MODE_UNSPECIFIED: AckMode
ACK_MODE_AUTO: AckMode
ACK_MODE_MANUAL: AckMode
BACKPRESSURE_MODE_UNSPECIFIED: BackpressureMode
BACKPRESSURE_MODE_DROP: BackpressureMode
BACKPRESSURE_MODE_BLOCK: BackpressureMode
BACKPRESSURE_MODE_BUFFER: BackpressureMode

class EmitRequest(_message.Message):
    __slots__ = ("event", "data", "data_value", "idempotency_key", "metadata", "namespace", "version", "tags")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    DATA_VALUE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    event: str
    data: _struct_pb2.Struct
    data_value: _struct_pb2.Value
    idempotency_key: str
    metadata: _struct_pb2.Struct
    namespace: str
    version: int
    tags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, event: _Optional[str] = ..., data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., data_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., idempotency_key: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., namespace: _Optional[str] = ..., version: _Optional[int] = ..., tags: _Optional[_Iterable[str]] = ...) -> None: ...

class EmitResponse(_message.Message):
    __slots__ = ("run_ids", "event_id")
    RUN_IDS_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    run_ids: _containers.RepeatedScalarFieldContainer[str]
    event_id: str
    def __init__(self, run_ids: _Optional[_Iterable[str]] = ..., event_id: _Optional[str] = ...) -> None: ...

class SubscribeRequest(_message.Message):
    __slots__ = ("pattern", "options", "patterns")
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    PATTERNS_FIELD_NUMBER: _ClassVar[int]
    pattern: str
    options: SubscribeOptions
    patterns: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, pattern: _Optional[str] = ..., options: _Optional[_Union[SubscribeOptions, _Mapping]] = ..., patterns: _Optional[_Iterable[str]] = ...) -> None: ...

class SubscribeOptions(_message.Message):
    __slots__ = ("replay", "include_metadata", "filter", "namespace", "consumer_group", "ack_mode", "backpressure", "start_after_sequence", "since")
    REPLAY_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_METADATA_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_GROUP_FIELD_NUMBER: _ClassVar[int]
    ACK_MODE_FIELD_NUMBER: _ClassVar[int]
    BACKPRESSURE_FIELD_NUMBER: _ClassVar[int]
    START_AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    replay: int
    include_metadata: bool
    filter: str
    namespace: str
    consumer_group: str
    ack_mode: AckMode
    backpressure: BackpressureMode
    start_after_sequence: int
    since: str
    def __init__(self, replay: _Optional[int] = ..., include_metadata: _Optional[bool] = ..., filter: _Optional[str] = ..., namespace: _Optional[str] = ..., consumer_group: _Optional[str] = ..., ack_mode: _Optional[_Union[AckMode, str]] = ..., backpressure: _Optional[_Union[BackpressureMode, str]] = ..., start_after_sequence: _Optional[int] = ..., since: _Optional[str] = ...) -> None: ...

class SubscriptionEvent(_message.Message):
    __slots__ = ("subscription_id", "event_id", "topic", "data", "data_value", "metadata", "sequence", "delivery_attempt", "dropped", "data_json")
    SUBSCRIPTION_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    DATA_VALUE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    DELIVERY_ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    DATA_JSON_FIELD_NUMBER: _ClassVar[int]
    subscription_id: str
    event_id: str
    topic: str
    data: _struct_pb2.Struct
    data_value: _struct_pb2.Value
    metadata: EventMetadata
    sequence: int
    delivery_attempt: int
    dropped: int
    data_json: bytes
    def __init__(self, subscription_id: _Optional[str] = ..., event_id: _Optional[str] = ..., topic: _Optional[str] = ..., data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., data_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., metadata: _Optional[_Union[EventMetadata, _Mapping]] = ..., sequence: _Optional[int] = ..., delivery_attempt: _Optional[int] = ..., dropped: _Optional[int] = ..., data_json: _Optional[bytes] = ...) -> None: ...

class EventMetadata(_message.Message):
    __slots__ = ("timestamp", "source", "namespace", "custom")
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_FIELD_NUMBER: _ClassVar[int]
    timestamp: _timestamp_pb2.Timestamp
    source: str
    namespace: str
    custom: _struct_pb2.Struct
    def __init__(self, timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., source: _Optional[str] = ..., namespace: _Optional[str] = ..., custom: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class PublishRequest(_message.Message):
    __slots__ = ("topic", "data", "data_value", "idempotency_key")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    DATA_VALUE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    topic: str
    data: _struct_pb2.Struct
    data_value: _struct_pb2.Value
    idempotency_key: str
    def __init__(self, topic: _Optional[str] = ..., data: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., data_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class PublishResponse(_message.Message):
    __slots__ = ("event_id", "sequence", "duplicate")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    sequence: int
    duplicate: bool
    def __init__(self, event_id: _Optional[str] = ..., sequence: _Optional[int] = ..., duplicate: _Optional[bool] = ...) -> None: ...

class ListTopicsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTopicsResponse(_message.Message):
    __slots__ = ("topics",)
    TOPICS_FIELD_NUMBER: _ClassVar[int]
    topics: _containers.RepeatedCompositeFieldContainer[TopicInfo]
    def __init__(self, topics: _Optional[_Iterable[_Union[TopicInfo, _Mapping]]] = ...) -> None: ...

class TopicInfo(_message.Message):
    __slots__ = ("name", "message_count", "consumer_count", "first_message_at", "last_message_at")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_COUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_MESSAGE_AT_FIELD_NUMBER: _ClassVar[int]
    LAST_MESSAGE_AT_FIELD_NUMBER: _ClassVar[int]
    name: str
    message_count: int
    consumer_count: int
    first_message_at: _timestamp_pb2.Timestamp
    last_message_at: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., message_count: _Optional[int] = ..., consumer_count: _Optional[int] = ..., first_message_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_message_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetTopicStatsRequest(_message.Message):
    __slots__ = ("topic",)
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    topic: str
    def __init__(self, topic: _Optional[str] = ...) -> None: ...

class GetTopicStatsResponse(_message.Message):
    __slots__ = ("name", "message_count", "consumer_count", "lag", "first_seq", "last_seq")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_COUNT_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAG_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    name: str
    message_count: int
    consumer_count: int
    lag: int
    first_seq: int
    last_seq: int
    def __init__(self, name: _Optional[str] = ..., message_count: _Optional[int] = ..., consumer_count: _Optional[int] = ..., lag: _Optional[int] = ..., first_seq: _Optional[int] = ..., last_seq: _Optional[int] = ...) -> None: ...

class SubscriptionAck(_message.Message):
    __slots__ = ("event_id", "ack_type", "redeliver_delay_ms", "ack_id", "reason", "at_once", "unseen")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    ACK_TYPE_FIELD_NUMBER: _ClassVar[int]
    REDELIVER_DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    ACK_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    AT_ONCE_FIELD_NUMBER: _ClassVar[int]
    UNSEEN_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    ack_type: AckType
    redeliver_delay_ms: int
    ack_id: int
    reason: str
    at_once: bool
    unseen: bool
    def __init__(self, event_id: _Optional[str] = ..., ack_type: _Optional[_Union[AckType, str]] = ..., redeliver_delay_ms: _Optional[int] = ..., ack_id: _Optional[int] = ..., reason: _Optional[str] = ..., at_once: _Optional[bool] = ..., unseen: _Optional[bool] = ...) -> None: ...

class SubscribeBidirectionalRequest(_message.Message):
    __slots__ = ("join", "ack", "acks")
    JOIN_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    ACKS_FIELD_NUMBER: _ClassVar[int]
    join: JoinConsumerGroupRequest
    ack: SubscriptionAck
    acks: SubscriptionAcks
    def __init__(self, join: _Optional[_Union[JoinConsumerGroupRequest, _Mapping]] = ..., ack: _Optional[_Union[SubscriptionAck, _Mapping]] = ..., acks: _Optional[_Union[SubscriptionAcks, _Mapping]] = ...) -> None: ...

class SubscribeBidirectionalResponse(_message.Message):
    __slots__ = ("joined", "event", "ack_result", "heartbeat", "events", "ack_results")
    JOINED_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    ACK_RESULT_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    ACK_RESULTS_FIELD_NUMBER: _ClassVar[int]
    joined: ConsumerGroupJoined
    event: SubscriptionEvent
    ack_result: AckResult
    heartbeat: StreamHeartbeat
    events: SubscriptionEvents
    ack_results: AckResults
    def __init__(self, joined: _Optional[_Union[ConsumerGroupJoined, _Mapping]] = ..., event: _Optional[_Union[SubscriptionEvent, _Mapping]] = ..., ack_result: _Optional[_Union[AckResult, _Mapping]] = ..., heartbeat: _Optional[_Union[StreamHeartbeat, _Mapping]] = ..., events: _Optional[_Union[SubscriptionEvents, _Mapping]] = ..., ack_results: _Optional[_Union[AckResults, _Mapping]] = ...) -> None: ...

class SubscriptionAcks(_message.Message):
    __slots__ = ("acks",)
    ACKS_FIELD_NUMBER: _ClassVar[int]
    acks: _containers.RepeatedCompositeFieldContainer[SubscriptionAck]
    def __init__(self, acks: _Optional[_Iterable[_Union[SubscriptionAck, _Mapping]]] = ...) -> None: ...

class SubscriptionEvents(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[SubscriptionEvent]
    def __init__(self, events: _Optional[_Iterable[_Union[SubscriptionEvent, _Mapping]]] = ...) -> None: ...

class AckResults(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[AckResult]
    def __init__(self, results: _Optional[_Iterable[_Union[AckResult, _Mapping]]] = ...) -> None: ...

class ConsumerGroupJoined(_message.Message):
    __slots__ = ("subscription_id", "group_name", "pattern", "ack_mode")
    SUBSCRIPTION_ID_FIELD_NUMBER: _ClassVar[int]
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    ACK_MODE_FIELD_NUMBER: _ClassVar[int]
    subscription_id: str
    group_name: str
    pattern: str
    ack_mode: AckMode
    def __init__(self, subscription_id: _Optional[str] = ..., group_name: _Optional[str] = ..., pattern: _Optional[str] = ..., ack_mode: _Optional[_Union[AckMode, str]] = ...) -> None: ...

class AckResult(_message.Message):
    __slots__ = ("ack_id", "event_id", "code", "message")
    ACK_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ack_id: int
    event_id: str
    code: AckResultCode
    message: str
    def __init__(self, ack_id: _Optional[int] = ..., event_id: _Optional[str] = ..., code: _Optional[_Union[AckResultCode, str]] = ..., message: _Optional[str] = ...) -> None: ...

class StreamHeartbeat(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AckEventRequest(_message.Message):
    __slots__ = ("namespace", "group_name", "consumer_id", "event_id", "ack_type", "redeliver_delay_ms", "reason")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    ACK_TYPE_FIELD_NUMBER: _ClassVar[int]
    REDELIVER_DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    group_name: str
    consumer_id: str
    event_id: str
    ack_type: AckType
    redeliver_delay_ms: int
    reason: str
    def __init__(self, namespace: _Optional[str] = ..., group_name: _Optional[str] = ..., consumer_id: _Optional[str] = ..., event_id: _Optional[str] = ..., ack_type: _Optional[_Union[AckType, str]] = ..., redeliver_delay_ms: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class AckEventResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ConsumerGroup(_message.Message):
    __slots__ = ("id", "namespace", "name", "pattern", "filter_expr", "ack_mode", "backpressure", "max_inflight", "max_redeliveries", "redeliver_delay_ms", "metadata", "status", "member_count", "created_at", "updated_at", "ack_wait_ms")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    FILTER_EXPR_FIELD_NUMBER: _ClassVar[int]
    ACK_MODE_FIELD_NUMBER: _ClassVar[int]
    BACKPRESSURE_FIELD_NUMBER: _ClassVar[int]
    MAX_INFLIGHT_FIELD_NUMBER: _ClassVar[int]
    MAX_REDELIVERIES_FIELD_NUMBER: _ClassVar[int]
    REDELIVER_DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MEMBER_COUNT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    ACK_WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    id: str
    namespace: str
    name: str
    pattern: str
    filter_expr: str
    ack_mode: AckMode
    backpressure: BackpressureMode
    max_inflight: int
    max_redeliveries: int
    redeliver_delay_ms: int
    metadata: _struct_pb2.Struct
    status: ConsumerGroupStatus
    member_count: int
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    ack_wait_ms: int
    def __init__(self, id: _Optional[str] = ..., namespace: _Optional[str] = ..., name: _Optional[str] = ..., pattern: _Optional[str] = ..., filter_expr: _Optional[str] = ..., ack_mode: _Optional[_Union[AckMode, str]] = ..., backpressure: _Optional[_Union[BackpressureMode, str]] = ..., max_inflight: _Optional[int] = ..., max_redeliveries: _Optional[int] = ..., redeliver_delay_ms: _Optional[int] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., status: _Optional[_Union[ConsumerGroupStatus, str]] = ..., member_count: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ack_wait_ms: _Optional[int] = ...) -> None: ...

class CreateConsumerGroupRequest(_message.Message):
    __slots__ = ("namespace", "name", "pattern", "filter_expr", "ack_mode", "backpressure", "max_inflight", "max_redeliveries", "redeliver_delay_ms", "metadata", "ack_wait_ms", "start_after_sequence")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    FILTER_EXPR_FIELD_NUMBER: _ClassVar[int]
    ACK_MODE_FIELD_NUMBER: _ClassVar[int]
    BACKPRESSURE_FIELD_NUMBER: _ClassVar[int]
    MAX_INFLIGHT_FIELD_NUMBER: _ClassVar[int]
    MAX_REDELIVERIES_FIELD_NUMBER: _ClassVar[int]
    REDELIVER_DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    ACK_WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    START_AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    name: str
    pattern: str
    filter_expr: str
    ack_mode: AckMode
    backpressure: BackpressureMode
    max_inflight: int
    max_redeliveries: int
    redeliver_delay_ms: int
    metadata: _struct_pb2.Struct
    ack_wait_ms: int
    start_after_sequence: int
    def __init__(self, namespace: _Optional[str] = ..., name: _Optional[str] = ..., pattern: _Optional[str] = ..., filter_expr: _Optional[str] = ..., ack_mode: _Optional[_Union[AckMode, str]] = ..., backpressure: _Optional[_Union[BackpressureMode, str]] = ..., max_inflight: _Optional[int] = ..., max_redeliveries: _Optional[int] = ..., redeliver_delay_ms: _Optional[int] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., ack_wait_ms: _Optional[int] = ..., start_after_sequence: _Optional[int] = ...) -> None: ...

class GetConsumerGroupRequest(_message.Message):
    __slots__ = ("namespace", "name")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    name: str
    def __init__(self, namespace: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class ListConsumerGroupsRequest(_message.Message):
    __slots__ = ("namespace", "status", "limit", "cursor")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    status: ConsumerGroupStatus
    limit: int
    cursor: str
    def __init__(self, namespace: _Optional[str] = ..., status: _Optional[_Union[ConsumerGroupStatus, str]] = ..., limit: _Optional[int] = ..., cursor: _Optional[str] = ...) -> None: ...

class ListConsumerGroupsResponse(_message.Message):
    __slots__ = ("groups", "next_cursor", "total_count")
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[ConsumerGroup]
    next_cursor: str
    total_count: int
    def __init__(self, groups: _Optional[_Iterable[_Union[ConsumerGroup, _Mapping]]] = ..., next_cursor: _Optional[str] = ..., total_count: _Optional[int] = ...) -> None: ...

class UpdateConsumerGroupRequest(_message.Message):
    __slots__ = ("group", "update_mask")
    GROUP_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    group: ConsumerGroup
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, group: _Optional[_Union[ConsumerGroup, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class DeleteConsumerGroupRequest(_message.Message):
    __slots__ = ("namespace", "name")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    name: str
    def __init__(self, namespace: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class JoinConsumerGroupRequest(_message.Message):
    __slots__ = ("namespace", "group_name", "consumer_id", "client_id", "batched", "window")
    NAMESPACE_FIELD_NUMBER: _ClassVar[int]
    GROUP_NAME_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    BATCHED_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    namespace: str
    group_name: str
    consumer_id: str
    client_id: str
    batched: bool
    window: int
    def __init__(self, namespace: _Optional[str] = ..., group_name: _Optional[str] = ..., consumer_id: _Optional[str] = ..., client_id: _Optional[str] = ..., batched: _Optional[bool] = ..., window: _Optional[int] = ...) -> None: ...
