"""The short way through a condition: parts of CEL whose types are known, as Python closures.

What compares, combines and searches texts, lists of texts, numbers and instants is some hundred times as quick as in
the engine (app/cel), and cannot fail: there is no error to pass on, no overflow, nothing to convert. Literals are
read by the engine. For every other part there is no closure, and the engine is asked.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeAlias

Type: TypeAlias = Literal["text", "texts", "flag", "number", "instant"]
Variables: TypeAlias = Mapping[str, Any]
Closure: TypeAlias = Callable[[Variables], Any]

FIELDS: Mapping[str, Mapping[str, Type]] = {
    "subject": {
        "id": "text",
        "kind": "text",
        "roles": "texts",
        "permissions": "texts",
        "environment": "text",
        "org": "text",
    },
    "request": {
        "action": "text",
        "resource": "text",
        "method": "text",
        "address": "text",
        "environment": "text",
        "org_id": "text",
    },
    "resource": {"irn": "text", "type": "text", "id": "text", "environment": "text", "org": "text"},
}
"""The variables that are objects, and what their fields are."""

PLAIN: Mapping[str, Type] = {"environment": "text", "now": "instant"}
"""The variables that are not."""

_RELATIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "relation_eq": operator.eq,
    "relation_ne": operator.ne,
    "relation_lt": operator.lt,
    "relation_le": operator.le,
    "relation_gt": operator.gt,
    "relation_ge": operator.ge,
}
_SEARCHES: Mapping[str, Callable[[str, str], bool]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": operator.contains,
}
_CLOCK: Mapping[str, Callable[[datetime], int]] = {  # in UTC, counted as CEL does
    "getFullYear": lambda at: at.year,
    "getMonth": lambda at: at.month - 1,
    "getDate": lambda at: at.day,
    "getDayOfMonth": lambda at: at.day - 1,
    "getDayOfWeek": lambda at: at.isoweekday() % 7,
    "getHours": lambda at: at.hour,
    "getMinutes": lambda at: at.minute,
    "getSeconds": lambda at: at.second,
}
_ORDERED = ("number", "instant")
_TYPES: Mapping[str, Type] = {
    "StringType": "text",
    "BoolType": "flag",
    "IntType": "number",
    "TimestampType": "instant",
}


class Quick(NamedTuple):
    """What a part of a condition is, and how it is evaluated."""

    type: Type
    of: Closure


def quick(tree: Any, bound: Mapping[str, Type] = {}) -> Quick | None:
    """The closure of a part of a shortened tree, where macros bind names; None where the engine has to be asked."""
    match str(tree.data):
        case "paren_expr":
            return quick(tree.children[0], bound)
        case "primary":
            return _primary(tree, bound)
        case "member_dot":
            return _field(tree)
        case "member_dot_arg":
            return _method(tree, bound)
        case "unary":
            return _negation(tree, bound)
        case "conditionaland" | "conditionalor":
            return _combined(tree, bound)
        case "relation":
            return _relation(tree, bound)
        case _:
            return None


def needed(tree: Any) -> Iterator[Closure]:
    """Of the parts that `&&` joins at the top, those that are quick."""
    if tree.data == "conditionaland":
        for child in tree.children:
            yield from needed(child)
    elif (found := quick(tree)) is not None and found.type == "flag":
        yield found.of


def _primary(tree: Any, bound: Mapping[str, Type]) -> Quick | None:
    node = tree.children[0]
    match str(node.data):
        case "paren_expr":
            return quick(node, bound)
        case "ident":
            name = str(node.children[0])
            kind = bound.get(name) or PLAIN.get(name)
            return Quick(kind, lambda variables: variables[name]) if kind else None
        case "literal":
            return _constant(tree)
        case "list_lit":
            return _list(node)
        case "ident_arg" if len(node.children) == 2 and len(node.children[1].children) == 1:
            return _function(str(node.children[0]), tree, node.children[1].children[0], bound)
        case _:
            return None


def _constant(tree: Any) -> Quick | None:
    """What a part without variables is, as the engine reads it."""
    from app import cel

    try:
        value = cel.evaluate(tree, {}, cel.Budget())
    except Exception:  # noqa: BLE001 - it fails as well when it is asked for, and then it matters
        return None
    kind = _TYPES.get(type(value).__name__)
    if kind is None:
        return None
    constant = _utc(value) if isinstance(value, datetime) else cel.plain(value)
    return Quick(kind, lambda variables: constant)


def _utc(at: datetime) -> datetime:
    year, month, day, hour, minute, second = at.utctimetuple()[:6]
    return datetime(year, month, day, hour, minute, second, at.microsecond, tzinfo=UTC)


def _list(node: Any) -> Quick | None:
    """A list of literal texts."""
    texts: list[str] = []
    for element in node.children[0].children if node.children else ():
        literal = element.data == "primary" and element.children[0].data == "literal"
        found = _constant(element) if literal else None
        if found is None or found.type != "text":
            return None
        texts.append(found.of({}))
    members = tuple(texts)
    return Quick("texts", lambda variables: members)


def _function(name: str, tree: Any, argument: Any, bound: Mapping[str, Type]) -> Quick | None:
    """has(subject.id), size(subject.roles), timestamp("…")."""
    if name == "has":
        return Quick("flag", _always) if argument.data == "member_dot" and _field(argument) else None
    if name == "timestamp" and argument.data == "primary" and argument.children[0].data == "literal":
        return _constant(tree)
    inner = quick(argument, bound)
    if name != "size" or inner is None or inner.type not in ("text", "texts"):
        return None
    of = inner.of
    return Quick("number", lambda variables: len(of(variables)))


def _always(variables: Variables) -> bool:
    """No request lacks one of its fields."""
    return True


def _field(tree: Any) -> Quick | None:
    below, name = tree.children[0], str(tree.children[1])
    if below.data != "primary" or below.children[0].data != "ident":
        return None
    variable = str(below.children[0].children[0])
    kind = FIELDS.get(variable, {}).get(name)
    return Quick(kind, lambda variables: variables[variable][name]) if kind else None


def _method(tree: Any, bound: Mapping[str, Type]) -> Quick | None:
    """A search in a text, a part of an instant in UTC, exists and all of a list of texts."""
    target, name = quick(tree.children[0], bound), str(tree.children[1])
    arguments: list[Any] = tree.children[2].children if len(tree.children) > 2 else []
    if target is None:
        return None
    of = target.of
    if target.type == "texts" and name in ("exists", "all") and len(arguments) == 2 and not bound:
        return _macro(name, of, arguments[0], arguments[1])
    if target.type == "instant" and name in _CLOCK and not arguments:
        part = _CLOCK[name]
        return Quick("number", lambda variables: part(of(variables)))
    if target.type == "text" and name in _SEARCHES and len(arguments) == 1:
        given = quick(arguments[0], bound)
        if given is not None and given.type == "text":
            found, search = given.of, _SEARCHES[name]
            return Quick("flag", lambda variables: search(of(variables), found(variables)))
    return None


def _macro(name: str, of: Closure, variable: Any, condition: Any) -> Quick | None:
    if variable.data != "primary" or variable.children[0].data != "ident":
        return None
    item = str(variable.children[0].children[0])
    body = quick(condition, {item: "text"}) if item not in FIELDS and item not in PLAIN else None
    if body is None or body.type != "flag":
        return None
    test, over = body.of, any if name == "exists" else all
    return Quick("flag", lambda variables: over(test({**variables, item: text}) for text in of(variables)))


def _negation(tree: Any, bound: Mapping[str, Type]) -> Quick | None:
    sign, operand = tree.children
    inner = quick(operand, bound)
    if sign.data != "unary_not" or inner is None or inner.type != "flag":
        return None
    flag = inner.of
    return Quick("flag", lambda variables: not flag(variables))


def _combined(tree: Any, bound: Mapping[str, Type]) -> Quick | None:
    left, right = (quick(child, bound) for child in tree.children)
    if left is None or right is None or left.type != "flag" or right.type != "flag":
        return None
    first, second = left.of, right.of
    if tree.data == "conditionaland":
        return Quick("flag", lambda variables: first(variables) and second(variables))
    return Quick("flag", lambda variables: first(variables) or second(variables))


def _relation(tree: Any, bound: Mapping[str, Type]) -> Quick | None:
    operation, other = tree.children
    left, right = quick(operation.children[0], bound), quick(other, bound)
    if left is None or right is None:
        return None
    first, second, name = left.of, right.of, str(operation.data)
    if name == "relation_in":
        if (left.type, right.type) != ("text", "texts"):
            return None
        return Quick("flag", lambda variables: first(variables) in second(variables))
    compares = name in ("relation_eq", "relation_ne") or left.type in _ORDERED
    if left.type != right.type or left.type == "texts" or not compares or name not in _RELATIONS:
        return None
    compare = _RELATIONS[name]
    return Quick("flag", lambda variables: compare(first(variables), second(variables)))
