"""Expressions as trees, and what comes of them: the engine, which spends of a budget for each node that it visits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import lark
from celpy import Environment, celtypes
from celpy.celparser import CELParseError
from celpy.evaluation import CELEvalError, Evaluator, base_functions

from app.cel.costs import Budget
from app.cel.functions import METERED
from app.cel.values import Needs, chosen

SyntaxFault = CELParseError

FUNCTIONS = frozenset((*base_functions, "has", "dyn"))

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
    variables = {name: chosen(value, needs, budget) for name, (value, needs) in values.items()}
    functions = {name: _Metered(function, budget) for name, function in METERED.items()}
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
            return CELEvalError(_refused(name, values, error), type(error), None, tree=tree)

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


_environment = Environment()
# Protobuf's types, which no expression of ours can name; setting them up doubles the time of an evaluation.
_environment.annotations.clear()


def _refused(name: str, values: tuple[Any, ...], error: Exception) -> str:
    """Why an operator could not be applied, in the words of CEL: what Python says of types names its own."""
    operator, kinds = name.strip("_"), " and ".join(_kind(value) for value in values)
    if isinstance(error, TypeError):
        return f"{operator} cannot be applied to {kinds}"
    return f"{operator} of {kinds}: {error}"


def _kind(value: Any) -> str:
    """`StringType` is string to CEL."""
    name = type(value).__name__.removesuffix("Type").lower()
    return "null" if name == "none" else name
