"""Stacks as workers tell them, Python's and JavaScript's: the frames, and which of them are the user's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

FRAMES_MAX = 12

_PYTHON = re.compile(r'^ *File "([^"\n]+)", line \d+, in ([^\n]+)', re.MULTILINE)
_PYTHON_BEGIN = "Traceback (most recent call last)"
_JAVASCRIPT = re.compile(
    r"^[ \t]*at (?:async )?(?:([^\s(][^(\n]*?) \()?((?:file://)?[^()\s]+?):\d+:\d+\)?$", re.MULTILINE
)
_RAISED = re.compile(r"^([A-Za-z_][\w.]*)(?::|$)", re.MULTILINE)
_FOREIGN = re.compile(r"site-packages|dist-packages|[/\\]lib[/\\]python\d|node_modules|^node:|^<frozen|^<string>")


class Frame(NamedTuple):
    """Where code was: file (its last two parts) and function. Lines are left out: they move with every edit."""

    file: str
    function: str
    own: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.function}"


def frames(stack: str) -> Sequence[Frame]:
    """Of the exception that is told last, the innermost frame first, at most FRAMES_MAX."""
    if not stack:
        return ()
    if '  File "' in stack:
        last = stack[max(stack.rfind(_PYTHON_BEGIN), 0) :]
        found = _PYTHON.findall(last)[: -FRAMES_MAX - 1 : -1]
        return [_frame(file, function) for file, function in found]
    return [_frame(file, function or "<anonymous>") for function, file in _JAVASCRIPT.findall(stack)[:FRAMES_MAX]]


def top(found: Sequence[Frame]) -> str:
    """The innermost frame of the user's own code; of a library if there is none."""
    return str(next((frame for frame in found if frame.own), found[0] if found else ""))


def raised(stack: str) -> str:
    """The name of the exception that Python's stack ends with, without its module; "" if it does not tell."""
    if '  File "' not in stack:
        return ""
    last = stack[max(stack.rfind("\n  File "), 0) :]
    found = _RAISED.search(last)
    return found[1].rpartition(".")[2] if found else ""


def _frame(file: str, function: str) -> Frame:
    parts = re.split(r"[/\\]", file)
    return Frame("/".join(parts[-2:]), function, _FOREIGN.search(file) is None)
