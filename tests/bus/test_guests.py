"""A stock NATS client with a caller's credentials: confined to its environment, to what its key may, and to its key's
life."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import nats
import nats.errors
import nats.js.errors
import pytest

from app.access.actor import Actor
from app.access.authoring import Author
from app.access.credentials import Proof
from app.access.records import Key
from app.bus import guests
from app.bus.bus import Bus
from app.bus.guests import Credentials
from app.bus.nats_server import NatsServer
from app.cancelling import end
from app.clock import SystemClock
from app.errors import PermissionDenied, ResourceExhausted
from app.events.new_event import NewEvent
from app.events.topics import NewMessage
from app.history.kinds import GroupSettings, PolicyDefinition
from app.node import Node

ROOT = Actor("ak_root", "key", ("admin",), frozenset("*"))
TIMEOUT_S = 30


class Fixture:
    """A node and its NATS, on which keys become guests."""

    def __init__(self, node: Node, bus: Bus) -> None:
        self.node = node
        self.bus = bus
        self.clients: list[Any] = []

    async def key(self, *roles: str) -> tuple[Actor, Proof]:
        made = (await self.node.access.keys.create(ROOT, "k", roles)).key
        return self.node.access.credentials.actor_of(made), Proof(Key, made.id, made.hash)

    async def invited(self, *roles: str, environment: str = "prod") -> tuple[Credentials, Any]:
        found = await self.bus.guests.invite(*await self.key(*roles), environment)
        return found, await self.connected(found)

    async def connected(self, found: Credentials) -> Any:
        refused: asyncio.Queue[str] = asyncio.Queue()

        async def error(error: Exception) -> None:
            refused.put_nowait(str(error))

        client: Any = await nats.connect(
            found.url,
            user=found.user,
            password=found.password,
            inbox_prefix=found.inbox_prefix.encode(),
            allow_reconnect=False,
            error_cb=error,
        )
        client.refused = refused
        self.clients.append(client)
        return client

    async def emit(self, name: str, environment: str) -> None:
        await self.node.emitter.emit(NewEvent(environment=environment, name=name, data=b"1"))

    async def deny(self, *resources: str, actions: tuple[str, ...]) -> None:
        definition = PolicyDefinition(name="p", actions=actions, resources=resources, roles=("developer",))
        await self.node.policies.create("prod", definition, author=Author(ROOT, "prod"))


@pytest.fixture
async def fixture(node: Node, server: NatsServer) -> AsyncIterator[Fixture]:
    bus = Bus(
        server=server,
        storage=node.storage,
        tail=node.tail,
        fold=node.fold,
        emitter=node.emitter,
        groups=node.groups,
        ids=node.ids,
        access=node.access,
        policies=node.policies,
        clock=SystemClock(),
    )
    running = [asyncio.create_task(loop()) for name, loop in bus.loops() if name != "nats-server"]
    made = Fixture(node, bus)
    yield made
    for client in made.clients:
        await client.close()
    await end(*running)


async def answered(client: Any, subject: str, payload: bytes = b"1", **headers: str) -> Any:
    """What the taker of events says; it may not have begun to listen yet."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            try:
                return msgspec.json.decode((await client.request(subject, payload, timeout=5, headers=headers)).data)
            except nats.errors.NoRespondersError:
                await asyncio.sleep(0.02)


async def refusal(client: Any, acting: Callable[[], Awaitable[Any]]) -> str:
    """What nats-server says of it."""
    await acting()
    await client.flush()
    async with asyncio.timeout(TIMEOUT_S):
        return str(await client.refused.get()).lower()


async def test_a_guest_follows_and_emits_in_its_own_environment_only(fixture: Fixture) -> None:
    found, client = await fixture.invited("developer")
    own = found.publish[0].removesuffix(">")
    assert list(found.subscribe) == [f"ironflow.prod.{one}.>" for one in ("events", "topics", "entities", "system")]

    emitted = await answered(client, f"{own}order.placed")
    assert emitted["event_id"].startswith("evt_")
    subscription = await client.subscribe("ironflow.prod.events.>")
    await client.flush()
    await fixture.emit("order.secret", "other")
    await fixture.emit("order.paid", "prod")
    names = []
    while "ironflow.prod.events.order.paid" not in names:
        names.append((await subscription.next_msg(timeout=TIMEOUT_S)).subject)
    assert set(names) <= {"ironflow.prod.events.order.placed", "ironflow.prod.events.order.paid"}

    for subject in (
        "ironflow.other.events.>",
        "ironflow.*.events.>",
        "ironflow.>",
        ">",
        "_INBOX.>",
        "_IRONFLOW.>",
        "$SYS.>",
        "ironflow.*.*.events.ingest.>",
    ):
        assert "permissions violation for subscription" in await refusal(client, lambda s=subject: client.subscribe(s))
    for subject in (
        own.replace("prod", "other") + "order.placed",
        "ironflow.default.prod.events.ingest.order.placed",  # as nobody
        "ironflow.prod.events.order.placed",  # what only we say
        "$JS.API.STREAM.NAMES",
        "$JS.API.CONSUMER.CREATE.IRONFLOW.mine",
        "$JS.API.STREAM.MSG.GET.IRONFLOW",
        "$JS.API.DIRECT.GET.IRONFLOW",
    ):
        assert "permissions violation for publish" in await refusal(client, lambda s=subject: client.publish(s, b"{}"))


