"""What a server's history holds, asked over HTTP."""

from __future__ import annotations

from typing import Any

import httpx

MANY = 1_000


def head(http: httpx.Client) -> int:
    """Position of the last entry of any environment."""
    position: int = http.get("/api/v1/history/head").json()["position"]
    return position


def recorded(http: httpx.Client, after: int = 0) -> list[Any]:
    """The environment's entries but for who was allowed or denied to try: the audit is written beside the way, at a
    time of its own."""
    entries = http.get("/api/v1/history", params={"after": after, "limit": MANY}).json()["entries"]
    assert len(entries) < MANY, "the environment has more entries than are looked at"
    return [entry for entry in entries if not entry["kind"].startswith("authz.")]
