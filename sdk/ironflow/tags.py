"""Tags of runs: short texts by which they are found again. What one may be; the server's bounds are the same, in
app/runs/tags.py."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

TAGS_MAX = 10
TAG_CHARS_MAX = 64

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


def usable(tag: Any) -> bool:
    return (
        isinstance(tag, str)
        and 1 <= len(tag) <= TAG_CHARS_MAX
        and tag.isprintable()
        and tag == tag.strip()
        and "," not in tag
    )


def usable_template(tag: Any) -> bool:
    """Whether it is a tag of a function's runs, with any number of `{key}` in it."""
    text = _PLACEHOLDER.sub("x", tag) if isinstance(tag, str) else ""
    return usable(text) and "{" not in text and "}" not in text


def several(tags: Sequence[str], name: str = "tags") -> list[str]:
    """The tags as a list. Raises TypeError for one text, which is a sequence of letters."""
    if isinstance(tags, str):
        raise TypeError(f"{name} must be a list, such as [{tags!r}]")
    return list(tags)
