"""Webhooks: `client.webhooks`. Sources say who may deliver and how that is verified; deliveries are what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ironflow.calls import Call, Json, Page, Plan, chosen, quoted, sent
from ironflow.durations import Duration, seconds
from ironflow.errors import InvalidArgument
from ironflow.parts import AsyncPart, Awaited, Blocking, Part

SOURCES = "/api/v1/webhook-sources"
DELIVERIES = "/api/v1/webhook-deliveries"


def create(
    name: str,
    *,
    provider: str = "",
    secret: str = "",
    event_prefix: str = "",
    verify: Mapping[str, Any] | None = None,
    schema_version: int = 1,
    metadata: Mapping[str, Any] | None = None,
) -> Plan[Json]:
    """The source, with `ingest_path` and `ingest_token`, which are told this once. `provider` is github, stripe, slack,
    shopify or standard; `verify` describes other senders, or says what is different. Raises Conflict for a name that is
    taken."""
    body: Json = {"name": name, "provider": provider, "verify_secret": secret, "event_prefix": event_prefix}
    body |= {"verify_config": dict(verify or {}), "schema_version": schema_version, "metadata": dict(metadata or {})}
    return (yield from sent(Call("POST", SOURCES, body=body)))


def list_sources() -> Plan[Sequence[Json]]:
    """Every source, in the order in which they were made, without secrets."""
    found: Sequence[Json] = (yield Call("GET", SOURCES, again=True))["sources"]
    return found


def get(source: str) -> Plan[Json]:
    """A source, by id or name. Raises NotFound."""
    return (yield from sent(Call("GET", _path(source), again=True)))


def update(
    source: str,
    *,
    name: str | None = None,
    event_prefix: str | None = None,
    verify: Mapping[str, Any] | None = None,
    schema_version: int | None = None,
    metadata: Mapping[str, Any] | None = None,
    expected_updated_at: str = "",
) -> Plan[Json]:
    """Change what is given. With `expected_updated_at`, as it was read, only if it is that still. Raises Conflict."""
    changes = {
        "name": name,
        "event_prefix": event_prefix,
        "verify_config": None if verify is None else dict(verify),
        "schema_version": schema_version,
        "metadata": None if metadata is None else dict(metadata),
        "expected_updated_at": expected_updated_at or None,
    }
    body = {key: value for key, value in changes.items() if value is not None}
    return (yield from sent(Call("PATCH", _path(source), body=body)))


def pause(source: str, *, reason: str = "") -> Plan[Json]:
    """Hold what is delivered from now on; `replay` makes events of it later."""
    return (yield from sent(Call("POST", f"{_path(source)}/pause", body={"reason": reason}, again=True)))


def try_out(source: str, *, deliver: bool = False) -> Plan[Json]:
    """What the source says of a delivery that the server makes up and signs: `verified`, and the `checks`. With
    `deliver` it is recorded, and made an event. Raises NotFound."""
    return (yield from sent(Call("POST", f"{_path(source)}/test", body={"deliver": deliver}, again=not deliver)))


def resume(source: str) -> Plan[Json]:
    """Make events of what is delivered again."""
    return (yield from sent(Call("POST", f"{_path(source)}/resume", again=True)))


def rotate(source: str, secret: str, *, grace: Duration | None = None) -> Plan[Json]:
    """Give a new secret; the one before counts for `grace`, a day without it, at most a week."""
    body: Json = {"verify_secret": secret, **_grace(grace)}
    return (yield from sent(Call("PUT", f"{_path(source)}/secret", body=body)))


def expire_previous(source: str) -> Plan[Json]:
    """The secret before the one in use no longer counts."""
    return (yield from sent(Call("DELETE", f"{_path(source)}/previous-secret", again=True)))


def disable_verification(source: str, *, grace: Duration | None = None) -> Plan[Json]:
    """Ask for no signature any more."""
    return (yield from sent(Call("POST", f"{_path(source)}/disable-verification", body=_grace(grace))))


def rotate_token(source: str) -> Plan[Json]:
    """Give a new `ingest_path`, told this once; the old one is gone."""
    return (yield from sent(Call("POST", f"{_path(source)}/token", body={})))


def delete(source: str) -> Plan[None]:
    """Delete the source; its deliveries can still be read. Raises NotFound."""
    yield Call("DELETE", _path(source))


def deliveries(
    source: str | None = None, *, status: str | None = None, limit: int = 20, cursor: str | None = None
) -> Plan[Page]:
    """What came, newest first, to one source or to all. `status` is accepted, held, failed or rejected."""
    answer = yield Call("GET", DELIVERIES, chosen(source=source, status=status, limit=limit, cursor=cursor), again=True)
    return Page(answer["deliveries"], answer.get("next_cursor", ""))


def delivery(delivery_id: str) -> Plan[Json]:
    """One delivery, with its headers, its body, and what was looked at to verify it. Raises NotFound."""
    return (yield from sent(Call("GET", f"{DELIVERIES}/{quoted(delivery_id)}", again=True)))


def replay(delivery_id: str) -> Plan[Json]:
    """Make a delivery an event, once more or at last: `event_id` and `event_name`."""
    return (yield from sent(Call("POST", f"{DELIVERIES}/{quoted(delivery_id)}/replay")))


class Webhooks(Part):
    create = Blocking(create)
    list = Blocking(list_sources)
    get = Blocking(get)
    update = Blocking(update)
    pause = Blocking(pause)
    try_out = Blocking(try_out)
    resume = Blocking(resume)
    rotate = Blocking(rotate)
    expire_previous = Blocking(expire_previous)
    disable_verification = Blocking(disable_verification)
    rotate_token = Blocking(rotate_token)
    delete = Blocking(delete)
    deliveries = Blocking(deliveries)
    delivery = Blocking(delivery)
    replay = Blocking(replay)


class AsyncWebhooks(AsyncPart):
    create = Awaited(create)
    list = Awaited(list_sources)
    get = Awaited(get)
    update = Awaited(update)
    pause = Awaited(pause)
    try_out = Awaited(try_out)
    resume = Awaited(resume)
    rotate = Awaited(rotate)
    expire_previous = Awaited(expire_previous)
    disable_verification = Awaited(disable_verification)
    rotate_token = Awaited(rotate_token)
    delete = Awaited(delete)
    deliveries = Awaited(deliveries)
    delivery = Awaited(delivery)
    replay = Awaited(replay)


def _path(source: str) -> str:
    return f"{SOURCES}/{quoted(source)}"


def _grace(grace: Duration | None) -> Json:
    if grace is None:
        return {}
    try:
        return {"grace_seconds": round(seconds(grace))}
    except (ValueError, TypeError) as error:
        raise InvalidArgument(f"grace: {error}", code="INVALID_ARGUMENT") from None
