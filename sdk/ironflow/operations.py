"""The server itself over the HTTP API: whether it is well, what it can do, and who works for it."""

from __future__ import annotations

from collections.abc import Sequence

from ironflow.calls import Call, Json, Plan, quoted, read


def workers() -> Plan[Sequence[Json]]:
    """The workers that are connected."""
    found: Sequence[Json] = (yield Call("GET", "/api/v1/workers", again=True))["workers"]
    return found


def drain_worker(worker_id: str, *, reason: str = "") -> Plan[Json]:
    """The worker takes no more jobs and finishes those it has: `status` is draining or drained, `active_jobs` how many
    those are. It is `asked` where the worker may be another node's."""
    told: Json = yield Call("POST", f"/api/v1/workers/{quoted(worker_id)}/drain", body={"reason": reason}, again=True)
    return told


def disconnect_worker(worker_id: str, *, reason: str = "") -> Plan[Json]:
    """The worker's session is ended, and its jobs go to others at once. If it is well, it connects again."""
    told: Json = yield Call("POST", f"/api/v1/workers/{quoted(worker_id)}/disconnect", body={"reason": reason})
    return told


def list_breakers() -> Plan[Sequence[Json]]:
    """The endpoints of push functions, each with its circuit breaker."""
    found: Sequence[Json] = yield Call("GET", "/api/v1/circuit-breakers", again=True)
    return found


def reset_breaker(key: str) -> Plan[Json]:
    """The circuit breaker, closed: its endpoint is called again at once."""
    reset: Json = yield Call("POST", f"/api/v1/circuit-breakers/{quoted(key)}/reset", again=True)
    return reset


def health() -> Plan[Json]:
    """That the server lives."""
    return (yield from read("/health"))


def ready() -> Plan[Json]:
    """The server's state and what keeps it from being ready; also when it is not."""
    return (yield from read("/ready", accept=(503,)))


def capabilities() -> Plan[Json]:
    """What the server can do and where its faces are."""
    return (yield from read("/api/v1/capabilities"))
