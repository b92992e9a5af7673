"""The audit on both stores: decisions are entries of history, and nobody fills the disk with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from app.access import audit as module
from app.access.actor import Actor
from app.access.audit import Audit
from app.access.audit_event import AuditEvent
from app.access.audit_reading import AuditFilter, AuditReader
from app.access.authoring import Author
from app.access.guard import Denial, Request
from app.access.replay import Replay
from app.clock import ManualClock
from app.errors import InvalidArgument, RunNotFound
from app.events.new_event import NewEvent
from app.history.kinds import AuditSettings, PolicyDefinition, Trigger
from app.history.rebuild import rebuild
from app.history.verify import verify
from app.node import Node
from app.runs.definition import Definition
from storage.contract import Storage, StorageError

DEV = Actor("ak_dev", "key", ("developer",), frozenset(["secrets:read"]))
ADMIN = Actor("usr_admin", "user", ("admin",), frozenset("*"))
ASKED = Request(DEV, "secrets:read", "secret/stripe", "prod", "GET /api/v1/secrets/{name}", "10.0.0.1")
DENIAL = Denial("policy p denies it", "pol_1", 3)


@pytest.fixture
def audit(node: Node) -> Audit:
    return node.audit


async def events(node: Node, environment: str = "prod", **chosen: Any) -> Sequence[AuditEvent]:
    """Newest first, once all that was noted is recorded."""
    await node.committer.drain()
    reader = AuditReader(node.storage, node.audit)
    return (await reader.page(environment, AuditFilter(**chosen), limit=500)).events


async def test_a_denial_is_an_entry_with_all_that_matters(audit: Audit, node: Node, storage: Storage) -> None:
    audit.decided(ASKED, DENIAL)

    [event] = await events(node)
    assert (event.type, event.actor, event.action, event.resource) == (
        "authz.denied",
        "ak_dev",
        "secrets:read",
        "secret/stripe",
    )
    assert (event.policy, event.policy_version, event.reason) == ("pol_1", 3, "policy p denies it")
    assert (event.method, event.address, event.roles) == ("GET /api/v1/secrets/{name}", "10.0.0.1", ("developer",))
    assert (await verify(storage)).bad_position is None
    assert (await rebuild(storage, node.fold, check=True)).differing == ()


async def test_allowed_requests_are_recorded_as_the_settings_say(audit: Audit, node: Node) -> None:
    write = ASKED._replace(action="events:emit", resource="event/a")
    manage = ASKED._replace(actor=ADMIN, action="secrets:manage")

    def decide() -> None:
        for request in (ASKED, write, manage):
            audit.decided(request, None)

    decide()
    assert [event.action for event in await events(node)] == ["secrets:manage"]
    await audit.set("prod", AuditSettings(reads=True), actor="usr_admin")
    decide()
    assert [event.action for event in await events(node, event_type="authz.allowed")] == [
        "secrets:read",
        "secrets:manage",
    ]
    await audit.set("prod", AuditSettings(writes=True, excluded_actions=("secrets:*",)), actor="usr_admin")
    decide()
    assert (await events(node, event_type="authz.allowed"))[0].action == "events:emit"
    assert len(await events(node, event_type="authz.allowed")) == 3


async def test_an_act_is_told_with_what_came_of_it(audit: Audit, node: Node, clock: ManualClock) -> None:
    manage = ASKED._replace(actor=ADMIN, action="secrets:manage")
    done, refused, left = audit.begun(manage), audit.begun(manage), audit.begun(manage)
    assert await events(node) == []

    audit.ended(refused, "SECRET_NOT_FOUND")
    audit.ended(done, "")
    audit.ended(done, "TWICE")

    assert [event.outcome for event in await events(node)] == ["", "SECRET_NOT_FOUND"]
    clock.advance(seconds=61)
    audit.turn()
    assert [event.outcome for event in await events(node)] == [module.UNKNOWN, "", "SECRET_NOT_FOUND"]
    audit.ended(left, "")
    assert len(await events(node)) == 3


async def test_settings_are_history_and_are_learned_from_it(audit: Audit, node: Node, storage: Storage) -> None:
    settings = AuditSettings(reads=True, redacted_fields=("email",))
    await audit.set("prod", settings, actor="usr_admin", reason="finding 3")
    await audit.set("prod", settings, actor="usr_admin")
    audit.decided(ASKED, DENIAL)

    [event] = await events(node, event_type="audit.settings_changed")
    assert (event.actor, event.reason) == ("usr_admin", "finding 3")
    assert (await rebuild(storage, node.fold, check=True)).differing == ()
    fresh = Audit(storage=storage, committer=node.committer, tail=node.tail, clock=node.clock)
    await fresh.start()
    assert fresh.settings("prod") == settings
    assert fresh.settings("dev") == AuditSettings()


@pytest.mark.parametrize(
    "settings",
    [
        AuditSettings(excluded_actions=("*",)),
        AuditSettings(excluded_actions=("policies:*",)),
        AuditSettings(excluded_actions=("audit:manage",)),
        AuditSettings(excluded_actions=("nothing",)),
        AuditSettings(redacted_fields=("",)),
        AuditSettings(redacted_fields=("a..b",)),
        AuditSettings(redacted_fields=tuple(f"f{n}" for n in range(101))),
    ],
)
async def test_settings_that_would_hide_what_must_be_seen_are_refused(audit: Audit, settings: AuditSettings) -> None:
    with pytest.raises(InvalidArgument):
        await audit.set("prod", settings, actor="usr_admin")


async def test_the_same_again_within_a_minute_is_one_more_entry(audit: Audit, node: Node, clock: ManualClock) -> None:
    for _ in range(1_000):
        audit.decided(ASKED, DENIAL)
    assert [event.count for event in await events(node)] == [1]

    clock.advance(seconds=60)
    audit.turn()

    assert [event.count for event in await events(node)] == [999, 1]
    audit.decided(ASKED, DENIAL)
    assert [event.count for event in await events(node)] == [1, 999, 1]


async def test_an_attacker_who_asks_for_something_else_each_time_writes_little(
    audit: Audit, node: Node, clock: ManualClock
) -> None:
    for number in range(5_000):
        audit.decided(ASKED._replace(resource=f"secret/{number}"), DENIAL)
    many = [replace(DEV, id=f"ak_{number}") for number in range(200)]
    for actor in many:
        audit.decided(ASKED._replace(actor=actor), DENIAL)
    clock.advance(seconds=60)
    audit.turn()

    found = await events(node)
    denied = [event for event in found if event.type == "authz.denied"]
    assert len([event for event in denied if event.actor == "ak_dev"]) == module.OF_ONE_CALLER_MAX
    assert len(denied) == module.OF_ALL_MAX
    [suppressed] = [event for event in found if event.type == "authz.suppressed"]
    assert suppressed.payload["count"] == 5_200 - module.OF_ALL_MAX


async def test_denials_of_many_do_not_keep_administrative_acts_out(audit: Audit, node: Node) -> None:
    for number in range(500):
        audit.decided(ASKED._replace(resource=f"secret/{number}", actor=replace(DEV, id=f"ak_{number}")), DENIAL)

    audit.decided(ASKED._replace(actor=ADMIN, action="policies:write", resource="policy/p"), None)

    assert [event.actor for event in await events(node, action="policies:write")] == ["usr_admin"]


async def test_what_somebody_sends_is_recorded_cut(audit: Audit, node: Node) -> None:
    audit.decided(ASKED._replace(resource="secret/" + "x" * 10_000, method="m" * 10_000), Denial("r" * 10_000))

    [event] = await events(node)
    assert max(len(event.resource), len(event.method), len(event.reason)) == module.TEXT_CHARS_MAX


async def test_a_store_that_refuses_is_counted_and_keeps_nobody_waiting(
    audit: Audit, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(work: Any) -> None:
        raise StorageError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(node.storage, "write", refuse)
        audit.decided(ASKED, DENIAL)
        await node.committer.drain()

    assert audit.failed_total == 1


async def test_a_watching_policy_is_told_of(node: Node) -> None:
    author = Author(ADMIN, "prod")
    definition = PolicyDefinition(name="p", actions=("secrets:*",), mode="monitor")
    row = await node.policies.create("prod", definition, author=author)

    assert node.policies.check(ASKED) is None

    [event] = await events(node, event_type="authz.would_deny")
    assert (event.decision, event.policy, event.actor) == ("would_deny", row.id, "ak_dev")


async def test_the_audit_is_asked_by_action_caller_time_and_page(audit: Audit, node: Node, clock: ManualClock) -> None:
    for number in range(5):
        audit.decided(ASKED._replace(resource=f"secret/{number}"), DENIAL)
        await node.committer.drain()
        clock.advance(seconds=1)
    audit.decided(ASKED._replace(actor=ADMIN, action="runs:read"), DENIAL)
    start = clock.now_us() - 5_000_000

    assert len(await events(node)) == 6
    assert len(await events(node, action="secrets:read")) == 5
    assert [event.actor for event in await events(node, actor="usr_admin")] == ["usr_admin"]
    assert [e.resource for e in await events(node, since=start + 1_000_000, until=start + 2_500_000)] == [
        "secret/2",
        "secret/1",
    ]
    assert await events(node, "dev") == []
    reader = AuditReader(node.storage, node.audit)
    seen: list[str] = []
    cursor = 0
    while True:
        page = await reader.page("prod", AuditFilter(action="secrets:read"), cursor=cursor, limit=2)
        seen += [event.resource for event in page.events]
        cursor = page.cursor
        if not cursor:
            break
    assert seen == [f"secret/{number}" for number in (4, 3, 2, 1, 0)]
    with pytest.raises(InvalidArgument):
        await events(node, event_type="nope")


async def test_a_run_has_an_audit_of_its_own(node: Node) -> None:
    definition = Definition("bill", triggers=(Trigger(event="order.*"),))
    await node.functions.register("prod", definition, actor="ak_dev")
    emitted = await node.emitter.emit(NewEvent("prod", "order.placed", b'{"email":"ann@example.org"}'))
    [run_id] = emitted.run_ids
    await node.engine.cancel("prod", run_id, reason="wrong")
    reader = AuditReader(node.storage, node.audit)

    page = await reader.of_run("prod", run_id, AuditFilter(), cursor=0, limit=50)

    assert [event.type for event in page.events] == ["run.status_changed", "run.created"]
    assert page.events[0].payload["newStatus"] == "cancelled"
    assert {event.function_id for event in page.events} == {"bill"}
    assert len(await events(node, function_id="bill")) == 3, "the registration too"
    assert not [event for event in await events(node) if event.kind == "event.emitted"]
    assert [event.kind for event in await events(node, event_type="event.emitted")] == ["event.emitted"]
    await node.audit.set("prod", AuditSettings(redacted_fields=("email",)), actor="usr_admin")
    [event] = await events(node, event_type="event.emitted")
    assert event.payload["data"] == {"email": "[redacted]"}
    with pytest.raises(RunNotFound):
        await reader.of_run("dev", run_id, AuditFilter(), cursor=0, limit=50)


async def test_a_draft_is_held_against_the_past(node: Node, audit: Audit) -> None:
    policies, author = node.policies, Author(ADMIN, "prod")
    existing = PolicyDefinition(name="p", actions=("secrets:*",), roles=("developer",))
    await policies.create("prod", existing, author=author)
    admin = ASKED._replace(actor=ADMIN)
    for request in (ASKED, admin):
        audit.decided(request, policies.check(request))
    audit.decided(ASKED._replace(action="kv:read"), Denial("none of your roles has it"))
    await node.committer.drain()
    replay = Replay(node.storage, policies, node.clock)

    lifted = await replay.of("prod", PolicyDefinition(name="p", actions=("runs:*",)), limit=100)
    tightened = await replay.of("prod", PolicyDefinition(name="p", actions=("secrets:*",)), limit=100)
    blind = PolicyDefinition(name="q", actions=("*",), condition='"x" in subject.permissions')
    unseen = await replay.of("prod", blind, limit=100)

    assert (lifted.decisions, len(lifted.flips)) == (2, 1)
    assert (lifted.flips[0].request.actor.id, lifted.flips[0].after) == ("ak_dev", None)
    assert [flip.request.actor.id for flip in tightened.flips] == ["usr_admin"]
    assert tightened.flips[0].before is None
    assert (unseen.skipped, unseen.flips) == (0, []), "both are remembered, with permissions"
    await policies.create("prod", PolicyDefinition(name="z", actions=("kv:*",)), author=author)
    assert (await replay.of("prod", blind, limit=100)).skipped == 1, "nothing is remembered any longer"
