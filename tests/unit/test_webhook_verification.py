"""Verification against what the senders document, and every way to be refused."""

from __future__ import annotations

import pytest

from app.errors import InvalidArgument
from app.history.kinds import Descriptor, Verification
from app.webhooks import content
from app.webhooks import descriptor as descriptors
from app.webhooks.descriptor import PROVIDERS, described
from app.webhooks.sampling import sample, without_signature
from app.webhooks.verification import Keys, Request, verify
from tests.support import signing

NOW_S = 1_764_000_000
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
    b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
    b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)


def checked(
    provider: str, secret: str, headers: dict[str, str], body: bytes, *, at: int = NOW_S, previous: str = ""
) -> Verification:
    descriptor = described(provider, Descriptor())
    keys = Keys(
        descriptors.secret_bytes(descriptor, secret),
        descriptors.secret_bytes(descriptor, previous) if previous else None,
    )
    return verify(descriptor, keys, Request(headers, body), now=at * 1_000_000)


def test_github_s_documented_example_is_verified() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

    told = checked("github", "It's a Secret to Everybody", {"x-hub-signature-256": signature}, b"Hello, World!")

    assert told.key == "current"


def test_slack_s_documented_example_is_verified_and_named() -> None:
    headers = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        "content-type": content.FORM,
    }

    told = checked("slack", "8f742231b10e8888abcd99yyyzzz85a5", headers, SLACK_BODY, at=1531420618)

    assert told.key == "current"
    read = content.read(Request(headers, SLACK_BODY))
    slack = PROVIDERS["slack"]
    assert content.event_name("slack", slack, headers, read.value) == "slack.webhook-collect"
    assert (
        content.external_id(slack, headers, read.value) == "398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )


@pytest.mark.parametrize("before", ["", "v1,bm9wZQ== v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw "])
def test_the_documented_example_of_standard_webhooks_is_verified(before: str) -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": f"{before}v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }

    told = checked("standard", signing.STANDARD_SECRET, headers, b'{"test": 2432232314}', at=1614265330)

    assert told.key == "current"


def test_stripe_and_shopify_are_verified() -> None:
    stripe = signing.stripe("whsec_s", b'{"id":"evt_1"}', at=NOW_S, others=("whsec_old",))
    shopify = signing.shopify("s", b"{}", topic="orders/create", webhook_id="b54557e4")

    assert checked("stripe", "whsec_s", stripe, b'{"id":"evt_1"}').key == "current"
    assert checked("stripe", "whsec_other", stripe, b'{"id":"evt_1"}', previous="whsec_old").key == "prev"
    assert checked("shopify", "s", shopify, b"{}").key == "current"
    assert content.event_name("shopify.", PROVIDERS["shopify"], shopify, {}) == "shopify.orders.create"


