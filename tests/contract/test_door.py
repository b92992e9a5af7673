"""What the door remembers of those whom it let in: nothing of it outlives what it was decided by, on both stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from app.access.access import Access
from app.access.authoring import Author
from app.access.bootstrap import SYSTEM
from app.access.keys import Issued
from app.access.limits import RateLimits
from app.api.caller import Caller
from app.api.door import Door
from app.clock import ManualClock
from app.errors import IronflowError, PermissionDenied, RateLimited, Unauthenticated
from app.history.kinds import AuditSettings, PolicyDefinition
from app.ids import Ids
from app.node import Node
from storage.contract import Storage
from tests.support.bounds import within
from tests.support.nodes import alive

ROOT = Author(SYSTEM, "default")


@pytest.fixture
def access(node: Node) -> Access:
    return node.access


@pytest.fixture
def door(node: Node) -> Door:
    return Door(node.access, RateLimits(node.clock), required=True)


@pytest.fixture
async def issued(access: Access) -> Issued:
    await access.roles.create(SYSTEM, "reader", ["kv:read"])
    return await access.keys.create(SYSTEM, "ci", ["reader"], life_us=3_600_000_000)


def enter(door: Door, issued: Issued, resource: str = "kv/carts/c1", address: str = "", **headers: str) -> Caller:
    told: dict[str, str] = {"authorization": f"Bearer {issued.secret}", **headers}
    return door.admit(told.get, "kv:read", resource, address=address)


async def test_who_was_let_in_is_let_in_again_as_the_same(door: Door, access: Access, issued: Issued) -> None:
    first = enter(door, issued)
    assert len(access.passes) == 1

    again = enter(door, issued)

    assert len(access.passes) == 1
    assert (again.who, again.environment, again.actor) == (first.who, "default", issued.key.id)
    assert again.grant is not None
    assert again.grant.proof == first.grant.proof  # type: ignore[union-attr]
    assert again.grant.named is not first.grant.named  # type: ignore[union-attr]
    assert enter(door, issued, **{"x-ironflow-environment-id": "staging"}).environment == "staging"
    assert not [key for key in access.passes._young if issued.secret.encode() in key[0]]


@pytest.mark.parametrize("change", ["revoke", "roles", "role", "rotate", "expiry", "policy", "everywhere"])
async def test_nobody_is_let_in_by_what_was(
    door: Door, node: Node, access: Access, clock: ManualClock, issued: Issued, change: str
) -> None:
    enter(door, issued)
    refused: type[IronflowError] = Unauthenticated

    match change:
        case "revoke":
            await access.keys.revoke(SYSTEM, issued.key.id)
        case "roles":
            await access.keys.replace_roles(SYSTEM, issued.key.id, ["platform_viewer"])
            refused = PermissionDenied
        case "role":
            await access.roles.update(SYSTEM, issued.key.roles[0], name=None, allowed=["runs:read"])
            refused = PermissionDenied
        case "rotate":
            await access.keys.rotate(SYSTEM, issued.key.id, overlap_s=60)
            enter(door, issued)
            clock.advance(seconds=60)
        case "expiry":
            clock.advance(seconds=3_600)
        case "policy" | "everywhere":
            org = "org_default" if change == "everywhere" else ""
            policy = PolicyDefinition(name="none", actions=("kv:*",), roles=("reader",), org=org)
            await node.policies.create("default", policy, author=ROOT)
            refused = PermissionDenied

    with pytest.raises(refused):
        enter(door, issued)


async def test_a_policy_may_look_at_each_call_all_the_same(door: Door, node: Node, issued: Issued) -> None:
    policy = PolicyDefinition(name="far", actions=("kv:*",), condition='request.address == "10.0.0.9"')
    await node.policies.create("default", policy, author=ROOT)

    for _ in range(2):
        enter(door, issued, address="10.0.0.1")
        with pytest.raises(PermissionDenied):
            enter(door, issued, address="10.0.0.9")


async def test_one_that_only_tells_is_told_of_each_time(door: Door, node: Node, issued: Issued) -> None:
    policy = PolicyDefinition(name="watch", actions=("kv:*",), mode="monitor")
    row = await node.policies.create("default", policy, author=ROOT)

    for _ in range(3):
        enter(door, issued)

    assert node.policies.would_deny[row.id] == 3


async def test_a_use_is_noted_and_the_audit_wants_each(
    door: Door, node: Node, access: Access, clock: ManualClock, issued: Issued
) -> None:
    enter(door, issued)
    clock.advance(seconds=9)
    enter(door, issued)
    assert access.keys.last_used_at(issued.key) == clock.now_us()

    await node.audit.set("default", AuditSettings(reads=True), actor="usr_admin")

    told: list[Any] = []
    node.audit.decided = lambda request, denial: told.append(request)  # type: ignore[method-assign]
    for _ in range(2):
        enter(door, issued)
    assert len(told) == 2


async def test_limits_hold_for_those_who_are_known(node: Node, issued: Issued) -> None:
    door = Door(node.access, RateLimits(node.clock, per_key=1), required=True)

    for _ in range(2):
        enter(door, issued)
    with pytest.raises(RateLimited):
        enter(door, issued)


async def test_the_door_forgets_what_came_first(access: Access, door: Door, issued: Issued) -> None:
    for number in range(12_000):
        enter(door, issued, f"kv/carts/{number}")

    assert 5_000 <= len(access.passes) <= 10_000


@pytest.fixture
async def other(storage: Storage, clock: ManualClock, node: Node) -> AsyncIterator[Node]:
    """A second node on the same store, which tells it of commits."""
    if storage.dialect == "sqlite":
        pytest.skip("a file of SQLite is one node's")
    made = Node(storage=storage, clock=clock, ids=Ids(clock))
    async with alive(made):
        yield made


async def _until(told: asyncio.Event, so: Callable[[], bool]) -> None:
    async with within("the other node"):
        while not so():
            await told.wait()
            told.clear()


async def test_a_change_on_one_node_ends_what_the_door_of_another_remembers(
    node: Node, other: Node, issued: Issued
) -> None:
    door, told = Door(other.access, RateLimits(other.clock), required=True), asyncio.Event()
    other.access.live.watch(told.set)
    await _until(told, lambda: other.access.register.find(type(issued.key), issued.key.id) is not None)
    enter(door, issued)

    policy = PolicyDefinition(name="none", actions=("kv:*",), roles=("reader",))
    row = await node.policies.create("default", policy, author=ROOT)
    await _until(told, lambda: other.policies.active)
    with pytest.raises(PermissionDenied):
        enter(door, issued)

    await node.policies.delete(row, author=ROOT)
    await _until(told, lambda: not other.policies.active)
    enter(door, issued)
    await node.access.keys.revoke(SYSTEM, issued.key.id)
    await _until(told, lambda: other.access.register.find(type(issued.key), issued.key.id) is None)
    with pytest.raises(Unauthenticated):
        enter(door, issued)
