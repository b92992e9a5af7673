"""Identities and tenants on both stores: what counts, from when, until when; and that history says all of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from app import resources
from app.access import bootstrap, passwords, proving, sessions
from app.access.access import Access
from app.access.actor import Actor
from app.access.bootstrap import SYSTEM
from app.access.credentials import Recognised
from app.access.limits import RateLimits
from app.access.live import Grant
from app.access.records import Session
from app.api.door import Door
from app.clock import ManualClock
from app.errors import (
    AlreadyExists,
    Conflict,
    EnvironmentNotFound,
    IdentityNotFound,
    InvalidArgument,
    IronflowError,
    PermissionDenied,
    RateLimited,
    Unauthenticated,
)
from app.history.rebuild import rebuild
from app.ids import Ids
from app.node import Node
from storage import history, open_storage
from storage.contract import Storage
from tests.support.bounds import within
from tests.support.nodes import alive

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def cheap_passwords(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of a second for each guess is for production; one test is about that."""
    if request.function is not test_a_password_is_kept_in_another_form_each_time:
        monkeypatch.setattr(passwords, "_LOG_N", 1)
        monkeypatch.setattr(passwords, "_NONE", passwords.hashed(""))


@pytest.fixture
def access(node: Node) -> Access:
    return node.access


@pytest.fixture
async def other(storage: Storage, location: str, clock: ManualClock) -> AsyncIterator[Node]:
    """Another node over the same store; a file of SQLite is one node's."""
    if storage.dialect == "sqlite":
        pytest.skip("a file of SQLite is one node's")
    opened = await open_storage(location, resources.sql_folder())
    made = Node(storage=opened, clock=clock, ids=Ids(clock))
    async with alive(made, drained=False):
        yield made
    await opened.close()


async def actor(access: Access, *roles: str, environment: str = "") -> Actor:
    """Who bears a new key with these roles."""
    issued = await access.keys.create(SYSTEM, "someone", roles, environment=environment)
    return access.credentials.of_token(issued.secret).actor


# Keys.


async def test_a_key_is_known_by_its_secret_and_by_nothing_else(access: Access) -> None:
    issued = await access.keys.create(SYSTEM, "ci", ["developer"])

    found = access.credentials.of_token(issued.secret)

    assert (found.actor.id, found.actor.kind, found.actor.roles) == (issued.key.id, "key", ("developer",))
    assert found.actor.may("events:emit")
    assert not found.actor.may("users:manage")
    assert len(issued.secret) == len("ifkey_") + 64
    for wrong in (issued.secret[:-1], issued.secret + "0", issued.secret.upper(), issued.key.prefix, "", "ifkey_", "é"):
        with pytest.raises(Unauthenticated):
            access.credentials.of_token(wrong)


async def test_no_secret_and_no_password_is_in_the_store(access: Access, storage: Storage) -> None:
    issued = await access.keys.create(SYSTEM, "ci", ["viewer"])
    await access.users.create(SYSTEM, "ada@example.com", PASSWORD, roles=["viewer"])
    signed_in = await access.sessions.log_in("ada@example.com", PASSWORD)

    entries = await storage.read(lambda tx: [one.data for page in history.everything(tx) for one in page])

    assert not [data for data in entries if issued.secret in data or PASSWORD in data or signed_in.token in data]
    assert not [data for data in entries if "scrypt" in data]


async def test_a_rotated_key_counts_with_both_secrets_until_the_overlap_is_over(
    access: Access, clock: ManualClock
) -> None:
    first = await access.keys.create(SYSTEM, "ci", ["viewer"])

    second = await access.keys.rotate(SYSTEM, first.key.id, overlap_s=60)

    assert access.credentials.of_token(first.secret).actor == access.credentials.of_token(second.secret).actor
    clock.advance(seconds=60)
    assert access.credentials.of_token(second.secret)
    with pytest.raises(Unauthenticated):
        access.credentials.of_token(first.secret)
    third = await access.keys.rotate(SYSTEM, first.key.id, overlap_s=0)
    with pytest.raises(Unauthenticated):
        access.credentials.of_token(second.secret)
    assert access.credentials.of_token(third.secret)


