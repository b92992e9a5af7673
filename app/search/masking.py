"""Messages without what differs from case to case, so that failures of one cause read the same."""

from __future__ import annotations

import functools
import re

CHARS_MAX = 500
"""Of a message; what tells causes apart comes first."""

_QUOTED = (
    r"'(?:[^'\\\n]|\\.){0,400}?'(?!\w)",
    r"\"(?:[^\"\\\n]|\\.){0,400}?\"",
    r"`[^`\n]{0,400}`",
    r"«[^»\n]{0,400}»",
    r"“[^”\n]{0,400}”",
)
_IDS = (
    r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b",
    r"\b(?:0x)?(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{8,}\b",
    r"\b[A-Za-z]{1,12}[_-](?=[\w-]*\d)[A-Za-z0-9]{4,}(?:[_-][A-Za-z0-9]+)*\b",
    r"\b(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{12,}\b",
)
_TIMES = (
    r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?",
    r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b",
)
_MASKS = (
    r"(?P<url>\b[a-z][a-z0-9+.-]{1,20}://[^\s'\"<>]*[^\s'\"<>.,:;!?)])",
    r"(?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)",
    f"(?P<time>{'|'.join(_TIMES)})",
    f"(?P<text>{'|'.join(_QUOTED)})",
    r"(?P<path>(?:[A-Za-z]:)?(?:[\\/][\w.@+-]+){2,}[\\/]?)",
    f"(?P<id>{'|'.join(_IDS)})",
    r"(?P<number>(?<![\w])[-+]?(?:\d{1,3}(?:[,_]\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?)",
)
_ANY = re.compile("|".join(_MASKS))
_SPACE = re.compile(r"\s+")
_DIGITS = re.compile(r"\d+")


def mask(message: str) -> str:
    """The message with `<text>` for quoted texts, `<id>`, `<number>`, `<path>`, `<time>`, `<email>` and `<url>`, on one
    line."""
    return _masked(message[:CHARS_MAX])


@functools.lru_cache(maxsize=4_096)
def _masked(text: str) -> str:
    return _SPACE.sub(" ", _ANY.sub(_name, text)).strip()


def digits(name: str) -> str:
    """The name with `#` for each number in it."""
    return _DIGITS.sub("#", name)


def _name(found: re.Match[str]) -> str:
    return f"<{found.lastgroup}>"
