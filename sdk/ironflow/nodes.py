"""The nodes that serve one store together."""

from __future__ import annotations

from typing import Any

from ironflow.calls import Call, Json, Plan, sent


def nodes() -> Plan[list[Json]]:
    """Those that serve the store, the oldest first: `id`, `url`, `version`, `started_at`, `leads`, and `answers` for
    the one that was asked."""
    found: Any = yield from sent(Call("GET", "/api/v1/nodes", again=True))
    return list(found)


def system() -> Plan[Json]:
    """How the node is that answers, and its store: version, `uptime_seconds`, `store`, `requests`, `refusals`."""
    found: Json = yield Call("GET", "/api/v1/system", again=True)
    return found


def diagnostics() -> Plan[bytes]:
    """The same with settings, figures and recent warnings, as a .tar.gz: no secrets, nothing of what is recorded."""
    content: bytes = yield Call("GET", "/api/v1/system/diagnostics", again=True, binary=True)
    return content