async def test_a_key_expires_and_is_revoked(access: Access, clock: ManualClock) -> None:
    short = await access.keys.create(SYSTEM, "short", ["viewer"], life_us=1_000_000)
    gone = await access.keys.create(SYSTEM, "gone", ["viewer"])

    clock.advance(seconds=1)
    await access.keys.revoke(SYSTEM, gone.key.id)

    for issued in (short, gone):
        with pytest.raises(Unauthenticated):
            access.credentials.of_token(issued.secret)
    with pytest.raises(IdentityNotFound):
        access.keys.get(SYSTEM, gone.key.id)
    await access.keys.revoke(SYSTEM, short.key.id)
    assert access.keys.list(SYSTEM) == []


async def test_what_one_node_revokes_counts_no_more_on_another(access: Access, other: Node) -> None:
    issued = await access.keys.create(SYSTEM, "ci", ["viewer"])
    changed = asyncio.Event()
    other.access.register.watch(changed.set)
    while not other.access.keys.list(SYSTEM):
        await asyncio.wait_for(changed.wait(), 10)
        changed.clear()
    assert other.access.credentials.of_token(issued.secret)

    await access.keys.revoke(SYSTEM, issued.key.id)

    while other.access.keys.list(SYSTEM):
        await asyncio.wait_for(changed.wait(), 10)
        changed.clear()
    with pytest.raises(Unauthenticated):
        other.access.credentials.of_token(issued.secret)


async def test_nobody_gives_what_they_do_not_have(access: Access) -> None:
    developer = await actor(access, "developer")
    strong = await access.keys.create(SYSTEM, "strong", ["admin"])

    attempts = (
        access.keys.create(developer, "mine", ["admin"]),
        access.keys.rotate(developer, strong.key.id),
        access.keys.revoke(developer, strong.key.id),
        access.keys.replace_roles(developer, developer.id, ["admin"]),
        access.keys.replace_roles(developer, strong.key.id, ["viewer"]),
        access.roles.create(developer, "root", ["users:manage"]),
        access.users.create(developer, "me@example.com", PASSWORD, roles=["platform_admin"]),
    )
    for attempt in attempts:
        with pytest.raises(PermissionDenied):
            await attempt
    assert (await access.keys.create(developer, "mine", ["developer"])).key.roles == ("developer",)


async def test_a_bound_key_sees_and_makes_keys_of_its_environment_only(access: Access) -> None:
    elsewhere = await access.keys.create(SYSTEM, "elsewhere", ["viewer"])
    bound = await actor(access, "admin", environment="staging")

    made = await access.keys.create(bound, "mine", ["viewer"], environment="production")

    assert made.key.environment == "staging"
    assert {key.name for key in access.keys.list(bound)} == {"someone", "mine"}
    with pytest.raises(IdentityNotFound):
        access.keys.get(bound, elsewhere.key.id)
    with pytest.raises(PermissionDenied):
        await access.keys.create(bound, "mine", ["platform_admin"])  # which would be worth nothing, but for its name
    assert not bound.may("users:manage")
    assert not bound.may("environments:manage")


# Roles.


