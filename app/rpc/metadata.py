"""What a gRPC call's metadata says; its names are HTTP's header names in lower case."""

from __future__ import annotations

from functools import partial
from typing import Any

from app.api import caller
from app.api.caller import Caller


def caller_of(metadata: Any) -> Caller:
    """Raises InvalidArgument."""
    return caller.caller(partial(_value_of, metadata))


def environment_of(metadata: Any) -> str:
    """The environment named, or the default. Raises InvalidArgument."""
    return caller.environment(partial(_value_of, metadata))


def _value_of(metadata: Any, name: str) -> str | None:
    wanted = name.lower()
    for key, value in metadata or ():
        if key == wanted:
            return value if isinstance(value, str) else value.decode("utf-8", "replace")
    return None
