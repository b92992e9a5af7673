"""Who follows, as people are shown it: of a subscription, and of a member of a group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Transport = Literal["sse", "websocket", "connect", "grpc", "nats"]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """`actor` is "" if nobody was asked who they are; `transport` is the face that they came by, `since` in µs."""

    id: str
    actor: str
    address: str
    transport: Transport
    since: int