async def test_a_role_changes_for_all_who_have_it_at_once(access: Access) -> None:
    role = await access.roles.create(SYSTEM, "emitter", ["events:emit"])
    issued = await access.keys.create(SYSTEM, "ci", ["emitter"])
    assert access.credentials.of_token(issued.secret).actor.permissions == {"events:emit"}

    await access.roles.update(SYSTEM, role.id, name=None, allowed=["runs:read"])

    assert access.credentials.of_token(issued.secret).actor.permissions == {"runs:read"}
    with pytest.raises(Conflict):
        await access.roles.delete(SYSTEM, role.id)
    await access.keys.revoke(SYSTEM, issued.key.id)
    await access.roles.delete(SYSTEM, role.id)
    with pytest.raises(IdentityNotFound):
        access.roles.get("org_default", "emitter")


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("viewer", ["runs:read"], AlreadyExists),
        ("", ["runs:read"], InvalidArgument),
        ("x", ["runs:fly"], InvalidArgument),
        ("x", ["*"], InvalidArgument),
    ],
)
async def test_roles_that_cannot_be(
    access: Access, name: str, allowed: list[str], refused: type[IronflowError]
) -> None:
    with pytest.raises(refused):
        await access.roles.create(SYSTEM, name, allowed)


async def test_roles_of_the_system_stay_as_they_are(access: Access) -> None:
    with pytest.raises(PermissionDenied):
        await access.roles.update(SYSTEM, "viewer", name="all", allowed=None)
    with pytest.raises(PermissionDenied):
        await access.roles.delete(SYSTEM, "admin")


# Users and sessions.


async def test_a_user_signs_in_and_out(access: Access, clock: ManualClock) -> None:
    await access.users.create(SYSTEM, "Ada@Example.com", PASSWORD, roles=["developer"])

    signed_in = await access.sessions.log_in(" ada@example.com ", PASSWORD, address="10.0.0.7")
    found = access.credentials.of_token(signed_in.token)

    assert (found.actor.kind, found.actor.id) == ("session", signed_in.user.id)
    assert found.actor.may("events:emit")
    await access.sessions.log_out(signed_in.session.id)
    with pytest.raises(Unauthenticated):
        access.credentials.of_token(signed_in.token)
    again = await access.sessions.log_in("ada@example.com", PASSWORD)
    clock.advance(seconds=24 * 3_600)
    with pytest.raises(Unauthenticated):
        access.credentials.of_token(again.token)


async def test_a_new_password_ends_every_session(access: Access) -> None:
    user = await access.users.create(SYSTEM, "ada@example.com", PASSWORD, roles=["viewer"])
    signed_in = await access.sessions.log_in(user.email, PASSWORD)
    herself = access.credentials.of_token(signed_in.token).actor

    with pytest.raises(PermissionDenied):
        await access.users.change_password(herself, user.id, "another long one", current="not it at all")
    await access.users.change_password(herself, user.id, "another long one", current=PASSWORD)

    with pytest.raises(Unauthenticated):
        access.credentials.of_token(signed_in.token)
    with pytest.raises(Unauthenticated):
        await access.sessions.log_in(user.email, PASSWORD)
    assert await access.sessions.log_in(user.email, "another long one")


async def test_guessing_the_current_password_gets_slower_too(access: Access, clock: ManualClock) -> None:
    user = await access.users.create(SYSTEM, "ada@example.com", PASSWORD, roles=["viewer"])
    found = access.credentials.of_token((await access.sessions.log_in(user.email, PASSWORD)).token).actor
    for _ in range(5):
        with pytest.raises(PermissionDenied):
            await access.users.change_password(found, user.id, "another long one", current="a guess")

    with pytest.raises(RateLimited):
        await access.users.change_password(found, user.id, "another long one", current=PASSWORD)

    clock.advance(seconds=1)
    await access.users.change_password(found, user.id, "another long one", current=PASSWORD)


async def test_of_sessions_of_one_user_the_oldest_ends(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "SESSIONS_MAX", 2)
    await access.users.create(SYSTEM, "bob@example.com", PASSWORD, roles=["viewer"])
    await access.users.create(SYSTEM, "ada@example.com", PASSWORD, roles=["viewer"])
    others = await access.sessions.log_in("bob@example.com", PASSWORD)

    first, second, third = [await access.sessions.log_in("ada@example.com", PASSWORD) for _ in range(3)]

    with pytest.raises(Unauthenticated):
        access.credentials.of_token(first.token)
    for kept in (second, third, others):
        assert access.credentials.of_token(kept.token)


