"""Secrets: `client.secrets`. Values go in and never come out; functions that declare a secret are given it."""

from __future__ import annotations

from collections.abc import Sequence

from ironflow.calls import Call, Json, Plan, quoted, sent
from ironflow.parts import AsyncPart, Awaited, Blocking, Part

SECRETS = "/api/v1/secrets"
_NOT_FOUND = 404


def list_secrets() -> Plan[Sequence[Json]]:
    """Every secret, by name, without values."""
    found: Sequence[Json] = yield Call("GET", SECRETS, again=True)
    return found


def get(name: str) -> Plan[Json]:
    """Name, revision, description and instants."""
    return (yield from sent(Call("GET", _path(name), again=True)))


def set_secret(name: str, value: str, *, description: str | None = None) -> Plan[Json]:
    """Create the secret, or give it a new value; without a description that stays as it is."""
    told = {} if description is None else {"description": description}
    answer: Json = yield Call("PUT", _path(name), body={"value": value, **told}, accept=(_NOT_FOUND,))
    if answer.get("code") == "SECRET_NOT_FOUND":
        answer = yield Call("POST", SECRETS, body={"name": name, "value": value, **told})
    return answer


def rename(name: str, to: str) -> Plan[Json]:
    """The secret under its new name. Raises Conflict if that is taken."""
    return (yield from sent(Call("PATCH", _path(name), body={"name": to})))


def describe(name: str, description: str) -> Plan[Json]:
    """The secret with its new description."""
    return (yield from sent(Call("PATCH", _path(name), body={"description": description})))


def delete(name: str) -> Plan[None]:
    """Destroy the value."""
    yield Call("DELETE", _path(name))


def rotate_key() -> Plan[Json]:
    """Wrap the keys of all environments with a new master key."""
    return (yield from sent(Call("POST", "/api/v1/master-key/rotate")))


class Secrets(Part):
    list = Blocking(list_secrets)
    get = Blocking(get)
    set = Blocking(set_secret)
    rename = Blocking(rename)
    describe = Blocking(describe)
    delete = Blocking(delete)
    rotate_key = Blocking(rotate_key)


class AsyncSecrets(AsyncPart):
    list = Awaited(list_secrets)
    get = Awaited(get)
    set = Awaited(set_secret)
    rename = Awaited(rename)
    describe = Awaited(describe)
    delete = Awaited(delete)
    rotate_key = Awaited(rotate_key)


def _path(name: str) -> str:
    return f"{SECRETS}/{quoted(name)}"
