"""Who looks after the platform, and what counts in every organization, on both stores."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from app.access import policy_set
from app.access.access import Access
from app.access.actor import Actor
from app.access.authoring import Author
from app.access.bootstrap import SYSTEM
from app.access.guard import Request
from app.access.records import User
from app.errors import (
    Conflict,
    IdentityNotFound,
    InvalidArgument,
    IronflowError,
    PermissionDenied,
    PolicyLockout,
    Unauthenticated,
)
from app.history.kinds import PolicyDefinition
from app.history.rebuild import rebuild
from app.node import Node
from storage.contract import Storage

PASSWORD = "correct horse battery"


@pytest.fixture
def access(node: Node) -> Access:
    return node.access


async def bearer(access: Access, *roles: str) -> Actor:
    """Who bears a new key with these roles."""
    issued = await access.keys.create(SYSTEM, "someone", roles)
    return access.credentials.of_token(issued.secret).actor


async def watcher(access: Access, email: str = "grace@example.com", role: str = "platform_viewer") -> User:
    return await access.platform.create_user(SYSTEM, email, PASSWORD, name="Grace", roles=[role])


# Users.


async def test_the_first_user_is_made_once_and_may_do_everything(access: Access) -> None:
    made = await access.platform.bootstrap(SYSTEM, "ada@example.com", PASSWORD, name="Ada")

    signed_in = await access.sessions.log_in("ada@example.com", PASSWORD)
    herself = access.credentials.of_token(signed_in.token).actor
    assert (herself.id, herself.may("platform:users:manage"), herself.may("kv:write")) == (made.id, True, True)
    with pytest.raises(Conflict):
        await access.platform.bootstrap(SYSTEM, "eve@example.com", PASSWORD, name="")


async def test_an_administrator_without_a_password_is_nobody_yet(access: Access) -> None:
    seeded = await access.users.create(SYSTEM, "admin@ironflow.local", "", roles=["platform_admin"])

    with pytest.raises(InvalidArgument):
        await access.platform.bootstrap(SYSTEM, "ada@example.com", "", name="")
    await access.users.set_password(SYSTEM, seeded.id, PASSWORD)
    with pytest.raises(Conflict):
        await access.platform.bootstrap(SYSTEM, "ada@example.com", PASSWORD, name="")


async def test_users_of_the_platform_are_those_with_a_role_of_it(access: Access) -> None:
    plain = await access.users.create(SYSTEM, "plain@example.com", "", roles=["admin"])
    grace = await watcher(access)
    inside = replace(SYSTEM, org=(await access.tenancy.create_org(SYSTEM, "Acme")).id)

    assert access.platform.users(SYSTEM) == access.platform.users(inside) == [grace]
    assert grace.org == "org_default"
    for attempt in (
        access.platform.update_user(SYSTEM, plain.id, email=None, name="x", password=None, active=None, roles=None),
        access.platform.delete_user(SYSTEM, plain.id),
    ):
        with pytest.raises(IdentityNotFound):
            await attempt
    with pytest.raises(InvalidArgument):
        await access.platform.create_user(SYSTEM, "x@example.com", "", name="", roles=["viewer"])


async def test_nobody_makes_or_changes_who_may_do_more(access: Access) -> None:
    platform_admin = await bearer(access, "platform_admin")
    strong = await access.platform.bootstrap(SYSTEM, "ada@example.com", PASSWORD, name="")
    changes = {"email": None, "name": None, "active": None, "roles": None}

    for attempt in (
        access.platform.create_user(platform_admin, "x@example.com", "", name="", roles=["admin", "platform_admin"]),
        access.platform.update_user(platform_admin, strong.id, password="another long one", **changes),
        access.platform.delete_user(platform_admin, strong.id),
    ):
        with pytest.raises(PermissionDenied):
            await attempt
    assert await access.sessions.log_in("ada@example.com", PASSWORD)


async def test_who_is_disabled_is_signed_out_and_stays_out_until_enabled(
    access: Access, node: Node, storage: Storage
) -> None:
    grace = await watcher(access)
    signed_in = await access.sessions.log_in(grace.email, PASSWORD)
    link = access.sessions.link(grace)

    await access.users.update(SYSTEM, grace.id, active=False)

    with pytest.raises(Unauthenticated):
        access.credentials.of_token(signed_in.token)
    with pytest.raises(Unauthenticated):
        await access.sessions.log_in(grace.email, PASSWORD)
    with pytest.raises(Unauthenticated):
        await access.sessions.exchange(link)
    await access.users.update(SYSTEM, grace.id, name="Grace H.")
    assert not access.users.get(SYSTEM, grace.id).active  # another change does not let her in
    await access.users.update(SYSTEM, grace.id, active=True)
    with pytest.raises(Unauthenticated):
        access.credentials.of_token(signed_in.token)
    assert await access.sessions.log_in(grace.email, PASSWORD)
    assert (await rebuild(storage, node.fold, check=True)).differing == ()


async def test_nobody_shuts_themselves_out(access: Access) -> None:
    grace = await watcher(access, role="platform_admin")
    herself = access.credentials.of_token((await access.sessions.log_in(grace.email, PASSWORD)).token).actor

    with pytest.raises(Conflict):
        await access.platform.delete_user(herself, grace.id)
    with pytest.raises(Conflict):
        await access.platform.update_user(
            herself, grace.id, email=None, name=None, password=None, active=False, roles=None
        )


# Roles.


async def test_a_role_made_for_the_platform_is_the_platforms_whatever_it_allows(access: Access) -> None:
    empty = await access.platform.create_role(SYSTEM, "trainee", [])
    support = await access.roles.create(SYSTEM, "support", ["platform:impersonate:read"])
    plain = await access.roles.create(SYSTEM, "emitter", ["events:emit"])

    names = [role.name for role in access.platform.roles(SYSTEM)]
    assert names[:3] == ["platform_viewer", "platform_operator", "platform_admin"]
    assert set(names[3:]) == {"trainee", "support"}
    changed = await access.platform.update_role(SYSTEM, "trainee", name=None, allowed=["platform:users:read"])
    assert (changed.id, changed.permissions, changed.platform) == (empty.id, ("platform:users:read",), True)
    with pytest.raises(IdentityNotFound):
        await access.platform.delete_role(SYSTEM, plain.id)
    with pytest.raises(PermissionDenied):
        await access.platform.delete_role(SYSTEM, "platform_viewer")
    await access.platform.delete_role(SYSTEM, support.id)
    assert "support" not in [role.name for role in access.platform.roles(SYSTEM)]


# What counts in every organization.


def whole(**modules: str) -> PolicyDefinition:
    return policy_set.defined(policy_set.PLATFORM, modules, decision="", mode="enforce")


def asked(actor: Actor, environment: str) -> Request:
    return Request(actor, "secrets:read", "secret/stripe", environment)


async def test_the_platforms_set_counts_in_every_organization(node: Node, access: Access) -> None:
    tenant = await access.tenancy.provision(SYSTEM, "Acme")
    theirs = access.credentials.of_token(tenant.issued.secret).actor
    ours = await bearer(access, "admin")

    row = await node.policies.create(
        "default", whole(secrets='request.action == "secrets:read"'), author=Author(SYSTEM, "default")
    )

    for request in (asked(theirs, tenant.environment.id), asked(ours, "default"), asked(ours, "staging")):
        denial = node.policies.check(request)
        assert denial is not None
        assert denial.policy == row.id
    assert node.policies.check(asked(theirs, tenant.environment.id)._replace(action="kv:read")) is None
    assert node.policies.list(tenant.environment.id, org=tenant.org.id) == []
    await node.policies.disable(row, author=Author(SYSTEM, "default"))
    assert node.policies.check(asked(theirs, tenant.environment.id)) is None


@pytest.mark.parametrize(
    ("who", "source", "refused"),
    [
        ("admin", "true", PermissionDenied),
        ("platform_operator", "true", PermissionDenied),
        ("platform_admin", 'request.action.startsWith("platform:policies")', PolicyLockout),
        ("platform_admin", "true", PolicyLockout),
    ],
)
async def test_a_set_for_all_that_not_anybody_may_save(
    node: Node, access: Access, who: str, source: str, refused: type[IronflowError]
) -> None:
    author = Author(await bearer(access, who), "default")

    with pytest.raises(refused):
        await node.policies.create("default", whole(secrets=source), author=author)
    other = PolicyDefinition(name="no-secrets", actions=("*",), org=policy_set.PLATFORM)
    with pytest.raises(PermissionDenied):
        await node.policies.create("default", other, author=author)


async def test_a_policy_that_is_put_into_monitor_denies_nothing_and_says_why(node: Node, access: Access) -> None:
    tenant = await access.tenancy.provision(SYSTEM, "Acme")
    theirs = access.credentials.of_token(tenant.issued.secret).actor
    definition = PolicyDefinition(name="no-secrets", actions=("secrets:*",))
    row = await node.policies.create(tenant.environment.id, definition, author=Author(theirs, tenant.environment.id))
    request = asked(theirs, tenant.environment.id)
    assert node.policies.check(request) is not None

    with pytest.raises(InvalidArgument):
        await node.policies.watch(row, author=Author(SYSTEM, "default"), reason=" ")
    watched = await node.policies.watch(row, author=Author(SYSTEM, "default"), reason="ticket 4711")

    assert node.policies.check(request) is None
    assert node.policies.would_deny[row.id] == 1
    [newest, _] = await node.policies.versions(row)
    assert (newest.fact.reason, newest.actor) == ("ticket 4711", "system")  # type: ignore[attr-defined]
    assert (await node.policies.watch(watched, author=Author(SYSTEM, "default"), reason="again")).version == 2
    assert access.tenancy.owner(row.environment) == tenant.org.id
    enforced = await node.policies.change(watched, definition, author=Author(theirs, tenant.environment.id), expected=2)
    assert enforced.version == 3
    assert node.policies.check(request) is not None
