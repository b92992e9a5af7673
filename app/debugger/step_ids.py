"""Ids of steps, `<run>[:<parallel>:<branch>]…:<name>:<number>`, as people read them."""

from __future__ import annotations

import re

_SEGMENT = re.compile(r"(?:[^:\\]|\\.)+")
_ESCAPED = re.compile(r"\\(.)")
_RAW_PREFIXES = ("compensate", "publish")


def step_name(step_id: str) -> str:
    """The name that code gave it."""
    return _parts(step_id)[1]


def branch_of(path: str) -> str:
    """The parallel branch that a step is in, such as `fan[0] / inner[2]`, by its path; "" outside all."""
    scope = _parts(f"run:{path}")[0]
    return " / ".join(f"{name}[{number}]" for name, number in zip(scope[::2], scope[1::2], strict=False))


def _parts(step_id: str) -> tuple[list[str], str]:
    parts = [_ESCAPED.sub(r"\1", part) for part in _SEGMENT.findall(step_id)]
    if len(parts) < 3:
        return [], step_id
    scope, name = parts[1:-2], parts[-2]
    if len(scope) % 2 and scope[-1] in _RAW_PREFIXES:
        name = f"{scope.pop()}:{name}"
    return scope, name