async def test_so_many_passwords_are_checked_at_a_time(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "WAITING_MAX", 3)
    user = await access.users.create(SYSTEM, "ada@example.com", PASSWORD, roles=["viewer"])
    herself = access.credentials.of_token((await access.sessions.log_in(user.email, PASSWORD)).token).actor

    async def log_in(number: int) -> str:
        try:
            await access.sessions.log_in(f"u{number}@example.com", "wrong", address=f"10.0.0.{number}")
        except IronflowError as refused:
            return refused.code
        raise AssertionError("nobody is called like that")

    told = await asyncio.gather(*map(log_in, range(9)))

    assert sorted(told) == ["RATE_LIMITED"] * 6 + ["UNAUTHENTICATED"] * 3
    monkeypatch.setattr(proving, "WAITING_MAX", 0)
    with pytest.raises(RateLimited):
        await access.users.change_password(herself, user.id, "another long one", current=PASSWORD)
    monkeypatch.undo()
    assert await log_in(9) == "UNAUTHENTICATED"


async def test_nothing_is_remembered_of_keys_and_sessions_that_are_gone(access: Access) -> None:
    user = await access.users.create(SYSTEM, "ada@example.com", "", roles=["viewer"])
    known = len(access.register._newest)
    for _ in range(3):
        issued = await access.keys.create(SYSTEM, "ci", ["viewer"])
        access.credentials.of_token(issued.secret)
        await access.write_uses()
        await access.keys.revoke(SYSTEM, issued.key.id)
        await access.sessions.log_out((await access.sessions.exchange(access.sessions.link(user))).session.id)

    last = await access.keys.create(SYSTEM, "last", ["viewer"])
    await access.write_uses()

    async with within("what is gone to be forgotten"):
        while len(access.register._newest) > known + 1:  # noqa: ASYNC110 - nobody is told of that
            await asyncio.sleep(0)
    assert access.register.find(type(last.key), last.key.id) == last.key
    assert access.credentials.used == {}
    assert access._written == {}
    with pytest.raises(Unauthenticated):
        access.credentials.of_token(issued.secret)


async def test_a_link_signs_in_once_and_soon(access: Access, clock: ManualClock) -> None:
    user = await access.users.create(SYSTEM, "ada@example.com", "", roles=["viewer"])
    link, late = access.sessions.link(user), access.sessions.link(user)

    assert (await access.sessions.exchange(link)).user == user
    with pytest.raises(Unauthenticated):
        await access.sessions.exchange(link)
    clock.advance(seconds=15 * 60)
    with pytest.raises(Unauthenticated):
        await access.sessions.exchange(late)
    with pytest.raises(Unauthenticated):
        await access.sessions.log_in(user.email, "")  # no password is set, and none is not one


async def test_guessing_a_password_gets_slower_and_slower(access: Access, clock: ManualClock) -> None:
    user = await access.users.create(SYSTEM, "ada@example.com", PASSWORD, roles=["viewer"])
    for number in range(5):
        with pytest.raises(Unauthenticated):
            await access.sessions.log_in(user.email, "wrong", address=f"10.0.0.{number}")

    with pytest.raises(RateLimited) as told:
        await access.sessions.log_in(user.email, PASSWORD, address="10.0.0.9")

    assert told.value.retry_after_s == 1
    clock.advance(seconds=1)
    with pytest.raises(Unauthenticated):
        await access.sessions.log_in(user.email, "wrong", address="10.0.0.10")
    with pytest.raises(RateLimited) as told:
        await access.sessions.log_in(user.email, PASSWORD, address="10.0.0.9")
    assert told.value.retry_after_s == 2
    clock.advance(seconds=2)
    assert await access.sessions.log_in(user.email, PASSWORD, address="10.0.0.9")


