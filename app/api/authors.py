"""Who asks, as policies and audit see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import falcon.asgi

from app.access.authoring import Author
from app.access.guard import Request
from app.api.caller import Caller, caller_of

if TYPE_CHECKING:
    from app.api.services import Services


def author_of(req: falcon.asgi.Request) -> Author:
    """The caller, where they stand, and by what call."""
    caller = caller_of(req)
    return Author(caller.who, caller.environment, f"{req.method} {req.uri_template or ''}", req.remote_addr or "")


def denied_by_policies(services: Services, caller: Caller) -> Callable[[str, str], bool]:
    """Whether a policy keeps the caller from an action on a resource. Nobody is told: it is we who ask."""
    grant = caller.grant
    call = (grant.method, grant.address) if grant is not None else ()

    def denied(action: str, resource: str) -> bool:
        return services.policies.foreseen(Request(caller.who, action, resource, caller.environment, *call)) is not None

    return denied