@pytest.mark.parametrize("provider", ["github", "stripe", "slack", "shopify", "standard"])
def test_another_body_secret_or_signature_is_refused_and_nothing_is_given_away(provider: str) -> None:
    secret, body = signing.STANDARD_SECRET, b'{"a":1}'
    headers = {
        "github": lambda: signing.github(secret, body, event="push", delivery="1"),
        "stripe": lambda: signing.stripe(secret, body, at=NOW_S),
        "slack": lambda: signing.slack(secret, body, at=NOW_S),
        "shopify": lambda: signing.shopify(secret, body, topic="a/b", webhook_id="1"),
        "standard": lambda: signing.standard(secret, body, id="msg_1", at=NOW_S),
    }[provider]()
    header = PROVIDERS[provider].signature_header.lower()
    right = headers[header].rpartition("=" if provider in ("github", "slack") else ",")[2]

    assert checked(provider, secret, headers, body).key == "current"
    refused = [
        checked(provider, secret, headers, body + b" "),
        checked(provider, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", headers, body),
        checked(provider, secret, {**headers, header: "sha256=zz,v1=zz"}, body),
        checked(provider, secret, {**headers, header: ""}, body),
        checked(provider, secret, {name: value for name, value in headers.items() if name != header}, body),
        checked(provider, secret, {**headers, header: headers[header][:-3]}, body),
    ]
    for told in refused:
        assert told.key == "invalid"
        assert told.reason
        assert secret.removeprefix("whsec_") not in repr(told)
        assert right not in repr(told)


@pytest.mark.parametrize(
    ("age_s", "fits"), [(0, True), (300, True), (301, False), (-300, True), (-301, False), (10**9, False)]
)
def test_a_signed_time_must_be_near(age_s: int, fits: bool) -> None:
    headers = signing.slack("s", b"{}", at=NOW_S - age_s)

    told = checked("slack", "s", headers, b"{}")

    assert (told.key == "current") is fits
    assert fits or f"{abs(age_s)} s" in told.reason


@pytest.mark.parametrize("time", ["", "soon", "-1", "1e9", "٣", "9" * 40])
def test_a_time_that_is_none_is_refused(time: str) -> None:
    headers = {**signing.slack("s", b"{}", at=NOW_S), "x-slack-request-timestamp": time}

    assert checked("slack", "s", headers, b"{}").key == "invalid"


def test_any_age_can_be_let_through() -> None:
    descriptor = described("slack", Descriptor(tolerance_seconds=-1))
    request = Request(signing.slack("s", b"{}", at=1), b"{}")

    assert verify(descriptor, Keys(b"s"), request, now=NOW_S * 1_000_000).key == "current"


def test_without_a_secret_nothing_is_verified_and_an_old_one_is_only_told() -> None:
    descriptor = described("github", Descriptor())
    request = Request(signing.github("s", b"{}", event="push", delivery="1"), b"{}")

    assert verify(Descriptor(), Keys(), request, now=0).key == "none"
    assert verify(descriptor, Keys(None, b"s"), request, now=0).key == "prev"
    assert verify(descriptor, Keys(None, b"other"), request, now=0).key == "none"


def test_a_signature_of_one_s_own_kind() -> None:
    descriptor = described(
        "",
        Descriptor(
            signature_header="X-Sig",
            algorithm="sha1",
            timestamp_header="X-Time",
            signing_template="{ts}|{body}",
            tolerance_seconds=10,
            secret_encoding="hex",
            event_name_path="body:kind.name",
        ),
    )
    import hashlib
    import hmac

    digest = hmac.new(bytes.fromhex("0011"), b"1764000000|{}", hashlib.sha1).hexdigest()
    keys = Keys(descriptors.secret_bytes(descriptor, "0011"))
    for given in (digest, f"sha1={digest}", digest.upper()):
        request = Request({"x-sig": given, "x-time": "1764000000"}, b"{}")
        assert verify(descriptor, keys, request, now=NOW_S * 1_000_000).key == "current", given


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("signature_header", {"signature_header": "a b"}),
        ("signature_header", {"signature_header": "x" * 300}),
        ("algorithm", {"algorithm": "md5"}),
        ("encoding", {"encoding": "rot13"}),
        ("secret_encoding", {"secret_encoding": "rot13"}),
        ("signing_template", {"signing_template": "{ts}"}),
        ("signing_template", {"signing_template": "{body}{body}"}),
        ("signing_template", {"signing_template": "{body}{secret}"}),
        ("timestamp_header", {"signing_template": "{ts}.{body}"}),
        ("timestamp_key", {"signing_template": "{ts}.{body}", "timestamp_key": "t"}),
        ("signature_key", {"signature_key": "v1"}),
        ("signature_key", {"kv_delimiter": "="}),
        ("dedup_id_path", {"signing_template": "{id}.{body}", "dedup_id_path": "body:id"}),
        ("tolerance_seconds", {"tolerance_seconds": 5}),
        ("tolerance_seconds", {"signing_template": "{ts}.{body}", "timestamp_header": "a", "tolerance_seconds": -2}),
        ("event_name_path", {"event_name_path": "type"}),
        ("event_name_path", {"event_name_path": "body:a..b"}),
        ("dedup_id_path", {"dedup_id_path": "header:a b"}),
    ],
)
def test_a_descriptor_that_cannot_work_is_refused_by_name(field: str, given: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument) as refused:
        described("", Descriptor(**{"signature_header": "X-Sig", **given}))  # type: ignore[arg-type]

    assert refused.value.field == f"verify_config.{field}"
    assert refused.value.hint


