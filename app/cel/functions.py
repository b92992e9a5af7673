"""CEL's functions and operators, each of which spends of a budget what it costs."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import re2
from celpy import celtypes
from celpy.evaluation import CELEvalError, base_functions

from app.cel.costs import MATCH_SHIFT, TEXT_SHIFT, VALUES_SHIFT, Budget, size_of
from app.cel.values import FALSE, TRUE

INSTANT_CHARS_MAX = 64

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "_<_": operator.lt,
    "_<=_": operator.le,
    "_>_": operator.gt,
    "_>=_": operator.ge,
    "_==_": operator.eq,
    "_!=_": operator.ne,
}
_NUMBERS = (celtypes.IntType, celtypes.UintType, celtypes.DoubleType)
_DURATION = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?(?:ns|us|µs|ms|s|m|h|d))+")
_REGEX = re2.Options()
_REGEX.log_errors = False


def _compared(name: str) -> Callable[[Budget, Any, Any], Any]:
    compare, strict = _COMPARISONS[name], base_functions[name]

    def by_value(budget: Budget, left: Any, right: Any) -> Any:
        """Numbers of JSON compare by value, an integer with a fraction too."""
        mixed = isinstance(left, celtypes.DoubleType) is not isinstance(right, celtypes.DoubleType)
        if mixed and isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS):
            return TRUE if compare(_plain(left), _plain(right)) else FALSE
        if not isinstance(left, _NUMBERS):
            budget.spend(size_of(left) >> 1)
        return strict(left, right)

    return by_value


def _plain(number: Any) -> int | float:
    return float(number) if isinstance(number, float) else int(number)


def _contained(budget: Budget, item: Any, container: Any) -> Any:
    if isinstance(container, str | bytes | list | dict):
        budget.spend(len(container) * (1 + size_of(item)) >> VALUES_SHIFT)
    return base_functions["_in_"](item, container)


def _contains(budget: Budget, container: Any, item: Any) -> Any:
    if isinstance(container, list):
        budget.spend(len(container) * (1 + size_of(item)) >> VALUES_SHIFT)
    return _of_texts(base_functions["contains"])(budget, container, item)


def _added(budget: Budget, left: Any, right: Any) -> Any:
    if isinstance(left, str | bytes) and isinstance(right, str | bytes):
        budget.spend((len(left) + len(right)) >> TEXT_SHIFT)
    elif isinstance(left, list) and isinstance(right, list):
        budget.spend((len(left) + len(right)) >> VALUES_SHIFT)
    return operator.add(left, right)


def _of_numbers(function: Callable[[Any, Any], Any]) -> Callable[[Budget, Any, Any], Any]:
    """Python repeats and formats texts with these operators."""

    def applied(budget: Budget, left: Any, right: Any) -> Any:
        for value in (left, right):
            if isinstance(value, CELEvalError):
                return value
            if not isinstance(value, _NUMBERS):
                raise TypeError(f"{type(value).__name__} is no number")
        return function(left, right)

    return applied


def _of_texts(function: Callable[..., Any]) -> Callable[..., Any]:
    def applied(budget: Budget, *arguments: Any) -> Any:
        budget.spend(sum(len(one) for one in arguments if isinstance(one, str | bytes)) >> TEXT_SHIFT)
        return function(*arguments)

    return applied


def _of_anything(function: Callable[..., Any]) -> Callable[..., Any]:
    def applied(budget: Budget, *arguments: Any) -> Any:
        budget.spend(sum(map(size_of, arguments)) >> 1)
        return function(*arguments)

    return applied


def _matched(budget: Budget, text: Any, pattern: Any) -> Any:
    if not isinstance(text, str) or not isinstance(pattern, str):
        raise TypeError("matches takes a text and a pattern")
    budget.spend(len(pattern))
    try:
        compiled = re2.compile(pattern, _REGEX)
    except re2.error as error:
        return CELEvalError("match error", error.__class__, error.args)
    budget.spend(len(text) * compiled.programsize >> MATCH_SHIFT)
    return TRUE if compiled.search(text) is not None else FALSE


def _timestamp(budget: Budget, value: Any) -> Any:
    if isinstance(value, str) and len(value) > INSTANT_CHARS_MAX:
        raise ValueError("that is no timestamp")
    return celtypes.TimestampType(value)


def _duration(budget: Budget, value: Any) -> Any:
    if isinstance(value, str) and (len(value) > INSTANT_CHARS_MAX or not _DURATION.fullmatch(value)):
        raise ValueError("that is no duration")
    return celtypes.DurationType(value)


METERED: Mapping[str, Callable[..., Any]] = {
    **{name: _compared(name) for name in _COMPARISONS},
    "_in_": _contained,
    "_+_": _added,
    "_*_": _of_numbers(operator.mul),
    "_%_": _of_numbers(operator.mod),
    "contains": _contains,
    "startsWith": _of_texts(base_functions["startsWith"]),
    "endsWith": _of_texts(base_functions["endsWith"]),
    "matches": _matched,
    "timestamp": _timestamp,
    "duration": _duration,
    **{
        name: _of_anything(base_functions[name])
        for name in ("string", "bytes", "list", "map", "int", "uint", "double", "bool")
    },
}
