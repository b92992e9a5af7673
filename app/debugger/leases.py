"""What of a debugger's breakpoints a server can hold live runs at: steps, before or after, by glob and CEL.

Pure. What only history can tell, such as a line of a transcript, or that a run failed, holds nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal, NamedTuple

from app import expressions
from app.debugger import breakpoints, values
from app.debugger.breakpoints import AtChange, AtFailure, AtStep, Breakpoint, When
from app.debugger.step_ids import step_name

VARIABLES = frozenset(("step", "run"))
"""What a server knows of where it holds a run; the other variables of a condition are known to history only."""
OUTCOME = frozenset(("output", "error", "status", "attempt"))
"""Of a step, what is known only when it has ended."""


class Wanted(NamedTuple):
    """A lease to be asked for; `function` is a glob over functions of the runs that it is for."""

    place: Literal["before", "after"]
    step: str = "*"
    condition: str = ""
    function: str = "*"

    @property
    def is_named(self) -> bool:
        """Whether it is for one function, and not for those that a pattern fits."""
        return not any(sign in self.function for sign in "*?[")

    def fits(self, held: Mapping[str, Any], run: Mapping[str, Any]) -> bool:
        """Whether it would have held a run where another one does, before a step."""
        name = step_name(held["step_id"])
        if (held["place"], self.place) != ("before", "before") or not fnmatchcase(name, self.step):
            return False
        if not self.condition:
            return True
        step = {"id": held["step_id"], "name": name, "status": ""}
        compiled = expressions.compile(self.condition, variables=VARIABLES, field="condition")
        return compiled.true({"step": step, "run": run}, on_error=False)

    def of_children(self, run_id: str) -> Wanted:
        """The same for runs only that a run invokes."""
        only = f"run.parent_run_id == {json.dumps(run_id)}"
        return self._replace(condition=f"{only} && ({self.condition})" if self.condition else only)


ONE_STEP = Wanted("after")
"""Holds a run as soon as it has taken a step."""


def wanted(one: Breakpoint) -> Wanted | None:
    """The lease that stops live runs at a breakpoint; None where a server cannot."""
    match one:
        case AtStep() if not one.message:
            function, _, step = one.pattern.rpartition("/")
            place = one.place or ("after" if _asks_outcome(one.when) else "before")
            return Wanted(place, step, _condition(one.when), function or "*")
        case AtFailure(filter="step_failed"):
            return Wanted("after", "*", _condition(one.when, "step.status == 'failed'"))
        case AtChange():
            return Wanted("after", str(values.parse_path(one.path)[0]), _condition(one.when))
        case _:
            return None


def _asks_outcome(when: When) -> bool:
    if when.count:
        return True
    if not when.condition:
        return False
    paths = breakpoints.compiled(when.condition).paths
    return any(path[:1] == ("step",) and (len(path) == 1 or path[1] in OUTCOME) for path in paths)


def _condition(when: When, *more: str) -> str:
    parts = [*more]
    if when.condition:
        parts.append(f"({when.condition})" if more or when.count else when.condition)
    if when.count:
        comparison, number = breakpoints.count_of(when.count)
        parts.append(f"step.attempt % {number} == 0" if comparison == "%" else f"step.attempt {comparison} {number}")
    return " && ".join(parts)
