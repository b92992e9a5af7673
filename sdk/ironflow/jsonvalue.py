"""Values on their way to the engine, under its rules, so that a step learns of a bad result before it is sent.

Refused: what json cannot write, NaN and infinities, lone surrogates and NUL in strings, more than 100 levels, more
than 10 MiB.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ironflow.errors import NonRetryableError

if TYPE_CHECKING:
    from google.protobuf.struct_pb2 import Struct, Value

SIZE_BYTES_MAX = 10 * 2**20
DEPTH_MAX = 100

decode = json.loads
_read = json.JSONDecoder().raw_decode
_SCALARS = frozenset((str, int, float, bool, type(None)))
_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]')
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def encode(value: Any, *, what: str = "the result") -> bytes:
    """The value as JSON. Raises NonRetryableError (SERIALIZATION_ERROR, PAYLOAD_TOO_LARGE) that says `what` it is of:
    it would come out the same the next time."""
    return _checked(value, what)[0]


def recorded(value: Any) -> tuple[bytes, Any]:
    """The value as JSON, and what will be read from that: lists for tuples, text for keys. Raises as `encode`."""
    raw, text = _checked(value, "the result")
    return raw, value if type(value) in _SCALARS else _read(text)[0]


def _checked(value: Any, what: str) -> tuple[bytes, str]:
    try:
        text = _encode(value)
        raw = text.encode()
    except Exception as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else _reason(error)
        raise _refused(what, f"{reason}; use dicts, lists, strings, numbers, booleans or None") from error
    if len(raw) > SIZE_BYTES_MAX:
        raise NonRetryableError(
            f"{what} has {len(raw)} bytes as JSON, at most {SIZE_BYTES_MAX} are taken; "
            "store large data elsewhere and pass a reference",
            code="PAYLOAD_TOO_LARGE",
        )
    if "\\u0000" in text and _NUL.search(text):
        raise _refused(what, "a string has a NUL character")
    if text.count("[") + text.count("{") > DEPTH_MAX and _depth(text) > DEPTH_MAX:
        raise _refused(what, f"it is nested more than {DEPTH_MAX} levels deep")
    return raw, text


def of_struct(value: Struct | Value) -> Any:
    """The plain value of a protobuf one, whole numbers as int: protobuf only knows doubles."""
    from google.protobuf.json_format import MessageToDict

    return _whole(MessageToDict(value))


def _whole(value: Any) -> Any:
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: _whole(item) for key, item in value.items()}
        case list():
            return [_whole(item) for item in value]
    return value


def _depth(text: str) -> int:
    """How deep the brackets of a JSON text are nested."""
    depth = deepest = 0
    for token in _TOKEN.findall(text):
        if token in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif token in "]}":
            depth -= 1
    return deepest


def _reason(error: Exception) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the error's own str() is user code
        return type(error).__name__


def _refused(what: str, reason: str) -> NonRetryableError:
    return NonRetryableError(f"{what} is not JSON: {reason}", code="SERIALIZATION_ERROR")