async def test_a_guest_takes_from_a_group_as_from_a_durable_consumer(fixture: Fixture) -> None:
    await fixture.node.groups.create(
        "prod", "bill.ing", GroupSettings(pattern="order.>", redeliver_delay_ms=0), start=0, actor="t"
    )
    for name, environment in (("order.a", "prod"), ("order.b", "other"), ("order.c", "prod"), ("order.d", "prod")):
        await fixture.emit(name, environment)
    found, client = await fixture.invited("developer")

    taking = await pulling(client, found, "bill.ing")
    first = await fetched(taking, 3)

    told = [msgspec.json.decode(message.data) for message in first]
    assert [one["data"]["name"] for one in told] == ["order.a", "order.c", "order.d"]
    assert [int(message.headers["Nats-Msg-Id"]) for message in first] == [one["position"] for one in told]
    assert first[0].headers["Ironflow-Topic"] == "events:order.a"
    await first[0].ack_sync()
    await first[1].nak()
    await first[2].term()
    [again] = await fetched(taking, 1)
    assert (again.headers["Ironflow-Topic"], again.headers["Ironflow-Attempt"]) == ("events:order.c", "2")
    await again.ack_sync()
    await client.close()  # whoever comes with the credentials goes on there
    await fixture.emit("order.e", "prod")
    [last] = await fetched(await pulling(await fixture.connected(found), found, "bill.ing"), 1)
    assert last.headers["Ironflow-Topic"] == "events:order.e"
    [letter] = await fixture.node.groups.dead_letters("prod", "bill.ing", limit=10)
    assert (letter.topic, letter.cause) == ("events:order.d", "terminated")


async def test_what_a_guest_may_not_take_it_is_refused(fixture: Fixture) -> None:
    groups = fixture.node.groups
    await groups.create("prod", "billing", GroupSettings(pattern="order.>"), actor="t")
    await groups.create("other", "billing", GroupSettings(pattern="order.>"), actor="t")
    found, client = await fixture.invited("developer")
    taking = await pulling(client, found, "billing")
    head = fixture.node.tail.head

    with pytest.raises(nats.errors.TimeoutError):
        await taking.fetch(1, timeout=0.3)
    nothing = await client.jetstream(prefix=found.jetstream_prefix).pull_subscribe_bind("x", stream="nothing")
    with pytest.raises(nats.js.errors.APIError, match="there is no group 'nothing'"):
        await nothing.fetch(1)
    for subject in (
        found.jetstream_prefix.replace("prod", "other") + ".CONSUMER.MSG.NEXT.billing.x",
        "ironflow-desks.guest_other.prod.CONSUMER.MSG.NEXT.billing.x",
        "$JS.ACK.IRONFLOW_GROUP+prod+billing+1.x.1.1.1.1.0",
        "$JS.API.CONSUMER.MSG.NEXT.IRONFLOW_GROUP+prod+billing+1.x",
    ):
        assert "permissions violation for publish" in await refusal(client, lambda s=subject: client.publish(s, b"1"))
    for reply in ("ironflow.x.other.events.ingest.forged", "_INBOX.somebody", "$JS.API.STREAM.DELETE.IRONFLOW"):
        await client.publish(f"{found.jetstream_prefix}.CONSUMER.MSG.NEXT.billing.x", b"1", reply=reply)
    await taking.consumer_info()  # the others were heard before
    assert fixture.node.tail.head == head
    assert fixture.bus.groups.member_count(groups.get("prod", "billing")) == 1

    await fixture.deny("group/billing", actions=("groups:consume",))
    with pytest.raises(nats.js.errors.APIError, match="group/billing"):
        await taking.fetch(1)
    found, _ = await fixture.invited("viewer")
    assert found.jetstream_prefix == ""


async def test_what_a_guest_no_longer_follows_it_is_not_given(fixture: Fixture) -> None:
    await fixture.node.groups.create("prod", "all", GroupSettings(pattern="topic:>"), actor="t")
    found, client = await fixture.invited("developer")
    taking = await pulling(client, found, "all")
    await fixture.deny("topic/secret.>", actions=("topics:read",))
    await fixture.invited("developer")  # NATS is told of all guests at once

    await fixture.node.topics.publish(NewMessage(environment="prod", topic="open", data=b"1"))

    with pytest.raises(nats.js.errors.APIError, match="may not follow 'topic:open'"):
        await taking.fetch(1, timeout=TIMEOUT_S)


