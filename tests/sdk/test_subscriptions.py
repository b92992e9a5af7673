"""Subscriptions through the SDK's clients, against a real server and over its restarts."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator

import pytest

from ironflow import AsyncClient, Client, LiveEvent
from ironflow.errors import InvalidArgument
from ironflow.live import Frames
from tests.support.server import ServerProcess


@pytest.fixture
def client(server: ServerProcess, environment: str) -> Iterator[Client]:
    with Client(server.url, environment=environment) as made:
        yield made


def test_events_are_typed_and_have_a_position(client: Client) -> None:
    for number in range(3):
        client.emit("order.placed", {"n": number}, metadata={"tenant": "a"})

    with client.subscribe("order.>", "topic:>", replay=2, filter="data.n > 0") as subscription:
        first, second = itertools.islice(subscription, 2)

        assert isinstance(first, LiveEvent)
        assert (first.name, first.topic, first.data) == ("order.placed", "events:order.placed", {"n": 1})
        assert (first.metadata, first.timestamp.tzinfo is not None) == ({"tenant": "a"}, True)
        assert subscription.position == second.position > first.position
    with client.subscribe("order.>", after=first.position) as again:
        assert next(again) == second
        assert again.dropped == 0


def test_a_subscription_goes_on_over_a_restart_of_the_server(server: ServerProcess, client: Client) -> None:
    client.emit("order.placed", 1)
    subscription = client.subscribe("order.>", replay=1)
    assert next(subscription).data == 1

    server.kill9()
    server.restart()
    for number in (2, 3):
        client.emit("order.placed", number)

    assert [event.data for event in itertools.islice(subscription, 2)] == [2, 3]


def test_what_cannot_be_subscribed_to_is_refused(client: Client) -> None:
    for patterns, options in (((), {}), (("a..b",), {}), (("a",), {"filter": "data."}), (("a",), {"after": 10**9})):
        with pytest.raises(InvalidArgument):
            next(client.subscribe(*patterns, **options))  # type: ignore[arg-type]


def test_a_subscription_that_ends_for_good_says_so(client: Client) -> None:
    client.emit("order.placed", list(range(200)))
    costly = "data.all(a, data.all(b, data.all(c, a + b + c >= 0)))"

    for begin in ({"replay": 1}, {"since": "0"}):
        with pytest.raises(InvalidArgument, match="filter"):
            next(client.subscribe("order.>", filter=costly, **begin))  # type: ignore[arg-type]


async def test_the_awaited_client_does_the_same(server: ServerProcess, environment: str) -> None:
    async with AsyncClient(server.url, environment=environment) as client:
        await client.emit("order.placed", 1)

        async def two() -> list[object]:
            found = []
            async with client.subscribe("order.>", since="0") as subscription:
                async for event in subscription:
                    found.append(event.data)
                    if len(found) == 2:
                        break
            return found

        following = asyncio.create_task(two())
        await client.emit("order.placed", 2)
        assert await asyncio.wait_for(following, 20) == [1, 2]


def test_a_frame_that_breaks_off_does_not_count_as_seen() -> None:
    frames = Frames()

    for line in ("id: 7", "data: 1", "", "id: 8", 'data: {"cut'):
        frames.line(line)

    assert frames.position == 7
