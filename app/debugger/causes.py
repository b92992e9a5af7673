"""The exceptions that led to a failure, as the traceback that was recorded of it tells them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

CHAIN_MAX = 20

_LINK = re.compile(
    r"^(?:The above exception was the direct cause of the following exception"
    r"|During handling of the above exception, another exception occurred):$",
    re.MULTILINE,
)
_SAID = re.compile(r"^(?P<type>[A-Za-z_][\w.]*)(?:: (?P<message>.*))?$")


class Cause(NamedTuple):
    """An exception of the chain; `stack` is its own part of the traceback."""

    type: str
    message: str
    stack: str


def chain(stack: str) -> Sequence[Cause]:
    """The exceptions before the last one, which is the failure itself: the nearest cause first. Empty for what is no
    traceback of Python."""
    *earlier, _ = _LINK.split(stack)
    return [_cause(part.strip("\n")) for part in reversed(earlier[-CHAIN_MAX:])]


def _cause(part: str) -> Cause:
    """Its type and text stand in the last line that is not indented; a text of several lines goes on below it."""
    lines = part.splitlines()
    for number in range(len(lines) - 1, -1, -1):
        said = _SAID.match(lines[number])
        if said is not None and (number == 0 or lines[number - 1].startswith(" ")):
            text = "\n".join(filter(None, (said["message"], *lines[number + 1 :])))
            return Cause(said["type"], text, part)
    return Cause("", lines[-1].strip() if lines else "", part)