async def pulling(client: Any, found: Credentials, group: str) -> Any:
    """A pull consumer of the group, once its desk is there."""
    js = client.jetstream(prefix=found.jetstream_prefix)
    subscription = await js.pull_subscribe_bind("mine", stream=group.replace(".", "%2E"))
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            try:
                assert (await subscription.consumer_info()).name == "mine"
                return subscription
            except (nats.js.errors.ServiceUnavailableError, nats.errors.NoRespondersError):
                await asyncio.sleep(0.02)


async def fetched(subscription: Any, count: int) -> list[Any]:
    messages: list[Any] = []
    while len(messages) < count:
        messages += await subscription.fetch(count - len(messages), timeout=TIMEOUT_S)
    return messages


async def test_nothing_is_answered_on_somebody_elses_subject(fixture: Fixture) -> None:
    """An answer that we publish as ours would be an event of another environment."""
    found, client = await fixture.invited("developer")
    own = found.publish[0].removesuffix(">")
    await answered(client, f"{own}warm")
    head = fixture.node.tail.head

    for reply in ("ironflow.x.other.events.ingest.forged", "_INBOX.somebody", "$JS.API.STREAM.DELETE.IRONFLOW"):
        await client.publish(f"{own}order.placed", b"1", reply=reply)
    await answered(client, f"{own}last")

    assert fixture.node.tail.head == head + 4  # what was sent, and nothing of the answers


async def test_a_viewer_follows_and_does_not_emit(fixture: Fixture) -> None:
    found, client = await fixture.invited("viewer")

    assert list(found.publish) == []
    subscription = await client.subscribe("ironflow.prod.events.order.*")
    await client.flush()
    await fixture.emit("order.placed", "prod")
    assert (await subscription.next_msg(timeout=TIMEOUT_S)).subject == "ironflow.prod.events.order.placed"
    for subject in (f"ironflow.{found.user}.prod.events.ingest.a", "anything"):
        assert "publish" in await refusal(client, lambda s=subject: client.publish(s, b"1"))


async def test_policies_count_for_guests(fixture: Fixture) -> None:
    found, client = await fixture.invited("developer")
    own = found.publish[0].removesuffix(">")
    await answered(client, f"{own}payment.made")

    await fixture.deny("event/payment.*", "topic/secret.>", actions=("events:emit", "topics:read"))

    assert (await answered(client, f"{own}payment.made"))["code"] == "PERMISSION_DENIED"
    assert (await answered(client, f"{own}order.placed"))["event_id"].startswith("evt_")
    again = await fixture.bus.guests.invite(*await fixture.key("developer"), "prod")
    assert [one.split(".")[2] for one in again.subscribe] == ["events", "entities"]  # NATS cannot ask about each


async def test_who_is_revoked_is_cut_at_once(fixture: Fixture) -> None:
    actor, proof = await fixture.key("developer")
    found = await fixture.bus.guests.invite(actor, proof, "prod")
    client = await fixture.connected(found)
    assert (await fixture.bus.guests.invite(actor, proof, "prod")).password == found.password

    await fixture.node.access.keys.revoke(ROOT, actor.id)

    async with asyncio.timeout(TIMEOUT_S):
        while not client.is_closed:
            await client.refused.get()
    with pytest.raises(nats.errors.Error):
        await fixture.connected(found)
    with pytest.raises(PermissionDenied):
        fixture.bus.guests.asker(found.user, "prod")


async def test_one_key_takes_no_place_of_others(fixture: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "OF_A_KEY_MAX", 2)
    actor, proof = await fixture.key("viewer")
    first = await fixture.bus.guests.invite(actor, proof, "a")
    await fixture.bus.guests.invite(actor, proof, "b")

    with pytest.raises(ResourceExhausted):
        await fixture.bus.guests.invite(actor, proof, "c")

    assert (await fixture.bus.guests.invite(actor, proof, "a")).password == first.password
    assert (await fixture.invited("viewer", environment="c"))[1].is_connected


async def test_guests_are_still_guests_after_a_restart(fixture: Fixture, server: NatsServer, tmp_path: Path) -> None:
    found, _ = await fixture.invited("viewer")
    kept = tmp_path / "nats" / "guests.json"
    assert kept.stat().st_mode & 0o777 == 0o600

    os.kill(server.pid, signal.SIGKILL)
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            try:
                assert (await fixture.connected(found)).is_connected
                return
            except (OSError, nats.errors.Error):
                await asyncio.sleep(0.02)  # it is not there yet; that it takes us is what is asked
