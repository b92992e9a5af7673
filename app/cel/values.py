"""Values of JSON as CEL has them, and back."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

from celpy import celtypes

from app.cel.costs import VALUES_SHIFT, Budget

# What is read of a value: some of its keys, or (None) all of it.
Needs: TypeAlias = "dict[str, Needs] | None"

TRUE, FALSE = celtypes.BoolType(True), celtypes.BoolType(False)


def chosen(value: Any, needs: Needs, budget: Budget) -> Any:
    """The part of a value that is read, as CEL."""
    if needs is None or type(value) is not dict:
        return _converted(value, budget)
    made = celtypes.MapType()
    for key, below in needs.items():
        if key in value:
            made[text(key)] = chosen(value[key], below, budget)
    return made


def _converted(value: Any, budget: Budget) -> Any:
    match value:
        case str():
            return text(value)
        case dict():
            budget.spend(len(value) + 2 >> 2)
            made = celtypes.MapType()
            for key, inner in value.items():
                made[text(key)] = _converted(inner, budget)
            return made
        case list() | tuple():
            budget.spend(len(value) >> VALUES_SHIFT)
            return celtypes.ListType([_converted(inner, budget) for inner in value])
        case bool():
            return TRUE if value else FALSE
        case int() if -(2**63) <= value < 2**63:
            return int.__new__(celtypes.IntType, value)  # the type's own constructor takes twenty times as long
        case int() | float():
            return celtypes.DoubleType(value)
        case None:
            return None
        case datetime():
            return celtypes.TimestampType(value)
        case _:
            raise TypeError(f"{type(value).__name__} is no value of JSON")


def plain(value: Any) -> Any:
    """A value of CEL as JSON: instants and durations as CEL writes them, bytes and types as texts. Raises TypeError."""
    match value:
        case None:
            return None
        case celtypes.BoolType():
            return bool(value)
        case celtypes.TimestampType() | celtypes.DurationType() | celtypes.BytesType():
            return str(celtypes.StringType(value))  # type: ignore[arg-type]  # it has methods for these
        case str():
            return str(value)
        case int():
            return int(value)
        case float():
            return float(value)
        case list():
            return [plain(inner) for inner in value]
        case dict():
            return {str(key): plain(inner) for key, inner in value.items()}
        case type():
            return value.__name__
        case _:
            raise TypeError(f"{type(value).__name__} is no value of JSON")


def text(value: str) -> Any:
    return str.__new__(celtypes.StringType, value)
