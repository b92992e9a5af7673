"""What sets the inputs of failed runs apart from those of runs that went well: fields and values by their lift.

A fact is something that holds for an input: a path has a value, a type, a sign, or is missing. Its lift is how many
times more common it is among the failures than among the successes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

FACTS_MAX = 2_000
"""Of one input."""
DEPTH_MAX = 6
ITEMS_MAX = 3
TEXT_CHARS_MAX = 60
SHOWN_MAX = 10
SUPPORT_MIN = 0.3
LIFT_MIN = 1.5
FAILED_MIN = 3

THERE, MISSING = "is there", "is missing"

_TYPES = {str: "a text", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "an object"}


class Difference(NamedTuple):
    """`failed` and `succeeded` are the parts (0 to 1) of the inputs for which `path` `fact` holds."""

    path: str
    fact: str
    failed: float
    succeeded: float
    lift: float


def differences(failed: Sequence[Any], succeeded: Sequence[Any]) -> Sequence[Difference]:
    """The most telling first; none if there is too little to compare. A path is told of once."""
    if len(failed) < FAILED_MIN or not succeeded:
        return ()
    among_failed, among_succeeded = _counted(failed), _counted(succeeded)
    for path in {path for path, _ in among_succeeded} | {path for path, _ in among_failed}:
        for counts, total in ((among_failed, len(failed)), (among_succeeded, len(succeeded))):
            missing = total - counts[path, THERE]
            if missing:
                counts[path, MISSING] = missing
    found = []
    for (path, fact), count in among_failed.items():
        part, other = count / len(failed), among_succeeded[path, fact] / len(succeeded)
        lift = part / max(other, 1 / (len(succeeded) + 1))  # a fact that no success shows might be in the next one
        if part >= SUPPORT_MIN and lift >= LIFT_MIN:
            found.append(Difference(path, fact, round(part, 4), round(other, 4), round(lift, 2)))
    found.sort(key=lambda one: (-(one.failed - one.succeeded), one.path.count("."), one.path, one.fact))
    return _once_a_path(found)[:SHOWN_MAX]


def _once_a_path(found: Iterable[Difference]) -> list[Difference]:
    seen: set[str] = set()
    kept = []
    for one in found:
        within = any(
            one.path.startswith(f"{path}.") for path in seen
        )  # what lies below a missing object is missing too
        if one.path not in seen and not (within and one.fact == MISSING):
            seen.add(one.path)
            kept.append(one)
    return kept


def _counted(inputs: Sequence[Any]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for value in inputs:
        counts.update(set(_facts(value)))
    return counts


def _facts(value: Any) -> Sequence[tuple[str, str]]:
    """What holds for an input; what lies higher first, so that of a large one the same is left out each time."""
    found: list[tuple[str, str]] = []
    level: list[tuple[str, Any]] = [("data", value)]
    for _ in range(DEPTH_MAX):
        below: list[tuple[str, Any]] = []
        for path, one in level:
            found += ((path, fact) for fact in _of(one))
            below += _below(path, one)
            if len(found) >= FACTS_MAX:
                return found[:FACTS_MAX]
        level = below
    return found


def _below(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    match value:
        case dict():
            yield from ((f"{path}.{key}", value[key]) for key in sorted(value))
        case list():
            yield from ((f"{path}[]", item) for item in value[:ITEMS_MAX])


def _of(value: Any) -> Iterator[str]:
    yield THERE
    match value:
        case None:
            yield "= null"
            return
        case dict() | list() | "" if not value:
            yield "is empty"
        case list():
            yield "has items"
        case bool() | str():
            yield f"= {json.dumps(value if isinstance(value, bool) else value[:TEXT_CHARS_MAX], ensure_ascii=False)}"
        case int() | float():
            yield f"= {json.dumps(value)}"
            yield "< 0" if value < 0 else "> 0" if value > 0 else "= 0"
    yield f"is {_TYPES.get(type(value), 'a value')}"
