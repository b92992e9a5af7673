"""Which functions an event starts: pattern first, then the trigger's CEL expression."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from app import expressions
from app.history.kinds import Trigger

if TYPE_CHECKING:
    from app.runs.functions import Function

VARIABLES = frozenset(("event", "data", "metadata", "source", "name", "topic", "timestamp", "eventNamespace"))


def matching(
    candidates: Iterable[tuple[Function, Trigger]], context: Callable[[], Mapping[str, Any]]
) -> list[Function]:
    """The functions to run, each once, in order. `context` gives the CEL variables and is called only if needed.

    An expression that cannot be evaluated on this event (a missing field, say) does not match.
    """
    chosen: dict[str, Function] = {}
    variables: Mapping[str, Any] | None = None
    for function, trigger in candidates:
        if function.fact.id in chosen:
            continue
        if trigger.expression:
            variables = context() if variables is None else variables
            compiled = expressions.compile(trigger.expression, variables=VARIABLES, field="expression")
            if not compiled.true(variables, on_error=False):
                continue
        chosen[function.fact.id] = function
    return list(chosen.values())
