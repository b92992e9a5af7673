"""Who asks, as policies and audit see it."""

from __future__ import annotations

import falcon.asgi

from app.access.authoring import Author
from app.api.caller import caller_of


def author_of(req: falcon.asgi.Request) -> Author:
    """The caller, where they stand, and by what call."""
    caller = caller_of(req)
    return Author(caller.who, caller.environment, f"{req.method} {req.uri_template or ''}", req.remote_addr or "")
