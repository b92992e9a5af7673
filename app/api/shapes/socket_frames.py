"""What a client may say on `/ws`."""

from __future__ import annotations

from typing import Literal

import msgspec

from app.api.connect_json import Number


class Options(msgspec.Struct, rename="camel"):
    """What may be asked for beside the pattern. `since` is a time or a position to begin after."""

    replay: Number = None
    include_metadata: bool = False
    filter: str | None = None
    consumer_group: str | None = None
    ack_mode: Literal["auto", "manual"] | None = None
    backpressure: str | None = None
    namespace: str | None = None
    start_after_sequence: Number = None
    since: str | None = None


class Asked(msgspec.Struct):
    pattern: str
    options: Options | None = None


class Subscribe(msgspec.Struct, tag="subscribe"):
    subscription: Asked


class Unsubscribe(msgspec.Struct, tag="unsubscribe", rename="camel"):
    subscription_id: str


class Ack(msgspec.Struct, tag="ack", rename="camel"):
    """Of a consumer group's event. Events of plain subscriptions need none, and one that comes all the same is fine.
    One with an `ack_id` is answered; `subscription_id` is needed where several groups on the socket have the event."""

    event_id: str
    ack_type: Literal["ack", "nak", "term"]
    redeliver_delay: Number = None
    reason: str | None = None
    subscription_id: str | None = None
    ack_id: int | None = None


decode = msgspec.json.Decoder(Subscribe | Unsubscribe | Ack).decode
