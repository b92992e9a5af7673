"""CEL expressions (Common Expression Language), compiled once. The engine, cel-python, is loaded when first needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from app.errors import InvalidArgument

TEXT_CHARS_MAX = 4_096
COMPILED_MAX = 1_024


class EvaluationFailed(Exception):
    """The expression does not fit the data: a missing field, a wrong type."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression."""

    text: str
    _program: Any

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """The value, for plain Python variables. Raises EvaluationFailed."""
        from celpy.adapter import json_to_cel
        from celpy.evaluation import CELEvalError

        try:
            return self._program.evaluate({name: json_to_cel(value) for name, value in variables.items()})
        except (CELEvalError, ValueError, TypeError, KeyError) as error:
            raise EvaluationFailed(str(error)) from error

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
    """Raises InvalidArgument for text that is no CEL, or that uses other variables."""
    if len(text) > TEXT_CHARS_MAX:
        raise InvalidArgument(f"{field} has {len(text)} characters, at most {TEXT_CHARS_MAX} are taken", field=field)
    from celpy import Environment
    from celpy.celparser import CELParseError

    environment = Environment()
    try:
        tree = environment.compile(text)
    except CELParseError as error:
        place = f" at line {error.line}, column {error.column}" if error.line else ""
        raise InvalidArgument(
            f"{field} {text[:80]!r} is not valid CEL{place}", field=field, hint="such as event.data.total > 100"
        ) from None
    unknown = sorted(_free_names(tree) - variables)
    if unknown:
        raise InvalidArgument(
            f"{field} {text[:80]!r} uses {unknown[0]!r}, which is not known here",
            field=field,
            hint=f"variables are {', '.join(sorted(variables))}",
        )
    return Expression(text, environment.program(tree))


_FUNCTIONS_AND_TYPES = frozenset(
    (
        "bool",
        "bytes",
        "double",
        "duration",
        "dyn",
        "int",
        "list",
        "map",
        "null_type",
        "string",
        "timestamp",
        "type",
        "uint",
    )
)


def _free_names(tree: Any) -> set[str]:
    """Names that stand alone in the tree, macros' own variables excepted."""
    named = {str(node.children[0]) for node in tree.find_data("ident")}
    bound = set()
    for call in tree.find_data("member_dot_arg"):
        macro = str(call.children[1])
        if macro in ("all", "exists", "exists_one", "map", "filter"):
            first = next(iter(call.children[2].find_data("ident")), None)
            if first is not None:
                bound.add(str(first.children[0]))
    return named - bound - _FUNCTIONS_AND_TYPES
