"""Which module of this package answers which paths of REST. None is loaded before a request names a path of its, or
the server has the time: with the shapes of their answers they are a third of all its modules."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from app.api.services import Operation, Route, Services
from app.loading import one_by_one

BUCKETS = "/api/v1/kv/buckets"
KEY = BUCKETS + "/{bucket}/keys/{key:path}"
"""Known to the short way too."""

DOCUMENT = "openapi"
"""The module that tells of all others: what it is given is the table."""

MODULES: Mapping[str, Sequence[str]] = {
    "health": ("/health", "/ready", "/api/v1/capabilities", "/metrics"),
    "events": ("/api/v1/events",),
    "rehearsals": ("/api/v1/events",),
    "runs": ("/api/v1/runs",),
    "past": ("/api/v1/runs",),
    "run_logs": ("/api/v1/runs",),
    "comparing": ("/api/v1/runs",),
    "watching": ("/api/v1/runs",),
    "event_watching": ("/api/v1/events",),
    "event_surroundings": ("/api/v1/events",),
    "views": ("/api/v1/views",),
    "stats": ("/api/v1/stats",),
    "bulk": ("/api/v1/runs",),
    "bulk_jobs": ("/api/v1/bulk",),
    "rewind": ("/api/v1/runs", "/api/v1/steps", "/api/v1/events"),
    "breakpoints": ("/api/v1/breakpoints",),
    "functions": ("/api/v1/functions",),
    "gates": ("/api/v1/debounce", "/api/v1/batches"),
    "capacity": ("/api/v1/capacity",),
    "history": ("/api/v1/history",),
    "history_export": ("/api/v1/history",),
    "sql": ("/api/v1/sql",),
    "workers": ("/api/v1/workers",),
    "jobs": ("/api/v1/workers",),
    "buckets": ("/api/v1/kv",),
    "kv": ("/api/v1/kv",),
    "config": ("/api/v1/config",),
    "secrets": ("/api/v1/secrets", "/api/v1/master-key"),
    "schemas": ("/api/v1/events", "/api/v1/schema-enforcement"),
    "streams": ("/api/v1/streams", "/api/v1/runs"),
    "subscriptions": ("/api/v1/subscribe",),
    "following": ("/api/v1/subscriptions",),
    "topics": ("/api/v1/topics",),
    "projections": ("/api/v1/projections",),
    "projection_rows": ("/api/v1/projections",),
    "projection_progress": ("/api/v1/projections",),
    "parked_events": ("/api/v1/projections",),
    "breakers": ("/api/v1/circuit-breakers",),
    "webhooks": ("/api/v1/webhooks", "/api/v1/webhook-sources"),
    "webhook_trials": ("/api/v1/webhook-sources",),
    "webhook_deliveries": ("/api/v1/webhook-deliveries",),
    "groups": ("/api/v1/groups",),
    "dead_letters": ("/api/v1/groups",),
    "outbox": ("/api/v1/outbox",),
    "nats": ("/api/v1/nats",),
    "nodes": ("/api/v1/nodes",),
    "system": ("/api/v1/system",),
    "demo": ("/api/v1/demo",),
    "recordings": ("/api/v1/runs",),
    "apikeys": ("/api/v1/apikeys",),
    "key_access": ("/api/v1/apikeys",),
    "roles": ("/api/v1/roles",),
    "auth": ("/api/v1/auth", "/api/v1/platform"),
    "users": ("/api/v1/users",),
    "actors": ("/api/v1/actors",),
    "tenants": ("/api/v1/orgs", "/api/v1/projects", "/api/v1/environments", "/api/v1/tenants", "/api/v1/platform"),
    "platform": ("/api/v1/platform",),
    "platform_users": ("/api/v1/platform",),
    "platform_roles": ("/api/v1/platform",),
    "platform_policies": ("/api/v1/platform",),
    "policies": ("/api/v1/policies", "/api/v1/roles"),
    "policy_set": ("/api/v1/policy-set", "/api/v1/platform"),
    "trials": ("/api/v1/policies", "/api/v1/cel"),
    "audit": ("/api/v1/audit", "/api/v1/policies", "/api/v1/runs"),
    "redactions": ("/api/v1/events", "/api/v1/runs"),
    "failures": ("/api/v1/failures", "/api/v1/search", "/api/v1/runs"),
    "failure_patches": ("/api/v1/failures",),
    "whereabouts": ("/api/v1/whereabouts",),
    DOCUMENT: ("/api/v1/openapi.json",),
}
"""The parts of paths (see `part_of`) under which a module has routes; in the order of the OpenAPI document."""


def part_of(path: str) -> str:
    """The part of a path, or of a route's template, by which its module is found: `/api/v1/runs`, `/health`."""
    segments = path.lstrip("/").split("/", 3)
    return "/" + "/".join(segments[:3] if segments[:2] == ["api", "v1"] else segments[:1])


class Table:
    """Every route of REST, as far as it was asked for; `operations` grows by what they do, by template and method."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._loaded: dict[str, Sequence[Route]] = {}
        self.operations: dict[tuple[str, str], Operation] = {}

    def of(self, module: str) -> Sequence[Route]:
        """The routes of a module."""
        if module not in self._loaded:
            loaded: Any = importlib.import_module(f"app.api.{module}")
            about = self if module == DOCUMENT else self._services
            self._loaded[module] = loaded.routes(about)
            for route in self._loaded[module]:
                for method, operation in route.operations.items():
                    self.operations[route.path, method] = operation
        return self._loaded[module]

    def at(self, part: str) -> Sequence[Route]:
        """The routes whose paths begin with that part; none if it is none of REST's."""
        modules = [module for module, parts in MODULES.items() if part in parts]
        return [route for module in modules for route in self.of(module) if part_of(route.path) == part]

    async def load(self) -> None:
        """Load all modules, and leave the event loop to others between them."""
        await one_by_one(partial(self.of, module) for module in MODULES)

    def whole(self) -> Sequence[Route]:
        """Every route."""
        return [route for module in MODULES for route in self.of(module)]
