"""Texts that every store can hold: JSON and protobuf may carry a NUL, Postgres takes none, so no name has one."""

from __future__ import annotations

from app.errors import InvalidArgument

REASON_CHARS_MAX = 1_000


def check(text: str, *, field: str) -> None:
    """Returns for a text without NUL. Raises InvalidArgument naming the field."""
    if "\0" in text:
        raise InvalidArgument(f"{field} has a NUL character", field=field, hint="leave it out")


def reason(text: str, *, field: str = "reason") -> str:
    """Why somebody does something, as it is recorded: never cut, since half a reason may say the opposite. Raises
    InvalidArgument naming the field for one that is too long, or has a NUL."""
    check(text, field=field)
    if len(text) > REASON_CHARS_MAX:
        raise InvalidArgument(f"{field} has {len(text)} characters", field=field, hint=f"at most {REASON_CHARS_MAX}")
    return text


def segment(text: str, *, field: str) -> str:
    """A name that stands between the slashes of a path, where clients and servers take a slash for its end, and `.` and
    `..` for steps to elsewhere, however they are written. Raises InvalidArgument naming the field."""
    if "/" in text or text in (".", ".."):
        raise InvalidArgument(
            f"{field} {text[:80]!r} cannot stand in the path of a URL",
            field=field,
            hint="leave out slashes, and call it neither . nor ..",
        )
    return text
