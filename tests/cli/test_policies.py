"""`ironflow policy` and `ironflow cel`: what people see, what programs read, exit codes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Ironflow = Callable[..., subprocess.CompletedProcess[str]]

POLICY = {
    "name": "no-secrets",
    "actions": ["secrets:*"],
    "condition": '!("oncall" in subject.roles) && resource.id != "public"',
}


def test_policies(ironflow: Ironflow, tmp_path: Path) -> None:
    file = tmp_path / "policies.json"
    file.write_text(json.dumps([POLICY, {"name": "watched", "actions": ["runs:*"], "mode": "monitor"}]))

    assert ironflow("policy", "check", "policies.json").stdout.splitlines() == [
        "✓ no-secrets is valid",
        "✓ watched is valid",
    ]
    first = json.loads(ironflow("policy", "apply", "policies.json", "--json").stdout)["items"]
    again = json.loads(ironflow("policy", "apply", "policies.json", "--json").stdout)["items"]
    file.write_text(json.dumps({**POLICY, "condition": ""}))
    third = json.loads(ironflow("policy", "apply", "policies.json", "--json", "--reason", "x").stdout)["items"]
    assert [one["status"] for one in (*first, *again, *third)] == [*["created"] * 2, *["unchanged"] * 2, "changed"]
    assert ironflow("policy", "rollback", "no-secrets", "1").stdout == "✓ no-secrets is active, version 3\n"
    assert json.loads(ironflow("policy", "get", "no-secrets").stdout)["condition"] == POLICY["condition"]
    assert "changed (version 1)" in ironflow("policy", "versions", "no-secrets").stdout
    assert ironflow("policy", "list").stdout.split()[:3] == ["NAME", "STATUS", "MODE"]

    denied = ironflow("policy", "explain", "--action", "secrets:read", "--resource", "secret/s", "--role", "developer")
    assert denied.returncode == 4
    assert denied.stdout.startswith("deny: policy no-secrets denies it\n")
    assert '  true   resource.id != "public"' in denied.stdout.splitlines()
    assert '  false  "oncall" in subject.roles' in denied.stdout.splitlines()
    assert "watched v1 (monitor): no pattern of its actions fits" in denied.stdout
    allowed = ironflow("policy", "dry-run", "--action", "secrets:read", "--role", "oncall", "--json")
    assert (allowed.returncode, json.loads(allowed.stdout)["decision"]) == (0, "allow")

    assert ironflow("policy", "disable", "no-secrets").returncode == 0
    assert ironflow("policy", "enable", "no-secrets").returncode == 0
    assert "only tells" in ironflow("policy", "monitor", "no-secrets", "--reason", "finding 3").stdout
    assert ironflow("policy", "dry-run", "--action", "secrets:read", "--role", "developer").returncode == 0
    assert "for 10 % of callers" in ironflow("policy", "enforce", "no-secrets", "--percent", "10").stdout
    assert "enforce 10 %" in ironflow("policy", "list").stdout
    assert "only tells" not in ironflow("policy", "enforce", "no-secrets").stdout
    assert ironflow("policy", "delete", "no-secrets").returncode == 2
    assert ironflow("policy", "delete", "no-secrets", "--yes").returncode == 0
    assert ironflow("policy", "get", "no-secrets").returncode == 3


def test_policies_that_cannot_be(ironflow: Ironflow, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(json.dumps({**POLICY, "condition": "subject.nope == 1"}))
    (tmp_path / "all.json").write_text(json.dumps({"name": "all", "actions": ["*"]}))

    bad = ironflow("policy", "check", "bad.json")
    assert bad.returncode == 10
    assert "subject has id, kind, roles" in bad.stderr
    assert ironflow("policy", "check", "all.json").returncode == 5
    assert ironflow("policy", "apply", "all.json").returncode == 5
    (tmp_path / "odd.json").write_text(json.dumps({"name": "odd", "actions": ["secret:read"]}))
    odd = ironflow("policy", "check", "odd.json")
    assert (odd.returncode, odd.stdout) == (0, "✓ odd is valid\n")
    assert "odd: action secret:read is no permission: is secrets:read meant?" in odd.stderr
    assert ironflow("policy", "apply", "-", stdin="{").returncode == 2
    assert ironflow("policy", "apply", "-", stdin="[]").returncode == 2
    assert ironflow("policy", "apply", "missing.json").returncode == 2


def test_cel(ironflow: Ironflow) -> None:
    assert ironflow("cel", "eval", "total * 2", "-d", '{"total": 21}').stdout == "42\n"
    told = json.loads(ironflow("cel", "eval", "[1, 2].map(x, x + 1)", "--json").stdout)
    assert (told["value"], told["schema"]) == ([2, 3], "ironflow.cel/v1")
    assert ironflow("cel", "eval", "total * 2").returncode == 10
    assert ironflow("cel", "eval", "1 / 0").returncode == 10


def test_audit(ironflow: Ironflow, tmp_path: Path) -> None:
    ironflow("policy", "apply", "-", "--reason", "finding 7", stdin=json.dumps({**POLICY, "name": "audited"}))

    told = json.loads(ironflow("audit", "list", "--type", "policy.created", "--json").stdout)["items"]
    assert told[0]["reason"] == "finding 7"
    assert "finding 7" in ironflow("audit", "list").stdout
    lines = ironflow("audit", "export", "--type", "policy.created").stdout.splitlines()
    assert json.loads(lines[0])["type"] == "policy.created"
    assert ironflow("audit", "export", "--format", "csv", "-f", "a.csv").returncode == 0
    assert (tmp_path / "a.csv").read_text().startswith('"position","time"')
    nowhere = ironflow("audit", "export", "-f", "no/a.csv")
    assert (nowhere.returncode, "no/a.csv: No such file or directory" in nowhere.stderr) == (1, True)
    assert ironflow("audit", "list", "--type", "nope").returncode == 10
    ironflow("audit", "settings", "--reads", "--redact", "email")
    settings = json.loads(ironflow("audit", "settings", "--writes", "--json").stdout)
    assert settings["payload_redaction_fields"] == ["email"]
    assert (settings["authz_successful_reads"], settings["authz_successful_writes"]) == (True, True)
    replayed = ironflow("policy", "replay", "-", "--json", stdin=json.dumps(POLICY))
    assert (replayed.returncode, json.loads(replayed.stdout)["items"]) == (0, [])
