"""cel-python as we run it: on plain JSON values, within a budget. Imports the engine, which takes a while.

An expression is evaluated while an event is emitted, in the one event loop. So each evaluation may cost so much and no
more, counted in steps of the engine (a few µs each) and in what its functions read and write: the same expression on
the same data ends the same on every machine. What Python would do for operators that CEL does not have, such as
repeating or formatting texts, is refused, and so is a duration that its parser would never be done with.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias

import lark
import re2
from celpy import Environment, celtypes
from celpy.celparser import CELParseError
from celpy.evaluation import CELEvalError, Evaluator, base_functions

COST_MAX = 10_000
INSTANT_CHARS_MAX = 64

SyntaxFault = CELParseError

# What is read of a value: some of its keys, or (None) all of it.
Needs: TypeAlias = "dict[str, Needs] | None"

FUNCTIONS = frozenset((*base_functions, "has", "dyn"))

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "_<_": operator.lt,
    "_<=_": operator.le,
    "_>_": operator.gt,
    "_>=_": operator.ge,
    "_==_": operator.eq,
    "_!=_": operator.ne,
}
_LEVELS = frozenset(
    ("expr", "conditionalor", "conditionaland", "relation", "addition", "multiplication", "unary", "member")
)
_OPERATORS: Mapping[str, str] = {
    "relation_lt": "_<_",
    "relation_le": "_<=_",
    "relation_gt": "_>_",
    "relation_ge": "_>=_",
    "relation_eq": "_==_",
    "relation_ne": "_!=_",
    "relation_in": "_in_",
    "addition_add": "_+_",
    "addition_sub": "_-_",
    "multiplication_mul": "_*_",
    "multiplication_div": "_/_",
    "multiplication_mod": "_%_",
}
_NUMBERS = (celtypes.IntType, celtypes.UintType, celtypes.DoubleType)
_TRUE, _FALSE = celtypes.BoolType(True), celtypes.BoolType(False)
_DURATION = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?(?:ns|us|µs|ms|s|m|h|d))+")

# What takes about as long as a step, as powers of two: characters read, values converted or compared, and characters
# times instructions of a regular expression at its worst.
_TEXT_SHIFT = 12
_VALUES_SHIFT = 3
_MATCH_SHIFT = 9
_REGEX = re2.Options()
_REGEX.log_errors = False


class TooCostly(Exception):
    """The evaluation costs more than it may."""


class Budget:
    """What an evaluation may still cost."""

    __slots__ = ("_left", "cost_max")

    def __init__(self, cost_max: int = COST_MAX) -> None:
        self.cost_max = self._left = cost_max

    @property
    def spent(self) -> int:
        return self.cost_max - self._left

    def spend(self, cost: int) -> None:
        """Raises TooCostly."""
        self._left -= cost
        if self._left < 0:
            raise TooCostly(f"it costs more than {self.cost_max} steps")


def parse(text: str) -> Any:
    """The tree of an expression, by the grammar. Raises SyntaxFault."""
    return _environment.compile(text)


def shortened(tree: Any) -> Any:
    """The tree without the nodes that only hand on what is below them: nine of ten."""
    while tree.data in _LEVELS and len(tree.children) == 1:
        [tree] = tree.children
    children = [shortened(child) if isinstance(child, lark.Tree) else child for child in tree.children]
    return lark.Tree(tree.data, children, tree.meta)


def evaluate(tree: Any, values: Mapping[str, tuple[Any, Needs]], budget: Budget) -> Any:
    """The value of a shortened tree over plain JSON values and instants, of which only the needs are converted. Raises
    TooCostly, and whatever cel-python raises for data that do not fit."""
    variables = {name: _chosen(value, needs, budget) for name, (value, needs) in values.items()}
    functions = {name: _Metered(function, budget) for name, function in _METERED.items()}
    return _Evaluator(tree, _Scope(variables, None, base_functions | functions), budget).evaluate()


class _Metered(partial[Any]):
    """A function that spends of a budget. The engine wants to know its name when it fails."""

    __name__ = "function"


class _Scope:
    """The variables that are known at a place: those of a comprehension, and of what is around it."""

    __slots__ = ("functions", "names", "outer")

    def __init__(self, names: Mapping[str, Any], outer: _Scope | None, functions: Mapping[str, Any]) -> None:
        self.names = names
        self.outer = outer
        self.functions = functions

    def resolve_function(self, name: str) -> Any:
        return self.functions[name]

    def resolve_variable(self, name: str) -> Any:
        scope: _Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        return base_functions[name]  # a type, which is a function too


class _Evaluator(Evaluator):
    """Counts the nodes it visits, those of a comprehension each time anew."""

    def __init__(self, ast: Any, scope: Any, budget: Budget) -> None:
        super().__init__(ast, scope)
        self._budget = budget

    def sub_evaluator(self, ast: Any) -> _Evaluator:
        return _Evaluator(ast, self.activation, self._budget)

    def set_activation(self, values: Mapping[str, Any]) -> _Evaluator:
        self._budget.spend(1)
        outer: Any = self.base_activation
        self.activation = _Scope(values, outer, outer.functions)  # type: ignore[assignment]
        return self

    def visit_children(self, tree: Any) -> list[Any]:
        self._budget.spend(1)
        return [self._visit_tree(child) if isinstance(child, lark.Tree) else child for child in tree.children]

    # As the engine's, which spends most of its time on remarks about types, and writes values out into its errors.

    def conditionalor(self, tree: Any) -> Any:
        return self._decided(tree, "_||_", True)

    def conditionaland(self, tree: Any) -> Any:
        return self._decided(tree, "_&&_", False)

    def _decided(self, tree: Any, name: str, deciding: bool) -> Any:
        """What the left side decides alone is not asked of the right."""
        self._budget.spend(1)
        left = self._visit_tree(tree.children[0])
        if isinstance(left, celtypes.BoolType) and bool(left) is deciding:
            return left
        return self._applied(tree, name, left, self._visit_tree(tree.children[1]))

    def relation(self, tree: Any) -> Any:
        self._budget.spend(1)
        operation, right = tree.children
        left = self._visit_tree(operation.children[0])
        return self._applied(tree, _OPERATORS[operation.data], left, self._visit_tree(right))

    addition = multiplication = relation

    def _applied(self, tree: Any, name: str, *values: Any) -> Any:
        try:
            return self.activation.functions[name](*values)
        except (TypeError, ValueError, ArithmeticError) as error:
            kinds = ", ".join(type(value).__name__ for value in values)
            return CELEvalError(f"{name} of {kinds}: {error}", type(error), None, tree=tree)

    def primary(self, tree: Any) -> Any:
        [child] = tree.children
        if child.data != "ident":
            return super().primary(tree)
        self._budget.spend(1)
        try:
            return self.activation.resolve_variable(str(child.children[0]))
        except KeyError:
            return CELEvalError(f"undeclared reference to '{child.children[0]}'", KeyError, None, tree=tree)

    def member_dot(self, tree: Any) -> Any:
        self._budget.spend(1)
        value = self._visit_tree(tree.children[0])
        key = str(tree.children[1])
        if isinstance(value, CELEvalError):
            return value
        if not isinstance(value, celtypes.MapType):
            return CELEvalError(f"{type(value).__name__} has no members", TypeError, None, tree=tree)
        if key not in value:
            return CELEvalError(f"no such member in mapping: {key!r}", KeyError, None, tree=tree)
        return value[key]


# Values.


def _chosen(value: Any, needs: Needs, budget: Budget) -> Any:
    """The part of a value that is read, as CEL."""
    if needs is None or type(value) is not dict:
        return _converted(value, budget)
    made = celtypes.MapType()
    for key, below in needs.items():
        if key in value:
            made[_text(key)] = _chosen(value[key], below, budget)
    return made


def _converted(value: Any, budget: Budget) -> Any:
    match value:
        case str():
            return _text(value)
        case dict():
            budget.spend(len(value) + 2 >> 2)
            made = celtypes.MapType()
            for key, inner in value.items():
                made[_text(key)] = _converted(inner, budget)
            return made
        case list() | tuple():
            budget.spend(len(value) >> _VALUES_SHIFT)
            return celtypes.ListType([_converted(inner, budget) for inner in value])
        case bool():
            return _TRUE if value else _FALSE
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


def _text(value: str) -> Any:
    return str.__new__(celtypes.StringType, value)


def _size(value: Any) -> int:
    """What it costs to read a value to its depths, or a bit more than an evaluation may cost."""
    size, waiting = 0, [value]
    while waiting and size <= COST_MAX:
        one = waiting.pop()
        if isinstance(one, str | bytes):
            size += len(one) >> _TEXT_SHIFT
        elif isinstance(one, list):
            size += len(one)
            waiting += one
        elif isinstance(one, dict):
            size += len(one)
            waiting += one.values()
    return size


# Functions, with what they cost.


def _compared(name: str) -> Callable[[Budget, Any, Any], Any]:
    compare, strict = _COMPARISONS[name], base_functions[name]

    def by_value(budget: Budget, left: Any, right: Any) -> Any:
        """Numbers of JSON compare by value, an integer with a fraction too."""
        mixed = isinstance(left, celtypes.DoubleType) is not isinstance(right, celtypes.DoubleType)
        if mixed and isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS):
            return _TRUE if compare(_plain(left), _plain(right)) else _FALSE
        if not isinstance(left, _NUMBERS):
            budget.spend(_size(left) >> 1)
        return strict(left, right)

    return by_value


def _plain(number: Any) -> int | float:
    return float(number) if isinstance(number, float) else int(number)


def _contained(budget: Budget, item: Any, container: Any) -> Any:
    if isinstance(container, str | bytes | list | dict):
        budget.spend(len(container) * (1 + _size(item)) >> _VALUES_SHIFT)
    return base_functions["_in_"](item, container)


def _contains(budget: Budget, container: Any, item: Any) -> Any:
    if isinstance(container, list):
        budget.spend(len(container) * (1 + _size(item)) >> _VALUES_SHIFT)
    return _of_texts(base_functions["contains"])(budget, container, item)


def _added(budget: Budget, left: Any, right: Any) -> Any:
    if isinstance(left, str | bytes) and isinstance(right, str | bytes):
        budget.spend((len(left) + len(right)) >> _TEXT_SHIFT)
    elif isinstance(left, list) and isinstance(right, list):
        budget.spend((len(left) + len(right)) >> _VALUES_SHIFT)
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
        budget.spend(sum(len(one) for one in arguments if isinstance(one, str | bytes)) >> _TEXT_SHIFT)
        return function(*arguments)

    return applied


def _of_anything(function: Callable[..., Any]) -> Callable[..., Any]:
    def applied(budget: Budget, *arguments: Any) -> Any:
        budget.spend(sum(map(_size, arguments)) >> 1)
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
    budget.spend(len(text) * compiled.programsize >> _MATCH_SHIFT)
    return _TRUE if compiled.search(text) is not None else _FALSE


def _timestamp(budget: Budget, value: Any) -> Any:
    if isinstance(value, str) and len(value) > INSTANT_CHARS_MAX:
        raise ValueError("that is no timestamp")
    return celtypes.TimestampType(value)


def _duration(budget: Budget, value: Any) -> Any:
    if isinstance(value, str) and (len(value) > INSTANT_CHARS_MAX or not _DURATION.fullmatch(value)):
        raise ValueError("that is no duration")
    return celtypes.DurationType(value)


_METERED: Mapping[str, Callable[..., Any]] = {
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

_environment = Environment()
# Protobuf's types, which no expression of ours can name; setting them up doubles the time of an evaluation.
_environment.annotations.clear()
