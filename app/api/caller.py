"""Who calls, in which environment, within which run. HTTP headers and gRPC metadata say it by the same names, and the
same rules hold for all faces."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import falcon.asgi

from app import ids, patterns
from app.errors import InvalidArgument

ENVIRONMENT_HEADERS = ("X-Ironflow-Environment-ID", "X-Ironflow-Environment")
RUN_HEADER = "X-Ironflow-Run-ID"
DEFAULT_ENVIRONMENT = "default"

Header = Callable[[str], str | None]
"""The value of a header by its name, in any case."""


class Caller(NamedTuple):
    """`actor` is who asks: nobody is known yet. `run_id` is the run within which the call was made, or ""."""

    environment: str
    actor: str = ""
    run_id: str = ""


def caller(header: Header) -> Caller:
    """Raises InvalidArgument naming the header or the environment."""
    return Caller(environment(header), run_id=_run_id(header(RUN_HEADER) or ""))


def environment(header: Header) -> str:
    """The environment that the call names, or the default. Raises InvalidArgument."""
    for name in ENVIRONMENT_HEADERS:
        named = header(name)
        if named:
            return _environment(named)
    return DEFAULT_ENVIRONMENT


def caller_of(req: falcon.asgi.Request) -> Caller:
    return caller(req.get_header)


def environment_of(req: falcon.asgi.Request) -> str:
    return environment(req.get_header)


def _environment(named: str) -> str:
    if named in (DEFAULT_ENVIRONMENT, "env_default"):
        return DEFAULT_ENVIRONMENT
    if "." in named or "/" in named:
        raise InvalidArgument(f"environment {named[:80]!r} has a dot or a slash", field="environment")
    patterns.validate_name(named, field="environment")
    return named


def _run_id(named: str) -> str:
    if named and not ids.valid("run", named):
        raise InvalidArgument(
            f"{named[:80]!r} is not the id of a run", field=RUN_HEADER, hint="leave it out when outside a run"
        )
    return named
