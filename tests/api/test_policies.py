"""Policies from outside, on both stores."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from ironflow import Client, errors
from tests.support.server import ServerProcess

POLICIES = "/api/v1/policies"
POLICY = {"name": "no-secrets", "actions": "secrets:read, secrets:manage", "roles": ["developer"]}
ASKED = {"subject": {"id": "ak_x", "roles": ["developer"]}, "action": "secrets:read", "resource": "secret/stripe"}


@pytest.fixture(scope="module")
def shared_server(own_server: ServerProcess) -> ServerProcess:
    """The set of policies is of the organization."""
    return own_server


@pytest.fixture
def client(shared_server: ServerProcess, environment: str) -> Any:
    with Client(shared_server.url, environment=environment) as made:
        yield made


def make(http: httpx.Client, **options: Any) -> dict[str, Any]:
    answer = http.post(POLICIES, json={**POLICY, **options})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def decide(http: httpx.Client, **options: Any) -> Any:
    return http.post(f"{POLICIES}/dry-run", json={"input": ASKED, **options}).json()


def test_a_policy_is_made_read_listed_and_deleted(http: httpx.Client) -> None:
    made = make(http, resources="secret/*", valid_until="2099-01-01T00:00:00Z", reason="audit")

    assert made["id"].startswith("pol_")
    assert (made["actions"], made["resources"]) == (["secrets:read", "secrets:manage"], ["secret/*"])
    assert (made["effect"], made["status"], made["version"]) == ("deny", "active", 1)
    assert made["valid_until"].startswith("2099-01-01T00:00:00")
    for name in (made["id"], "no-secrets"):
        answer = http.get(f"{POLICIES}/{name}")
        assert (answer.json(), answer.headers["ETag"]) == (made, '"1"')
    assert http.get(POLICIES).json() == [made]
    assert http.delete(f"{POLICIES}/no-secrets").status_code == 204
    assert http.get(f"{POLICIES}/no-secrets").json()["code"] == "POLICY_NOT_FOUND"
    assert http.get(POLICIES).json() == []


def test_policies_of_one_environment_are_not_seen_in_another(http: httpx.Client) -> None:
    made = make(http)

    for name in (made["id"], made["name"]):
        answer = http.get(f"{POLICIES}/{name}", headers={"X-Ironflow-Environment-ID": "elsewhere"})
        assert answer.status_code == 404
    assert http.get(POLICIES, headers={"X-Ironflow-Environment-ID": "elsewhere"}).json() == []


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"effect": "allow"}, "effect"),
        ({"actions": []}, "actions"),
        ({"actions": "secrets"}, "actions"),
        ({"condition": "subject.nope == 1"}, "condition"),
        ({"mode": "audit"}, "mode"),
        ({"valid_from": "yesterday"}, "valid_from"),
        ({"extra": 1}, "extra"),
    ],
)
def test_what_is_no_policy_is_refused_by_its_field(http: httpx.Client, options: dict[str, Any], field: str) -> None:
    for path in (POLICIES, f"{POLICIES}/validate"):
        answer = http.post(path, json={**POLICY, **options})

        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_ARGUMENT")
        assert field in answer.json()["field"] or field in answer.json()["error"]
    assert http.get(POLICIES).json() == []


def test_a_replacement_says_which_version_it_replaces(http: httpx.Client) -> None:
    make(http)
    body = {**POLICY, "mode": "monitor"}

    missing = http.put(f"{POLICIES}/no-secrets", json=body)
    stale = http.put(f"{POLICIES}/no-secrets", json=body, headers={"If-Match": "7"})
    replaced = http.put(f"{POLICIES}/no-secrets", json=body, headers={"If-Match": '"1"'})
    late = http.patch(f"{POLICIES}/no-secrets", json={"mode": "enforce"}, headers={"If-Match": "1"})
    rollback = http.post(f"{POLICIES}/no-secrets/versions/1/rollback")

    assert (missing.status_code, missing.json()["code"]) == (428, "PRECONDITION_REQUIRED")
    assert (stale.status_code, stale.json()["code"]) == (412, "REVISION_CONFLICT")
    assert (replaced.status_code, replaced.json()["version"], replaced.json()["mode"]) == (200, 2, "monitor")
    assert late.status_code == 412
    assert rollback.status_code == 428


def test_older_clients_patch_without_a_version(http: httpx.Client) -> None:
    make(http)

    patched = http.patch(f"{POLICIES}/no-secrets", json={"actions": "secrets:*", "condition": None}).json()

    assert (patched["version"], patched["actions"], patched["roles"]) == (2, ["secrets:*"], ["developer"])
    assert http.patch(f"{POLICIES}/no-secrets", json={"effect": "allow"}).status_code == 400


def test_versions_and_the_past(http: httpx.Client) -> None:
    made = make(http, reason="finding 7")
    http.patch(f"{POLICIES}/no-secrets", json={"mode": "monitor", "reason": "too strict"})
    http.post(f"{POLICIES}/no-secrets/disable")

    back = http.post(f"{POLICIES}/no-secrets/versions/1/rollback", headers={"If-Match": "3"})

    assert (back.json()["mode"], back.json()["version"], back.json()["status"]) == ("enforce", 4, "active")
    versions = http.get(f"{POLICIES}/no-secrets/versions").json()["versions"]
    assert [(one["version"], one["operation"]) for one in versions] == [
        (4, "changed"),
        (3, "disabled"),
        (2, "changed"),
        (1, "created"),
    ]
    assert (versions[0]["restored_from"], versions[2]["reason"]) == (1, "too strict")
    assert http.get(f"{POLICIES}/no-secrets/versions/2").json()["policy"]["mode"] == "monitor"
    assert http.get(f"{POLICIES}/no-secrets/versions/9").status_code == 404
    then = http.get(f"{POLICIES}/no-secrets", params={"at": made["position"]}).json()
    assert then == made
    assert http.get(POLICIES, params={"at": made["position"] - 1}).json() == []


def test_a_policy_that_would_lock_its_author_out_is_refused(http: httpx.Client) -> None:
    answer = http.post(POLICIES, json={"name": "all", "actions": "*"})

    assert (answer.status_code, answer.json()["code"]) == (409, "POLICY_LOCKOUT")
    assert http.post(POLICIES, json={"name": "all", "actions": "*", "mode": "monitor"}).status_code == 201
    assert http.patch(f"{POLICIES}/all", json={"mode": "enforce"}).status_code == 409


def test_a_policy_is_validated_as_it_would_be_saved_and_what_fits_nothing_is_told(http: httpx.Client) -> None:
    checked = http.post(f"{POLICIES}/validate", json={"name": "all", "actions": "*"})
    assert (checked.status_code, checked.json()["code"]) == (409, "POLICY_LOCKOUT")

    odd = {
        "name": "odd",
        "actions": "secret:read, secrets:raed, kv:*",
        "resources": ["secrets/a", "secret/a"],
        "roles": ["x"],
    }
    told = http.post(f"{POLICIES}/validate", json=odd).json()
    assert told["warnings"] == [
        "action secret:read is no permission: is secrets:read meant?",
        "action secrets:raed is no permission: is secrets:read meant?",
        "resource secrets/a fits nothing: its type is secret",
        "there is no role x",
    ]
    assert decide(http, input={**ASKED, "action": "secrets:raed"})["warnings"] == told["warnings"][1:2]
    assert decide(http)["warnings"] == []


def test_a_request_is_tried_and_explained(http: httpx.Client) -> None:
    made = make(http, condition='environment != "x" && resource.id.startsWith("str")')
    make(http, name="other", roles=[], actions="runs:*")

    told = decide(http, explain=True)

    assert told["decision"] == "deny"
    assert told["denial"] == {"reason": "policy no-secrets denies it", "policy": made["id"], "version": 1}
    first, second = told["explain"]
    assert [(one["clause"], one["holds"]) for one in first["clauses"]] == [
        ('environment != "x"', True),
        ('resource.id.startsWith("str")', True),
    ]
    assert (second["applies"], second["why_not"]) == (False, "no pattern of its actions fits")
    assert decide(http, policy={**POLICY, "mode": "monitor"})["would_deny"][0]["policy"] == made["id"]
    assert decide(http, input={**ASKED, "action": "kv:read"})["decision"] == "allow"


def test_cel_is_evaluated(http: httpx.Client) -> None:
    def value(expression: str, **variables: Any) -> Any:
        return http.post("/api/v1/cel/eval", json={"expression": expression, "variables": variables}).json()

    assert value("a.b + 1", a={"b": 2})["value"] == 3
    assert value('{"k": [1, 2.5, "x", true, null]}')["value"] == {"k": [1, 2.5, "x", True, None]}
    assert value('timestamp("2026-01-01T00:00:00Z") + duration("1h")')["value"] == "2026-01-01T01:00:00Z"
    assert value("a == 1")["code"] == "INVALID_ARGUMENT"
    assert value("1 / 0")["code"] == "INVALID_ARGUMENT"
    bomb = "[0,1,2,3,4,5,6,7,8,9]" + ".map(a, [a,a,a,a,a,a,a,a,a,a])" * 3
    nested = f"{bomb}.all(a, a.all(b, b.all(c, c.all(d, d >= 0))))"
    assert "steps" in value(nested)["error"] or "evaluated" in value(nested)["error"]


def test_the_client_has_all_of_it(client: Client) -> None:
    policies = client.policies
    made = policies.create("no-secrets", ["secrets:*"], roles=["developer"])

    assert policies.validate({"name": "x", "actions": ["a:b"]})["valid"]
    assert policies.dry_run(ASKED)["decision"] == "deny"
    assert policies.replace("no-secrets", ["secrets:*"], version=1, mode="monitor")["version"] == 2
    assert policies.change("no-secrets", version=2, description="x")["description"] == "x"
    assert policies.disable("no-secrets")["status"] == "disabled"
    assert policies.enable("no-secrets")["status"] == "active"
    assert policies.roll_back("no-secrets", 1, version=5)["mode"] == "enforce"
    assert policies.get("no-secrets", at=made["position"])["version"] == 1
    assert policies.version("no-secrets", 1)["operation"] == "created"
    assert len(policies.versions("no-secrets")) == 6
    assert [one["name"] for one in policies.list()] == ["no-secrets"]
    with pytest.raises(errors.Conflict):
        policies.delete("no-secrets", version=1)
    policies.delete("no-secrets")
    with pytest.raises(errors.NotFound):
        policies.get("no-secrets")
    assert client.cel("a + 1", {"a": 1})["value"] == 2


def test_a_policy_is_attached_to_a_role_and_detached(http: httpx.Client) -> None:
    made = make(http)
    role = "/api/v1/roles/admin/policies"

    attached = http.post(role, json={"policy_id": made["id"]})

    assert (attached.status_code, attached.json()["roles"]) == (200, ["developer", "admin"])
    assert [one["id"] for one in http.get(role).json()] == [made["id"]]
    assert http.delete(f"/api/v1/roles/viewer/policies/{made['id']}").status_code == 404
    assert http.delete(f"{role}/{made['id']}").status_code == 204
    last = http.delete(f"/api/v1/roles/developer/policies/{made['id']}")
    assert (last.status_code, last.json()["code"]) == (409, "CONFLICT")
    assert http.get(f"{POLICIES}/no-secrets").json()["roles"] == ["developer"]


def test_the_policy_set_is_one_versioned_document(http: httpx.Client) -> None:
    """It is the organization's: no other test of this server has one."""
    url = "/api/v1/policy-set"
    body = {"modules": {"a": 'request.action == "secrets:read"', "b": "1 / size(subject.roles) > 9"}, "mode": "monitor"}
    assert http.get(url).json() == {"modules": {}, "mode": "monitor", "version": 0, "enforcement_active": False}
    assert http.put(url, json=body).status_code == 428
    assert http.put(url, json=body, headers={"If-Match": "3"}).status_code == 412

    first = http.put(url, json=body, headers={"If-Match": "0"})
    second = http.put(url, json={**body, "decision": "a"}, headers={"If-Match": '"1"'})

    assert (first.status_code, first.json()["version"], first.headers["ETag"]) == (200, 1, '"1"')
    assert (second.json()["version"], second.json()["decision"]) == (2, "a")
    assert http.put(url, json=body, headers={"If-Match": "0"}).status_code == 412
    assert [one["version"] for one in http.get(f"{url}/versions").json()["versions"]] == [2, 1]
    assert "decision" not in http.get(f"{url}/versions/1").json()
    tried = {"input": {"action": "kv:read"}, "explain": True}
    told = http.post(f"{url}/dry-run", json=tried).json()
    assert (told["decision"], told["entrypoint"], told["reasons"]) == ("allow", "a", [])
    assert http.post(f"{url}/versions/1/rollback", headers={"If-Match": "2"}).json()["version"] == 3
    told = http.post(f"{url}/dry-run", json=tried).json()
    assert (told["decision"], told["reasons"], told["version"]) == ("deny", ["b"], 3)
    assert told["error"].startswith("b: ")
    assert told["explain"].startswith("a: says nothing\nb: denies (")
    saved = {"modules": {"x": "true"}, "mode": "enforce"}
    assert http.post(f"{url}/dry-run", json={**tried, "set": saved}).json()["decision"] == "deny"
    assert http.post(f"{url}/validate", json=saved).json() == {"valid": True}
    locked = http.put(url, json=saved, headers={"If-Match": "3"})
    assert (locked.status_code, locked.json()["code"]) == (409, "POLICY_LOCKOUT")
    for bad in ({"modules": {}}, {"modules": {"a": "nope"}}, {"modules": {"a": "true"}, "decision": "b"}):
        assert http.post(f"{url}/validate", json=bad).status_code == 400
    patched = http.patch(f"{POLICIES}/policy-set", json={"condition": "true", "org_id": "org_default"})
    assert patched.status_code == 400
    assert http.delete(f"{POLICIES}/policy-set").status_code == 204
    assert http.get(url).json()["version"] == 0
