"""Who calls, in which environment, within which run. HTTP headers and gRPC metadata say it by the same names, and the
same rules hold for all faces."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import falcon.asgi

from app import ids
from app.access.actor import Actor
from app.access.credentials import ANONYMOUS
from app.access.live import Grant
from app.errors import InvalidArgument

ENVIRONMENT_HEADERS = ("X-Ironflow-Environment-ID", "X-Ironflow-Environment")
RUN_HEADER = "X-Ironflow-Run-ID"

Header = Callable[[str], str | None]
"""The value of a header by its name, in any case."""


class Caller(NamedTuple):
    """`actor` is the id of who asks, "" if nobody was asked who they are; `who` is all that is known of them, `grant`
    what they were admitted for. `run_id` is the run within which the call was made, or ""."""

    environment: str
    actor: str = ""
    run_id: str = ""
    who: Actor = ANONYMOUS
    grant: Grant | None = None

    def about(self, resource: str) -> None:
        """Returns if the caller may do what it was admitted for to this too, which only the body named. Raises
        PermissionDenied."""
        if self.grant is not None:
            self.grant.named.append(resource)
            if self.grant.authorizer.guarded:
                self.also(self.grant.action, resource)

    def also(self, action: str, resource: str) -> None:
        """Returns if the caller may do that as well. Raises PermissionDenied."""
        grant = self.grant
        if grant is not None:
            grant.authorizer.allow(
                self.who, action, resource, self.environment, method=grant.method, address=grant.address
            )


def named_environment(header: Header) -> str:
    """The environment that the call names, by id or name; "" if it names none."""
    for name in ENVIRONMENT_HEADERS:
        named = header(name)
        if named:
            return named
    return ""


def run_of(named: str) -> str:
    """The id of the run that the call is made in. Raises InvalidArgument."""
    if not ids.valid("run", named):
        raise InvalidArgument(
            f"{named[:80]!r} is not the id of a run", field=RUN_HEADER, hint="leave it out when outside a run"
        )
    return named


def caller_of(req: falcon.asgi.Request) -> Caller:
    """Who the door admitted."""
    caller: Caller = req.context.caller
    return caller


def environment_of(req: falcon.asgi.Request) -> str:
    return caller_of(req).environment
