"""Credentials of NATS, as REST gives them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from app.api.shapes.base import Shape


class NatsCredentials(Shape):
    """With which any NATS client connects as a guest: confined to the environment, and to what the caller may do. They
    count for as long as the key does."""

    url: str
    user: str
    password: str
    environment: str
    inbox_prefix: Annotated[str, Meta(description="where answers may come; clients have an option for it")]
    jetstream_prefix: Annotated[
        str, Meta(description="with which a JetStream client takes from consumer groups; empty if the caller may not")
    ]
    subscribe: Annotated[Sequence[str], Meta(description="the subjects that it may follow")]
    publish: Annotated[Sequence[str], Meta(description="the subjects that it may publish events on, by their names")]