async def test_users_that_cannot_be(access: Access) -> None:
    await access.users.create(SYSTEM, "ada@example.com", PASSWORD, roles=["viewer"])

    for email, password, refused in (
        ("ADA@example.com", PASSWORD, AlreadyExists),
        ("nobody", PASSWORD, InvalidArgument),
        ("eve@example.com", "short", InvalidArgument),
        ("eve@example.com", "aaaaaaaaaaaaaa", InvalidArgument),
    ):
        with pytest.raises(refused):
            await access.users.create(SYSTEM, email, password, roles=["viewer"])


async def test_a_user_who_is_deleted_is_signed_out(access: Access, storage: Storage) -> None:
    user = await access.users.create(SYSTEM, "ada@example.com", PASSWORD, roles=["viewer"])
    signed_in = await access.sessions.log_in(user.email, PASSWORD)

    await access.users.delete(SYSTEM, user.id)

    with pytest.raises(Unauthenticated):
        access.credentials.of_token(signed_in.token)
    assert await access.users.password_of(user) == ""


def test_a_password_is_kept_in_another_form_each_time() -> None:
    one, two = passwords.hashed(PASSWORD), passwords.hashed(PASSWORD)

    assert one != two
    assert passwords.matches(PASSWORD, one)
    assert passwords.matches(PASSWORD, two)
    assert not passwords.matches(PASSWORD + " ", one)
    assert not passwords.matches("", "")


# Tenants.


async def test_a_tenant_is_made_at_once_and_lives_in_its_own_environment(access: Access) -> None:
    tenant = await access.tenancy.provision(SYSTEM, "Acme", "production")

    theirs = access.credentials.of_token(tenant.issued.secret).actor

    assert (theirs.org, theirs.roles) == (tenant.org.id, ("admin",))
    namespace = access.tenancy.namespace(theirs, "")
    assert namespace == tenant.environment.id == access.tenancy.namespace(theirs, "production")
    for named in ("staging", "org_default", "env_default/x"):
        with pytest.raises((EnvironmentNotFound, InvalidArgument)):
            access.tenancy.namespace(theirs, named)
    ours = await actor(access, "admin")
    with pytest.raises(EnvironmentNotFound):
        access.tenancy.namespace(ours, namespace)
    with pytest.raises(InvalidArgument):
        access.tenancy.namespace(ours, tenant.org.id)  # where entries about identities are
    with pytest.raises(AlreadyExists):
        await access.tenancy.provision(SYSTEM, "Acme")
    with pytest.raises(IdentityNotFound):
        access.keys.get(theirs, ours.id)


async def test_who_is_bound_to_an_environment_gets_no_other(access: Access) -> None:
    bound = await actor(access, "admin", environment="staging")

    own = ("", "default", "env_default", "staging")
    assert {access.tenancy.namespace(bound, named) for named in own} == {"staging"}
    for named in ("production", "stagin", "staging2"):
        with pytest.raises(EnvironmentNotFound):
            access.tenancy.namespace(bound, named)


async def test_an_organization_that_is_deleted_lets_nobody_in(access: Access) -> None:
    tenant = await access.tenancy.provision(SYSTEM, "Acme")

    await access.tenancy.delete_org(SYSTEM, tenant.org.id)

    with pytest.raises(Unauthenticated):
        access.credentials.of_token(tenant.issued.secret)
    with pytest.raises(Unauthenticated):  # what they started goes on for them no more
        access.credentials.known(tenant.issued.key.id)
    with pytest.raises(Conflict):
        await access.tenancy.delete_org(SYSTEM, "org_default")


async def test_who_looks_after_the_platform_acts_in_other_organizations(access: Access) -> None:
    tenant = await access.tenancy.provision(SYSTEM, "Acme")
    operator, viewer = await actor(access, "platform_operator"), await actor(access, "platform_viewer")
    admin = await actor(access, "admin")

    assert access.credentials.within(operator, tenant.org.id).may("kv:write")
    reading = access.credentials.within(viewer, tenant.org.id)
    assert (reading.may("kv:read"), reading.may("kv:write"), reading.org) == (True, False, tenant.org.id)
    with pytest.raises(PermissionDenied):
        access.credentials.within(admin, tenant.org.id)
    with pytest.raises(IdentityNotFound):
        access.credentials.within(operator, "org_nope")


