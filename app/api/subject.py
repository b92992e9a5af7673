"""What a request is about, as policies name it: the end of an IRN, "run/run_x", "kv/carts/c1", "entity/order/42".

It is taken from the path of a route, and from the message of a call or its JSON. What only the body of a route names,
its resource asks about (`Caller.about`), when it has read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec

from app.access.permissions import RPC, RPC_UNLISTED
from app.api.caller import Caller

NOUNS = {
    "runs": "run",
    "events": "event",
    "functions": "function",
    "streams": "entity",
    "entities": "entity",
    "secrets": "secret",
    "topics": "topic",
    "groups": "group",
    "projections": "projection",
    "webhooks": "webhook",
    "schemas": "schema",
    "users": "user",
    "roles": "role",
    "orgs": "org",
    "projects": "project",
    "environments": "environment",
    "apikeys": "apikey",
    "policies": "policy",
    "workers": "worker",
    "subscriptions": "subscription",
}
"""Of what a permission is about, where resources call it something else."""

_IN_PATHS_ONLY = frozenset(("env", "position", "number", "version", "job_id", "step"))
"""Parameters that say which part, not what."""

_FIELDS = {
    "run": ("run_id", "id"),
    "event": ("event", "event_name", "name", "pattern"),
    "function": ("function_id", "id"),
    "topic": ("topic",),
    "group": ("group_name", "name"),
    "projection": ("name", "projection"),
    "schema": ("event_name",),
    "webhook": ("id", "source_id"),
}
_object = msgspec.json.Decoder(dict[str, Any])


def noun_of(permission: str) -> str:
    noun = permission.partition(":")[0]
    return NOUNS.get(noun, noun)


def of_path(permission: str, params: Mapping[str, Any], type: str) -> str:
    """Of a route's parameters, in their order; "run/*" if there are none. `type` is that of an entity."""
    noun = noun_of(permission)
    parts = [str(value) for name, value in params.items() if name not in _IN_PATHS_ONLY]
    if noun == "entity" and "entity_id" in params:
        parts = [type or "*", *parts]
    return "/".join([noun, *(parts or ["*"])])


def of_call(call: str) -> str:
    """Before its message is read."""
    return f"{noun_of(RPC.get(call, RPC_UNLISTED))}/*"


def of_message(call: str, message: Any) -> str:
    """Of a call's message, by the first of its fields that names something."""
    return _named(noun_of(RPC.get(call, RPC_UNLISTED)), partial(_field, message))[0]


def check_message(caller: Caller, call: str, message: Any) -> None:
    """Returns if the caller may do what it was admitted for to everything that a message names. Raises
    PermissionDenied."""
    noun = noun_of(RPC.get(call, RPC_UNLISTED))
    for one in getattr(message, "events", None) or (message,):
        for resource in _named(noun, partial(_field, one)):
            caller.about(resource)


def check_body(caller: Caller, body: bytes) -> None:
    """The same for the JSON of a call, by both spellings of each field: which of them counts is for whoever reads it,
    and so is a body that cannot be read. Raises PermissionDenied."""
    if caller.grant is None or not caller.grant.authorizer.guarded:
        return
    try:
        content = _object.decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    noun, events = noun_of(caller.grant.action), content.get("events")
    parts = [one for one in events if isinstance(one, dict)] if isinstance(events, list) else []
    for part in parts or [content]:
        for resource in _named(noun, partial(_spelled, part)):
            caller.about(resource)


def _named(noun: str, values: Callable[[str], Iterable[Any]]) -> list[str]:
    """Every resource that fields name; the noun at large if none does. `values` has those of a field's name."""
    if noun == "entity":
        return [f"entity/{type}/{id}" for type in _texts(values("entity_type")) for id in _texts(values("entity_id"))]
    found = [one for name in _FIELDS.get(noun, ()) for one in values(name)]
    return [f"{noun}/{text}" for text in _texts(found)]


def _texts(values: Iterable[Any]) -> list[str]:
    return [value for value in values if isinstance(value, str) and value] or ["*"]


def _field(message: Any, name: str) -> Iterable[Any]:
    return (getattr(message, name, ""),)


def _spelled(content: Mapping[str, Any], name: str) -> Iterable[Any]:
    """A field in both spellings."""
    head, *rest = name.split("_")
    return (content.get(name), content.get(head + "".join(part.title() for part in rest)))
