"""CEL expressions (Common Expression Language), compiled once. The engine, cel-python, is loaded when first needed.

An expression is a user's program, run on a user's data while an event is emitted. So what cannot ever work is refused
when it is compiled, whatever goes wrong later is EvaluationFailed, and only the data that it reads is converted.
Numbers of JSON compare by value: an integer with a fraction, and integers beyond 64 bits as doubles.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from app.errors import InvalidArgument

TEXT_CHARS_MAX = 4_096
COMPILED_MAX = 1_024
# cel-python recurses about five frames a level and allows 2,500 in all; 300 leave half of them to our callers.
TREE_LEVELS_MAX = 300

# What is read of a value: some of its keys, or (None) all of it.
Needs: TypeAlias = "dict[str, Needs] | None"

_MACROS = frozenset(("all", "exists", "exists_one", "map", "filter"))
_TYPES = frozenset(
    "bool bytes double duration dyn int list map null_type string timestamp type uint".split()  # noqa: SIM905
)
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "_<_": operator.lt,
    "_<=_": operator.le,
    "_>_": operator.gt,
    "_>=_": operator.ge,
    "_==_": operator.eq,
    "_!=_": operator.ne,
}


class EvaluationFailed(Exception):
    """The expression does not fit the data: a missing field, a wrong type."""


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A compiled expression."""

    text: str
    _program: Any
    _needs: Mapping[str, Needs]

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """The value, for plain Python variables. Raises EvaluationFailed."""
        chosen = _engine().chosen
        try:
            return self._program.evaluate(
                {name: chosen(variables[name], needs) for name, needs in self._needs.items() if name in variables}
            )
        except Exception as error:
            # cel-python lets IndexError, AssertionError and others out of programs that merely do not fit.
            raise EvaluationFailed(f"{self.text[:80]!r}: {error}") from error

    def true(self, variables: Mapping[str, Any], *, on_error: bool | None = None) -> bool:
        """Whether it evaluates to true; `on_error` is the answer where it cannot be evaluated, None raises."""
        try:
            return bool(self.evaluate(variables))
        except EvaluationFailed:
            if on_error is None:
                raise
            return on_error


@lru_cache(COMPILED_MAX)
def compile(text: str, *, variables: frozenset[str], field: str) -> Expression:
    """Raises InvalidArgument for text that is no CEL, or that uses other variables or functions."""
    if len(text) > TEXT_CHARS_MAX:
        raise InvalidArgument(f"{field} has {len(text)} characters, at most {TEXT_CHARS_MAX} are taken", field=field)
    engine = _engine()
    try:
        tree = engine.parse(text)
    except engine.SyntaxFault as error:
        place = f" at line {error.line}, column {error.column}" if error.line else ""
        raise InvalidArgument(
            f"{field} {text[:80]!r} is not valid CEL{place}", field=field, hint="such as event.data.total > 100"
        ) from None
    if _levels(tree) > TREE_LEVELS_MAX:
        raise InvalidArgument(
            f"{field} {text[:80]!r} is nested too deeply", field=field, hint="use fewer operators or parentheses"
        )
    needs: dict[str, Needs] = {}
    for use in _uses(tree):
        match use:
            case _Read(path) if path[0] in variables:
                _need(needs, path)
            case _Read((name, *_)) if name not in _TYPES:
                raise InvalidArgument(
                    f"{field} {text[:80]!r} uses {name!r}, which is not known here",
                    field=field,
                    hint=f"variables are {', '.join(sorted(variables))}",
                )
            case _Call(name) if name not in engine.functions:
                raise InvalidArgument(
                    f"{field} {text[:80]!r} calls {name!r}, which is not known here, or not in this way",
                    field=field,
                    hint='such as name.startsWith("a"), size(list) or list.exists(x, x > 1)',
                )
    return Expression(text, engine.program(tree), needs)


