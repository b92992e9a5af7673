"""Texts that every store can hold: JSON and protobuf may carry a NUL, Postgres takes none, so no name has one."""

from __future__ import annotations

from app.errors import InvalidArgument


def check(text: str, *, field: str) -> None:
    """Returns for a text without NUL. Raises InvalidArgument naming the field."""
    if "\0" in text:
        raise InvalidArgument(f"{field} has a NUL character", field=field, hint="leave it out")
