"""Consumer groups as they are administered: `client.groups`; and what they could not deliver: `client.dead_letters`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ironflow.calls import Call, Json, Page, Plan, chosen, quoted, sent
from ironflow.durations import Duration, seconds

PATH = "/api/v1/groups"


def list_groups() -> Plan[Sequence[Json]]:
    """Every group, by name."""
    found: Sequence[Json] = (yield Call("GET", PATH, again=True))["groups"]
    return found


def create(
    name: str,
    pattern: str,
    *,
    filter: str = "",
    ack_mode: str = "manual",
    max_inflight: int = 100,
    max_redeliveries: int = 3,
    redeliver_delay: Duration = 5.0,
    ack_wait: Duration = 30.0,
    metadata: Mapping[str, Any] | None = None,
    after: int | None = None,
    at: str | None = None,
) -> Plan[Json]:
    """A new group. It gets what is recorded after the position `after` (0: all of history), or after the time `at` (RFC
    3339, `15m`); without either what is recorded from now on. Raises Conflict if there is one of that name."""
    body: Json = {
        "name": name,
        "pattern": pattern,
        "filter": filter,
        "ack_mode": ack_mode,
        "max_inflight": max_inflight,
        "max_redeliveries": max_redeliveries,
        "redeliver_delay_ms": _ms(redeliver_delay),
        "ack_wait_ms": _ms(ack_wait),
        "metadata": dict(metadata or {}),
        **chosen(after=after, at=at),
    }
    return (yield from sent(Call("POST", PATH, body=body)))


def get(name: str) -> Plan[Json]:
    """Raises NotFound."""
    return (yield from sent(Call("GET", _path(name), again=True)))


def update(
    name: str,
    *,
    pattern: str | None = None,
    filter: str | None = None,
    ack_mode: str | None = None,
    max_inflight: int | None = None,
    max_redeliveries: int | None = None,
    redeliver_delay: Duration | None = None,
    ack_wait: Duration | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Plan[Json]:
    """The group with what is given changed, for what is recorded from now on. Raises NotFound."""
    given = {
        "pattern": pattern,
        "filter": filter,
        "ack_mode": ack_mode,
        "max_inflight": max_inflight,
        "max_redeliveries": max_redeliveries,
        "redeliver_delay_ms": None if redeliver_delay is None else _ms(redeliver_delay),
        "ack_wait_ms": None if ack_wait is None else _ms(ack_wait),
        "metadata": None if metadata is None else dict(metadata),
    }
    body = {field: value for field, value in given.items() if value is not None}
    return (yield from sent(Call("PATCH", _path(name), body=body, again=True)))


def pause(name: str, *, reason: str = "") -> Plan[Json]:
    """Nothing is delivered until it is resumed. Raises NotFound."""
    return (yield from sent(Call("POST", f"{_path(name)}/pause", body={"reason": reason}, again=True)))


def resume(name: str) -> Plan[Json]:
    """Raises NotFound."""
    return (yield from sent(Call("POST", f"{_path(name)}/resume", body={}, again=True)))


def delete(name: str) -> Plan[None]:
    """A missing one is no error."""
    yield Call("DELETE", _path(name), again=True)


def lag(name: str) -> Plan[Json]:
    """Where the group is: `position`, `lag`, `pending`, `inflight`, `dead_letters`… Raises NotFound, ServerUnavailable
    while NATS is away."""
    return (yield from sent(Call("GET", f"{_path(name)}/lag", again=True)))


def reset(
    name: str, *, after: int | None = None, at: str | None = None, preview: bool = False, reason: str = ""
) -> Plan[Json]:
    """Begin again after a position or a time, or, without either, with what is recorded from now on: how many entries
    are delivered once more, or never. With `preview` nothing changes. Raises NotFound."""
    body = {"preview": preview, "reason": reason, **chosen(after=after, at=at)}
    return (yield from sent(Call("POST", f"{_path(name)}/reset", body=body, again=preview)))


def dead_letters(group: str, *, limit: int = 100, cursor: str | None = None) -> Plan[Page]:
    """What the group could not deliver, by position. Raises NotFound."""
    answer = yield Call("GET", f"{_path(group)}/dead-letters", chosen(limit=limit, cursor=cursor), again=True)
    return Page(answer["dead_letters"], answer.get("next_cursor", ""))


def requeue(group: str, position: int, *, reason: str = "") -> Plan[None]:
    """Deliver it once more. Raises NotFound."""
    yield Call("POST", f"{_path(group)}/dead-letters/{position}/requeue", body=chosen(reason=reason))


def requeue_all(
    group: str, *, cause: str = "", search: str = "", reason: str = "", preview: bool = False
) -> Plan[Json]:
    """Deliver all once more that have the cause, and the text in their topic, the id of their event or the reason:
    `matched`, `positions` of those that were, and `exact`, which is False if there are more. With `preview` nothing
    changes. Raises NotFound."""
    body = {"all": True, "cause": cause, "search": search, "reason": reason, "preview": preview}
    return (yield from sent(Call("POST", f"{_path(group)}/dead-letters/requeue", body=body, again=preview)))


def discard_all(
    group: str, *, cause: str = "", search: str = "", reason: str = "", preview: bool = False
) -> Plan[Json]:
    """The same, discarding them. Raises NotFound."""
    body = {"all": True, "cause": cause, "search": search, "reason": reason, "preview": preview}
    return (yield from sent(Call("POST", f"{_path(group)}/dead-letters/discard", body=body, again=preview)))


def discard(group: str, position: int, *, reason: str | None = None) -> Plan[None]:
    """Raises NotFound."""
    yield Call("DELETE", f"{_path(group)}/dead-letters/{position}", chosen(reason=reason))


def peek(name: str, *, limit: int = 10) -> Plan[Json]:
    """What the group gets next: `messages`, in order; looking delivers nothing. Raises NotFound, ServerUnavailable
    while NATS is away."""
    return (yield from sent(Call("GET", f"{_path(name)}/peek", chosen(limit=limit), again=True)))


def outbox() -> Plan[Json]:
    """How far NATS has what history has, and why it has no more."""
    return (yield from sent(Call("GET", "/api/v1/outbox", again=True)))


def nats_credentials() -> Plan[Json]:
    """URL, user and password with which any NATS client follows and emits events of the environment, as far as the key
    may: `subscribe` and `publish` have the subjects, `inbox_prefix` is to be told to the client, and `jetstream_prefix`
    to its JetStream, which takes from consumer groups with it."""
    return (yield from sent(Call("POST", "/api/v1/nats/credentials")))


def _path(name: str) -> str:
    return f"{PATH}/{quoted(name)}"


def _ms(value: Duration) -> int:
    return round(seconds(value) * 1_000)
