"""A stock NATS client with the credentials that we print: it may follow and publish events, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import nats
import nats.errors
import nats.js.errors
import pytest

from app.bus.ingest import Ingest
from app.bus.nats_server import NatsServer, credentials
from app.bus.place import Place
from app.bus.publisher import Publisher
from app.node import Node
from tests.support.bounds import stop

INGEST = "ironflow.default.default.events.ingest.order.placed"


@pytest.fixture
async def client(either_node: Node, server: NatsServer, tmp_path: Path) -> AsyncIterator[Any]:
    place = Place(server=server)
    loops = [Ingest(place=place, emitter=either_node.emitter), Publisher(either_node.tail, place=place)]
    running = [asyncio.create_task(loop.run()) for loop in loops]
    await server.ready()
    told = credentials(tmp_path / "nats")
    assert told is not None
    refused: list[str] = []

    async def error(error: Exception) -> None:
        refused.append(str(error))

    made: Any = await nats.connect(told["url"], user=told["user"], password=told["password"], error_cb=error)
    made.refused = refused
    async with asyncio.timeout(30):
        while True:
            try:
                await made.request(INGEST.replace("placed", "warm"), b"0", timeout=5)
                break
            except nats.errors.NoRespondersError:
                await asyncio.sleep(0.02)
    yield made
    await made.close()
    await stop(*running)


async def test_an_event_is_emitted_and_answered_once_it_is_durable(client: Any, either_node: Node) -> None:
    stream = client.jetstream()
    first = await stream.publish(INGEST, b'{"total": 1.50}', headers={"Nats-Msg-Id": "order-7"})
    again = msgspec.json.decode(
        (await client.request(INGEST, b'{"total": 1.50}', headers={"Nats-Msg-Id": "order-7"})).data
    )

    assert (first.stream, bool(first.duplicate), again["duplicate"]) == ("IRONFLOW_INGEST", False, True)
    assert again["event_id"].startswith("evt_")
    assert either_node.tail.head == 2


async def test_bad_events_are_refused_with_a_reason_and_not_recorded(client: Any, either_node: Node) -> None:
    with pytest.raises(nats.js.errors.APIError) as refused:
        await client.jetstream().publish(INGEST, b"{bad")
    answer = msgspec.json.decode((await client.request(INGEST, b"{bad")).data)

    assert refused.value.code == 400
    assert answer["code"] == "INVALID_ARGUMENT"
    assert either_node.tail.head == 1


async def test_it_follows_durably(client: Any) -> None:
    await client.request(INGEST, b"1")
    subscription = await client.jetstream().pull_subscribe(
        "ironflow.default.events.order.placed", durable="mine", stream="IRONFLOW"
    )

    [message] = await subscription.fetch(1, timeout=20)
    await message.ack()

    assert msgspec.json.decode(message.data)["data"]["data"] == 1


async def test_it_may_neither_forge_history_nor_touch_the_streams(client: Any, either_node: Node) -> None:
    for subject in ("ironflow.default.events.order.forged", "ironflow-groups.default.billing.1"):
        await client.publish(subject, b"1")
    for subject in ("STREAM.PURGE.IRONFLOW", "STREAM.DELETE.IRONFLOW", "STREAM.CREATE.MINE"):
        await client.publish(f"$JS.API.{subject}", b"{}")
    await client.subscribe("_IRONFLOW.>")
    await client.flush()

    async with asyncio.timeout(20):
        while len(client.refused) < 6:  # noqa: ASYNC110 - NATS refuses when it gets to it
            await asyncio.sleep(0.01)
    assert all("permissions violation" in told.lower() for told in client.refused)
    assert either_node.tail.head == 1
