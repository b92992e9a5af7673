"""Conditions of policies: CEL over who asks, for what, where and when.

    subject      {id, kind, roles, permissions, environment, org}
    request      {action, resource, method, address, environment, org_id}
    resource     {irn, type, id, environment, org}
    environment  its name
    now          the time of the decision

All of it is text, but for `roles` and `permissions`, lists of texts, and `now`, a timestamp. So the type of nearly
every part of a condition is known, and most conditions need no engine: see app/access/quick.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from app import expressions
from app.access import irn
from app.access.guard import Request
from app.access.irn import Resource
from app.access.quick import FIELDS, PLAIN, Closure, Variables, needed, quick
from app.errors import InvalidArgument
from app.expressions import EvaluationFailed, Expression

COST_MAX = 2_000
"""What all conditions of one decision may cost together, in steps of the engine."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

VARIABLES = frozenset((*FIELDS, *PLAIN))


def variables(request: Request, resource: Resource, now: int) -> Variables:
    """What conditions see."""
    actor, name = request.actor, resource.irn
    return {
        "subject": {
            "id": actor.id,
            "kind": actor.kind,
            "roles": actor.roles,
            "permissions": sorted(actor.permissions),
            "environment": actor.environment,
            "org": actor.org,
        },
        "request": {
            "action": request.action,
            "resource": name,
            "method": request.method,
            "address": request.address,
            "environment": request.environment,
            "org_id": actor.org,
        },
        "resource": {
            "irn": name,
            "type": resource.type,
            "id": resource.id,
            "environment": resource.environment,
            "org": resource.org,
        },
        "environment": request.environment,
        "now": _EPOCH + timedelta(microseconds=now),
    }


def resource_of(request: Request) -> Resource:
    return irn.resource(request.actor.org, request.environment, request.resource)


class Meter:
    """What the conditions of one decision may still cost; the engine is loaded when one needs it."""

    __slots__ = ("_budget",)

    def __init__(self) -> None:
        self._budget: Any = None

    @property
    def budget(self) -> Any:
        if self._budget is None:
            from app.cel import Budget

            self._budget = Budget(COST_MAX)
        return self._budget


class Clause(NamedTuple):
    """A part of a condition that `&&`, `||` and `!` combine, and whether it holds; None: it cannot be evaluated, and
    `error` says why."""

    text: str
    holds: bool | None
    error: str = ""


class Condition(msgspec.Struct, frozen=True):
    """A compiled condition. `reads` names its fields, such as "subject.roles"."""

    expression: Expression
    reads: frozenset[str]
    _quick: Closure | None
    _needed: tuple[Closure, ...]

    def holds(self, variables: Variables, meter: Meter) -> bool:
        """Raises EvaluationFailed, also for a value that is not true or false."""
        if self._quick is not None:
            held: bool = self._quick(variables)
            return held
        for holds in self._needed:  # whatever is beside it, `false && …` is false, an error too
            if not holds(variables):
                return False
        return _truth(self.expression.evaluate(variables, budget=meter.budget))

    def clauses(self, variables: Variables) -> Iterator[Clause]:
        """Its parts, in their order, each evaluated for itself."""
        meter = Meter()
        for tree in _parts(self.expression.tree):
            text = self.expression.text[tree.meta.start_pos : tree.meta.end_pos].strip()
            try:
                yield Clause(text, _truth(self.expression.part(tree, variables, budget=meter.budget)))
            except EvaluationFailed as error:
                yield Clause(text, None, str(error))


def compile(text: str, *, field: str = "condition") -> Condition:
    """Raises InvalidArgument, also for a field that no request has."""
    expression = expressions.compile(text, variables=VARIABLES, field=field)
    for path in expression.paths:
        _check_path(text, path, field)
    short = quick(expression.tree)
    if short is not None and short.type != "flag":
        raise InvalidArgument(
            f"{field} {text[:80]!r} is not true or false", field=field, hint='compare it: subject.id == "ak_x"'
        )
    reads = frozenset(".".join(path) for path in expression.paths)
    if short is not None:
        return Condition(expression, reads, short.of, ())
    return Condition(expression, reads, None, tuple(needed(expression.tree)))


def _check_path(text: str, path: tuple[str, ...], field: str) -> None:
    known = FIELDS.get(path[0])
    if known is not None and len(path) > 1 and path[1] not in known:
        raise InvalidArgument(
            f"{field} {text[:80]!r} reads {'.'.join(path[:2])}, which there is not",
            field=field,
            hint=f"{path[0]} has {', '.join(known)}",
        )


def _truth(value: Any) -> bool:
    if not (isinstance(value, int) and type(value).__name__ == "BoolType"):
        raise EvaluationFailed(f"its value is {str(value)[:40]!r}, not true or false")
    return bool(value)


def _parts(tree: Any) -> Iterator[Any]:
    """What `&&`, `||`, `!` and parentheses hold together."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        inner = node.children[0] if node.data == "primary" else node
        if inner.data == "paren_expr":
            waiting.append(inner.children[0])
        elif node.data in ("conditionaland", "conditionalor"):
            waiting += reversed(node.children)
        elif node.data == "unary" and node.children[0].data == "unary_not":
            waiting.append(node.children[1])
        else:
            yield node
