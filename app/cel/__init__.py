"""cel-python as we run it: on plain JSON values, within a budget. Imports the engine, which takes a while.

An expression is evaluated while an event is emitted, in the one event loop. So each evaluation may cost so much and no
more, counted in steps of the engine (a few µs each) and in what its functions read and write: the same expression on
the same data ends the same on every machine. What Python would do for operators that CEL does not have, such as
repeating or formatting texts, is refused, and so is a duration that its parser would never be done with.
"""

from __future__ import annotations

from app.cel.costs import COST_MAX, Budget, TooCostly
from app.cel.evaluation import FUNCTIONS, SyntaxFault, evaluate, parse, shortened
from app.cel.values import Needs, plain

__all__ = [
    "COST_MAX",
    "FUNCTIONS",
    "Budget",
    "Needs",
    "SyntaxFault",
    "TooCostly",
    "evaluate",
    "parse",
    "plain",
    "shortened",
]
