"""Webhooks over HTTP: what senders see, what is administered, what Connect answers, what is refused."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.support import signing
from tests.support.canary import forms, holding, until_published
from tests.support.history import recorded
from tests.support.server import ServerProcess

SOURCES = "/api/v1/webhook-sources"
DELIVERIES = "/api/v1/webhook-deliveries"
RPC = "/ironflow.v1.WebhookService"
SECRET = "canary-of-the-hook-7f3a"
BODY = b'{"action":"opened","issue":{"number":7}}'


@pytest.fixture
def source(http: httpx.Client) -> dict[str, Any]:
    answer = http.post(SOURCES, json={"name": "repo", "provider": "github", "verify_secret": SECRET})
    assert answer.status_code == 201
    made: dict[str, Any] = answer.json()
    return made


def deliver(
    server: ServerProcess, source: dict[str, Any], *, delivery: str = "d-1", secret: str = SECRET, body: bytes = BODY
) -> httpx.Response:
    """As a sender does it: without any header of ours."""
    headers = signing.github(secret, body, event="issues", delivery=delivery)
    return httpx.post(server.url + source["ingest_path"], content=body, headers=headers, timeout=30)


def test_a_delivery_becomes_an_event_of_the_source_s_environment(
    shared_server: ServerProcess, http: httpx.Client, source: dict[str, Any]
) -> None:
    answer = deliver(shared_server, source)

    assert answer.status_code == 200
    told = answer.json()
    assert told == {
        "status": "accepted",
        "delivery_id": told["delivery_id"],
        "duplicate": False,
        "event_id": told["event_id"],
    }
    event = http.get(f"/api/v1/events/{told['event_id']}").json()
    assert (event["name"], event["source"], event["data"]) == ("github.issues.opened", "webhook", json.loads(BODY))
    assert event["emitted_by"] == f"webhook:{source['id']}"
    again = deliver(shared_server, source).json()
    assert (again["duplicate"], again["event_id"]) == (True, told["event_id"])
    found = http.get(f"{DELIVERIES}/{told['delivery_id']}").json()
    assert (found["status"], found["signature_key"], found["external_id"]) == ("accepted", "current", "d-1")
    assert found["request_body"].encode() == BODY
    assert all(check["passed"] for check in found["checks"])
    [listed] = http.get(DELIVERIES, params={"source": "repo", "status": "accepted"}).json()["deliveries"]
    assert listed["event_name"] == "github.issues.opened"


def test_a_refusal_says_why_and_where_to_look(
    shared_server: ServerProcess, http: httpx.Client, source: dict[str, Any]
) -> None:
    wrong = deliver(shared_server, source, secret="guessed")

    assert wrong.status_code == 401
    told = wrong.json()
    assert (told["code"], told["field"]) == ("SIGNATURE_REFUSED", "X-Hub-Signature-256")
    [row] = http.get(DELIVERIES).json()["deliveries"]
    assert row["id"] in told["hint"]
    broken = deliver(shared_server, source, body=b'{"action":')
    assert (broken.status_code, broken.json()["code"], broken.json()["field"]) == (400, "INVALID_ARGUMENT", "body")
    statuses = [row["status"] for row in http.get(DELIVERIES).json()["deliveries"]]
    assert statuses == ["failed", "rejected"]
    assert http.get("/api/v1/events").json()["events"] == []
    assert http.post(f"{DELIVERIES}/{row['id']}/replay").status_code == 401


def test_a_url_that_is_not_ours_or_a_body_that_is_too_large(
    shared_server: ServerProcess, http: httpx.Client, source: dict[str, Any]
) -> None:
    post = httpx.Client(base_url=shared_server.url, timeout=30).post
    path = source["ingest_path"]
    headers = signing.github(SECRET, BODY, event="issues", delivery="d")

    assert post(path[:-1] + "x", content=BODY, headers=headers).json()["code"] == "WEBHOOK_NOT_FOUND"
    assert post(path.replace(source["id"], "wh_other"), content=BODY, headers=headers).status_code == 404
    assert post(path + "/more", content=BODY, headers=headers).status_code == 404
    assert http.get(path).status_code == 405
    assert http.get(DELIVERIES).json()["deliveries"] == [], "nobody's are not recorded"
    packed = post(path, content=BODY, headers={**headers, "content-encoding": "gzip"})
    assert packed.status_code == 415
    large = post(path, content=b"x" * (10 * 2**20 + 1), headers=headers)
    assert large.status_code == 413
    [row] = http.get(DELIVERIES).json()["deliveries"]
    assert (row["status"], row["code"], row["body_bytes"]) == ("rejected", "PAYLOAD_TOO_LARGE", 0)


def test_webhooks_come_through_tunnels_and_nothing_else_does(
    shared_server: ServerProcess, source: dict[str, Any]
) -> None:
    headers = {**signing.github(SECRET, BODY, event="issues", delivery="t"), "host": "hooks.tunnel.example"}

    delivered = httpx.post(shared_server.url + source["ingest_path"], content=BODY, headers=headers, timeout=30)
    assert delivered.status_code == 200
    asked = httpx.get(shared_server.url + SOURCES, headers={"host": "hooks.tunnel.example"}, timeout=30)
    assert asked.status_code == 403


def test_slack_s_challenge_is_answered_as_text(shared_server: ServerProcess, http: httpx.Client) -> None:
    made = http.post(SOURCES, json={"name": "chat", "provider": "slack", "verify_secret": "s"}).json()
    body = b'{"type":"url_verification","challenge":"3eZbrw1aB","token":"t"}'
    headers = signing.slack("s", body, at=int(time.time()))

    answer = httpx.post(shared_server.url + made["ingest_path"], content=body, headers=headers, timeout=30)

    assert (answer.status_code, answer.text) == (200, "3eZbrw1aB")
    assert answer.headers["content-type"].startswith("text/plain")


def test_sources_are_administered(shared_server: ServerProcess, http: httpx.Client, source: dict[str, Any]) -> None:
    assert "ingest_token" in source
    read = http.get(f"{SOURCES}/repo").json()
    assert "ingest_token" not in read
    assert read == {key: value for key, value in source.items() if key not in ("ingest_token", "ingest_path")}
    quiet = {"deliveries": 0, "failed": 0, "exact": True}
    assert http.get(SOURCES).json() == {"sources": [{**read, "activity": quiet}], "total_count": 1}
    assert http.post(SOURCES, json={"name": "repo"}).status_code == 409
    assert http.post(f"{SOURCES}/repo/pause").json()["status"] == "paused"
    held = deliver(shared_server, source)
    assert (held.status_code, held.json()["status"]) == (202, "held")
    assert http.post(f"{SOURCES}/repo/resume").json()["status"] == "active"
    replayed = http.post(f"{DELIVERIES}/{held.json()['delivery_id']}/replay").json()
    assert replayed["event_name"] == "github.issues.opened"
    rotated = http.put(f"{SOURCES}/repo/secret", json={"verify_secret": "next", "grace_seconds": 60}).json()
    assert rotated["verify_secret_prev_set"]
    assert "verify_secret_prev_expires_at" in rotated
    expired = http.delete(f"{SOURCES}/repo/previous-secret").json()
    assert not expired["verify_secret_prev_set"]
    assert deliver(shared_server, source, delivery="d-2").status_code == 401
    stale = {"name": "x", "expected_updated_at": source["updated_at"]}
    assert http.patch(f"{SOURCES}/repo", json=stale).json()["code"] == "CONFLICT"
    changed = http.patch(f"{SOURCES}/repo", json={"event_prefix": "gh", "metadata": {"team": "a"}}).json()
    assert (changed["event_prefix"], changed["metadata"]) == ("gh", {"team": "a"})
    assert not http.post(f"{SOURCES}/repo/disable-verification").json()["verify_secret_set"]
    token = http.post(f"{SOURCES}/repo/token", json={}).json()
    assert deliver(shared_server, source, delivery="d-3").status_code == 404
    assert deliver(shared_server, token, delivery="d-3").json()["status"] == "accepted"
    assert http.delete(f"{SOURCES}/repo").status_code == 204
    assert http.get(f"{SOURCES}/repo").json()["code"] == "WEBHOOK_NOT_FOUND"
    assert http.get(f"{DELIVERIES}/whd_no").json()["code"] == "DELIVERY_NOT_FOUND"


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", SOURCES, b"{", "body"),
        ("POST", SOURCES, b'{"provider":"github"}', "name"),
        ("POST", SOURCES, b'{"name":"a","provder":"github"}', "provder"),
        ("POST", SOURCES, b'{"name":"a","verify_config":{"hint":1}}', "verify_config"),
        ("POST", SOURCES, b'{"name":"a","verify_secret":"s","verify_config":{"signature_header":"a b"}}', None),
        ("POST", SOURCES, b'{"name":"a","provider":"github"}', "verify_secret"),
        ("POST", SOURCES, b'{"name":"a","metadata":[]}', "metadata"),
        ("POST", SOURCES, b'{"name":"a\\u0000"}', "name"),
        ("PUT", f"{SOURCES}/repo/secret", b'{"verify_secret":""}', "verify_secret"),
        ("PUT", f"{SOURCES}/repo/secret", b'{"verify_secret":"x","grace_seconds":-1}', "grace_seconds"),
        ("PATCH", f"{SOURCES}/repo", b'{"expected_updated_at":"soon"}', "expected_updated_at"),
        ("GET", f"{DELIVERIES}?status=lost", b"", "status"),
        ("GET", f"{DELIVERIES}?limit=0", b"", "limit"),
        ("GET", f"{DELIVERIES}?cursor=x", b"", "cursor"),
    ],
)
def test_bad_input_is_refused_by_name(
    http: httpx.Client, source: dict[str, Any], method: str, path: str, body: bytes, field: str | None
) -> None:
    before = recorded(http)

    answer = http.request(method, path, content=body)

    assert answer.status_code == 400, answer.text
    assert (answer.json()["field"] or "").startswith(field or "verify_config.signature_header")
    assert SECRET not in answer.text
    assert recorded(http) == before


def test_connect_has_the_published_names(shared_server: ServerProcess, http: httpx.Client) -> None:
    def call(method: str, **body: Any) -> Any:
        answer = http.post(f"{RPC}/{method}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    made = call("CreateWebhookSource", name="own", event_prefix="own.", verify_header="X-Sig", verify_secret="s")
    assert (made["verify_header"], made["verify_algorithm"], made["verify_secret_set"]) == (
        "X-Sig",
        "hmac-sha256",
        True,
    )
    assert made["ingest_token"].startswith(made["ingest_token_prefix"])
    assert made["created_at"].endswith("Z")
    import hashlib
    import hmac

    signature = hmac.new(b"s", BODY, hashlib.sha256).hexdigest()
    answer = httpx.post(shared_server.url + made["ingest_path"], content=BODY, headers={"x-sig": signature}, timeout=30)
    assert answer.status_code == 200
    told = call("ListWebhookDeliveries", source_id=made["id"])
    assert told["total_count"] == 1
    [delivery] = told["deliveries"]
    assert (delivery["status"], delivery["signature_key"], delivery["event_name"]) == ("accepted", "current", "own")
    found = call("GetWebhookDelivery", id=delivery["id"])
    assert found["request_body"].encode() == BODY
    assert found["request_headers"]["x-sig"] == signature
    assert call("ReplayWebhookDelivery", id=delivery["id"])["replays"] == 1
    rotated = call("RotateWebhookSecret", id=made["id"], verify_secret="t", grace_seconds=0)
    assert not rotated["verify_secret_prev_set"]
    kept = call("RotateWebhookSecret", id=made["id"], verifySecret="u")
    assert kept["verify_secret_prev_set"]
    conflict = http.post(
        f"{RPC}/UpdateWebhookSource",
        json={"id": made["id"], "name": "x", "expected_updated_at": made["updated_at"]},
    )
    assert (conflict.status_code, conflict.json()["code"]) == (409, "aborted")
    updated = call("UpdateWebhookSource", id=made["id"], name="renamed", expected_updated_at=kept["updated_at"])
    assert updated["name"] == "renamed"
    assert not call("ExpireWebhookSecretPrev", id=made["id"])["verify_secret_prev_set"]
    assert not call("DisableWebhookSignatureVerification", id=made["id"], grace_seconds=0)["verify_secret_set"]
    assert call("RotateWebhookIngestToken", id=made["id"])["ingest_token"] != made["ingest_token"]
    assert call("PauseWebhookSource", id=made["id"])["status"] == "paused"
    assert call("ResumeWebhookSource", id=made["id"])["status"] == "active"
    assert call("ListWebhookSources")["total_count"] == 1
    assert call("DeleteWebhookSource", id=made["id"]) == {}
    assert http.post(f"{RPC}/GetWebhookSource", json={"id": made["id"]}).json()["code"] == "not_found"


def test_a_source_is_tried_out_with_a_delivery_that_is_made_up(http: httpx.Client, source: dict[str, Any]) -> None:
    seen = http.post(f"{SOURCES}/repo/test").json()

    assert (seen["verified"], seen["signature_key"], seen["event_name"]) == (True, "current", "github.test")
    assert [check["name"] for check in seen["checks"]] == ["header", "signature"]
    assert seen["request_headers"]["x-hub-signature-256"] == "[signature]"
    assert json.loads(seen["request_body"])["test"] is True
    assert http.get(DELIVERIES).json()["deliveries"] == []
    sent = http.post(f"{SOURCES}/{source['id']}/test", json={"deliver": True}).json()
    [delivery] = http.get(DELIVERIES).json()["deliveries"]
    assert (sent["status"], sent["delivery_id"], sent["event_id"]) == ("accepted", delivery["id"], delivery["event_id"])
    assert http.post(f"{SOURCES}/nowhere/test").status_code == 404


def test_a_source_signs_nothing_for_whoever_describes_it(http: httpx.Client) -> None:
    config = {
        "signature_header": "X-Signature",
        "signing_template": "amount=1000&more={body}",
        "event_name_path": "header:X-Signature",
        "dedup_id_path": "header:X-Signature",
    }
    made = http.post(SOURCES, json={"name": "odd", "verify_secret": SECRET, "verify_config": config})
    assert made.status_code == 201, made.text

    sent = http.post(f"{SOURCES}/odd/test", json={"deliver": True})
    told = sent.json()
    delivery = http.get(f"{DELIVERIES}/{told['delivery_id']}")

    signed = f"amount=1000&more={told['request_body']}".encode()
    right = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert told["verified"] is True
    assert delivery.json()["request_headers"]["x-signature"] == "[signature]"
    assert right not in sent.text + delivery.text + json.dumps(recorded(http))


def test_sources_tell_what_came_of_late_and_why_they_are_paused(
    shared_server: ServerProcess, http: httpx.Client, source: dict[str, Any]
) -> None:
    quiet = http.post(SOURCES, json={"name": "quiet", "event_prefix": "quiet"}).json()
    deliver(shared_server, source)
    deliver(shared_server, source, delivery="d-2", secret="another")

    told = {one["id"]: one["activity"] for one in http.get(SOURCES).json()["sources"]}

    newest = http.get(DELIVERIES).json()["deliveries"][0]
    assert told[source["id"]] == {
        "deliveries": 2,
        "failed": 1,
        "exact": True,
        "last_at": newest["created_at"],
        "last_status": "rejected",
    }
    assert told[quiet["id"]] == {"deliveries": 0, "failed": 0, "exact": True}
    assert http.post(f"{SOURCES}/repo/pause", json={"reason": "they send twice"}).json()["status"] == "paused"
    [paused] = [entry for entry in recorded(http) if entry["kind"] == "webhook.paused"]
    assert paused["data"] == {"reason": "they send twice"}


def test_a_descriptor_is_tried_out_and_a_kept_secret_signs_nothing(http: httpx.Client, source: dict[str, Any]) -> None:
    def tried(**body: Any) -> Any:
        return http.post(f"{RPC}/TestWebhookVerifyConfig", json={"body": BODY.decode(), **body}).json()

    headers = {
        name.title(): value for name, value in signing.github(SECRET, BODY, event="issues", delivery="d").items()
    }
    right = headers["X-Hub-Signature-256"].partition("=")[2]

    told = tried(verify_config=source["verify_config"], headers=headers, verify_secret=SECRET)
    assert told == {
        "verified": True,
        "signing_string": BODY.decode(),
        "computed_signature": right,
        "presented_signatures": [right],
        "resolved_timestamp": "",
        "resolved_event_name": "issues.opened",
        "resolved_dedup_id": "d",
        "error": "",
    }
    kept = tried(source_id=source["id"], headers={**headers, "X-Hub-Signature-256": "sha256=00"})
    assert (kept["verified"], kept["computed_signature"]) == (False, "")
    assert right not in str(kept)
    assert kept["resolved_event_name"] == "github.issues.opened"
    assert tried(verify_config=source["verify_config"])["code"] == "invalid_argument"
    assert http.get(DELIVERIES).json()["deliveries"] == []


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_a_secret_is_nowhere_in_clear(
    request: pytest.FixtureRequest, start_server: Any, tmp_path: Path, store: str
) -> None:
    """Whatever is done with it: neither the data, NATS' files, the log, the answers nor a dump have it."""
    url = request.getfixturevalue("postgres_url") if store == "postgres" else None
    server = start_server(data_dir=tmp_path / "data", database_url=url)
    with httpx.Client(base_url=server.url, timeout=30) as http:
        answers = [http.post(SOURCES, json={"name": "repo", "provider": "github", "verify_secret": SECRET})]
        made = answers[0].json()
        answers.append(deliver(server, made))
        headers = signing.github("guessed", BODY, event="issues", delivery="x") | {"x-echo": SECRET}
        answers.append(http.post(made["ingest_path"], content=BODY, headers=headers))
        answers.append(http.put(f"{SOURCES}/repo/secret", json={"verify_secret": f"{SECRET}-2"}))
        answers += [http.get(SOURCES), http.get(DELIVERIES), http.get("/api/v1/history")]
        position = http.get("/api/v1/history/head").json()["position"]
        until_published(http, position)
    server.terminate()

    for form in forms(SECRET):
        assert not any(form in answer.content for answer in answers)
    found = holding(tmp_path, SECRET)
    assert list(found) == []
    assert list(holding(tmp_path, "github.issues.opened")), "the search finds what is there"
    if url:
        with psycopg.connect(url) as connection:
            dumped = str(connection.execute("select * from history").fetchall())
            dumped += str(connection.execute("select * from webhook_sources").fetchall())
        assert SECRET not in dumped
        assert "github.issues.opened" in dumped
