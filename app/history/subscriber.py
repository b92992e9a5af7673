"""Who follows, as people are shown it: of a subscription, and of a member of a group."""

from __future__ import annotations

from typing import Literal

import msgspec

Transport = Literal["sse", "websocket", "connect", "grpc", "nats"]


class Subscriber(msgspec.Struct, frozen=True):
    """`actor` is "" if nobody was asked who they are; `transport` is the face that they came by, `since` in µs."""

    id: str
    actor: str
    address: str
    transport: Transport
    since: int
