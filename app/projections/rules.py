"""Declared reducers: what rules make of a state, without a worker.

    {"on": "order.placed", "when": "event.data.total > 0",
     "set": {"count": "state.count + 1", "by_country.{event.data.country}": "event.data.total"}, "remove": ["draft"]}

The rules whose pattern fits the event are applied one after another. All expressions of a rule see the state as it was
before the rule. A path is keys between dots; a key in braces is an expression. What lies on the way to it is made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from app import expressions, patterns
from app.errors import InvalidArgument
from app.expressions import EvaluationFailed
from app.history.kinds import Rule
from app.patterns import Pattern
from app.projections import shortcuts

RULES_MAX = 100
PATHS_MAX = 100
VARIABLES = frozenset(("event", "state"))

_SEGMENT = re.compile(r"\{(?P<expression>[^{}]*)\}|(?P<key>[^.{}]+)")

State = dict[str, Any]


class ReducerFailed(Exception):
    """The rules do not fit an event; the state is as it was."""


class _Value:
    """An expression, by the short way where there is one."""

    __slots__ = ("_expression", "_way")

    def __init__(self, text: str, field: str) -> None:
        self._expression = expressions.compile(text, variables=VARIABLES, field=field)
        self._way = shortcuts.way(self._expression)

    def of(self, variables: Mapping[str, Any]) -> Any:
        """What it comes to, as JSON. Raises EvaluationFailed, ReducerFailed."""
        if self._way is not None and (found := self._way(variables)) is not shortcuts.UNSURE:
            return found
        return plain(self._expression.evaluate(variables))


class _Path(msgspec.Struct, frozen=True):
    """`fixed` are its keys if no event changes them."""

    text: str
    segments: tuple[str | _Value, ...]
    fixed: Sequence[str]

    def keys(self, variables: Mapping[str, Any]) -> Sequence[str]:
        return self.fixed or [
            one if isinstance(one, str) else _key(one.of(variables), self.text) for one in self.segments
        ]


class _Compiled(msgspec.Struct, frozen=True):
    pattern: Pattern
    when: _Value | None
    set: tuple[tuple[_Path, _Value], ...]
    remove: tuple[_Path, ...]


class Rules:
    """Raises InvalidArgument for rules that cannot work."""

    def __init__(self, given: Sequence[Rule]) -> None:
        if not 1 <= len(given) <= RULES_MAX:
            raise InvalidArgument(
                f"a declared projection has 1 to {RULES_MAX} rules, not {len(given)}",
                field="rules",
                hint='such as [{"on": "order.placed", "set": {"count": "state.count + 1"}}]',
            )
        self._rules = [_compiled(rule, f"rules[{number}]") for number, rule in enumerate(given)]
        self._fitting: dict[str, Sequence[_Compiled]] = {}

    def apply(self, state: State, event: Mapping[str, Any]) -> State:
        """The state after the event; the one given is left as it is. Raises ReducerFailed."""
        for rule in self._of(event["name"]):
            state = _applied(rule, state, event)
        return state

    def _of(self, name: str) -> Sequence[_Compiled]:
        found = self._fitting.get(name)
        if found is None:
            if len(self._fitting) > 10_000:
                self._fitting.clear()
            found = self._fitting[name] = [rule for rule in self._rules if rule.pattern.matches(name)]
        return found


def _applied(rule: _Compiled, state: State, event: Mapping[str, Any]) -> State:
    variables = {"event": event, "state": state}
    try:
        if rule.when is not None and not rule.when.of(variables):
            return state
        changes = [(path.keys(variables), value.of(variables)) for path, value in rule.set]
        removed = [path.keys(variables) for path in rule.remove]
    except EvaluationFailed as failed:
        raise ReducerFailed(str(failed)) from failed
    for keys in removed:
        state = _without(state, keys)
    for keys, value in changes:
        state = _with(state, keys, value)
    return state


def _with(state: Any, keys: Sequence[str], value: Any) -> Any:
    """A copy along the path; what is not on it is shared."""
    if state is not None and not isinstance(state, dict):
        raise ReducerFailed(f"there is no object to hold {keys[0]!r}")
    changed = dict(state or {})
    changed[keys[0]] = value if len(keys) == 1 else _with(changed.get(keys[0]), keys[1:], value)
    return changed


def _without(state: Any, keys: Sequence[str]) -> Any:
    if not isinstance(state, dict) or keys[0] not in state:
        return state
    changed = dict(state)
    if len(keys) == 1:
        del changed[keys[0]]
    else:
        changed[keys[0]] = _without(changed[keys[0]], keys[1:])
    return changed


def plain(value: Any) -> Any:
    """What an expression came to, as JSON has it. Raises ReducerFailed."""
    match value:
        case None | str():
            return None if value is None else str(value)
        case _ if type(value).__name__ == "BoolType" or isinstance(value, bool):
            return bool(value)
        case float():
            return float(value)
        case int():
            return int(value)
        case dict():
            return {_key(key, "a map"): plain(inner) for key, inner in value.items()}
        case list():
            return [plain(inner) for inner in value]
        case _:
            raise ReducerFailed(f"a {type(value).__name__} is no value of JSON: turn it into a string")


def _key(value: Any, where: str) -> str:
    found = plain(value)
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise ReducerFailed(f"a key in {where} is neither a text nor a whole number")
    return str(found)


def _compiled(rule: Rule, field: str) -> _Compiled:
    if not rule.set and not rule.remove:
        raise InvalidArgument(f"{field} does nothing", field=field, hint="give it set or remove")
    if len(rule.set) + len(rule.remove) > PATHS_MAX:
        raise InvalidArgument(f"{field} has more than {PATHS_MAX} paths", field=field)
    return _Compiled(
        patterns.compile(rule.on, field=f"{field}.on"),
        _Value(rule.when, f"{field}.when") if rule.when else None,
        tuple((_path(path, f"{field}.set"), _Value(value, f"{field}.set.{path}")) for path, value in rule.set.items()),
        tuple(_path(path, f"{field}.remove") for path in rule.remove),
    )


def _path(text: str, field: str) -> _Path:
    segments: list[str | _Value] = []
    rest = text
    while True:
        found = _SEGMENT.match(rest)
        if found is None:
            raise InvalidArgument(
                f"{field}: {text[:80]!r} is not a path", field=field, hint="such as count, or open.{event.data.id}"
            )
        key = found["key"]
        segments.append(key if key is not None else _Value(found["expression"], field))
        rest = rest[found.end() :]
        if not rest:
            keys = [one for one in segments if isinstance(one, str)]
            return _Path(text, tuple(segments), keys if len(keys) == len(segments) else ())
        if rest[0] != ".":
            raise InvalidArgument(
                f"{field}: {text[:80]!r} is not a path", field=field, hint="keys stand between dots: open.{event.id}"
            )
        rest = rest[1:]
