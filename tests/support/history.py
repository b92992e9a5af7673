"""What a server's history holds, asked over HTTP."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx

from tests.support.bounds import WAIT_S

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


def until_there_are(http: httpx.Client, runs: int) -> None:
    """Returns once the environment has so many runs: who began them is not answered yet, so they are looked for."""
    pause, until = threading.Event(), time.monotonic() + WAIT_S
    while len(http.get("/api/v1/runs").json()["runs"]) < runs:
        assert time.monotonic() < until, f"there are no {runs} runs"
        pause.wait(0.02)
