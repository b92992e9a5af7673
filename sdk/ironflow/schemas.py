"""Schemas of events: JSON Schema (draft 2020-12) for each event name and version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ironflow.calls import Call, Json, Plan, chosen, quoted

PATH = "/api/v1/events/schemas"


def register(
    event_name: str, schema: Any, *, version: int = 1, description: str = "", change_reason: str = ""
) -> Plan[Json]:
    """The schema, with `status` created, updated or unchanged, and `problems`: what it refuses that the version before
    takes. Raises InvalidArgument, and Conflict for a version that would refuse what it accepts now."""
    body = {
        "event_name": event_name,
        "version": version,
        "schema": schema,
        "description": description,
        "change_reason": change_reason,
    }
    registered: Json = yield Call("POST", PATH, body=body, again=True)
    return registered


def list_schemas(*, event_name: str | None = None) -> Plan[Sequence[Json]]:
    """By event and version."""
    found: Sequence[Json] = (yield Call("GET", PATH, chosen(event_name=event_name), again=True))["schemas"]
    return found


def get(event_name: str, *, version: int | None = None) -> Plan[Json]:
    """The version, or the newest. Raises NotFound."""
    found: Json = yield Call("GET", _path(event_name, version), again=True)
    return found


def delete(event_name: str, *, version: int, reason: str | None = None) -> Plan[None]:
    """Raises NotFound."""
    yield Call("DELETE", _path(event_name, version), chosen(reason=reason), again=True)


def enforce(mode: str) -> Plan[None]:
    """From now on violations are let through (off), logged (warn) or refused (reject)."""
    yield Call("PUT", "/api/v1/schema-enforcement", body={"mode": mode}, again=True)


def check(*, event_name: str | None = None, hours: int = 24) -> Plan[Json]:
    """The mode, and each schema with the versions of its event that were seen in so many hours."""
    found: Json = yield Call(
        "GET", "/api/v1/schema-enforcement", chosen(event_name=event_name, hours=hours), again=True
    )
    return found


def _path(event_name: str, version: int | None) -> str:
    return f"{PATH}/{quoted(event_name)}" + (f"/{version}" if version is not None else "")
