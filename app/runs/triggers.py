"""Which functions an event starts: pattern first, then the trigger's CEL expression.

No trigger breaks an emit. One whose expression cannot be evaluated on an event (a missing field, say) does not match;
nor does one that this release refuses though an older one took it, or that would take too long: these are logged, once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
import structlog

from app import expressions
from app.errors import InvalidArgument
from app.expressions import EvaluationFailed, EvaluationTooCostly, Expression
from app.runs.function import Function
from app.runs.limits import VARIABLES

log = structlog.get_logger(__name__)


class Condition(msgspec.Struct, eq=False):
    """What a function's trigger asks of an event beyond its name; no text asks nothing. `fault` says what is wrong with
    it, once that is known."""

    function_id: str
    text: str = ""
    fault: str = ""
    _expression: Expression | None = None

    def holds(self, variables: Mapping[str, Any]) -> bool:
        if not self.text:
            return True
        expression = self._expression or self._compiled()
        if expression is None:
            return False
        try:
            return expression.true(variables)
        except EvaluationTooCostly as error:
            self.refuse(str(error))
        except EvaluationFailed:
            pass
        return False

    def refuse(self, fault: str) -> None:
        """Note what is wrong, and log it the first time."""
        if not self.fault:
            log.warning("trigger matches nothing", function_id=self.function_id, expression=self.text, reason=fault)
        self.fault = fault

    def _compiled(self) -> Expression | None:
        if self.fault:
            return None
        try:
            self._expression = expressions.compile(self.text, variables=VARIABLES, field="expression")
        except InvalidArgument as error:
            self.refuse(str(error))
        return self._expression


def matching(
    candidates: Iterable[tuple[Function, Condition]], context: Callable[[], Mapping[str, Any]]
) -> list[Function]:
    """The functions to run, each once, in order. `context` gives the CEL variables and is called only if needed."""
    chosen: dict[str, Function] = {}
    variables: Mapping[str, Any] = {}
    for function, condition in candidates:
        if function.fact.id in chosen:
            continue
        if condition.text and not variables:
            variables = context()
        if condition.holds(variables):
            chosen[function.fact.id] = function
    return list(chosen.values())
