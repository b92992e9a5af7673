"""The door for users' JSON (RFC 8259): what is let in can be stored, signed and read back by every client.

Refused: malformed text, invalid UTF-8, NUL and lone surrogates in strings, NaN and infinities, numbers beyond a
double, more than 100 levels, more than 10 MiB. What passes is kept byte for byte.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from app.errors import InvalidArgument, PayloadTooLarge

SIZE_BYTES_MAX = 10 * 2**20
DEPTH_MAX = 100

_decode = msgspec.json.Decoder().decode


def check(raw: bytes, *, field: str, size_max: int = SIZE_BYTES_MAX, depth_max: int = DEPTH_MAX) -> Any:
    """The decoded value of one JSON text. Raises InvalidArgument, PayloadTooLarge."""
    if len(raw) > size_max:
        raise PayloadTooLarge(
            f"{field} has {len(raw)} bytes, at most {size_max} are taken",
            field=field,
            hint="store large data elsewhere and send a reference",
        )
    try:
        value = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"{field} is not valid JSON: {error}", field=field, hint=_HINT) from None
    except RecursionError:
        raise _too_deep(field, depth_max) from None
    if b"\\u0000" in raw or raw.count(b"[") + raw.count(b"{") > depth_max:
        _check_exactly(value, field, depth_max)
    return value


def encode(value: Any, *, field: str) -> bytes:
    """The value as compact JSON, under the same rules. Raises InvalidArgument, PayloadTooLarge."""
    try:
        raw = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgument(f"{field} cannot be written as JSON: {error}", field=field, hint=_HINT) from None
    check(raw, field=field)
    return raw


_HINT = "send one JSON value in UTF-8, without NUL, lone surrogates, NaN or infinities"


def _check_exactly(value: Any, field: str, depth_max: int) -> None:
    """Walk the value for what a look at the bytes could not rule out."""
    level = [value]
    for _ in range(depth_max):
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                _check_text(item, field)
            elif isinstance(item, list):
                below += item
            elif isinstance(item, dict):
                for key in item:
                    _check_text(key, field)
                below += item.values()
        if not below:
            return
        level = below
    if any(isinstance(item, list | dict) for item in level):
        raise _too_deep(field, depth_max)
    for item in level:
        if isinstance(item, str):
            _check_text(item, field)


def _check_text(text: str, field: str) -> None:
    if "\0" in text:
        raise InvalidArgument(f"{field} has a NUL character in {text[:40]!r}", field=field, hint=_HINT)


def _too_deep(field: str, depth_max: int) -> InvalidArgument:
    return InvalidArgument(
        f"{field} is nested more than {depth_max} levels deep", field=field, hint="flatten the data or send it as text"
    )
