"""Values as a client of DAP sees them: named, in one line, and with a reference where there is more inside.

References hold until the next stop; then all of them are forgotten. What is costly is asked for when it is opened.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.debugger import values
from app.debugger.marks import EDITED

PAGE = 100
ALL = 10_000
"""Of a value that is asked for as a whole."""
MARK = EDITED
"""Follows what was patched, or is to be."""

Load = Callable[[], Any]


@dataclass(frozen=True)
class Inside:
    """What a reference stands for: a value, or how to get it. `name` and `path` say where it is in the output of a
    step, which alone can be changed."""

    load: Load
    evaluate: str = ""
    step: str = ""
    path: tuple[str | int, ...] = ()
    writable: bool = False


class Lazy:
    """A value that is asked for when it is opened; `shown` stands for it until then."""

    def __init__(self, load: Load, shown: str) -> None:
        self.load = load
        self.shown = shown


class References:
    def __init__(self) -> None:
        self._inside: dict[int, Inside] = {}
        self._numbers = itertools.count(1)

    def forget(self) -> None:
        self._inside.clear()

    def to(self, inside: Inside) -> int:
        number = next(self._numbers)
        self._inside[number] = inside
        return number

    def inside(self, number: int) -> Inside:
        """Raises KeyError for one that is forgotten."""
        return self._inside[number]

    def listed(self, number: int, *, start: int = 0, count: int = 0, only: str = "") -> Sequence[dict[str, Any]]:
        """What is inside, as DAP's Variable. `only` is named or indexed. Raises KeyError."""
        inside = self.inside(number)
        value = inside.load()
        named = isinstance(value, Mapping)
        if only and (only == "named") != named:
            return []
        items: Sequence[tuple[str | int, Any]]
        end = start + (count or ALL)
        if named:
            names = list(itertools.islice(value, start, end))
            items = [(name, value[name]) for name in names]
        else:
            items = list(enumerate(value))[start:end] if isinstance(value, list) else []
        return [self.variable(key, one, inside) for key, one in items]

    def variable(self, key: str | int, value: Any, inside: Inside) -> dict[str, Any]:
        """One value by its name or its place in a list."""
        path = (*inside.path, key) if inside.step else ()
        told: dict[str, Any] = {"name": f"[{key}]" if isinstance(key, int) else key}
        evaluate = _into(inside.evaluate, key)
        if evaluate:
            told["evaluateName"] = evaluate
        if isinstance(value, Lazy):
            told |= {"value": value.shown, "presentationHint": {"lazy": True}}
            one = Inside(lambda: {"value": value.load()}, evaluate)
            return {**told, "variablesReference": self.to(one), "namedVariables": 1}
        below = Inside(lambda: value, evaluate, inside.step, path, inside.writable)
        if not inside.writable:
            told["presentationHint"] = {"attributes": ["readOnly"]}
        return {**told, **self.shown(value, below)}

    def shown(self, value: Any, inside: Inside | None = None) -> dict[str, Any]:
        """A value in one line, its type, and a reference if there is more inside."""
        told: dict[str, Any] = {
            "value": values.line(value),
            "type": values.type_name(value),
            "variablesReference": 0,
        }
        if isinstance(value, Mapping | list) and len(value):
            told["variablesReference"] = self.to(inside or Inside(lambda: value))
            told["namedVariables" if isinstance(value, Mapping) else "indexedVariables"] = len(value)
        return told


def _into(evaluate: str, key: str | int) -> str:
    """The CEL expression of a part."""
    if not evaluate:
        return ""
    if isinstance(key, int):
        return f"{evaluate}[{key}]"
    return f"{evaluate}.{key}" if key.isidentifier() else f"{evaluate}[{values.line(key)}]"