async def test_an_environment_that_is_deleted_takes_its_keys_along(access: Access) -> None:
    environment = await access.tenancy.create_environment(SYSTEM, "staging")
    issued = await access.keys.create(SYSTEM, "ci", ["viewer"], environment=environment.namespace)
    kept = await access.keys.create(SYSTEM, "kept", ["viewer"])

    await access.tenancy.delete_environment(SYSTEM, "staging")

    with pytest.raises(Unauthenticated):
        access.credentials.of_token(issued.secret)
    assert access.credentials.of_token(kept.secret)
    with pytest.raises(Conflict):
        await access.tenancy.delete_environment(SYSTEM, "env_default")


async def test_the_seeds_can_be_changed(access: Access) -> None:
    org = await access.tenancy.update_org(SYSTEM, "org_default", name="Acme", timezone="Europe/Paris")
    project = await access.tenancy.update_project(SYSTEM, "proj_default_default", name="shop", description=None)
    environment = await access.tenancy.update_environment(SYSTEM, "env_default", name=None, color="#fff")

    assert (org.name, project.name, environment.color, environment.namespace) == ("Acme", "shop", "#fff", "default")
    assert access.tenancy.namespace(SYSTEM, "") == "default"


# What is going on.


def grant(access: Access, found: Recognised, action: str = "events:subscribe") -> Grant:
    return Grant(access.authorizer, found.proof, found.actor.org, action, "event/*", "default", "", "", [])


@pytest.mark.parametrize("change", ["revoke", "roles", "expiry", "rotate", "role"])
async def test_what_is_going_on_is_cut_when_it_is_no_longer_allowed(
    access: Access, clock: ManualClock, change: str
) -> None:
    role = await access.roles.create(SYSTEM, "listener", ["events:subscribe"])
    issued = await access.keys.create(SYSTEM, "ci", ["listener"], life_us=3_600_000_000)
    found, begun = access.credentials.of_token(issued.secret), asyncio.Event()

    async def listen() -> None:
        with access.live.going(grant(access, found)):
            begun.set()
            await asyncio.Event().wait()

    listening = asyncio.create_task(listen())
    async with within("the listener"):
        await begun.wait()
    match change:
        case "revoke":
            await access.keys.revoke(SYSTEM, issued.key.id)
        case "roles":
            await access.keys.replace_roles(SYSTEM, issued.key.id, ["platform_viewer"])
        case "expiry":
            clock.advance(seconds=3_600)
        case "rotate":
            await access.keys.rotate(SYSTEM, issued.key.id, overlap_s=60)
            clock.advance(seconds=60)
        case "role":
            await access.roles.update(SYSTEM, role.id, name=None, allowed=["runs:read"])

    with pytest.raises(PermissionDenied if change.startswith("role") else Unauthenticated):
        await asyncio.wait_for(listening, 10)
    assert len(access.live) == 0


async def test_what_was_taken_away_while_it_was_being_opened_does_not_begin(access: Access, clock: ManualClock) -> None:
    door = Door(access, RateLimits(clock), required=True)
    gone, kept = [await access.keys.create(SYSTEM, name, ["viewer"]) for name in ("gone", "kept")]
    opened = [
        door.admit({"authorization": f"Bearer {issued.secret}"}.get, "events:subscribe").grant
        for issued in (gone, kept)
    ]

    await access.keys.revoke(SYSTEM, gone.key.id)

    with pytest.raises(Unauthenticated), access.live.going(opened[0]):
        pytest.fail("it goes on")
    with access.live.going(opened[1]):
        assert len(access.live) == 1
    assert len(access.live) == 0


