"""Ids of steps, `<run>[:<parallel>:<branch>]…:<name>:<number>`, as people read them."""

from __future__ import annotations

import re

_SEGMENT = re.compile(r"(?:[^:\\]|\\.)+")
_ESCAPED = re.compile(r"\\(.)")
_RAW_PREFIXES = ("compensate", "publish")


def step_name(step_id: str) -> str:
    """The name that code gave it."""
    parts = [_plain(part) for part in _SEGMENT.findall(step_id)]
    if len(parts) < 3:
        return step_id
    scope, name = parts[1:-2], parts[-2]
    return f"{scope[-1]}:{name}" if len(scope) % 2 and scope[-1] in _RAW_PREFIXES else name


def scope_of(path: str) -> str:
    """The path of the parallel branch that a step, or a branch, is in, by its path: `fan:0:inner:2`; "" outside all."""
    scope = _SEGMENT.findall(path)[:-2]
    if len(scope) % 2 and scope[-1] in _RAW_PREFIXES:
        scope.pop()
    return ":".join(scope)


def branch_label(branch: str) -> str:
    """What a person calls a branch, by its path: `fan[0] / inner[2]`."""
    parts = [_plain(part) for part in _SEGMENT.findall(branch)]
    return " / ".join(f"{name}[{number}]" for name, number in zip(parts[::2], parts[1::2], strict=False))


def branch_name(branch: str) -> str:
    """The same without what it is within: `inner[2]`."""
    return branch_label(":".join(_SEGMENT.findall(branch)[-2:]))


def _plain(part: str) -> str:
    return _ESCAPED.sub(r"\1", part)
