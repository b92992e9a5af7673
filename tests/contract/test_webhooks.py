"""Webhooks on both stores: sources and their secrets, what is delivered, what is refused, what is replayed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.clock import ManualClock
from app.errors import (
    AlreadyExists,
    Conflict,
    DeliveryNotFound,
    FailedPrecondition,
    InvalidArgument,
    SchemaViolation,
    SignatureRefused,
    WebhookNotFound,
)
from app.events.lineage import LineageReader
from app.events.reading import EventFilter, EventReader
from app.history.kinds import Descriptor, EventEmitted, Trigger
from app.history.rebuild import rebuild
from app.ids import Ids
from app.node import Node
from app.runs.definition import Definition
from app.values.keyring import GivenKeys
from app.values.vault import ORPHAN_AGE_US
from app.webhooks import deliveries
from app.webhooks.ingest import REJECTED_A_MINUTE_MAX, REJECTED_BYTES_KEPT, Received
from app.webhooks.source import Change, NewSource
from app.webhooks.sources import Opened
from app.webhooks.verification import Request
from storage import history
from storage.contract import Storage
from tests.scenario.webhooks import REAL
from tests.support import signing
from tests.support.nodes import alive

ENV = "shop"
SECRET = "s3cret-of-the-hook"
ISSUE = b'{"action":"opened","issue":{"number":7}}'


@pytest.fixture
async def node(storage: Storage, clock: ManualClock) -> AsyncIterator[Node]:
    made = Node(storage=storage, clock=clock, ids=Ids(clock), master_keys=GivenKeys([bytes(range(32))]))
    async with alive(made):
        yield made


@pytest.fixture
async def github(node: Node) -> Opened:
    return await node.sources.create(ENV, NewSource("repo", provider="github", secret=SECRET))


async def post(node: Node, opened: Opened, headers: dict[str, str], body: bytes) -> Received:
    source = await node.ingest.source_of(opened.token, opened.row.id)
    return await node.ingest.receive(source, Request(headers, body))


async def issue(
    node: Node, opened: Opened, *, delivery: str = "d-1", secret: str = SECRET, body: bytes = ISSUE
) -> Received:
    return await post(node, opened, signing.github(secret, body, event="issues", delivery=delivery), body)


async def events(node: Node) -> list[EventEmitted]:
    """Oldest first."""
    page = await EventReader(node.storage).list(ENV, EventFilter(), limit=500)
    return [entry.fact for entry in reversed(page.entries) if isinstance(entry.fact, EventEmitted)]


async def whole_history(storage: Storage) -> str:
    return "".join(str(record) for record in await storage.read(lambda tx: history.after(tx, 0)))


async def values(storage: Storage) -> int:
    """How many encrypted values there are."""
    return await storage.read(
        lambda tx: len(list(tx._connection.execute("select id from secret_values")))  # type: ignore[attr-defined]
    )


async def test_a_delivery_is_an_event_with_its_runs_and_both_are_one_commit(node: Node, github: Opened) -> None:
    await node.functions.register(ENV, Definition("triage", triggers=(Trigger(event="github.issues.*"),)))
    before = node.tail.head

    received = await issue(node, github)

    assert (received.status, received.event_name, received.duplicate) == ("accepted", "github.issues.opened", False)
    entries = await node.storage.read(lambda tx: history.after(tx, before))
    assert [entry.kind for entry in entries[:3]] == ["delivery.accepted", "event.emitted", "run.created"]
    assert len({entry.recorded_at for entry in entries[:3]}) == 1
    event = await EventReader(node.storage).get(ENV, received.event_id)
    fact = event.fact
    assert isinstance(fact, EventEmitted)
    assert (bytes(fact.data), fact.source, event.actor) == (ISSUE, "webhook", f"webhook:{github.row.id}")
    assert json.loads(event.metadata)["webhook"] == {
        "source": "repo",
        "source_id": github.row.id,
        "delivery_id": received.delivery_id,
        "external_id": "d-1",
    }
    lineage = await LineageReader(node.storage).of(ENV, event.position)
    assert [cause.kind for cause in lineage.causes] == ["delivery.accepted"]
    [effect] = (await LineageReader(node.storage).of(ENV, entries[0].position)).effects
    assert effect.entry.position == event.position


async def test_a_delivery_that_comes_again_changes_nothing(node: Node, github: Opened) -> None:
    first = await issue(node, github)

    again = await asyncio.gather(*(issue(node, github) for _ in range(5)))

    assert {(one.event_id, one.delivery_id, one.duplicate) for one in again} == {
        (first.event_id, first.delivery_id, True)
    }
    assert len(await events(node)) == 1
    assert not (await issue(node, github, delivery="d-2")).duplicate


async def test_what_is_not_signed_right_is_recorded_with_what_was_looked_at(node: Node, github: Opened) -> None:
    with pytest.raises(SignatureRefused, match="fits no signature"):
        await issue(node, github, secret="guessed")

    assert await events(node) == []
    [row] = (await node.deliveries.list(ENV)).rows
    assert (row.status, row.code, row.signature_key) == ("rejected", "SIGNATURE_REFUSED", "invalid")
    captured = await node.deliveries.get(ENV, row.id)
    assert captured.body == ISSUE
    assert [(check.name, check.passed) for check in captured.receipt.verification.checks] == [
        ("header", True),
        ("signature", False),
    ]
    right = signing.github(SECRET, ISSUE, event="issues", delivery="d-1")["x-hub-signature-256"].partition("=")[2]
    told = await whole_history(node.storage)
    assert right not in told
    assert SECRET not in told
    assert (await issue(node, github)).status == "accepted", "a refused one does not take the id"


async def test_secrets_are_in_no_table_in_clear(node: Node, github: Opened) -> None:
    headers = signing.github(SECRET, ISSUE, event="issues", delivery="d") | {
        "authorization": "Bearer canary",
        "x-echo": f"it is {SECRET}",
    }
    received = await post(node, github, headers, ISSUE)

    told = await whole_history(node.storage) + str(await node.sources.list(ENV))
    kept = (await node.deliveries.get(ENV, received.delivery_id)).receipt.headers
    assert SECRET not in told + str(kept)
    assert github.token not in told
    assert "canary" not in told
    assert (kept["authorization"], kept["x-github-event"]) == ("[redacted]", "issues")
    assert list(await node.vault.list(ENV)) == [], "it is no secret that functions could declare"


async def test_verified_but_unusable_is_failed_and_may_come_again(node: Node, github: Opened) -> None:
    await node.schemas.register(ENV, "github.issues.opened", 1, '{"required": ["issue"]}')
    await node.schemas.enforce(ENV, "reject")
    for body, error in ((b'{"action":', InvalidArgument), (b'{"action":"opened"}', SchemaViolation)):
        with pytest.raises(error):
            await issue(node, github, body=body)
    binary = b"\x00\xff{"
    with pytest.raises(InvalidArgument):
        await issue(node, github, body=binary, delivery="d-2")

    newest, _ = (await node.deliveries.list(ENV, status="failed")).rows[:2]
    assert newest.code == "INVALID_ARGUMENT"
    assert (await node.deliveries.get(ENV, newest.id)).body == binary
    assert await events(node) == []
    await node.schemas.enforce(ENV, "off")
    accepted = await issue(node, github, body=b'{"action":"opened"}')
    assert not accepted.duplicate
    assert (await node.deliveries.get(ENV, accepted.delivery_id)).row.status == "accepted"


async def test_refusals_cannot_fill_history(node: Node, github: Opened, clock: ManualClock) -> None:
    large = b'{"a":"' + b"x" * (2 * REJECTED_BYTES_KEPT) + b'"}'
    for number in range(REJECTED_A_MINUTE_MAX + 5):
        with pytest.raises(SignatureRefused):
            await issue(node, github, secret="guessed", body=large if number == 0 else ISSUE)

    assert await node.deliveries.count(ENV) == REJECTED_A_MINUTE_MAX
    oldest = (await node.deliveries.list(ENV, limit=200)).rows[-1]
    captured = await node.deliveries.get(ENV, oldest.id)
    assert (len(captured.body), captured.cut, oldest.body_bytes) == (REJECTED_BYTES_KEPT, True, len(large))
    with pytest.raises(FailedPrecondition, match="cannot be replayed"):
        await node.deliveries.replay(ENV, oldest.id)
    clock.advance(seconds=60)
    with pytest.raises(SignatureRefused):
        await issue(node, github, secret="guessed")
    assert await node.deliveries.count(ENV) == REJECTED_A_MINUTE_MAX + 1


async def test_an_unknown_token_or_a_name_that_is_not_its_own_finds_nothing(node: Node, github: Opened) -> None:
    other = await node.sources.create(ENV, NewSource("other"))

    for token, named in (("ifwh_no", github.row.id), (github.token, other.row.id), (other.row.token_hash, "other")):
        with pytest.raises(WebhookNotFound):
            await node.ingest.source_of(token, named)
    for named in (github.row.id, "repo", "github"):
        assert (await node.ingest.source_of(github.token, named)).id == github.row.id


async def test_two_secrets_count_while_one_follows_the_other(node: Node, github: Opened, clock: ManualClock) -> None:
    rotated = await node.sources.rotate_secret(ENV, "repo", "the-new-one", grace_s=3_600)

    assert rotated.previous_until == clock.now_us() + 3_600_000_000
    for number, secret in enumerate((SECRET, "the-new-one")):
        await issue(node, github, secret=secret, delivery=f"d-{number}")
    assert [row.signature_key for row in (await node.deliveries.list(ENV)).rows] == ["current", "prev"]
    assert await values(node.storage) == 2
    clock.advance(seconds=3_600)
    with pytest.raises(SignatureRefused):
        await issue(node, github, delivery="d-9")
    clock.advance(ORPHAN_AGE_US)
    await node.vault.start()
    assert await values(node.storage) == 1, "what no longer counts is destroyed"
    assert (await issue(node, github, secret="the-new-one", delivery="d-8")).status == "accepted"


async def test_a_secret_that_is_replaced_or_expired_is_destroyed_at_once(node: Node, github: Opened) -> None:
    await node.sources.rotate_secret(ENV, "repo", "second", grace_s=0)
    assert await values(node.storage) == 1
    await node.sources.rotate_secret(ENV, "repo", "third")
    expired = await node.sources.expire_previous(ENV, "repo")

    assert await values(node.storage) == 1
    assert (expired.previous_secret_id, expired.secret_revision) == ("", 3)
    with pytest.raises(SignatureRefused):
        await issue(node, github, secret="second")
    for grace_s in (-1, 7 * 86_400 + 1):
        with pytest.raises(InvalidArgument):
            await node.sources.rotate_secret(ENV, "repo", "fourth", grace_s=grace_s)
    assert await values(node.storage) == 1, "a refused one leaves nothing behind"


async def test_verification_can_be_turned_off_and_on_again(node: Node, github: Opened) -> None:
    off = await node.sources.disable_verification(ENV, "repo", grace_s=60)

    assert off.secret_id == ""
    unsigned = await post(node, github, {"x-github-event": "ping", "x-github-delivery": "u"}, b"{}")
    assert (unsigned.status, unsigned.event_name) == ("accepted", "github.ping")
    await issue(node, github)
    assert [row.signature_key for row in (await node.deliveries.list(ENV)).rows] == ["prev", "none"]
    on = await node.sources.rotate_secret(ENV, "repo", "again")
    assert on.secret_revision == 2
    with pytest.raises(SignatureRefused):
        await post(node, github, {"x-github-event": "ping", "x-github-delivery": "u2"}, b"{}")


async def test_secrets_survive_a_new_master_key(
    node: Node, storage: Storage, clock: ManualClock, github: Opened
) -> None:
    other = bytes(range(1, 33))
    both = Node(storage=storage, clock=clock, ids=Ids(clock), master_keys=GivenKeys([other, bytes(range(32))]))
    await both.vault.rotate_key()

    after = Node(storage=storage, clock=clock, ids=Ids(clock), master_keys=GivenKeys([other]))
    source = await after.ingest.source_of(github.token, "repo")
    keys = await after.ingest.keys_of(source, now=clock.now_us())
    assert keys.current == SECRET.encode()


async def test_a_paused_source_holds_what_comes_until_it_is_replayed(node: Node, github: Opened) -> None:
    await node.sources.pause(ENV, "repo")
    held = await issue(node, github)

    assert (held.status, held.event_id) == ("held", "")
    assert (await issue(node, github)).duplicate
    assert await events(node) == []
    with pytest.raises(SignatureRefused):
        await issue(node, github, secret="guessed")
    await node.sources.resume(ENV, "repo")
    replayed = await node.deliveries.replay(ENV, held.delivery_id)
    captured = await node.deliveries.get(ENV, held.delivery_id)
    assert (captured.row.status, captured.row.event_id, captured.row.replays) == ("accepted", replayed.event_id, 1)
    assert captured.body == ISSUE
    assert [event.name for event in await events(node)] == ["github.issues.opened"]


async def test_a_replay_is_a_new_event_of_the_same_delivery(node: Node, github: Opened) -> None:
    first = await issue(node, github)
    second = await node.deliveries.replay(ENV, first.delivery_id, actor="ada")

    assert second.event_id != first.event_id
    one, other = await events(node)
    assert bytes(one.data) == bytes(other.data) == ISSUE
    entry = await EventReader(node.storage).get(ENV, second.event_id)
    assert json.loads(entry.metadata)["webhook"]["replayed"] is True
    assert (await issue(node, github)).event_id == second.event_id, "it is still known"


async def test_what_was_refused_is_verified_again_as_of_then(node: Node, clock: ManualClock) -> None:
    slack = await node.sources.create(ENV, NewSource("chat", provider="slack", secret="wrong"))
    body = b'{"type":"event_callback","event_id":"Ev1","event":{"type":"message"}}'
    with pytest.raises(SignatureRefused):
        await post(node, slack, signing.slack("right", body, at=clock.now_us() // 1_000_000), body)
    [row] = (await node.deliveries.list(ENV)).rows
    with pytest.raises(SignatureRefused, match="refused still"):
        await node.deliveries.replay(ENV, row.id)

    await node.sources.rotate_secret(ENV, "chat", "right")
    clock.advance(seconds=10_000)
    await node.deliveries.replay(ENV, row.id)

    captured = await node.deliveries.get(ENV, row.id)
    assert (captured.row.status, captured.row.signature_key) == ("accepted", "current")
    assert [event.name for event in await events(node)] == ["slack.message"]


async def test_slack_s_challenge_is_answered_only_when_it_is_signed(node: Node, clock: ManualClock) -> None:
    slack = await node.sources.create(ENV, NewSource("chat", provider="slack", secret="s"))
    body = b'{"token":"t","challenge":"3eZbrw1aB","type":"url_verification"}'
    now = clock.now_us() // 1_000_000

    answered = await post(node, slack, signing.slack("s", body, at=now), body)

    assert answered.challenge == "3eZbrw1aB"
    with pytest.raises(SignatureRefused):
        await post(node, slack, signing.slack("other", body, at=now), body)
    assert await events(node) == []


@pytest.mark.parametrize("provider", ["stripe", "shopify", "standard"])
async def test_others_deliver_once_too(node: Node, clock: ManualClock, provider: str) -> None:
    secret, now = signing.STANDARD_SECRET, clock.now_us() // 1_000_000
    opened = await node.sources.create(ENV, NewSource("hook", provider=provider, secret=secret))
    body = b'{"id":"evt_1","type":"invoice.paid"}'
    sign = {
        "stripe": lambda: signing.stripe(secret, body, at=now),
        "shopify": lambda: signing.shopify(secret, body, topic="invoice/paid", webhook_id="w-1"),
        "standard": lambda: signing.standard(secret, body, id="msg_1", at=now),
    }[provider]

    first = await post(node, opened, sign(), body)
    again = await post(node, opened, sign(), body)

    assert (first.event_name, again.duplicate) == (f"{provider}.invoice.paid", True)
    assert again.event_id == first.event_id


async def test_a_source_of_one_s_own_kind(node: Node) -> None:
    descriptor = Descriptor(signature_header="X-Sig", event_name_path="body:kind", dedup_id_path="header:X-Id")
    opened = await node.sources.create(
        ENV,
        NewSource(
            "own", descriptor=descriptor, secret="s", event_prefix="own.", schema_version=3, metadata=b'{"team":"a"}'
        ),
    )
    import hashlib
    import hmac

    body = b' {"kind":"made"}\n'
    digest = hmac.new(b"s", body, hashlib.sha256).hexdigest()
    received = await post(node, opened, {"x-sig": digest, "x-id": "1"}, body)

    [event] = await events(node)
    assert (event.name, event.version) == ("own.made", 3)
    entry = await EventReader(node.storage).get(ENV, received.event_id)
    assert json.loads(entry.metadata)["team"] == "a"
    assert (await node.deliveries.get(ENV, received.delivery_id)).body == body, "byte for byte"


async def test_an_unsigned_source_goes_by_its_token_alone(node: Node) -> None:
    opened = await node.sources.create(ENV, NewSource("plain", event_prefix="form.sent"))

    for _ in range(2):
        received = await post(node, opened, {"content-type": "application/x-www-form-urlencoded"}, b"a=1")
        assert not received.duplicate, "without an id each is its own"
    assert [(event.name, bytes(event.data)) for event in await events(node)] == [("form.sent", b'{"a":"1"}')] * 2
    with pytest.raises(FailedPrecondition):
        await node.sources.rotate_secret(ENV, "plain", "s")


async def test_sources_are_changed_under_the_version_that_was_read(
    node: Node, github: Opened, clock: ManualClock
) -> None:
    clock.advance(1)
    changed = await node.sources.update(
        ENV, github.row.id, Change(name="renamed", event_prefix="gh"), expected=github.row.updated_at
    )

    assert (changed.name, changed.event_prefix, changed.descriptor) == ("renamed", "gh", github.row.descriptor)
    with pytest.raises(Conflict):
        await node.sources.update(ENV, "renamed", Change(name="x"), expected=github.row.updated_at)
    for secretly in (
        node.sources.rotate_secret(ENV, "renamed", "x", expected=1),
        node.sources.disable_verification(ENV, "renamed", expected=1),
        node.sources.expire_previous(ENV, "renamed", expected=1),
    ):
        with pytest.raises(Conflict):
            await secretly
    assert await values(node.storage) == 1
    with pytest.raises(AlreadyExists):
        await node.sources.create(ENV, NewSource("renamed"))
    tolerant = await node.sources.update(
        ENV, "renamed", Change(descriptor=Descriptor(event_name_path="header:X-GitHub-Event"))
    )
    assert '"header:X-GitHub-Event"' in tolerant.descriptor
    assert (await issue(node, github)).event_name == "gh.issues"
    turned = await node.sources.rotate_token(ENV, "renamed")
    with pytest.raises(WebhookNotFound):
        await node.ingest.source_of(github.token, "renamed")
    assert (await issue(node, turned, delivery="d-2")).status == "accepted"


@pytest.mark.parametrize(
    ("field", "new"),
    [
        ("name", NewSource("")),
        ("name", NewSource("a/b")),
        ("name", NewSource("x" * 101)),
        ("provider", NewSource("a", provider="gitlab")),
        ("verify_secret", NewSource("a", provider="github")),
        ("verify_secret", NewSource("a", secret="s")),
        ("verify_secret", NewSource("a", provider="standard", secret="not base64!")),
        ("event_prefix", NewSource("a", event_prefix="a..b")),
        ("event_prefix", NewSource("a", event_prefix="a.*")),
        ("schema_version", NewSource("a", schema_version=0)),
        ("metadata", NewSource("a", metadata=b"[]")),
        ("metadata", NewSource("a", metadata=b"{")),
    ],
)
async def test_a_bad_source_is_refused_by_name_and_leaves_nothing(node: Node, field: str, new: NewSource) -> None:
    before = node.tail.head
    with pytest.raises(InvalidArgument) as refused:
        await node.sources.create(ENV, new)

    assert refused.value.field == field
    assert node.tail.head == before
    assert await values(node.storage) == 0


async def test_a_deleted_source_is_gone_and_its_past_is_not(node: Node, github: Opened) -> None:
    received = await issue(node, github)
    source = await node.ingest.source_of(github.token, "repo")
    await node.sources.delete(ENV, "repo")

    for gone in (node.sources.get(ENV, "repo"), node.sources.delete(ENV, "repo"), node.sources.pause(ENV, "repo")):
        with pytest.raises(WebhookNotFound):
            await gone
    with pytest.raises(WebhookNotFound):
        await node.ingest.receive(source, Request(signing.github(SECRET, ISSUE, event="a", delivery="x"), ISSUE))
    with pytest.raises(WebhookNotFound):
        await node.deliveries.replay(ENV, received.delivery_id)
    assert await values(node.storage) == 0
    assert (await node.deliveries.get(ENV, received.delivery_id)).body == ISSUE
    with pytest.raises(DeliveryNotFound):
        await node.deliveries.get(ENV, "whd_none")
    assert (await node.sources.create(ENV, NewSource("repo"))).row.id != github.row.id


async def test_deliveries_are_listed_newest_first_in_pages(node: Node, github: Opened) -> None:
    other = await node.sources.create(ENV, NewSource("other"))
    for number in range(5):
        await issue(node, github, delivery=f"d-{number}")
    await post(node, other, {}, b"{}")

    first = await node.deliveries.list(ENV, source_id=github.row.id, limit=3)
    rest = await node.deliveries.list(ENV, source_id=github.row.id, limit=3, cursor=first.next_cursor)

    assert [row.external_id for row in (*first.rows, *rest.rows)] == ["d-4", "d-3", "d-2", "d-1", "d-0"]
    assert rest.next_cursor == ""
    assert await node.deliveries.count(ENV) == 6
    assert (await node.deliveries.list(ENV, limit=1, offset=1)).rows[0].external_id == "d-4"
    for wrong in ({"status": "lost"}, {"limit": 0}, {"cursor": "x"}, {"source_id": "a\0"}):
        with pytest.raises(InvalidArgument):
            await node.deliveries.list(ENV, **wrong)  # type: ignore[arg-type]


async def test_the_tables_are_what_history_says(node: Node, storage: Storage, github: Opened) -> None:
    gone = await node.sources.create(ENV, NewSource("gone"))
    await post(node, gone, {}, b"{}")
    await node.sources.delete(ENV, "gone")
    await node.sources.rotate_secret(ENV, "repo", "next")
    await node.sources.pause(ENV, "repo")
    held = await issue(node, github)
    await node.sources.resume(ENV, "repo")
    await node.deliveries.replay(ENV, held.delivery_id)
    for body, secret in ((b"{", SECRET), (ISSUE, "guessed")):
        with pytest.raises((InvalidArgument, SignatureRefused)):
            await issue(node, github, body=body, secret=secret, delivery="d-3")

    report = await rebuild(storage, node.fold, check=True)

    assert report.differing == ()
    assert (report.rows["webhook"], report.rows["delivery"]) == (1, 4)
    await rebuild(storage, node.fold, check=False)
    assert (await issue(node, github, delivery="d-4")).status == "accepted"


@pytest.mark.skipif(not REAL.exists(), reason="the file of real payloads is not here")
async def test_github_s_real_payloads_come_through_byte_for_byte(node: Node, github: Opened) -> None:
    lines: list[dict[str, Any]] = [json.loads(line) for line in REAL.read_text().splitlines()]
    bodies = []
    for number, line in enumerate(lines):
        body = json.dumps(line["data"], ensure_ascii=False, separators=(",", ":")).encode()
        event = line["name"].removeprefix("github.")
        action = line["data"].get("action")
        headers = signing.github(
            SECRET, body, event=event.removesuffix(f".{action}") if action else event, delivery=f"guid-{number}"
        )
        received = await post(node, github, headers, body)
        assert received.event_name == line["name"]
        bodies.append(body)

    found: list[EventEmitted] = await events(node)
    assert len(found) == len(lines)
    assert [bytes(event.data) for event in found] == bodies
    newest = (await node.deliveries.list(ENV, limit=1)).rows[0]
    assert (await node.deliveries.get(ENV, newest.id)).body == bodies[-1]


async def test_what_came_of_late_is_counted_no_further_than_is_cheap(
    node: Node, github: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        await issue(node, github, delivery=f"d-{number}")

    monkeypatch.setattr(deliveries, "COUNTED_MAX", 2)
    some = (await node.deliveries.activity(ENV, [github.row.id]))[github.row.id]
    monkeypatch.setattr(deliveries, "COUNTED_MAX", 4)
    all_of_them = (await node.deliveries.activity(ENV, [github.row.id]))[github.row.id]

    assert (some.deliveries, some.exact) == (2, False)
    assert (all_of_them.deliveries, all_of_them.exact) == (3, True)
