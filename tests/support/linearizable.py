"""Whether a recorded history of one register could have happened one operation at a time (Wing and Gong, 1993).

An operation takes effect at some instant between its call and its answer. The search tries every order that these
intervals allow, remembering what it has seen: which operations are done, and the state they left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

State = tuple[int, Any]
"""The newest revision, and the value or None."""


@dataclass(frozen=True)
class Operation:
    """`kind` is put, cas, delete or get; `result` is what it answered: a revision, or for get (revision, value), and
    "refused" for a condition that did not hold. An operation without an answer may have happened or not."""

    kind: str
    argument: Any
    result: Any
    called: int
    answered: int | None


def step(state: State, operation: Operation) -> State | None:
    """The state after the operation, or None if it could not have answered so."""
    revision, value = state
    there = revision if value is not None else 0
    match operation.kind:
        case "get":
            seen = (revision, value) if value is not None else (0, None)
            return state if operation.result in (seen, None) else None
        case "put":
            after: State = (revision + 1, operation.argument)
        case "cas":
            expected, new = operation.argument
            if expected != there:
                return state if operation.result in ("refused", None) else None
            after = (revision + 1, new)
        case "delete":
            after = state if value is None else (revision + 1, None)
        case kind:
            raise ValueError(kind)
    return after if operation.result in (after[0], None) else None


def linearizable(history: Sequence[Operation], initial: State = (0, None)) -> bool:
    """Whether some order of the operations explains every answer."""
    must = sum(1 << number for number, operation in enumerate(history) if operation.answered is not None)
    seen: set[tuple[int, State]] = set()
    todo = [(0, initial)]
    while todo:
        done, state = todo.pop()
        if done & must == must:
            return True
        if (done, state) in seen:
            continue
        seen.add((done, state))
        open_ = [number for number in range(len(history)) if not done >> number & 1]
        first_answer = min(history[n].answered for n in open_ if history[n].answered is not None)  # type: ignore[type-var]
        for number in open_:
            if history[number].called > first_answer:  # type: ignore[operator]
                continue
            after = step(state, history[number])
            if after is not None:
                todo.append((done | 1 << number, after))
    return False
