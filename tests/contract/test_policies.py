"""Policies on both stores: how they are changed and looked up, and that no decision outlives a change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from app.access import policies as module
from app.access.actor import Actor
from app.access.authoring import Author
from app.access.guard import Denial, Request
from app.access.policies import Policies
from app.clock import ManualClock
from app.errors import (
    AlreadyExists,
    InvalidArgument,
    PermissionDenied,
    PolicyLockout,
    PolicyNotFound,
    RevisionConflict,
)
from app.history.kinds import PolicyDefinition
from app.history.rebuild import rebuild
from app.ids import Ids
from app.node import Node
from storage.contract import Storage
from storage.records import PolicyRow
from tests.support.nodes import alive

ADMIN = Author(Actor("usr_admin", "user", ("admin",), frozenset("*")), "prod")
DEV = Actor("ak_dev", "key", ("developer",), frozenset(["secrets:read"]))
ASKED = Request(DEV, "secrets:read", "secret/stripe", "prod")
NO_SECRETS = PolicyDefinition(name="no-secrets", actions=("secrets:*",), roles=("developer",))


@pytest.fixture
def policies(node: Node) -> Policies:
    return node.policies


@pytest.fixture
async def other(storage: Storage, clock: ManualClock, node: Node) -> AsyncIterator[Node]:
    """A second node on the same store."""
    made = Node(storage=storage, clock=clock, ids=Ids(clock))
    async with alive(made):
        yield made


async def create(policies: Policies, definition: PolicyDefinition = NO_SECRETS, **options: Any) -> PolicyRow:
    return await policies.create("prod", definition, **{"author": ADMIN, **options})


def changed(definition: PolicyDefinition = NO_SECRETS, **options: Any) -> PolicyDefinition:
    return msgspec.structs.replace(definition, **options)


async def test_a_policy_denies_from_the_answer_on_until_it_is_disabled(policies: Policies) -> None:
    assert policies.check(ASKED) is None

    row = await create(policies)
    assert policies.check(ASKED) == Denial("policy no-secrets denies it", row.id, 1)
    assert policies.check(ASKED) == Denial("policy no-secrets denies it", row.id, 1), "now from memory"
    assert policies.check(ASKED._replace(environment="dev")) is None
    await policies.disable(row, author=ADMIN)
    assert policies.check(ASKED) is None
    await policies.change(row, NO_SECRETS, author=ADMIN, expected=2)
    assert policies.check(ASKED) == Denial("policy no-secrets denies it", row.id, 3)
    await policies.delete(row, author=ADMIN)
    assert policies.check(ASKED) is None


async def test_a_change_on_one_node_ends_what_another_remembers(node: Node, other: Node) -> None:
    """On SQLite no store tells one node of another's commits; its tail is told here, as Postgres would."""
    assert node.policies.check(ASKED) is None
    assert other.policies.check(ASKED) is None

    row = await create(node.policies)
    await heard(other, node)
    assert other.policies.check(ASKED) == node.policies.check(ASKED) != None  # noqa: E711

    await other.policies.delete(other.policies.get("prod", row.id, org=""), author=ADMIN)
    await heard(node, other)
    assert node.policies.check(ASKED) is None


async def heard(of: Node, by: Node) -> None:
    """Returns once a node's policies are as another's."""
    if of.storage.dialect == "sqlite":
        of.tail._learn(by.tail.head)
    used, use = asyncio.Event(), of.policies.decisions.use

    def noted(policies: Any) -> None:
        use(policies)
        used.set()

    of.policies.decisions.use = noted  # type: ignore[method-assign]
    async with asyncio.timeout(10):
        while of.policies.epoch != by.policies.epoch:
            await used.wait()
            used.clear()


async def test_what_is_not_known_yet_is_folded_from_what_another_node_recorded(node: Node, other: Node) -> None:
    row = await create(node.policies)
    await heard(other, node)

    with pytest.raises(AlreadyExists):
        await create(other.policies)
    again = await other.policies.change(
        other.policies.get("prod", row.name, org=""), changed(mode="monitor"), author=ADMIN, expected=1
    )
    with pytest.raises(RevisionConflict):
        await node.policies.change(row, changed(description="late"), author=ADMIN, expected=1)

    assert again.version == 2


