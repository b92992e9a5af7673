"""Short ways through the expressions that rules are mostly made of: fields, numbers, sums, comparisons, `a ? b : c`.

The engine takes some hundred microseconds for each; these take one or two. A short way answers only where there is no
doubt what the engine would say, value for value. Everything else (a missing field, mixed types, a sum that leaves 64
bits, any other operator) is left to the engine, so there is one meaning and not two.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from app.expressions import Expression

UNSURE: Any = object()
"""What a short way answers when it does not know."""

Way = Callable[[Mapping[str, Any]], Any]

_SUMS: Mapping[str, Callable[[Any, Any], Any]] = {"addition_add": operator.add, "addition_sub": operator.sub}
_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "relation_lt": operator.lt,
    "relation_le": operator.le,
    "relation_gt": operator.gt,
    "relation_ge": operator.ge,
    "relation_eq": operator.eq,
    "relation_ne": operator.ne,
}
_SCALARS = frozenset((str, float, bool, type(None)))
_LIMIT = 2**63


def way(expression: Expression) -> Way | None:
    """The short way through an expression: a function of the variables, whose value is plain JSON, or UNSURE; None if
    there is none."""
    return _way(expression.tree)


def _way(tree: Any) -> Way | None:
    """The short way through a tree; None if it has anything that is not known here."""
    match str(tree.data), len(tree.children):
        case (("primary" | "paren_expr"), 1):
            return _way(tree.children[0])
        case "member_dot", 2:
            return _field(tree)
        case "literal", 1:
            return _literal(tree.children[0])
        case (("addition" | "relation"), 2):
            return _operation(tree)
        case "expr", 3:
            return _choice(tree)
        case _:
            return None


def _field(tree: Any) -> Way | None:
    keys: list[str] = []
    while str(tree.data) == "member_dot":
        keys.insert(0, str(tree.children[1]))
        tree = tree.children[0]
    if str(tree.data) == "primary" and len(tree.children) == 1:
        tree = tree.children[0]
    if str(tree.data) != "ident":
        return None
    name = str(tree.children[0])

    def way(variables: Mapping[str, Any]) -> Any:
        try:
            value: Any = variables[name]
            for key in keys:
                value = value[key]
        except (KeyError, TypeError):  # there is no such field, or it is in what is no object
            return UNSURE
        if type(value) is int:
            return value if -_LIMIT <= value < _LIMIT else UNSURE
        return value if type(value) in _SCALARS else UNSURE

    return way


def _literal(token: Any) -> Way | None:
    text = str(token)
    if token.type == "INT_LIT" and text.isdecimal() and int(text) < _LIMIT:
        number = int(text)
        return lambda variables: number
    if token.type == "STRING_LIT" and text[0] in "'\"" and "\\" not in text and text[:3] not in ("'''", '"""'):
        string = ast.literal_eval(text)
        return lambda variables: string
    if token.type == "BOOL_LIT":
        truth = text == "true"
        return lambda variables: truth
    return None


def _operation(tree: Any) -> Way | None:
    head, right_tree = tree.children
    left, right = _way(head.children[0]), _way(right_tree)
    if left is None or right is None:
        return None
    name = str(head.data)
    if name in _SUMS:
        return _sum(_SUMS[name], left, right)
    return _comparison(_COMPARISONS[name], left, right) if name in _COMPARISONS else None


def _sum(add: Callable[[Any, Any], Any], left: Way, right: Way) -> Way:
    def way(variables: Mapping[str, Any]) -> Any:
        one, other = left(variables), right(variables)
        if type(one) is not int or type(other) is not int:
            return UNSURE
        found = add(one, other)
        return found if -_LIMIT <= found < _LIMIT else UNSURE

    return way


def _comparison(compare: Callable[[Any, Any], Any], left: Way, right: Way) -> Way:
    def way(variables: Mapping[str, Any]) -> Any:
        one, other = left(variables), right(variables)
        if type(one) is not type(other) or type(one) not in (int, str):
            return UNSURE
        return compare(one, other)

    return way


def _choice(tree: Any) -> Way | None:
    condition, then, otherwise = map(_way, tree.children)
    if condition is None or then is None or otherwise is None:
        return None
    one, other = then, otherwise

    def way(variables: Mapping[str, Any]) -> Any:
        truth = condition(variables)
        if type(truth) is not bool:
            return UNSURE
        return one(variables) if truth else other(variables)

    return way