@pytest.mark.parametrize("secret", ["whsec_", "not base64!", ""])
def test_a_secret_that_is_not_written_as_told_is_refused_without_being_told(secret: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        descriptors.secret_bytes(PROVIDERS["standard"], secret)

    assert not secret or secret not in str(refused.value)


def test_names_and_ids_are_found_by_paths() -> None:
    headers = {"x-github-event": "issues", "x": ""}
    body = {"action": "opened", "n": {"id": 7, "ok": True, "list": [1]}, "type": "a/b: c*d"}

    assert descriptors.found("header:X-GitHub-Event+body:action", headers, body) == "issues.opened"
    assert descriptors.found("header:X-GitHub-Event+body:none", headers, body) == "issues"
    assert descriptors.found("body:none+body:action|body:n.id", headers, body) == "7"
    assert [descriptors.found(f"body:n.{name}", headers, body) for name in ("ok", "list", "id.x")] == ["", "", ""]
    assert descriptors.found("body:a", {}, [1]) == ""
    named = Descriptor(event_name_path="body:type")
    assert content.event_name("p", named, {}, body) == "p.a.b.c_d"
    assert content.event_name("p.", Descriptor(), {}, body) == "p"
    with pytest.raises(InvalidArgument, match="name the event"):
        content.event_name("p", named, {}, {})


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b"payload=%7B%22action%22%3A%22opened%22%7D", b'{"action":"opened"}'),
        (b' {"a":1}', b' {"a":1}'),
        (b"a=1&b=2&b=3&c=", b'{"a":"1","b":["2","3"],"c":""}'),
    ],
)
def test_a_form_is_its_payload_or_its_fields(body: bytes, data: bytes) -> None:
    assert content.read(Request({"content-type": f"{content.FORM}; charset=utf-8"}, body)).data == data


@pytest.mark.parametrize("body", [b"&&=&", b"a=1&" * 2_000, b"\xff", b"payload={"])
def test_a_form_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidArgument):
        content.read(Request({"content-type": content.FORM}, body))


OWN = Descriptor(
    signature_header="X-Sig",
    kv_delimiter=":",
    signature_key="s",
    timestamp_header="X-At",
    signing_template="{ts}/{id}/{body}",
    encoding="base64",
    algorithm="hmac-sha512",
    tolerance_seconds=10,
    event_name_path="header:X-Kind+body:event.type.name|body:type",
    dedup_id_path="header:X-Id",
)


@pytest.mark.parametrize("descriptor", [*PROVIDERS.values(), OWN], ids=[*PROVIDERS, "own"])
def test_what_is_made_up_is_verified_as_what_is_sent(descriptor: Descriptor) -> None:
    descriptor = described("", descriptor)
    request = sample(descriptor, b"a secret", id="whd_1", now=1_764_000_000_900_000)

    taken = verify(descriptor, Keys(b"a secret"), request, now=1_764_000_000_900_000)
    refused = verify(descriptor, Keys(b"another"), request, now=1_764_000_000_900_000)

    assert (taken.key, refused.key) == ("current", "invalid")
    read = content.read(request)
    assert content.event_name("shop", descriptor, request.headers, read.value) == "shop.test"
    assert content.external_id(descriptor, request.headers, read.value) == "whd_1"
    assert content.challenge(descriptor, read.value) == ""
    shown = without_signature(descriptor, request)
    assert shown.headers[descriptor.signature_header.lower()] == "[signature]"


def test_what_is_made_up_for_a_source_without_a_secret_is_not_signed() -> None:
    request = sample(Descriptor(), None, id="whd_1", now=1)

    assert (dict(request.headers), request.body) == (
        {"content-type": "application/json"},
        b'{"test":true,"id":"whd_1"}',
    )
