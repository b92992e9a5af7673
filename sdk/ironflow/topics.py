"""Topics: messages that are recorded and delivered, and start no function. Follow them with `client.subscribe`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ironflow.calls import Call, Json, Plan, quoted, sent


@dataclass(frozen=True, slots=True)
class Published:
    """`position` is the message's place in history; `duplicate` tells that the idempotency key was known."""

    event_id: str
    position: int
    duplicate: bool = False


def publish(topic: str, data: Any = None, *, idempotency_key: str | None = None) -> Plan[Published]:
    """Record a message; durable when this returns. With a key it is safe to try again."""
    body: Json = {"data": data}
    if idempotency_key is not None:
        body["idempotency_key"] = idempotency_key
    path = f"/api/v1/topics/{quoted(topic)}/messages"
    told = yield Call("POST", path, body=body, again=idempotency_key is not None)
    return Published(told["event_id"], told["sequence"], told["duplicate"])


def list_topics() -> Plan[Sequence[Json]]:
    """Every topic that was published to, by name."""
    topics: Sequence[Json] = (yield Call("GET", "/api/v1/topics", again=True))["topics"]
    return topics


def stats(topic: str) -> Plan[Json]:
    """How many messages a topic has and who follows it. Raises NotFound."""
    return (yield from sent(Call("GET", f"/api/v1/topics/{quoted(topic)}", again=True)))