async def test_a_stale_version_is_refused_and_nothing_recorded(policies: Policies, node: Node) -> None:
    row = await create(policies)
    await policies.change(row, changed(mode="monitor"), author=ADMIN, expected=1)
    head = node.tail.head

    for late in (
        policies.change(row, NO_SECRETS, author=ADMIN, expected=1),
        policies.delete(row, author=ADMIN, expected=1),
        policies.disable(row, author=ADMIN, expected=1),
        policies.roll_back(row, 1, author=ADMIN, expected=1),
    ):
        with pytest.raises(RevisionConflict):
            await late

    assert node.tail.head == head


async def test_versions_are_kept_and_any_can_be_brought_back(policies: Policies) -> None:
    row = await create(policies, reason="audit finding 7")
    row = await policies.change(row, changed(actions=("secrets:read",)), author=ADMIN, expected=1)
    row = await policies.disable(row, author=ADMIN)

    back = await policies.roll_back(row, 1, author=ADMIN, expected=3)

    assert (back.version, back.status, back.updated_by) == (4, "active", "usr_admin")
    assert policies.check(ASKED) is not None
    versions = await policies.versions(back)
    assert [entry.kind.partition(".")[2] for entry in versions] == ["changed", "disabled", "changed", "created"]
    assert versions[0].fact.restored_from == 1  # type: ignore[attr-defined]
    assert versions[-1].fact.reason == "audit finding 7"  # type: ignore[attr-defined]
    with pytest.raises(InvalidArgument):
        await policies.roll_back(back, 3, author=ADMIN, expected=4)
    with pytest.raises(PolicyNotFound):
        await policies.roll_back(back, 9, author=ADMIN, expected=4)


async def test_a_policy_as_of_a_position_is_what_it_was(policies: Policies, node: Node) -> None:
    row = await create(policies)
    first = node.tail.head
    await policies.change(row, changed(mode="monitor"), author=ADMIN, expected=1)
    await policies.delete(row, author=ADMIN)

    then = await policies.get_as_of("prod", "no-secrets", org="", at=first)

    assert (then.version, then.status) == (1, "active")
    assert [one.version for one in await policies.list_as_of("prod", org="", at=first)] == [1]
    assert await policies.list_as_of("prod", org="", at=first - 1) == []
    with pytest.raises(PolicyNotFound):
        await policies.get_as_of("prod", "no-secrets", org="", at=node.tail.head)


async def test_the_table_is_what_history_says(policies: Policies, node: Node, storage: Storage) -> None:
    row = await create(policies)
    await policies.disable(row, author=ADMIN)
    await create(policies, changed(name="other"))
    await policies.delete(await create(policies, changed(name="third")), author=ADMIN)

    assert (await rebuild(storage, node.fold, check=True)).differing == ()
    await rebuild(storage, node.fold, check=False)
    fresh = Policies(storage=storage, committer=node.committer, tail=node.tail, clock=node.clock)
    await fresh.start()

    assert fresh.list("prod", org="") == policies.list("prod", org="")
    assert fresh.epoch == policies.epoch


async def test_a_deleted_policy_can_be_created_again(policies: Policies) -> None:
    row = await create(policies)
    await policies.delete(row, author=ADMIN)
    with pytest.raises(PolicyNotFound):
        policies.get("prod", "no-secrets", org="")

    again = await create(policies)

    assert (again.id, again.version) == (row.id, 3)


@pytest.mark.parametrize(
    "options",
    [
        {"actions": ("*",)},
        {"actions": ("policies:*",)},
        {"actions": ("policies:write",), "condition": 'subject.id == "usr_admin"'},
        {"actions": ("*",), "condition": '!("owner" in subject.roles)'},
        {"actions": ("*",), "resources": ("policy/*",)},
        {"actions": ("*",), "condition": "1 / 0 == 1"},
        {"actions": ("*",), "valid_from": 1_764_000_000_000_000 + 10**12},
        {"actions": ("*",), "org": "org_default"},
        {"actions": ("*",), "condition": 'request.address != "10.0.0.1"'},
    ],
)
async def test_a_policy_that_would_lock_its_author_out_is_refused(
    policies: Policies, node: Node, options: dict[str, Any]
) -> None:
    definition = PolicyDefinition(name="p", **options)
    head = node.tail.head

    with pytest.raises(PolicyLockout):
        await create(policies, definition)
    assert node.tail.head == head

    row = await create(policies, changed(definition, mode="monitor"))
    with pytest.raises(PolicyLockout):
        await policies.change(row, definition, author=ADMIN, expected=1)


