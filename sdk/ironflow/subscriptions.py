"""Subscriptions: events as they happen. `for event in client.subscribe("order.>")`, and the same with `async for`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self

from ironflow.calls import Json, chosen
from ironflow.context import Event
from ironflow.errors import InvalidArgument
from ironflow.live import AsyncWatch, Watch

Policy = Literal["buffer", "block", "drop", "disconnect"]


@dataclass(frozen=True, slots=True)
class LiveEvent(Event):
    """An event as a subscription brings it. `topic` is its channel, such as `events:order.placed`; `position` its place
    in history, after which a subscription can go on."""

    topic: str = ""
    position: int = 0
    entity_type: str = ""
    entity_id: str = ""
    entity_version: int = 0
    run_id: str = ""
    emitted_by: str = ""


class Subscription(Iterator[LiveEvent]):
    """`dropped` counts what the policy `drop` has left out so far."""

    def __init__(self, watch: Watch) -> None:
        self.dropped = 0
        self._watch = watch
        self._frames = iter(watch)

    @property
    def position(self) -> int | None:
        """The position that another subscription can go on `after`; None before the server has said anything."""
        return self._watch.position

    def __next__(self) -> LiveEvent:
        while True:
            told = next(self._frames)
            if told["type"] == "event":
                return live_event(told)
            self.dropped += told.get("dropped", 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the connection go."""
        self._frames.close()


class AsyncSubscription(AsyncIterator[LiveEvent]):
    """As `Subscription`, awaited."""

    def __init__(self, watch: AsyncWatch) -> None:
        self.dropped = 0
        self._watch = watch
        self._frames = aiter(watch)

    @property
    def position(self) -> int | None:
        """The position that another subscription can go on `after`; None before the server has said anything."""
        return self._watch.position

    async def __anext__(self) -> LiveEvent:
        while True:
            told = await anext(self._frames)
            if told["type"] == "event":
                return live_event(told)
            self.dropped += told.get("dropped", 0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let the connection go."""
        await self._frames.aclose()


def asked(
    patterns: Sequence[str],
    *,
    filter: str | None,
    policy: str,
    since: str | datetime | None,
    replay: int | None,
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The parameters of a subscription, and those of where it begins."""
    if not patterns or not all(isinstance(pattern, str) and pattern for pattern in patterns):
        raise InvalidArgument("patterns are texts, at least one", code="INVALID_ARGUMENT", hint='such as "order.>"')
    return chosen(pattern=list(patterns), filter=filter, backpressure=policy), chosen(since=since, replay=replay)


def live_event(told: Json) -> LiveEvent:
    """The event that a frame tells of."""
    return LiveEvent(
        id=told["id"],
        name=told["name"],
        data=told["data"],
        timestamp=datetime.fromisoformat(told["timestamp"]),
        metadata=told["metadata"],
        version=told["version"],
        source=told["source"],
        topic=told["topic"],
        position=told["position"],
        entity_type=told.get("entity_type", ""),
        entity_id=told.get("entity_id", ""),
        entity_version=told.get("entity_version", 0),
        run_id=told.get("run_id", ""),
        emitted_by=told.get("emitted_by", ""),
    )