async def test_what_is_still_allowed_goes_on(access: Access) -> None:
    issued = await access.keys.create(SYSTEM, "ci", ["viewer"])
    gone = await access.keys.create(SYSTEM, "gone", ["viewer"])
    ended = asyncio.Event()

    async def listen() -> str:
        with access.live.going(grant(access, access.credentials.of_token(issued.secret))):
            await ended.wait()
        return "of itself"

    listening = asyncio.create_task(listen())
    await access.keys.revoke(SYSTEM, gone.key.id)
    await access.keys.rotate(SYSTEM, issued.key.id)
    ended.set()

    assert await asyncio.wait_for(listening, 10) == "of itself"


# History.


async def test_identities_are_what_history_says(node: Node, access: Access, storage: Storage) -> None:
    tenant = await access.tenancy.provision(SYSTEM, "Acme", "production")
    issued = await access.keys.create(SYSTEM, "ci", ["viewer"], life_us=10_000_000)
    await access.keys.rotate(SYSTEM, issued.key.id, overlap_s=60)
    await access.keys.revoke(replace(SYSTEM, org=tenant.org.id), tenant.issued.key.id)
    user = await access.users.create(SYSTEM, "ada@example.com", PASSWORD, roles=["viewer"])
    await access.users.update(SYSTEM, user.id, name="Ada")
    await access.sessions.log_in("ada@example.com", PASSWORD)
    await access.roles.create(SYSTEM, "emitter", ["events:emit"])

    report = await rebuild(storage, node.fold, check=True)

    assert report.differing == ()
    assert (report.rows["apikey"], report.rows["user"], report.rows["session"], report.rows["org"]) == (1, 1, 1, 1)


async def test_a_node_that_starts_knows_what_was_there(access: Access, storage: Storage, clock: ManualClock) -> None:
    issued = await access.keys.create(SYSTEM, "ci", ["viewer"])
    access.credentials.of_token(issued.secret)
    access.credentials.use(issued.key.id, clock.now_us(), "10.0.0.1", {"user-agent": "cron\x00/1"}.get)
    await access.write_uses()

    later = Node(storage=storage, clock=clock, ids=Ids(clock))
    await later.tail.start()
    await later.access.start()

    assert later.access.keys.last_used_at(issued.key) == clock.now_us()
    assert later.access.keys.last_used_from(issued.key) == (clock.now_us(), "10.0.0.1", "cron/1")
    assert later.access.credentials.of_token(issued.secret).actor.id == issued.key.id
    assert later.access.register.all(Session) == []


async def test_the_first_start_makes_a_key_and_an_administrator(access: Access, tmp_path: Path) -> None:
    path = tmp_path / "key.json"

    key = await bootstrap.key_of(access, path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert await bootstrap.key_of(access, path) == key
    found = access.credentials.of_token(key).actor
    assert (found.kind, found.may("users:manage"), found.may("platform:tenants:manage")) == ("bootstrap", True, True)
    token = bootstrap.sign_in_link(access, "http://x").partition("#token=")[2]
    assert (await access.sessions.exchange(token)).user.email == "admin@ironflow.local"
    await access.keys.revoke(SYSTEM, found.id)
    assert await bootstrap.key_of(access, path) == ""  # it was meant
    path.unlink()
    assert await bootstrap.key_of(access, path) not in ("", key)
    path.write_text("{")
    with pytest.raises(bootstrap.KeyFileUnreadable):
        await bootstrap.key_of(access, path)


async def test_who_knows_of_all_organizations_looks_after_them_or_has_the_only_one(access: Access) -> None:
    admin, keeper = await actor(access, "admin"), await actor(access, "platform_viewer")
    bound = await actor(access, "admin", environment="staging")
    assert [access.tenancy.sees_all(one) for one in (admin, keeper, bound)] == [True, True, False]

    await access.tenancy.create_org(SYSTEM, "Acme")
    assert [access.tenancy.sees_all(one) for one in (admin, keeper)] == [False, True]