async def test_one_that_spares_its_author_is_taken(policies: Policies) -> None:
    await create(policies, PolicyDefinition(name="p", actions=("*",), condition='!("admin" in subject.roles)'))

    assert policies.check(ASKED) is not None


async def test_a_policy_of_an_organization_is_made_by_those_who_stand_above_its_environments(
    policies: Policies,
) -> None:
    wide = changed(org="org_default")
    bound = ADMIN._replace(actor=Actor("usr_b", "user", ("admin",), frozenset("*"), environment="prod"))
    stranger = ADMIN._replace(actor=Actor("usr_s", "user", ("admin",), frozenset("*"), org="org_other"))
    for author in (bound, stranger):
        with pytest.raises(PermissionDenied):
            await create(policies, wide, author=author)

    row = await create(policies, wide)

    assert policies.check(ASKED._replace(environment="dev")) is not None
    assert policies.get("dev", row.id, org="org_default") == row
    assert policies.get("dev", row.name, org="org_default") == row
    with pytest.raises(PolicyNotFound):
        policies.get("dev", row.id, org="org_other")
    with pytest.raises(InvalidArgument):
        await policies.change(row, NO_SECRETS, author=ADMIN, expected=1)
    with pytest.raises(PermissionDenied):
        await policies.delete(row, author=bound)


async def test_one_that_is_watched_is_counted_and_told(policies: Policies) -> None:
    told: list[tuple[Request, Denial]] = []
    policies.watched = lambda request, denial: told.append((request, denial))
    row = await create(policies, changed(mode="monitor"))

    assert policies.check(ASKED) is None
    assert policies.check(ASKED) is None

    assert policies.would_deny[row.id] == 2
    assert told == [(ASKED, Denial("policy no-secrets denies it", row.id, 1))] * 2


async def test_a_decision_that_depends_on_time_is_made_anew(policies: Policies, clock: ManualClock) -> None:
    start = clock.now_us()
    await create(policies, changed(valid_until=start + 60_000_000))
    await create(policies, PolicyDefinition(name="late", actions=("runs:read",), condition="now.getMinutes() == 1"))
    read = ASKED._replace(action="runs:read", resource="run/x")
    assert (policies.check(ASKED) is None, policies.check(read) is None) == (False, True)

    clock.advance(seconds=60)

    assert (policies.check(ASKED) is None, policies.check(read) is None) == (True, False)


async def test_what_is_asked_from_elsewhere_is_another_request_where_a_policy_says_so(policies: Policies) -> None:
    await create(policies, changed(condition='!request.address.startsWith("10.")'))

    assert policies.check(ASKED._replace(address="10.0.0.1")) is None
    assert policies.check(ASKED._replace(address="8.8.8.8")) is not None


async def test_what_is_remembered_is_bounded(policies: Policies, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.access import decisions

    monkeypatch.setattr(decisions, "REMEMBERED_MAX", 10)
    await create(policies)

    for number in range(100):
        assert policies.check(ASKED._replace(resource=f"secret/{number}")) is not None

    assert 5 <= len(policies.decisions.remembered()) <= 10


async def test_a_failure_within_denies(policies: Policies, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(request: Request) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(policies.decisions, "ruling", fail)

    assert policies.check(ASKED) == Denial("the policies could not be evaluated")


async def test_a_condition_that_can_no_longer_be_read_denies_all_that_fits(
    policies: Policies, node: Node, storage: Storage
) -> None:
    row = await create(policies, changed(condition="false"))
    assert policies.check(ASKED) is None
    definition = row.definition.replace('"false"', '"subject.nope == 1"')

    policies._put(row._replace(definition=definition, version=2, position=row.position + 1))

    assert policies.check(ASKED) is not None
    assert policies.check(ASKED._replace(action="runs:read")) is None


async def test_a_draft_is_tried_without_being_recorded(policies: Policies, node: Node) -> None:
    await create(policies)
    head = node.tail.head

    ruling, told = policies.dry_run(ASKED)
    drafted, _ = policies.dry_run(ASKED, changed(mode="monitor"))

    assert ruling.denial is not None
    assert told[0].denial == ruling.denial
    assert drafted.denial is None
    assert len(drafted.monitored) == 1
    assert (node.tail.head, policies.check(ASKED)) == (head, ruling.denial)


async def test_there_is_a_limit_to_the_policies_of_an_environment(
    policies: Policies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLICIES_MAX", 1)
    await create(policies)

    with pytest.raises(InvalidArgument):
        await create(policies, changed(name="other"))
