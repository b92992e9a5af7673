"""What one node records about identities, policies and the audit ends what another one remembers and keeps open: what
its door let in, streams of subscribers and workers, what followers are told of, guests of its NATS. Two nodes are on
Postgres only; what policies decide is in test_policies.py, on both stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.access.authoring import Author
from app.access.bootstrap import SYSTEM
from app.access.keys import Issued
from app.access.limits import RateLimits
from app.api.caller import Caller
from app.api.door import Door
from app.bus import guests
from app.bus.guests import Guest, Guests
from app.clock import ManualClock
from app.errors import IronflowError, PermissionDenied, Unauthenticated
from app.history.kinds import AuditSettings, PolicyDefinition
from app.ids import Ids
from app.node import Node
from storage.contract import Storage
from tests.support.bounds import within
from tests.support.nodes import alive

ROOT = Author(SYSTEM, "default")
OPEN = ("events:subscribe", "workers:connect", "groups:consume", "projections:manage")
"""What a stream is open for: of subscribers, workers, members of groups, runners of projections."""


@pytest.fixture
async def other(storage: Storage, clock: ManualClock, node: Node) -> AsyncIterator[Node]:
    if storage.dialect == "sqlite":
        pytest.skip("a file of SQLite is one node's")
    made = Node(storage=storage, clock=clock, ids=Ids(clock))
    async with alive(made):
        yield made


@pytest.fixture
def door(other: Node) -> Door:
    return Door(other.access, RateLimits(other.clock), required=True)


@pytest.fixture
async def moved(other: Node) -> Callable[[Callable[[], bool]], Any]:
    """Waits until something is so on the other node."""
    told = asyncio.Event()
    other.access.live.watch(told.set)

    async def until(so: Callable[[], bool]) -> None:
        async with within("the other node"):
            while not so():
                await told.wait()
                told.clear()

    return until


@pytest.fixture
async def issued(node: Node, other: Node, moved: Any) -> Issued:
    """A key of a role that was made for it, which both nodes know."""
    await node.access.roles.create(SYSTEM, "reader", [*OPEN, "events:read", "kv:read", "topics:read", "entities:read"])
    made = await node.access.keys.create(SYSTEM, "ci", ["reader"])
    await moved(lambda: other.access.register.find(type(made.key), made.key.id) is not None)
    return made


def enter(door: Door, issued: Issued, action: str) -> Caller:
    return door.admit({"authorization": f"Bearer {issued.secret}"}.get, action)


async def _deny(node: Node, **options: Any) -> None:
    policy = PolicyDefinition(**{"name": "none", "actions": ("*",), "roles": ("reader",), **options})
    await node.policies.create("default", policy, author=ROOT)


async def _revoke(node: Node, issued: Issued) -> None:
    await node.access.keys.revoke(SYSTEM, issued.key.id)


@pytest.mark.parametrize("change", ["policy", "everywhere", "role", "roles", "revoke"])
async def test_what_is_open_on_another_node_is_cut(node: Node, door: Door, issued: Issued, change: str) -> None:
    async def held(action: str, begun: asyncio.Event) -> None:
        with door.live.going(enter(door, issued, action).grant):
            begun.set()
            await asyncio.Event().wait()

    begun = [asyncio.Event() for _ in OPEN]
    open_ = [asyncio.create_task(held(*one)) for one in zip(OPEN, begun, strict=True)]
    async with within("the streams"):
        await asyncio.gather(*(one.wait() for one in begun))
    refused: type[IronflowError] = PermissionDenied
    match change:
        case "policy":
            await _deny(node)
        case "everywhere":
            await _deny(node, org="org_default")
        case "role":
            await node.access.roles.update(SYSTEM, issued.key.roles[0], name=None, allowed=["runs:read"])
        case "roles":
            await node.access.keys.replace_roles(SYSTEM, issued.key.id, ["platform_viewer"])
        case "revoke":
            await _revoke(node, issued)
            refused = Unauthenticated

    async with within("their end"):
        ended = await asyncio.gather(*open_, return_exceptions=True)
    assert [type(one) for one in ended] == [refused] * len(OPEN)


async def test_what_a_follower_is_told_of_is_asked_of_the_policies_of_now(
    node: Node, other: Node, door: Door, issued: Issued, moved: Any
) -> None:
    sight = door.sight(enter(door, issued, "events:subscribe"))
    assert sight is not None
    sight.check(("events", "payment", "made"))

    await _deny(node, actions=("events:read",), resources=("event/payment.*",))
    await moved(lambda: other.policies.active)

    with pytest.raises(PermissionDenied):
        sight.check(("events", "payment", "made"))
    sight.check(("events", "order", "placed"))
    await _revoke(node, issued)
    await moved(lambda: other.access.register.find(type(issued.key), issued.key.id) is None)
    with pytest.raises(PermissionDenied):
        sight.check(("events", "order", "placed"))


async def test_what_the_audit_wants_to_know_is_told_by_another_node_too(
    node: Node, other: Node, door: Door, issued: Issued
) -> None:
    enter(door, issued, "kv:read")
    assert len(other.access.passes) == 1
    learnt, forget = asyncio.Event(), other.audit.renewed

    def renewed() -> None:
        forget()
        learnt.set()

    other.audit.renewed = renewed
    told: list[Any] = []
    other.audit.decided = lambda request, denial: told.append(request)  # type: ignore[method-assign]

    await node.audit.set("default", AuditSettings(reads=True), actor="usr_admin")
    async with within("the settings"):
        await learnt.wait()

    enter(door, issued, "kv:read")
    assert [one.action for one in told] == ["kv:read"]


class Told:
    """nats-server, as guests see it: what it was told last."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.guests: Sequence[Mapping[str, Any]] = ()
        self.news: asyncio.Queue[Sequence[Mapping[str, Any]]] = asyncio.Queue()

    async def admit(self, users: Sequence[Mapping[str, Any]]) -> None:
        self.guests = users
        self.news.put_nowait(users)


async def test_a_guest_of_another_nodes_nats_loses_what_is_taken_from_its_key(
    node: Node, other: Node, issued: Issued, clock: ManualClock, tmp_path: Path
) -> None:
    server: Any = Told(tmp_path)
    guest = Guest("guest_a", "x", "org_default", "default", issued.key.id, issued.key.hash)
    (tmp_path / guests.FILE).write_bytes(msgspec.json.encode([guest]))
    found = Guests(server=server, access=other.access, policies=other.policies, clock=clock)
    telling = asyncio.create_task(found.run())

    async def follows() -> list[list[str]]:
        async with within("what nats-server is told"):
            users = await server.news.get()
        return [[one.split(".")[2] for one in user["permissions"]["subscribe"]["allow"][:-1]] for user in users]

    try:
        assert await follows() == [["events", "topics", "entities", "system"]]
        await _deny(node, actions=("topics:read",), resources=("topic/secret",))
        assert await follows() == [["events", "entities"]]
        await _revoke(node, issued)
        assert await follows() == []
    finally:
        telling.cancel()
