"""The nodes that serve one store together."""

from __future__ import annotations

from typing import Any

from ironflow.calls import Call, Json, Plan, sent


def nodes() -> Plan[list[Json]]:
    """Those that serve the store, the oldest first: `id`, `url`, `version`, `started_at`, `leads`, and `answers` for
    the one that was asked."""
    found: Any = yield from sent(Call("GET", "/api/v1/nodes", again=True))
    return list(found)
