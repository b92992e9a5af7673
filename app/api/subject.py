"""What a request is about, as policies name it: the end of an IRN, "run/run_x", "kv/carts/c1", "entity/order/42".

It is taken from the path, from the message of a call, or from the JSON of a body: the last only if somebody asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from app.access.permissions import RPC, RPC_UNLISTED
from app.api.caller import Caller

_NOUNS = {
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
}
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
_PARTS = ("events", "appends")
"""Lists in bodies, of what is each about something."""

_object = msgspec.json.Decoder(dict[str, Any])


def noun_of(permission: str) -> str:
    noun = permission.partition(":")[0]
    return _NOUNS.get(noun, noun)


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
    """Of a call's message, by its fields."""
    return _of_fields(noun_of(RPC.get(call, RPC_UNLISTED)), lambda name: getattr(message, name, ""))


def check_message(caller: Caller, call: str, message: Any) -> None:
    """Returns if the caller may do what it was admitted for to everything that a message names. Raises
    PermissionDenied."""
    for one in getattr(message, "events", None) or (message,):
        caller.about(of_message(call, one))


def check_body(caller: Caller, body: bytes) -> None:
    """Returns if the caller may do what it was admitted for to everything that a JSON body names; a body that cannot
    be read is for whoever reads it. Raises PermissionDenied."""
    if caller.grant is None or not caller.grant.authorizer.guarded:
        return
    try:
        content = _object.decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    noun = noun_of(caller.grant.action)
    parts = [one for name in _PARTS for one in content.get(name) or () if isinstance(one, dict)]
    for part in parts if noun == "event" and parts else [content, *parts]:
        caller.about(_of_fields(noun, lambda name, part=part: _spelled(part, name)))


def _of_fields(noun: str, field: Any) -> str:
    if noun == "entity":
        return f"entity/{field('entity_type') or '*'}/{field('entity_id') or '*'}"
    for name in _FIELDS.get(noun, ()):
        found = field(name)
        if isinstance(found, str) and found:
            return f"{noun}/{found}"
    return f"{noun}/*"


def _spelled(content: Mapping[str, Any], name: str) -> Any:
    """A field in either spelling."""
    head, *rest = name.split("_")
    return content.get(name) or content.get(head + "".join(part.title() for part in rest))
