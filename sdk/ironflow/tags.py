"""Tags of runs: short texts by which they are found again. What one may be; the server's bounds are the same, in
app/runs/tags.py."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from ironflow.naming import misuse

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


def check(tags: Iterable[Any]) -> None:
    """Raises NonRetryableError for what is no tag: code would say the same when it is tried again."""
    for tag in tags:
        if not usable(tag):
            raise misuse(
                f"{tag!r:.100} is no tag: 1 to {TAG_CHARS_MAX} printable characters without commas, and no space "
                "at either end",
                code="BAD_TAG",
            )


def check_count(tags: Collection[Any], whose: str) -> None:
    """Raises NonRetryableError for more than a run may have."""
    if len(tags) > TAGS_MAX:
        raise misuse(f"the code gives {whose} more than {TAGS_MAX} tags", code="TOO_MANY_TAGS")


def checked(tags: Sequence[str]) -> tuple[str, ...]:
    """The tags that code gives to a child run, each once. Raises NonRetryableError, also for one text, which is a
    sequence of letters."""
    if isinstance(tags, str):
        raise misuse(f"tags must be a list, such as [{tags!r}]", code="BAD_TAG")
    check(tags)
    once = tuple(dict.fromkeys(tags))
    check_count(once, "a child run")
    return once


def several(tags: Sequence[str], name: str = "tags") -> list[str]:
    """The tags as a list. Raises TypeError for one text, which is a sequence of letters."""
    if isinstance(tags, str):
        raise TypeError(f"{name} must be a list, such as [{tags!r}]")
    return list(tags)
