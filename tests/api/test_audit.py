"""The audit from outside, on both stores."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import grpc
import httpx
import pytest

from ironflow import Client, errors
from ironflow.v1 import ironflow_pb2
from tests.support.server import ServerProcess

AUDIT = "/api/v1/audit"
RPC = "/ironflow.v1.IronflowService"
POLICY = {"name": "p", "actions": "secrets:*", "roles": ["developer"]}


@pytest.fixture
def client(shared_server: ServerProcess, environment: str) -> Any:
    with Client(shared_server.url, environment=environment) as made:
        yield made


def flush(http: httpx.Client) -> None:
    """Decisions are recorded with the next commit."""
    http.post("/api/v1/events", json={"name": "what.was.to.be.recorded.before.is"})


def run(http: httpx.Client) -> str:
    http.post(f"{RPC}/RegisterFunction", json={"id": "bill", "triggers": [{"event": "order.*"}]})
    emitted = http.post("/api/v1/events", json={"name": "order.placed", "data": {"email": "ann@example.org"}})
    run_id: str = emitted.json()["run_ids"][0]
    http.post(f"/api/v1/runs/{run_id}/cancel", json={"reason": "=HYPERLINK(1)"})
    return run_id


def test_what_happened_is_listed_newest_first(http: httpx.Client) -> None:
    run_id = run(http)
    http.post("/api/v1/policies", json={**POLICY, "reason": "finding 7"})
    flush(http)

    told = http.get(AUDIT).json()

    types = [event["event_type"] for event in told["events"]]
    assert types == ["authz.allowed", "policy.created", "run.status_changed", "run.created", "function.registered"]
    assert (told["events"][1]["reason"], told["events"][1]["resource"][:11]) == ("finding 7", "policy/pol_")
    assert {event["run_id"] for event in told["events"][2:4]} == {run_id}
    assert told["events"][3]["payload"]["eventId"].startswith("evt_")
    assert http.get(AUDIT, params={"event_type": "policy.created"}).json()["total_count"] == 1
    assert http.get(AUDIT, params={"function_id": "bill"}).json()["total_count"] == 3
    assert http.get(AUDIT, params={"run_id": run_id}).json()["total_count"] == 2
    assert http.get(AUDIT, params={"from": "2999-01-01T00:00:00Z"}).json()["events"] == []
    page = http.get(AUDIT, params={"limit": 3}).json()
    rest = http.get(AUDIT, params={"limit": 3, "cursor": page["next_cursor"]}).json()
    assert [event["id"] for event in page["events"] + rest["events"]] == [event["id"] for event in told["events"]]


def test_a_run_has_an_audit_of_its_own(http: httpx.Client) -> None:
    run_id = run(http)

    told = http.get(f"/api/v1/runs/{run_id}/audit").json()

    assert [event["event_type"] for event in told["events"]] == ["run.status_changed", "run.created"]
    elsewhere = {"X-Ironflow-Environment-ID": "elsewhere"}
    assert http.get(f"/api/v1/runs/{run_id}/audit", headers=elsewhere).json()["code"] == "RUN_NOT_FOUND"
    assert http.get(AUDIT, params={"run_id": run_id}, headers=elsewhere).json()["events"] == []
    assert http.get("/api/v1/runs/nope/audit").status_code == 404


def test_the_audit_tells_what_a_person_acted_through(http: httpx.Client, client: Client) -> None:
    http.post(f"{RPC}/RegisterFunction", json={"id": "bill", "triggers": [{"event": "order.*"}]})
    run_id = http.post("/api/v1/events", json={"name": "order.placed"}).json()["run_ids"][0]
    url, via = f"/api/v1/runs/{run_id}", {"X-Ironflow-Via": "dap/vscode"}

    http.post(f"{url}/pause", json={"reason": "wait"}, headers=via)
    http.post(f"{url}/steps/charge/inject", json={"output": 1, "reason": "paid"}, headers=via)
    http.post(f"{url}/resume", json={"reason": "go"}, headers=via)
    client.via = "tui"
    fork = client.runs.fork(run_id, position=next(client.runs.timeline(run_id)).position, reason="try")["id"]
    client.runs.cancel(run_id, reason="enough")
    wrong = http.post(f"{url}/pause", json={}, headers={"X-Ironflow-Via": "a b"})

    told = [(one["kind"], one.get("via")) for one in reversed(client.audit.of_run(run_id).items)]
    assert told == [
        ("run.created", None),
        ("run.paused", "dap/vscode"),
        ("step.injected", "dap/vscode"),
        ("run.resumed", "dap/vscode"),
        ("run.cancelled", "tui"),
    ]
    assert client.audit.of_run(fork).items[-1]["via"] == "tui"
    assert (wrong.status_code, wrong.json()["field"]) == (400, "X-Ironflow-Via")
    assert b'"via":"dap/vscode"' in client.audit.export(run_id=run_id)


@pytest.mark.parametrize(
    "query", [{"event_type": "nope"}, {"limit": 0}, {"cursor": -1}, {"from": "soon"}, {"scope": "all"}]
)
def test_what_cannot_be_asked_for_is_refused(http: httpx.Client, query: dict[str, Any]) -> None:
    for path in (AUDIT, f"{AUDIT}/export"):
        if path == AUDIT or not {"limit", "cursor"} & set(query):
            answer = http.get(path, params=query)
            assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_ARGUMENT"), path


def test_an_export_is_lines_of_json_or_csv_without_formulas(http: httpx.Client) -> None:
    run(http)

    lines = http.get(f"{AUDIT}/export")  # which is recorded itself
    table = http.get(f"{AUDIT}/export", params={"format": "csv"})

    assert lines.headers["Content-Type"] == "application/x-ndjson"
    types = [json.loads(line)["type"] for line in lines.text.splitlines()]
    assert [one for one in types if one != "authz.allowed"] == [
        "run.status_changed",
        "run.created",
        "function.registered",
    ]
    assert table.headers["Content-Type"].startswith("text/csv")
    assert table.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    rows = [row for row in csv.DictReader(io.StringIO(table.text)) if row["type"] != "authz.allowed"]
    assert [row["type"] for row in rows] == ["run.status_changed", "run.created", "function.registered"]
    assert rows[0]["reason"] == "'=HYPERLINK(1)"


def test_an_export_goes_on_over_pages(http: httpx.Client) -> None:
    http.post(f"{RPC}/RegisterFunction", json={"id": "bill", "triggers": [{"event": "order.*"}]})
    events = [{"name": "order.placed"}] * 700
    http.post("/api/v1/events", json={"events": events})

    lines = http.get(f"{AUDIT}/export", params={"event_type": "run.created"}).text.splitlines()

    assert len(lines) == 700
    assert len({json.loads(line)["position"] for line in lines}) == 700


def test_settings_say_what_is_recorded_and_shown(http: httpx.Client) -> None:
    assert http.get(f"{AUDIT}/settings").json()["authz_successful_reads"] is False
    body = {"authz_successful_reads": True, "payload_redaction_fields": ["email"], "reason": "finding"}

    told = http.put(f"{AUDIT}/settings", json=body).json()

    assert (told["authz_successful_reads"], told["payload_redaction_enabled"]) == (True, True)
    assert (told["delivery_healthy"], told["changes_require_restart"]) == (True, False)
    assert http.get(f"{AUDIT}/settings").json() == told
    run(http)
    [event] = http.get(AUDIT, params={"event_type": "event.emitted"}).json()["events"]
    assert event["payload"]["data"] == {"email": "[redacted]"}
    refused = http.put(f"{AUDIT}/settings", json={"authz_excluded_actions": ["*"]})
    assert (refused.status_code, refused.json()["field"]) == (400, "excluded_actions")


def test_a_policy_that_is_watched_is_told_of_by_dry_runs_only_in_their_answers(http: httpx.Client) -> None:
    http.post("/api/v1/policies", json={**POLICY, "mode": "monitor"})
    asked = {"subject": {"roles": ["developer"]}, "action": "secrets:read"}

    http.post("/api/v1/policies/dry-run", json={"input": asked})

    assert http.get(AUDIT, params={"event_type": "authz.would_deny"}).json()["events"] == []


def test_the_client_has_all_of_it(http: httpx.Client, client: Client) -> None:
    run_id = run(http)

    page = client.audit.list(limit=1)
    assert page.items[0]["event_type"] == "run.status_changed"
    assert client.audit.list(cursor=page.next_cursor, limit=1).items[0]["event_type"] == "run.created"
    assert len(client.audit.of_run(run_id).items) == 2
    assert client.audit.export("csv", run_id=run_id).count(b"\r\n") == 3
    assert client.audit.set_settings(writes=True)["authz_successful_writes"]
    assert client.audit.settings()["authz_successful_writes"]
    run(http)
    flips = client.policies.replay({"name": "x", "actions": ["*:*"]})["flips"]
    assert "runs:cancel" in {flip["action"] for flip in flips}
    with pytest.raises(errors.NotFound):
        client.audit.of_run("run_nope")


def test_connect_tells_the_same(http: httpx.Client) -> None:
    run_id = run(http)
    service = "/ironflow.v1.AuditService"

    told = http.post(f"{service}/GetAuditTrail", json={"runId": run_id, "limit": 1}).json()
    rest = http.post(f"{service}/GetAuditTrail", json={"runId": run_id, "cursor": told["nextCursor"]}).json()
    decisions = http.post(f"{service}/GetAuthAuditTrail", json={"action": "secrets:read"}).json()

    [event], [older] = told["events"], rest["events"]
    assert (event["eventType"], older["eventType"]) == ("run.status_changed", "run.created")
    assert (event["payload"]["newStatus"], event["metadata"]["reason"]) == ("cancelled", "=HYPERLINK(1)")
    assert decisions.get("events", []) == []
    for body in ({"limit": -1}, {"cursor": "x"}, {"eventType": "nope"}, {"fromTimestamp": "soon"}):
        assert http.post(f"{service}/GetAuditTrail", json=body).json()["code"] == "invalid_argument"
    assert http.post(f"{service}/GetAuthAuditTrail", json={"orgId": "other"}).json()["code"] == "permission_denied"


def test_an_act_that_was_refused_is_not_told_as_one(shared_server: ServerProcess, http: httpx.Client) -> None:
    metadata = [("x-ironflow-environment-id", http.headers["X-Ironflow-Environment-ID"])]
    secret = {"name": "stripe", "value": "v"}

    assert http.delete("/api/v1/secrets/nothing").status_code == 404
    assert http.post("/api/v1/secrets", json={"name": "stripe"}).status_code == 400
    assert http.post("/api/v1/secrets", json=secret).status_code == 201
    assert http.post("/api/v1/secrets", json=secret).status_code == 409
    assert http.post(f"{RPC}/DeleteFunction", json={"id": "nothing"}).status_code == 404
    message = ironflow_pb2.DeleteFunctionRequest(id="nothing").SerializeToString()
    with grpc.insecure_channel(shared_server.grpc_address) as channel, pytest.raises(grpc.RpcError):
        channel.unary_unary("/ironflow.v1.IronflowService/DeleteFunction")(message, metadata=metadata, timeout=30)
    flush(http)

    events = http.get(AUDIT, params={"event_type": "authz.allowed"}).json()["events"]
    told = [(one["method"], one.get("outcome", "")) for one in reversed(events)]
    assert list(dict.fromkeys(told)) == [
        ("DELETE /api/v1/secrets/{name}", "SECRET_NOT_FOUND"),
        ("POST /api/v1/secrets", "INVALID_ARGUMENT"),
        ("POST /api/v1/secrets", ""),
        ("POST /api/v1/secrets", "ALREADY_EXISTS"),
        ("IronflowService/DeleteFunction", "FUNCTION_NOT_FOUND"),
    ]
    assert {one["resource"] for one in events[:2]} == {"function/*", "function/nothing"}  # Connect's, and gRPC's
    with_reads = http.put(f"{AUDIT}/settings", json={"authz_successful_reads": True})
    assert with_reads.is_success
    assert http.get("/api/v1/kv/buckets/none/keys/none").status_code == 404
    flush(http)
    [newest, *_] = http.get(AUDIT, params={"action": "kv:read"}).json()["events"]
    assert newest["outcome"] in ("BUCKET_NOT_FOUND", "KEY_NOT_FOUND")
