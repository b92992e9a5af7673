from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExecuteSQLRequest(_message.Message):
    __slots__ = ("query", "timeout_ms", "max_rows", "params_json")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    PARAMS_JSON_FIELD_NUMBER: _ClassVar[int]
    query: str
    timeout_ms: int
    max_rows: int
    params_json: str
    def __init__(self, query: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., max_rows: _Optional[int] = ..., params_json: _Optional[str] = ...) -> None: ...

class ExecuteSQLResponse(_message.Message):
    __slots__ = ("columns", "rows", "total_rows", "truncated")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_ROWS_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedScalarFieldContainer[str]
    rows: _containers.RepeatedCompositeFieldContainer[SQLRow]
    total_rows: int
    truncated: bool
    def __init__(self, columns: _Optional[_Iterable[str]] = ..., rows: _Optional[_Iterable[_Union[SQLRow, _Mapping]]] = ..., total_rows: _Optional[int] = ..., truncated: _Optional[bool] = ...) -> None: ...

class SQLRow(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, values: _Optional[_Iterable[str]] = ...) -> None: ...
