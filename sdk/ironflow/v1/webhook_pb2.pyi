import datetime

from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WebhookVerifyConfig(_message.Message):
    __slots__ = ("signature_header", "entry_separator", "kv_delimiter", "signature_key", "timestamp_header", "timestamp_key", "signing_template", "encoding", "algorithm", "tolerance_seconds", "event_name_path", "dedup_id_path", "secret_encoding", "challenge_path")
    SIGNATURE_HEADER_FIELD_NUMBER: _ClassVar[int]
    ENTRY_SEPARATOR_FIELD_NUMBER: _ClassVar[int]
    KV_DELIMITER_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_KEY_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_HEADER_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_KEY_FIELD_NUMBER: _ClassVar[int]
    SIGNING_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    TOLERANCE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAME_PATH_FIELD_NUMBER: _ClassVar[int]
    DEDUP_ID_PATH_FIELD_NUMBER: _ClassVar[int]
    SECRET_ENCODING_FIELD_NUMBER: _ClassVar[int]
    CHALLENGE_PATH_FIELD_NUMBER: _ClassVar[int]
    signature_header: str
    entry_separator: str
    kv_delimiter: str
    signature_key: str
    timestamp_header: str
    timestamp_key: str
    signing_template: str
    encoding: str
    algorithm: str
    tolerance_seconds: int
    event_name_path: str
    dedup_id_path: str
    secret_encoding: str
    challenge_path: str
    def __init__(self, signature_header: _Optional[str] = ..., entry_separator: _Optional[str] = ..., kv_delimiter: _Optional[str] = ..., signature_key: _Optional[str] = ..., timestamp_header: _Optional[str] = ..., timestamp_key: _Optional[str] = ..., signing_template: _Optional[str] = ..., encoding: _Optional[str] = ..., algorithm: _Optional[str] = ..., tolerance_seconds: _Optional[int] = ..., event_name_path: _Optional[str] = ..., dedup_id_path: _Optional[str] = ..., secret_encoding: _Optional[str] = ..., challenge_path: _Optional[str] = ...) -> None: ...

class WebhookSource(_message.Message):
    __slots__ = ("id", "event_prefix", "verify_header", "verify_algorithm", "source_type", "metadata", "created_at", "updated_at", "verify_secret_set", "name", "verify_secret_prev_set", "verify_secret_prev_expires_at", "ingest_token_prefix", "ingest_token", "verify_config", "schema_version", "status", "ingest_path")
    ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_PREFIX_FIELD_NUMBER: _ClassVar[int]
    VERIFY_HEADER_FIELD_NUMBER: _ClassVar[int]
    VERIFY_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TYPE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    VERIFY_SECRET_SET_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERIFY_SECRET_PREV_SET_FIELD_NUMBER: _ClassVar[int]
    VERIFY_SECRET_PREV_EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    INGEST_TOKEN_PREFIX_FIELD_NUMBER: _ClassVar[int]
    INGEST_TOKEN_FIELD_NUMBER: _ClassVar[int]
    VERIFY_CONFIG_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    INGEST_PATH_FIELD_NUMBER: _ClassVar[int]
    id: str
    event_prefix: str
    verify_header: str
    verify_algorithm: str
    source_type: str
    metadata: _struct_pb2.Struct
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    verify_secret_set: bool
    name: str
    verify_secret_prev_set: bool
    verify_secret_prev_expires_at: _timestamp_pb2.Timestamp
    ingest_token_prefix: str
    ingest_token: str
    verify_config: WebhookVerifyConfig
    schema_version: int
    status: str
    ingest_path: str
    def __init__(self, id: _Optional[str] = ..., event_prefix: _Optional[str] = ..., verify_header: _Optional[str] = ..., verify_algorithm: _Optional[str] = ..., source_type: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., verify_secret_set: _Optional[bool] = ..., name: _Optional[str] = ..., verify_secret_prev_set: _Optional[bool] = ..., verify_secret_prev_expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ingest_token_prefix: _Optional[str] = ..., ingest_token: _Optional[str] = ..., verify_config: _Optional[_Union[WebhookVerifyConfig, _Mapping]] = ..., schema_version: _Optional[int] = ..., status: _Optional[str] = ..., ingest_path: _Optional[str] = ...) -> None: ...

class GetWebhookSourceRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class CreateWebhookSourceRequest(_message.Message):
    __slots__ = ("event_prefix", "verify_header", "verify_algorithm", "verify_secret", "metadata", "name", "verify_config", "schema_version", "provider")
    EVENT_PREFIX_FIELD_NUMBER: _ClassVar[int]
    VERIFY_HEADER_FIELD_NUMBER: _ClassVar[int]
    VERIFY_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    VERIFY_SECRET_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERIFY_CONFIG_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    event_prefix: str
    verify_header: str
    verify_algorithm: str
    verify_secret: str
    metadata: _struct_pb2.Struct
    name: str
    verify_config: WebhookVerifyConfig
    schema_version: int
    provider: str
    def __init__(self, event_prefix: _Optional[str] = ..., verify_header: _Optional[str] = ..., verify_algorithm: _Optional[str] = ..., verify_secret: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., name: _Optional[str] = ..., verify_config: _Optional[_Union[WebhookVerifyConfig, _Mapping]] = ..., schema_version: _Optional[int] = ..., provider: _Optional[str] = ...) -> None: ...

class ListWebhookSourcesRequest(_message.Message):
    __slots__ = ("limit", "offset")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    limit: int
    offset: int
    def __init__(self, limit: _Optional[int] = ..., offset: _Optional[int] = ...) -> None: ...

class ListWebhookSourcesResponse(_message.Message):
    __slots__ = ("sources", "total_count")
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    sources: _containers.RepeatedCompositeFieldContainer[WebhookSource]
    total_count: int
    def __init__(self, sources: _Optional[_Iterable[_Union[WebhookSource, _Mapping]]] = ..., total_count: _Optional[int] = ...) -> None: ...

class UpdateWebhookSourceRequest(_message.Message):
    __slots__ = ("id", "name", "verify_header", "verify_algorithm", "metadata", "verify_config", "expected_updated_at", "schema_version", "event_prefix")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERIFY_HEADER_FIELD_NUMBER: _ClassVar[int]
    VERIFY_ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    VERIFY_CONFIG_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_VERSION_FIELD_NUMBER: _ClassVar[int]
    EVENT_PREFIX_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    verify_header: str
    verify_algorithm: str
    metadata: _struct_pb2.Struct
    verify_config: WebhookVerifyConfig
    expected_updated_at: _timestamp_pb2.Timestamp
    schema_version: int
    event_prefix: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., verify_header: _Optional[str] = ..., verify_algorithm: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., verify_config: _Optional[_Union[WebhookVerifyConfig, _Mapping]] = ..., expected_updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., schema_version: _Optional[int] = ..., event_prefix: _Optional[str] = ...) -> None: ...

