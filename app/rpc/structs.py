"""JSON as protobuf's Struct and Value have it. `google.protobuf.json_format` does the same for any message, which takes
several times as long: every event that is told to a subscriber and every payload of a client comes through here."""

from __future__ import annotations

import math
from typing import Any

from google.protobuf.struct_pb2 import ListValue, NullValue, Struct, Value

WHOLE_MAX = 2**53
"""Below it a double that is whole was an integer."""


def fill(struct: Struct, content: dict[str, Any]) -> None:
    """Make an empty Struct an object, which may itself be empty. Integers that a double cannot hold become what it
    makes of them."""
    struct.SetInParent()
    fields = struct.fields
    for name, value in content.items():
        put(fields[name], value)


def put(message: Value, value: Any) -> None:
    """Give an empty Value a value of JSON."""
    match value:
        case str():
            message.string_value = value
        case bool():
            message.bool_value = value
        case int() | float():
            message.number_value = float(value)
        case None:
            message.null_value = NullValue.NULL_VALUE
        case dict():
            fill(message.struct_value, value)
        case list():
            items = message.list_value
            items.SetInParent()
            for item in value:
                put(items.values.add(), item)
        case _:
            raise TypeError(f"{type(value).__name__} is no JSON")


def plain(message: Struct | Value | ListValue) -> Any:
    """As Python data; numbers that are whole are integers. Raises ValueError for NaN and infinities, which are no
    JSON."""
    if isinstance(message, Struct):
        return _object(message)
    return [_value(item) for item in message.values] if isinstance(message, ListValue) else _value(message)


def _object(struct: Struct) -> dict[str, Any]:
    fields = struct.fields
    return {name: _value(fields[name]) for name in fields}


def _value(message: Value) -> Any:
    kind = message.WhichOneof("kind")
    if kind == "string_value":
        return message.string_value
    if kind == "number_value":
        return _number(message.number_value)
    if kind == "struct_value":
        return _object(message.struct_value)
    if kind == "list_value":
        return [_value(item) for item in message.list_value.values]
    return message.bool_value if kind == "bool_value" else None


def levels(value: Any) -> int:
    """How many messages within messages a value takes: an object is a Struct with entries of Values, an array a list of
    them."""
    if isinstance(value, dict):
        return 3 + max(map(levels, value.values()), default=0)
    if isinstance(value, list):
        return 2 + max(map(levels, value), default=0)
    return 0


def _number(number: float) -> int | float:
    if not math.isfinite(number):
        raise ValueError(f"{number} is no number of JSON")
    return int(number) if number.is_integer() and abs(number) < WHOLE_MAX else number
