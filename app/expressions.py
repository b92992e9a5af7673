"""CEL expressions (Common Expression Language), compiled once. The engine (app/cel) is loaded when first needed.

An expression is a user's program, run on a user's data while an event is emitted. So what cannot ever work is refused
when it is compiled, whatever goes wrong later is EvaluationFailed, only the data that it reads is converted, and an
evaluation may cost so much and no more. Numbers of JSON compare by value: an integer with a fraction, and integers
beyond 64 bits as doubles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from app.errors import InvalidArgument

if TYPE_CHECKING:
    from app.cel import Budget, Needs

TEXT_CHARS_MAX = 4_096
COMPILED_MAX = 1_024
# cel-python recurses about five frames a level and allows 2,500 in all; 300 leave half of them to our callers.
TREE_LEVELS_MAX = 300

_MACROS = frozenset(("all", "exists", "exists_one", "map", "filter"))
_TYPES = frozenset(
    "bool bytes double duration dyn int list map null_type string timestamp type uint".split()  # noqa: SIM905
)


class EvaluationFailed(Exception):
    """The expression does not fit the data: a missing field, a wrong type."""


class EvaluationTooCostly(EvaluationFailed):
    """The expression would take too long on the data."""


class Expression(msgspec.Struct, frozen=True, eq=False):
    """A compiled expression."""

    text: str
    _tree: Any
    _needs: Mapping[str, Needs]

    @property
    def reads(self) -> Iterable[str]:
        """The variables that it uses."""
        return self._needs.keys()

    @property
    def tree(self) -> Any:
        """The engine's tree of it, for those who know short ways through it."""
        return self._tree

    @property
    def paths(self) -> Iterable[tuple[str, ...]]:
        """What it reads of its variables: a path of names each, which may end early where all below is read."""
        return _paths(dict(self._needs))

    def evaluate(self, variables: Mapping[str, Any], *, budget: Budget | None = None) -> Any:
        """The value, for plain Python variables; at the cost of a budget that others share, or of its own. Raises
        EvaluationFailed."""
        return self.part(self._tree, variables, budget=budget)

    def part(self, tree: Any, variables: Mapping[str, Any], *, budget: Budget | None = None) -> Any:
        """The same for a part of its tree."""
        from app import cel

        try:
            return cel.evaluate(
                tree,
                {name: (variables[name], needs) for name, needs in self._needs.items() if name in variables},
                budget or cel.Budget(),
            )
        except cel.TooCostly as error:
            raise EvaluationTooCostly(f"{self.text[:80]!r}: {error}") from None
        except Exception as error:
            # cel-python lets IndexError, AssertionError and others out of programs that merely do not fit.
            raise EvaluationFailed(f"{self.text[:80]!r}: {_said(error)[:200]}") from error

    def true(self, variables: Mapping[str, Any], *, on_error: bool | None = None) -> bool:
        """Whether it evaluates to true; `on_error` is the answer where it cannot be evaluated, None raises."""
        try:
            return bool(self.evaluate(variables))
        except EvaluationFailed:
            if on_error is None:
                raise
            return on_error


def _said(error: Exception) -> str:
    """What went wrong: the engine's errors carry a class and a cause beside their text."""
    return error.args[0] if error.args and isinstance(error.args[0], str) else str(error)


def _example(variables: frozenset[str]) -> str:
    """Something that is CEL here."""
    path = "event.data" if "event" in variables else "data" if "data" in variables else min(variables, default="")
    return f"such as {path}.total > 100" if path else "such as 1 + 1 == 2"


@lru_cache(COMPILED_MAX)
def compile(text: str, *, variables: frozenset[str], field: str) -> Expression:
    """Raises InvalidArgument for text that is no CEL, or that uses other variables or functions."""
    if len(text) > TEXT_CHARS_MAX:
        raise InvalidArgument(f"{field} has {len(text)} characters, at most {TEXT_CHARS_MAX} are taken", field=field)
    from app import cel

    try:
        tree = cel.parse(text)
    except cel.SyntaxFault as error:
        place = f" at line {error.line}, column {error.column}" if error.line else ""
        raise InvalidArgument(
            f"{field} {text[:80]!r} is not valid CEL{place}", field=field, hint=_example(variables)
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
                    hint=f"variables are {', '.join(sorted(variables))}" if variables else "no variables were given",
                )
            case _Call(name) if name not in cel.FUNCTIONS:
                raise InvalidArgument(
                    f"{field} {text[:80]!r} calls {name!r}, which is not known here, or not in this way",
                    field=field,
                    hint='such as name.startsWith("a"), size(list) or list.exists(x, x > 1)',
                )
    return Expression(text, cel.shortened(tree), needs)


class _Read(msgspec.Struct, frozen=True):
    """A variable and the keys that follow it."""

    path: tuple[str, ...]


class _Call(msgspec.Struct, frozen=True):
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
            case "member_object":
                yield _Call("a message")
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


def _paths(needs: Needs, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if needs is None:
        yield above
        return
    for key, below in needs.items():
        yield from _paths(below, (*above, key))


def _need(needs: dict[str, Needs], path: tuple[str, ...]) -> None:
    *above, last = path
    for key in above:
        below = needs.setdefault(key, {})
        if below is None:
            return
        needs = below
    needs[last] = None