class RotateWebhookSecretRequest(_message.Message):
    __slots__ = ("id", "verify_secret", "grace_seconds", "expected_updated_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    VERIFY_SECRET_FIELD_NUMBER: _ClassVar[int]
    GRACE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    verify_secret: str
    grace_seconds: int
    expected_updated_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., verify_secret: _Optional[str] = ..., grace_seconds: _Optional[int] = ..., expected_updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ExpireWebhookSecretPrevRequest(_message.Message):
    __slots__ = ("id", "expected_updated_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    expected_updated_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., expected_updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DisableWebhookSignatureVerificationRequest(_message.Message):
    __slots__ = ("id", "grace_seconds", "expected_updated_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    GRACE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    grace_seconds: int
    expected_updated_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., grace_seconds: _Optional[int] = ..., expected_updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RotateWebhookIngestTokenRequest(_message.Message):
    __slots__ = ("id", "expected_updated_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    expected_updated_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., expected_updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DeleteWebhookSourceRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class PauseWebhookSourceRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class ResumeWebhookSourceRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class WebhookCheck(_message.Message):
    __slots__ = ("name", "passed", "detail")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    name: str
    passed: bool
    detail: str
    def __init__(self, name: _Optional[str] = ..., passed: _Optional[bool] = ..., detail: _Optional[str] = ...) -> None: ...

class WebhookDelivery(_message.Message):
    __slots__ = ("id", "source_id", "external_id", "status", "event_id", "error", "created_at", "request_body", "request_headers", "signature_key", "event_name", "code", "replays", "body_bytes", "checks")
    ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_BODY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_HEADERS_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_KEY_FIELD_NUMBER: _ClassVar[int]
    EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    REPLAYS_FIELD_NUMBER: _ClassVar[int]
    BODY_BYTES_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    id: str
    source_id: str
    external_id: str
    status: str
    event_id: str
    error: str
    created_at: _timestamp_pb2.Timestamp
    request_body: str
    request_headers: _struct_pb2.Struct
    signature_key: str
    event_name: str
    code: str
    replays: int
    body_bytes: int
    checks: _containers.RepeatedCompositeFieldContainer[WebhookCheck]
    def __init__(self, id: _Optional[str] = ..., source_id: _Optional[str] = ..., external_id: _Optional[str] = ..., status: _Optional[str] = ..., event_id: _Optional[str] = ..., error: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., request_body: _Optional[str] = ..., request_headers: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., signature_key: _Optional[str] = ..., event_name: _Optional[str] = ..., code: _Optional[str] = ..., replays: _Optional[int] = ..., body_bytes: _Optional[int] = ..., checks: _Optional[_Iterable[_Union[WebhookCheck, _Mapping]]] = ...) -> None: ...

class ListWebhookDeliveriesRequest(_message.Message):
    __slots__ = ("source_id", "status", "limit", "offset")
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    source_id: str
    status: str
    limit: int
    offset: int
    def __init__(self, source_id: _Optional[str] = ..., status: _Optional[str] = ..., limit: _Optional[int] = ..., offset: _Optional[int] = ...) -> None: ...

class ListWebhookDeliveriesResponse(_message.Message):
    __slots__ = ("deliveries", "total_count")
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_COUNT_FIELD_NUMBER: _ClassVar[int]
    deliveries: _containers.RepeatedCompositeFieldContainer[WebhookDelivery]
    total_count: int
    def __init__(self, deliveries: _Optional[_Iterable[_Union[WebhookDelivery, _Mapping]]] = ..., total_count: _Optional[int] = ...) -> None: ...

class GetWebhookDeliveryRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class ReplayWebhookDeliveryRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class TestWebhookVerifyConfigRequest(_message.Message):
    __slots__ = ("verify_config", "body", "headers", "verify_secret", "source_id")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    VERIFY_CONFIG_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    VERIFY_SECRET_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    verify_config: WebhookVerifyConfig
    body: str
    headers: _containers.ScalarMap[str, str]
    verify_secret: str
    source_id: str
    def __init__(self, verify_config: _Optional[_Union[WebhookVerifyConfig, _Mapping]] = ..., body: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ..., verify_secret: _Optional[str] = ..., source_id: _Optional[str] = ...) -> None: ...

class TestWebhookVerifyConfigResponse(_message.Message):
    __slots__ = ("verified", "signing_string", "computed_signature", "presented_signatures", "resolved_timestamp", "resolved_event_name", "resolved_dedup_id", "error")
    VERIFIED_FIELD_NUMBER: _ClassVar[int]
    SIGNING_STRING_FIELD_NUMBER: _ClassVar[int]
    COMPUTED_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    PRESENTED_SIGNATURES_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_EVENT_NAME_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_DEDUP_ID_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    verified: bool
    signing_string: str
    computed_signature: str
    presented_signatures: _containers.RepeatedScalarFieldContainer[str]
    resolved_timestamp: str
    resolved_event_name: str
    resolved_dedup_id: str
    error: str
    def __init__(self, verified: _Optional[bool] = ..., signing_string: _Optional[str] = ..., computed_signature: _Optional[str] = ..., presented_signatures: _Optional[_Iterable[str]] = ..., resolved_timestamp: _Optional[str] = ..., resolved_event_name: _Optional[str] = ..., resolved_dedup_id: _Optional[str] = ..., error: _Optional[str] = ...) -> None: ...