@dataclass(frozen=True, slots=True)
class _Read:
    """A variable and the keys that follow it."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Call:
    name: str


def _uses(tree: Any) -> Iterator[_Read | _Call]:
    """What an expression reads and calls; a macro's own variable only where it is not the macro's."""
    waiting: list[tuple[Any, frozenset[str]]] = [(tree, frozenset())]
    while waiting:
        node, bound = waiting.pop()
        inside = list(_below(node))
        match str(node.data):
            case "member_dot" | "ident" | "dot_ident":
                path, inside = _path(node)
                if path and path[0] not in bound:
                    yield _Read(path)
            case "ident_arg" | "dot_ident_arg":
                yield _Call(str(node.children[0]))
            case "member_dot_arg" if (name := str(node.children[1])) in _MACROS:
                inside, arguments = inside[:1], [argument for given in inside[1:] for argument in _below(given)]
                variable = _plain_name(arguments[0]) if len(arguments) > 1 else ""
                if not variable:
                    yield _Call(f"{name}()")
                waiting += [(argument, bound | {variable}) for argument in arguments[1:]]
            case "member_dot_arg":
                yield _Call(name)
        waiting += [(child, bound) for child in inside]


def _path(node: Any) -> tuple[tuple[str, ...], list[Any]]:
    """The names of `a.b.c`; or none, and what stands before the dots if it is no name: `(a + b).c`."""
    keys: list[str] = []
    while node.data != "ident" and node.data != "dot_ident":
        if node.data == "member_dot":
            keys.append(str(node.children[1]))
        elif len(node.children) != 1 or node.data not in ("member", "primary"):
            return (), [node]
        node = node.children[0]
    return (str(node.children[0]), *reversed(keys)), []


def _plain_name(node: Any) -> str:
    """The name that an expression consists of, or nothing."""
    while node.data != "ident":
        below = list(_below(node))
        if len(below) != 1 or len(node.children) != 1:
            return ""
        node = below[0]
    return str(node.children[0])


def _below(node: Any) -> Iterable[Any]:
    return (child for child in node.children if hasattr(child, "children"))


def _levels(tree: Any) -> int:
    """How deep the tree is; by layers, since it may be deeper than Python recurses."""
    levels, layer = 0, [tree]
    while layer:
        levels, layer = levels + 1, [child for node in layer for child in _below(node)]
    return levels


def _need(needs: dict[str, Needs], path: tuple[str, ...]) -> None:
    *above, last = path
    for key in above:
        below = needs.setdefault(key, {})
        if below is None:
            return
        needs = below
    needs[last] = None


class _Engine:
    """cel-python, and how plain Python values become its own."""

    def __init__(self) -> None:
        from celpy import Environment, celtypes
        from celpy.celparser import CELParseError
        from celpy.evaluation import base_functions

        self.SyntaxFault = CELParseError
        self.functions = frozenset((*base_functions, "has", "dyn", "min"))
        self._environment = Environment()
        # Protobuf's types, which no expression of ours can name; setting them up doubles the time of an evaluation.
        self._environment.annotations.clear()
        self._types = celtypes
        self._numbers = (celtypes.IntType, celtypes.UintType, celtypes.DoubleType)
        self._comparisons = {
            name: self._comparing(compare, base_functions[name]) for name, compare in _COMPARISONS.items()
        }

    def parse(self, text: str) -> Any:
        return self._environment.compile(text)

    def program(self, tree: Any) -> Any:
        return self._environment.program(tree, functions=self._comparisons)

    def chosen(self, value: Any, needs: Needs) -> Any:
        """The part of a value that is read, as CEL."""
        if needs is None or type(value) is not dict:
            return self._converted(value)
        made, text = self._types.MapType(), self._types.StringType
        for key, below in needs.items():
            if key in value:
                made[text(key)] = self.chosen(value[key], below)
        return made

    def _converted(self, value: Any) -> Any:
        types = self._types
        match value:
            case str():
                return types.StringType(value)
            case dict():
                made = types.MapType()
                for key, inner in value.items():
                    made[types.StringType(key)] = self._converted(inner)
                return made
            case list() | tuple():
                return types.ListType([self._converted(inner) for inner in value])
            case bool():
                return types.BoolType(value)
            case int():
                return types.IntType(value) if -(2**63) <= value < 2**63 else types.DoubleType(value)
            case float():
                return types.DoubleType(value)
            case None:
                return None
            case _:
                raise TypeError(f"{type(value).__name__} is no value of JSON")

    def _comparing(self, compare: Callable[[Any, Any], bool], strict: Any) -> Any:
        numbers, double, verdict = self._numbers, self._types.DoubleType, self._types.BoolType

        def by_value(left: Any, right: Any) -> Any:
            mixed = isinstance(left, double) is not isinstance(right, double)
            if mixed and isinstance(left, numbers) and isinstance(right, numbers):
                return verdict(compare(_plain(left), _plain(right)))
            return strict(left, right)

        return by_value


def _plain(number: Any) -> int | float:
    return float(number) if isinstance(number, float) else int(number)


@lru_cache(1)
def _engine() -> _Engine:
    return _Engine()
