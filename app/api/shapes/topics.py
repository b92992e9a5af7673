"""Topics as REST shows them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from app.api.shapes.base import Instant, Shape


class TopicResponse(Shape):
    name: str
    message_count: int
    consumer_count: Annotated[int, Meta(description="live subscriptions on this node")]
    first_message_at: Instant
    last_message_at: Instant


class ListTopicsResponse(Shape):
    """Topics by name."""

    topics: list[TopicResponse]
    count: int


class TopicStatsResponse(Shape):
    name: str
    message_count: int
    consumer_count: Annotated[int, Meta(description="live subscriptions on this node")]
    lag: Annotated[int, Meta(description="messages that the slowest of them has not seen")]
    first_seq: Annotated[int, Meta(description="position of the first message, 0 for none")]
    last_seq: int


class PublishedResponse(Shape):
    """The message is durable."""

    event_id: str
    sequence: Annotated[int, Meta(description="its position in history")]
    duplicate: Annotated[bool, Meta(description="the idempotency key was known: nothing new")]
